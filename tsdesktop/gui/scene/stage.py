"""What stands on the stage of the 3D view: listens to the session, makes surfaces in the background, gives content.

Content is a value for the drawing thread; this object lives on the main thread and never draws.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal, Slot

from tsdesktop.core.structures import Rgb
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui import theme
from tsdesktop.gui.background import Answer, Work, run_in_background
from tsdesktop.gui.scene.camera import Camera
from tsdesktop.gui.scene.content import Body, Clip, Content, Openness, Slices
from tsdesktop.gui.session import Session

if TYPE_CHECKING:  # VTK is loaded by the first worker, after the window's first paint.
    from tsdesktop.surfaces.display import DisplaySurface, Surroundings

log = logging.getLogger(__name__)
ClipKind = Literal["none", "view", "sagittal", "coronal", "axial"]
_WORLD_AXIS = {"sagittal": 0, "coronal": 1, "axial": 2}
_BATCH_S = 0.2
_FADED = 0.12
_SKIN_RGB: Rgb = (236, 205, 186)
_SKIN_OPACITY = 0.9


@dataclass(frozen=True, eq=False)
class Lit:
    """A surface and how open to light its vertices are."""

    surface: DisplaySurface
    openness: Openness


class Stage(QObject):
    """Surfaces, skin, slices and the clip plane of one session, as they should look now.

    `changed`: there is new content. `extent_changed(bounds_mm)`: other structures stand there now, in a box (2, 3) RAS.
    `finished`: all surfaces of the label map are there.
    """

    changed = Signal()
    extent_changed = Signal(object)
    finished = Signal()
    failed = Signal(Exception)
    _arrived = Signal(int, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._lit: dict[int, Lit] = {}
        self._names: dict[int, str] = {}
        self._skin: DisplaySurface | None = None
        self._generation = 0
        self._lighting = 0
        self._lit_for: frozenset[int] = frozenset()
        self._extent_of: LabelMap | None = None
        self._work: dict[int, Work] = {}
        self._started = 0
        self._bodies: tuple[Body, ...] | None = None
        self._slices: Slices | None = None
        self._clip_kind: ClipKind = "none"
        self._clip_normal = np.zeros(3)
        self.shows_skin = self.shows_slices = self.fades_others = False
        self.expected = 0
        self.has_failed = False
        self._awake = False
        self._stopped = threading.Event()
        self._arrived.connect(self._on_surfaces_arrived, Qt.ConnectionType.QueuedConnection)
        self._listen()

    def _listen(self) -> None:
        session = self._session
        session.volume_changed.connect(self._on_volume_changed)
        session.labels_changed.connect(self._on_labels_changed)
        session.looks_changed.connect(self._on_looks_changed)
        session.selection_changed.connect(self._on_looks_changed)
        session.cursor_changed.connect(self._on_cursor_changed)
        session.window_changed.connect(self._on_cursor_changed)

    def wake(self) -> None:
        """Begins to make surfaces: nothing heavy is loaded before."""
        if not self._awake:
            self._awake = True
            self._on_volume_changed()
            self._on_labels_changed()

    def close(self) -> None:
        """Forgets all work that is under way."""
        self._generation += 1
        self._lighting += 1
        self._awake = False
        self._stopped.set()
        for work in self._work.values():
            work.forget()
        self._work.clear()

    def stopper(self) -> Callable[[], None]:
        """Keeps work that is under way from going on; may be called when this object is gone."""
        return self._stopped.set

    @property
    def is_awake(self) -> bool:
        """Whether surfaces are made."""
        return self._awake

    @property
    def is_busy(self) -> bool:
        """Whether something is being made that will change the picture."""
        return bool(self._work)

    @property
    def made(self) -> int:
        """How many of the `expected` surfaces are there."""
        return min(len(self._lit), self.expected)

    @property
    def shows_anything(self) -> bool:
        """Whether there is more than background in the picture."""
        return bool(self._shown_bodies()) or (self.shows_slices and self._session.volume is not None)

    def content(self, camera: Camera) -> Content:
        """What to draw for a viewer there."""
        background = theme.current().colour("panel")
        rgb = (background.red(), background.green(), background.blue())
        return Content(self._shown_bodies(), self._slices, self.clip(camera), rgb)

    def _shown_bodies(self) -> tuple[Body, ...]:
        if self._bodies is None:
            self._bodies = tuple(self._look())
        return self._bodies

    def clip(self, camera: Camera) -> Clip | None:
        """The clip plane through the crosshair, for a viewer there."""
        volume = self._session.volume
        if self._clip_kind == "none" or volume is None:
            return None
        if self._clip_kind == "view":
            return Clip(self._session.cursor_ras, camera.turn[2])
        # Where the slice is that the other views show: in the middle of its voxels.
        return Clip(volume.geometry.world_ras(self._session.cursor_voxel), self._clip_normal)

    def set_clip(self, kind: ClipKind, camera: Camera) -> None:
        """Cuts away what lies towards the viewer of a plane across the view or of a slice, through the crosshair."""
        self._clip_kind = kind
        self._face_clip(camera.turn[2])
        self.changed.emit()

    def _face_clip(self, towards_ras: NDArray[np.float64]) -> None:
        """Turns the plane of a slice so that what lies in this direction is cut away."""
        volume = self._session.volume
        if volume is None or self._clip_kind in ("none", "view"):
            return
        world = _WORLD_AXIS[self._clip_kind]
        axis = next(n for n, (each, _) in enumerate(volume.geometry.ras_axes) if each == world)
        normal = volume.affine[:3, axis] / np.linalg.norm(volume.affine[:3, axis])
        self._clip_normal = normal if normal @ towards_ras >= 0 else -normal

    def show_skin(self, shown: bool) -> None:
        """The patient's skin as a ghost, or not."""
        self.shows_skin = shown
        if shown and self._skin is None:
            self._make_skin()
        self._on_bodies_changed()

    def show_slices(self, shown: bool) -> None:
        """The three slices through the crosshair, or not."""
        self.shows_slices = shown
        self._bodies = None
        self._on_cursor_changed()

    def fade_others(self, faded: bool) -> None:
        """All structures but the selected one nearly see-through, or not."""
        self.fades_others = faded
        self._on_looks_changed()

    def _look(self) -> Iterable[Body]:
        session = self._session
        chosen = self._chosen()
        alone = not self.shows_slices
        for label, lit in self._lit.items():
            look = session.looks.get(label)
            if look is None or not look.visible or look.opacity <= 0.0:
                continue
            faded = self.fades_others and bool(chosen) and label not in chosen
            alone = False
            opacity = min(look.opacity, _FADED) if faded else look.opacity
            yield Body(lit.surface, look.rgb, opacity, lit.openness, chosen=label in chosen)
        if self.shows_skin and self._skin is not None:
            # Around nothing a ghost would be a grey cloud: alone, the body is shown as it is.
            yield Body(self._skin, _SKIN_RGB) if alone else Body(self._skin, _SKIN_RGB, _SKIN_OPACITY, ghost=True)

    def _chosen(self) -> frozenset[int]:
        """What stands out; nothing does where all are marked."""
        looks = self._session.looks
        visible = {label for label in self._lit if label in looks and looks[label].visible}
        chosen = self._session.marked & visible
        return frozenset() if len(chosen) == len(visible) > 1 else chosen

    @Slot()
    def _on_volume_changed(self) -> None:
        self._skin = None
        if self.shows_skin:
            self._make_skin()
        self._face_clip(self._clip_normal)
        self._bodies = None
        self._on_cursor_changed()
        self.changed.emit()

    @Slot()
    def _on_labels_changed(self) -> None:
        self._generation += 1
        self.has_failed = False
        label_map = self._session.label_map
        if label_map is None:
            self._lit, self.expected, self._extent_of = {}, 0, None
            self._on_bodies_changed()
            return
        names = {each.label: each.name for each in label_map.classes}
        # A finer result of the same structures replaces the coarse one surface by surface.
        self._lit = {label: lit for label, lit in self._lit.items() if self._same_structure(label, names)}
        self._names = names
        if self._awake:
            self.expected = len(label_map.boxes)
            self._make_surfaces(label_map)
        self._on_bodies_changed()

    def _same_structure(self, label: int, names: dict[int, str]) -> bool:
        return label in names and self._names.get(label) == names[label]

    def _make_surfaces(self, label_map: LabelMap) -> None:
        mine = self._generation
        visible = self._visible()
        self._lit_for = visible
        call = partial(_lit_surfaces, label_map, visible, self._wanted(mine), partial(self._arrived.emit, mine))
        self._start(call, partial(self._on_surfaces_made, mine), partial(self._on_surfaces_failed, mine))

    def _wanted(self, generation: int) -> Callable[[], bool]:
        stopped = self._stopped
        return lambda: not stopped.is_set() and self._generation == generation

    @Slot(int, object)
    def _on_surfaces_arrived(self, generation: int, batch: list[Lit]) -> None:
        if generation != self._generation or self._session.label_map is None:
            return
        self._lit.update({each.surface.label: each for each in batch})
        if self._extent_of is not self._session.label_map:
            self._extent_of = self._session.label_map
            self.extent_changed.emit(_extent(self._session.label_map))
        self._on_bodies_changed()

    def _on_surfaces_made(self, generation: int, _: None) -> None:
        if generation != self._generation or self._session.label_map is None:
            return
        present = self._session.label_map.boxes
        self._lit = {label: lit for label, lit in self._lit.items() if label in present}
        self._on_bodies_changed()
        self._relight()
        self.finished.emit()

    @Slot()
    def _on_looks_changed(self) -> None:
        self._on_bodies_changed()
        self._relight()

    def _relight(self) -> None:
        """What is hidden takes no light from its neighbours any more."""
        label_map, visible = self._session.label_map, self._visible()
        if label_map is None or visible == self._lit_for or not self._awake or self.made < self.expected:
            return
        self._lit_for = visible
        self._lighting += 1
        surfaces = [each.surface for label, each in self._lit.items() if label in visible]
        self._start(partial(_relit, label_map, visible, surfaces), partial(self._on_relit, self._lighting))

    def _on_relit(self, lighting: int, lit: list[Lit]) -> None:
        current = {label: each.surface for label, each in self._lit.items()}
        fitting = {each.surface.label: each for each in lit if current.get(each.surface.label) is each.surface}
        if lighting == self._lighting and fitting:
            self._lit.update(fitting)
            self._on_bodies_changed()

    def _visible(self) -> frozenset[int]:
        """The structures that stand in each other's light."""
        if self.fades_others and self._session.marked:
            return self._session.marked
        return frozenset(label for label, look in self._session.looks.items() if look.visible and look.opacity > 0.5)

    def _make_skin(self) -> None:
        volume = self._session.volume
        if volume is not None and self._awake:
            self._start(partial(_skin_of, volume), partial(self._on_skin_made, volume))

    def _on_skin_made(self, volume: Volume, skin: DisplaySurface | None) -> None:
        if self._session.volume is volume and skin is not None:
            self._skin = skin
            if not self._lit:
                self.extent_changed.emit(skin.bounds_mm)
            self._on_bodies_changed()

    def _start(
        self,
        call: Callable[[], Answer],
        on_done: Callable[[Answer], None],
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        number = self._started = self._started + 1
        done, failed = partial(self._ended_with, number, on_done), on_error or self._on_failed
        self._work[number] = run_in_background(call, done, partial(self._ended_with, number, failed))

    def _ended_with(self, number: int, then: Callable[[Answer], None], answer: Answer) -> None:
        self._work.pop(number, None)
        # With the view this object may be gone.
        if not self._stopped.is_set():
            then(answer)

    def _on_surfaces_failed(self, generation: int, error: Exception) -> None:
        if generation == self._generation:
            # What was made stays in the picture, and nothing more is waited for.
            self.expected = len(self._lit)
            self._on_failed(error)

    def _on_failed(self, error: Exception) -> None:
        log.error("a surface could not be made", exc_info=error)
        self.has_failed = True
        self.failed.emit(error)
        self.changed.emit()

    @Slot()
    def _on_bodies_changed(self) -> None:
        self._bodies = None
        self.changed.emit()

    @Slot()
    def _on_cursor_changed(self) -> None:
        session = self._session
        before = self._slices
        self._slices = None
        if self.shows_slices and session.volume is not None:
            self._slices = Slices(session.volume, session.cursor_voxel, session.window)
        if before is not self._slices or self._clip_kind != "none":
            self.changed.emit()


def _lit_surfaces(
    label_map: LabelMap, visible: frozenset[int], wanted: Callable[[], bool], say: Callable[[list[Lit]], None]
) -> None:
    """Makes all surfaces and tells of them in batches, large structures first."""
    from tsdesktop.surfaces.display import Surroundings, display_surfaces

    surroundings = Surroundings(label_map, visible)
    batch: list[Lit] = []
    began = time.monotonic()
    for surface in display_surfaces(label_map, wanted=wanted):
        batch.append(_lit(surface, surroundings))
        if time.monotonic() - began > _BATCH_S and wanted():
            say(batch)
            batch, began = [], time.monotonic()
    if batch and wanted():
        say(batch)


def _relit(label_map: LabelMap, visible: frozenset[int], surfaces: list[DisplaySurface]) -> list[Lit]:
    from tsdesktop.surfaces.display import Surroundings

    surroundings = Surroundings(label_map, visible)
    return [_lit(each, surroundings) for each in surfaces]


def _lit(surface: DisplaySurface, surroundings: Surroundings) -> Lit:
    return Lit(surface, Openness(surroundings.openness(surface.fine), surroundings.openness(surface.coarse)))


def _skin_of(volume: Volume) -> DisplaySurface | None:
    from tsdesktop.gui.scene.skin import skin_surface

    return skin_surface(volume)


def _extent(label_map: LabelMap) -> NDArray[np.float64]:
    """The box around all labels, (2, 3) in RAS mm."""
    boxes = label_map.boxes.values()
    low = np.min([box.start for box in boxes], axis=0)
    high = np.max([box.stop for box in boxes], axis=0) - 1
    corners = np.array(np.meshgrid(*np.array([low, high]).T, indexing="ij")).reshape(3, -1).T
    world = label_map.geometry.world_ras(corners)
    return np.array([world.min(axis=0), world.max(axis=0)])
