"""What is open and how it is shown: the one model that all views share. Main thread only.

Views get the session, listen to its signals and never call each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from tsdesktop.core.notes import Note
from tsdesktop.core.statistics import StructureStatistics
from tsdesktop.core.structures import Rgb, StructureClass
from tsdesktop.core.volume import LabelMap, Modality, Volume
from tsdesktop.gui.windowing import Window, first_window

if TYPE_CHECKING:
    from tsdesktop.pipeline import Segmentation

LabelStyle = Literal["filled", "outlined"]


@dataclass(frozen=True)
class Look:
    """How one structure is shown: colour 0 to 255, visible or not, opacity 0 to 1 in 3D."""

    rgb: Rgb
    visible: bool = True
    opacity: float = 1.0


@dataclass(frozen=True)
class Display:
    """How slices are shown. `radiological`: the patient's right on the left of the picture."""

    style: LabelStyle = "filled"
    fill_opacity: float = 0.45
    smooth: bool = True
    radiological: bool = True
    crosshair: bool = True
    show_labels: bool = True


class Session(QObject):
    """The open scan, its labels, their looks, the crosshair in the world and the selected structure.

    `cursor_ras` is where the crosshair stands, `pointer_ras` what lies under the mouse (None beside the scan).
    `selected` is the structure whose details are shown, `marked` are all that are picked out, that one among them.
    `is_draft`: the labels are those of a run that is still under way.
    `undo_stack` holds the changes of looks that a person made.
    """

    volume_changed = Signal()
    labels_changed = Signal()
    statistics_changed = Signal()
    looks_changed = Signal()
    selection_changed = Signal()
    cursor_changed = Signal()
    pointer_changed = Signal()
    window_changed = Signal()
    display_changed = Signal()
    notes_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.volume: Volume | None = None
        self.label_map: LabelMap | None = None
        self.result: Segmentation | None = None
        self.statistics: dict[int, StructureStatistics] = {}
        self.looks: dict[int, Look] = {}
        self.is_draft = False
        self.selected: int | None = None
        self.marked: frozenset[int] = frozenset()
        self.cursor_ras: NDArray[np.float64] = np.zeros(3)
        self.pointer_ras: NDArray[np.float64] | None = None
        self.window = Window(40.0, 400.0)
        self.display = Display()
        self.notes: tuple[Note, ...] = ()
        # The names of what was visible before only some structures were shown.
        self.shown_before_solo: tuple[str, ...] = ()
        self.undo_stack = QUndoStack(self)

    def open_volume(self, volume: Volume) -> None:
        """Shows another scan; labels of the one before are closed."""
        self.volume, self.pointer_ras = volume, None
        self.window = first_window(volume)
        middle = (np.array(volume.geometry.shape) - 1) / 2
        self.cursor_ras = volume.geometry.world_ras(np.round(middle))
        self.notes = volume.notes
        self.close_labels()
        self.volume_changed.emit()
        self.window_changed.emit()
        self.cursor_changed.emit()
        self.notes_changed.emit()

    def set_modality(self, modality: Modality) -> None:
        """A person knows what the file does not say; labels stay."""
        if self.volume is None:
            return
        self.notes = tuple(each for each in self.notes if each.id != "note.unknown_modality")
        self.volume = replace(self.volume, modality=modality, notes=self.notes)
        self.window = first_window(self.volume)
        self.volume_changed.emit()
        self.window_changed.emit()
        self.notes_changed.emit()

    def close_volume(self) -> None:
        """Closes the scan and its labels."""
        self.volume, self.notes, self.pointer_ras = None, (), None
        self.close_labels()
        self.volume_changed.emit()
        self.notes_changed.emit()

    def close_labels(self) -> None:
        """Forgets the labels, their looks and numbers."""
        self.label_map, self.result, self.is_draft = None, None, False
        self.selected, self.marked = None, frozenset()
        self.statistics, self.looks, self.shown_before_solo = {}, {}, ()
        self.undo_stack.clear()
        self.labels_changed.emit()
        self.statistics_changed.emit()
        self.selection_changed.emit()

    def show_labels(self, label_map: LabelMap, result: Segmentation | None = None, *, is_draft: bool = False) -> None:
        """Shows labels on the scan; structures that were there before keep their looks and the selection."""
        before = {each.name: self.looks.get(each.label) for each in self.label_map} if self.label_map else {}
        # The changes name labels, which may stand for other structures now.
        self.undo_stack.clear()
        chosen = self.selected_structure
        marked = [each.name for each in self.label_map if each.label in self.marked] if self.label_map else []
        self.label_map, self.result, self.is_draft = label_map, result, is_draft
        self.looks = {each.label: before.get(each.name) or Look(each.rgb) for each in label_map.classes}
        names = {each.name: each.label for each in label_map.present}
        self.selected = names.get(chosen.name) if chosen else None
        self.marked = frozenset(names[name] for name in marked if name in names)
        self.statistics = {}
        self.labels_changed.emit()
        self.statistics_changed.emit()
        self.selection_changed.emit()

    def set_statistics(self, statistics: Iterable[StructureStatistics]) -> None:
        """The numbers of the labels that are shown."""
        self.statistics = {each.structure.label: each for each in statistics}
        self.statistics_changed.emit()

    def set_looks(self, looks: Mapping[int, Look]) -> None:
        """Replaces the looks of these labels, without a way back; those of others stay."""
        self.looks = {**self.looks, **looks}
        self.looks_changed.emit()

    def change_looks(self, what: str, looks: Mapping[int, Look]) -> None:
        """As `set_looks`, as a step that can be undone; `what` names it in the menu. Nothing where nothing changes."""
        changed = {label: look for label, look in looks.items() if self.looks.get(label) != look}
        if changed:
            self.undo_stack.push(_LooksChange(self, what, changed))

    def change_visible(self, what: str, labels: Iterable[int], visible: bool) -> None:
        """Shows or hides structures, as a step that can be undone."""
        self.change_looks(what, {label: replace(self.looks[label], visible=visible) for label in labels})

    def select(self, label: int | None, *, go_there: bool = False) -> None:
        """Selects a structure everywhere, and marks no other; `go_there` moves the crosshair into its middle."""
        self.mark(() if label is None else (label,), label)
        found = self.statistics.get(label) if label is not None else None
        if go_there and found is not None and found.inside_ras_mm is not None:
            self.move_cursor(np.array(found.inside_ras_mm))

    def mark(self, labels: Iterable[int], selected: int | None = None) -> None:
        """Marks several structures; `selected`, one of them, is the one whose details are shown."""
        self.marked, self.selected = frozenset(labels), selected
        self.selection_changed.emit()

    def move_cursor(self, world_ras: NDArray[np.float64]) -> None:
        """Moves the crosshair of all views to a place in RAS+ mm, kept inside the scan."""
        if self.volume is None:
            return
        geometry = self.volume.geometry
        index = np.clip(geometry.voxel(world_ras), 0, np.array(geometry.shape) - 1)
        self.cursor_ras = geometry.world_ras(index)
        self.cursor_changed.emit()

    def add_notes(self, notes: Iterable[Note]) -> None:
        """More to tell about the open scan, such as what a run noticed."""
        added = tuple(notes)
        if added:
            self.notes = (*self.notes, *added)
            self.notes_changed.emit()

    def point_at(self, world_ras: NDArray[np.float64] | None) -> None:
        """The mouse is over this place in RAS+ mm, or over none."""
        self.pointer_ras = world_ras
        self.pointer_changed.emit()

    def set_window(self, window: Window) -> None:
        """Another window and level for the slices."""
        self.window = window
        self.window_changed.emit()

    def set_display(self, display: Display) -> None:
        """Another way to show slices."""
        self.display = display
        self.display_changed.emit()

    @property
    def selected_structure(self) -> StructureClass | None:
        """The selected structure, if any."""
        return None if self.selected is None else self.structure_of(self.selected)

    def structure_of(self, label: int) -> StructureClass | None:
        """The structure of a label; None where there is none of that label."""
        return None if self.label_map is None else next((each for each in self.label_map if each.label == label), None)

    @property
    def cursor_voxel(self) -> tuple[int, int, int]:
        """The voxel (i, j, k) of the scan under the crosshair; (0, 0, 0) without a scan."""
        return self.voxel_at(self.cursor_ras)

    def voxel_at(self, world_ras: NDArray[np.float64]) -> tuple[int, int, int]:
        """The voxel (i, j, k) of the scan nearest to a place in RAS+ mm; (0, 0, 0) without a scan."""
        if self.volume is None:
            return 0, 0, 0
        geometry = self.volume.geometry
        nearest = np.clip(np.rint(geometry.voxel(world_ras)), 0, np.array(geometry.shape) - 1)
        i, j, k = (int(n) for n in nearest)
        return i, j, k

    def label_at(self, voxel: tuple[int, int, int]) -> int:
        """The label of a voxel of the scan; 0 for background or without labels."""
        if self.label_map is None or self.volume is None:
            return 0
        if self.label_map.geometry.matches(self.volume.geometry):
            return int(self.label_map.array[voxel])
        index = np.rint(self.label_map.geometry.voxel(self.volume.geometry.world_ras(voxel))).astype(int)
        inside = np.all((index >= 0) & (index < self.label_map.geometry.shape))
        return int(self.label_map.array[tuple(index)]) if inside else 0


class _LooksChange(QUndoCommand):
    """One step of the undo stack: looks before and after."""

    def __init__(self, session: Session, what: str, looks: Mapping[int, Look]) -> None:
        super().__init__(what)
        self._session = session
        self._before = {label: session.looks[label] for label in looks if label in session.looks}
        self._after = looks

    def redo(self) -> None:
        self._session.set_looks(self._after)

    def undo(self) -> None:
        self._session.set_looks(self._before)
