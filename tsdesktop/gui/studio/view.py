"""The preview of the print studio: the parts, the bed they lie on, and the plane of a cut that can be dragged."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from tsdesktop.core.printing import Cut
from tsdesktop.core.structures import Rgb
from tsdesktop.gui import theme
from tsdesktop.gui.scene.camera import Camera, outgrows
from tsdesktop.gui.scene.content import Body, Content
from tsdesktop.gui.scene.drawn import MARGIN, DrawnView
from tsdesktop.gui.scene.probe import Graphics
from tsdesktop.gui.scene.strip import side_letter
from tsdesktop.gui.studio.engine import Made
from tsdesktop.gui.studio.shown import apart, bed_body, plane_bodies, plane_corners
from tsdesktop.gui.studio.workbench import Workbench

if TYPE_CHECKING:  # VTK is loaded by the workers.
    from tsdesktop.surfaces.display import DisplaySurface

_GRAB_PX = 12.0
_SMALLEST_MM = 1.0
_GAP_SHARE = 0.25


class PreviewView(DrawnView):
    """What the recipe makes, in 3D. `plane_dragged(mm)`: the plane of the selected cut was dragged along its normal;
    `plane_dropped` when it was let go."""

    plane_dragged = Signal(float)
    plane_dropped = Signal()

    def __init__(self, bench: Workbench, parent: QWidget | None = None, *, graphics: Graphics | None = None) -> None:
        super().__init__(parent, graphics=graphics)
        self._bench = bench
        self.bed_mm: tuple[float, float, float] | None = None
        self.setAccessibleName(self.tr("Preview in 3D"))
        self._shown: Made | None = None
        self._drags_plane = False
        self._is_apart = False
        self._content_now: Content | None = None
        self._camera = self._camera.orbited(-60.0, 40.0)
        bench.made_changed.connect(self._on_made_changed)
        for each in (bench.recipe_changed, bench.selection_changed, bench.part_changed):
            each.connect(self._on_content_changed)

    @property
    def plane(self) -> Cut | None:
        """The cut whose plane is shown: that of the selected step, where what it cuts is seen."""
        step, made, at = self._bench.selected_step, self._bench.made, self._bench.selected
        if not isinstance(step, Cut) or made is None or at is None or made.box_mm is None:
            return None
        shown = self._bench.shown_steps
        is_last = at + 1 == (len(self._bench.recipe.steps) if shown is None else shown)
        return step if is_last or made.frame == "RAS" else None

    def show_bed(self, size_mm: tuple[float, float, float] | None) -> None:
        """The bed of another printer, or of none."""
        if size_mm != self.bed_mm:
            self.bed_mm = size_mm
            self._on_content_changed()

    def show_apart(self, is_apart: bool) -> None:
        """Shows the halves of the selected cut away from each other, or in their places."""
        self._is_apart = is_apart
        self._on_content_changed()

    def reset(self) -> None:
        """From the front and a little from above, with everything in the picture."""
        self._camera = self._camera.looking_from("A").orbited(-60.0, 40.0)
        self._fit()
        self._ask_moving()

    # what is seen

    def _content(self, camera: Camera) -> Content:  # noqa: ARG002 - the same from everywhere
        if self._content_now is None:
            self._content_now = Content(tuple(self._bodies()), background=_rgb(theme.current().colour("panel")))
        return self._content_now

    def _bodies(self) -> list[Body]:
        made = self._bench.made
        if made is None:
            return []
        is_marked = self._bench.is_part_marked and len(made.parts) > 1 and made is self._bench.whole
        chosen = self._bench.part if is_marked else None
        box, plane = made.box_mm, self.plane
        surfaces: Sequence[DisplaySurface] = made.surfaces
        if plane is not None and box is not None and self._is_apart and not self._drags_plane:
            surfaces = apart(surfaces, plane, _GAP_SHARE * float(np.linalg.norm(box[1] - box[0])))
        parts = zip(made.parts, surfaces, strict=True)
        bodies = [Body(surface, mesh.structure.rgb, chosen=n == chosen) for n, (mesh, surface) in enumerate(parts)]
        look = theme.current()
        if made.frame == "bed" and self.bed_mm is not None:
            width, depth, _ = self.bed_mm
            line = _rgb(theme.mixed(look.colour("panel"), look.colour("secondary"), 0.55))
            bodies.append(bed_body(self.bed_mm, (-width / 2, -depth / 2), line))
        if plane is not None and box is not None:
            sheet, frame = plane_bodies(plane, box, _rgb(look.colour("accent")))
            # The sheet would hide what the halves look like where they are cut.
            bodies.extend([frame] if surfaces is not made.surfaces else [sheet, frame])
        return bodies

    def _bounds(self) -> NDArray[np.float64] | None:
        made = self._bench.made
        return None if made is None else made.box_mm

    @property
    def _shows_sides(self) -> bool:
        # On the bed the sides of the body mean nothing any more.
        made = self._bench.made
        return super()._shows_sides and made is not None and made.frame == "RAS"

    def _show_content(self) -> None:
        self._content_now = None
        super()._show_content()

    @Slot()
    def _on_made_changed(self) -> None:
        before, made = self._shown, self._bench.made
        self._shown = made
        if made is not None and self._wants_fit(before, made):
            self._fit()
        self._on_content_changed()

    def _wants_fit(self, before: Made | None, made: Made) -> bool:
        """Whether the picture should follow: for the first parts, another frame, or where parts clearly grew or
        shrank."""
        box, old = made.box_mm, None if before is None else before.box_mm
        if before is None or box is None or old is None or before.frame != made.frame:
            return True
        return self._camera is self._fitted or outgrows(box, old)

    def paintEvent(self, _: QPaintEvent) -> None:
        """Paints the last picture and what lies over it."""
        self._wake_soon()
        with QPainter(self) as painter:
            self._paint_picture(painter)
            painter.setPen(theme.current().colour("secondary"))
            painter.setFont(theme.base_font(12))
            area = QRectF(self.rect()).adjusted(MARGIN + 2, MARGIN, -MARGIN, -MARGIN)
            flags = Qt.AlignmentFlag
            painter.drawText(area, flags.AlignTop | flags.AlignLeft, self._title())
            if self._drawn_by is not None and not self._drawn_by.window_class:
                words = QCoreApplication.translate("SceneView", "3D is drawn by the processor")
                painter.drawText(area, flags.AlignTop | flags.AlignRight, words)
            painter.drawText(area, flags.AlignCenter | Qt.TextFlag.TextWordWrap, self._reason_for_nothing())

    def _title(self) -> str:
        made = self._bench.made
        if made is None:
            return ""
        return self.tr("On the printer's bed") if made.frame == "bed" else self.tr("As in the body")

    def _reason_for_nothing(self) -> str:
        bench = self._bench
        if bench.label_map is None:
            return self.tr("No labels are open. Structures of the next ones appear here.")
        if bench.made is not None and bench.made.parts:
            return ""
        if bench.is_busy:
            return self.tr("Making the parts…")
        return "" if bench.error is not None else self.tr("Nothing is chosen to print")

    def changeEvent(self, event: QEvent) -> None:
        """Another theme: the background follows."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_content_now"):
            self._on_content_changed()

    # mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begins a drag, of the plane where its frame is pressed."""
        super().mousePressEvent(event)
        self._drags_plane = event.button() == Qt.MouseButton.LeftButton and self.is_on_plane(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drags the plane or the viewer."""
        if self._pressed is None:
            on_plane = self.is_on_plane(event.position())
            self.setCursor(Qt.CursorShape.OpenHandCursor if on_plane else Qt.CursorShape.ArrowCursor)
        if not self._drags_plane:
            super().mouseMoveEvent(event)
            return
        moved, self._last = event.position() - self._last, event.position()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        self.plane_dragged.emit(self._along_normal(moved))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ends a drag."""
        super().mouseReleaseEvent(event)
        self._pressed = None
        if self._drags_plane:
            self._drags_plane = False
            self.unsetCursor()
            self.plane_dropped.emit()

    def is_on_plane(self, place: QPointF) -> bool:
        """Whether a point of the view lies on the frame of the plane."""
        corners = self._frame_on_screen()
        if corners is None:
            return False
        point = np.array([place.x(), place.y()])
        return min(_distance(point, corners[n], corners[(n + 1) % 4]) for n in range(4)) <= _GRAB_PX

    def _frame_on_screen(self) -> NDArray[np.float64] | None:
        plane, box = self.plane, self._bounds()
        if plane is None or box is None:
            return None
        return self._camera.on_screen(plane_corners(plane, box), self.width(), self.height())[:, :2]

    def _along_normal(self, moved: QPointF) -> float:
        """How far a drag moves the plane, in mm: what of it goes the way of the normal on the screen."""
        plane, box = self.plane, self._bounds()
        if plane is None or box is None:
            return 0.0
        normal = np.array(plane.normal_ras, float) / np.linalg.norm(plane.normal_ras)
        middle = plane_corners(plane, box).mean(axis=0)
        places = self._camera.on_screen(np.array([middle, middle + normal]), self.width(), self.height())
        way = places[1, :2] - places[0, :2]
        mm_per_px = self._camera.height_mm / max(1, self.height())
        if float(np.hypot(*way)) * mm_per_px < 0.15:
            # One looks along the normal: upwards is towards where it points.
            return -moved.y() * mm_per_px
        return float((moved.x() * way[0] + moved.y() * way[1]) / (way @ way))

    def event(self, event: QEvent) -> bool:
        """Letters that look from a side come here first, whatever else they mean in the window."""
        if event.type() == QEvent.Type.ShortcutOverride and side_letter(cast(QKeyEvent, event)):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters look from their side, arrows turn, plus and minus zoom, Home resets; with Alt arrows move a cut."""
        arrows = {Qt.Key.Key_Up: _SMALLEST_MM, Qt.Key.Key_Down: -_SMALLEST_MM}
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and event.key() in arrows and self.plane is not None:
            self.plane_dragged.emit(arrows[Qt.Key(event.key())])
        elif letter := side_letter(event):
            self.look_from(letter)
        else:
            super().keyPressEvent(event)


def moved_along(cut: Cut, mm: float) -> Cut:
    """A cut whose plane lies further along its normal."""
    normal = np.array(cut.normal_ras, float) / np.linalg.norm(cut.normal_ras)
    x, y, z = (round(float(each), 3) for each in np.array(cut.point_ras) + mm * normal)
    return replace(cut, point_ras=(x, y, z))


def _distance(point: NDArray[np.float64], start: NDArray[np.float64], stop: NDArray[np.float64]) -> float:
    along = stop - start
    share = np.clip((point - start) @ along / max(float(along @ along), 1e-9), 0.0, 1.0)
    return float(np.linalg.norm(point - start - share * along))


def _rgb(colour: QColor) -> Rgb:
    return colour.red(), colour.green(), colour.blue()
