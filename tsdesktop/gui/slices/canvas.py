"""What a slice view shows: the scan and its labels on black, with everything that is painted over them.

A plain widget that paints images made in numpy. The picture of a slice is kept as long as nothing in it changes: a
crosshair that moves over it costs no more than painting the crosshair.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Slot
from PySide6.QtGui import QColor, QFocusEvent, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.chip import paint_chip
from tsdesktop.gui.figures import intensity_text, unit_of
from tsdesktop.gui.session import Session
from tsdesktop.gui.slices import compose, overlay
from tsdesktop.gui.slices.layers import Layers, Scene
from tsdesktop.gui.slices.measure import Measurements
from tsdesktop.gui.slices.measuring import Measuring
from tsdesktop.gui.slices.pane import Pane
from tsdesktop.gui.slices.plane import Plane, PlaneName, Viewport
from tsdesktop.gui.slices.scroll import Whereabouts, paint_scroll_mark
from tsdesktop.gui.words import structure_title

# Slice coordinates closer than this are the same place.
_STILL = 1e-6
_TAB = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


class SliceCanvas(QWidget):
    """Paints one plane of the session's scan at its cursor. Black without a scan."""

    def __init__(
        self, session: Session, plane_name: PlaneName, measurements: Measurements, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._plane_name = plane_name
        self._measurements = measurements
        self._measuring = Measuring(measurements)
        self._layers = Layers()
        self._pane: Pane | None = None
        self._painted: dict[int, compose.Paint] | None = None
        self._crosshair: NDArray[np.float64] | None = None
        self._picture: tuple[tuple[Any, ...], QImage] | None = None
        self._hover: QPointF | None = None
        # What a drag says beside the pointer, and the rectangle it shows.
        self._told = ""
        self._region: QRectF | None = None
        self._holds_mark = False
        self._is_tabbed_to = False
        self._whereabouts = Whereabouts(self)
        self._whereabouts.found.connect(self.update)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(120, 100)
        self.setAccessibleName(self.tr("{plane} slice").format(plane=self._title()))
        self._listen()
        self._on_volume_changed()

    def _listen(self) -> None:
        session = self._session
        session.volume_changed.connect(self._on_volume_changed)
        session.cursor_changed.connect(self._on_cursor_changed)
        session.display_changed.connect(self._on_display_changed)
        session.window_changed.connect(self.update)
        session.labels_changed.connect(self._on_labels_changed)
        session.looks_changed.connect(self._on_labels_changed)
        session.selection_changed.connect(self._on_labels_changed)
        self._measurements.changed.connect(self.update)
        self._measurements.tool_changed.connect(self._on_tool_changed)

    # What others may ask of the view.

    @property
    def plane_name(self) -> PlaneName:
        """Which plane it shows."""
        return self._plane_name

    @property
    def pane(self) -> Pane | None:
        """The slice that is shown and the part of it that is seen; None without a scan."""
        return self._pane

    def show_part(self, viewport: Viewport) -> None:
        """Shows another part of the slice, larger or smaller."""
        if self._pane is not None:
            self._pane = self._pane.seen_through(viewport)
            self.update()

    def zoom_reset(self) -> None:
        """Shows the whole slice, centred."""
        if self._pane is not None:
            self.show_part(Viewport.fitted(self._pane.plane, self.width(), self.height()))

    def screenshot(self) -> QImage:
        """The view as it is shown, with its letters, without what follows the mouse."""
        ratio = self.devicePixelRatioF()
        image = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        with QPainter(image) as painter:
            self._paint_slice(painter)
        return image

    # What happens to the session.

    @Slot()
    def _on_volume_changed(self) -> None:
        session = self._session
        self._measuring.cancel()
        self._painted = self._picture = self._crosshair = None
        self._layers = Layers()
        if session.volume is None:
            self._pane = None
        else:
            plane = Plane(session.volume.geometry, self._plane_name, session.display.radiological)
            self._pane = Pane.fitted(plane, session.cursor_ras, max(1, self.width()), max(1, self.height()))
        self._whereabouts.follow(session)
        self.update()

    @Slot()
    def _on_cursor_changed(self) -> None:
        before, cursor = self._pane, self._session.cursor_ras
        if before is None:
            return
        now, was = before.at(cursor), self._crosshair
        self._crosshair = now.plane.from_world(cursor)
        # One that only goes through the slices may stay out of sight, where a person panned it.
        jumped = was is None or np.abs(self._crosshair - was)[:2].max() > _STILL
        self._pane = now.bringing_into_view(cursor) if jumped else now
        if self._pane.number != before.number and self._hover is not None:
            self._point_at(self._hover)
        self.update()

    @Slot()
    def _on_display_changed(self) -> None:
        pane, radiological = self._pane, self._session.display.radiological
        if pane is not None and pane.plane.radiological != radiological:
            self._crosshair = None
            self._pane = pane.turned(Plane(pane.plane.geometry, self._plane_name, radiological))
        self._on_labels_changed()

    @Slot()
    def _on_labels_changed(self) -> None:
        self._painted = None
        self._whereabouts.follow(self._session)
        self.update()

    @Slot()
    def _on_tool_changed(self) -> None:
        self._measuring.cancel()
        self.setCursor(Qt.CursorShape.CrossCursor if self._measurements.tool else Qt.CursorShape.ArrowCursor)
        self.update()

    def _point_at(self, place: QPointF | None) -> None:
        """Tells the session what is under the mouse."""
        pane = self._pane
        if place is None or pane is None or not pane.shows(place.x(), place.y()):
            self._session.point_at(None)
        else:
            self._session.point_at(pane.world_ras(place.x(), place.y()))

    def _label_under(self, place: QPointF) -> int:
        """The label that is seen at a place; 0 for none, hidden ones and places beside the scan."""
        pane, session = self._pane, self._session
        if pane is None or not pane.shows(place.x(), place.y()):
            return 0
        label = session.label_at(pane.voxel(place.x(), place.y()))
        look = session.looks.get(label)
        return label if session.display.show_labels and look is not None and look.visible else 0

    # Painting.

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """Paints the slice and what follows the mouse."""
        with QPainter(self) as painter:
            self._paint_slice(painter)
            if self._region is not None:
                overlay.paint_region(painter, self._region)
            words = self._told or ("" if self._is_quiet() else self._hover_words())
            if words and self._hover is not None:
                paint_chip(painter, self.size(), self._hover.toPoint(), words)
            if self._is_tabbed_to:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
                painter.setPen(QPen(theme.DARK.colour("accent"), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _paint_slice(self, painter: QPainter) -> None:
        pane, session = self._pane, self._session
        if pane is None:
            painter.fillRect(self.rect(), QColor(0, 0, 0))
            return
        painter.drawImage(QPointF(0, 0), self._made_picture(pane))
        x, y = pane.to_widget(session.cursor_ras)
        if session.display.crosshair:
            overlay.paint_crosshair(painter, pane, x, y)
        self._measuring.paint(painter, pane)
        self._paint_scroll_mark(painter, pane)
        overlay.paint_title(painter, pane, self._title())
        overlay.paint_letters(painter, pane)
        overlay.paint_scale_bar(painter, pane)

    def _made_picture(self, pane: Pane) -> QImage:
        """The picture of the slice; made anew only where something in it changed."""
        session, ratio = self._session, self.devicePixelRatioF()
        volume = session.volume
        if volume is None:
            raise ValueError("there is no scan to paint")
        if self._painted is None:
            self._painted = compose.paints(session.looks, session.display, session.marked)
        parts = (volume, session.label_map, pane.plane, pane.number, session.window, self._painted, session.display)
        key = (*parts, pane.viewport, ratio)
        if self._picture is None or self._picture[0] != key:
            self._picture = key, self._layers.paint(Scene(*parts), pane.viewport, ratio)
        return self._picture[1]

    def _paint_scroll_mark(self, painter: QPainter, pane: Pane) -> None:
        session = self._session
        look = None if session.selected is None else session.looks.get(session.selected)
        present = self._whereabouts.on_axis(pane.plane.axes[2]) if look is not None else None
        colour = QColor(*look.rgb) if look is not None else QColor()
        paint_scroll_mark(painter, pane, present, colour, self._holds_mark)

    def _is_quiet(self) -> bool:
        """Whether what the mouse does or points at leaves no room for the name of a structure."""
        if self._region is not None or self._holds_mark or self._pane is None or self._hover is None:
            return True
        return self._measuring.is_under(self._pane, self._hover.x(), self._hover.y())

    def _hover_words(self) -> str:
        """The structure under the mouse and the intensity there; empty beside all structures."""
        pane, volume, label_map = self._pane, self._session.volume, self._session.label_map
        if self._hover is None or pane is None or volume is None or label_map is None:
            return ""
        found = self._session.structure_of(self._label_under(self._hover))
        if found is None:
            return ""
        value = float(volume.array[pane.voxel(self._hover.x(), self._hover.y())])
        return f"{structure_title(found)} · {intensity_text(value, volume)}{unit_of(volume)}"

    def _title(self) -> str:
        names = {"axial": self.tr("Axial"), "sagittal": self.tr("Sagittal"), "coronal": self.tr("Coronal")}
        return names[self._plane_name]

    # Events.

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keeps the same part of the slice in the middle."""
        super().resizeEvent(event)
        if self._pane is not None:
            self.show_part(self._pane.viewport.resized(self.width(), self.height()))

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """A view that was reached by the keyboard says so."""
        self._is_tabbed_to = event.reason() in _TAB
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Takes the frame away."""
        self._is_tabbed_to = False
        super().focusOutEvent(event)
        self.update()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Another theme: the words beside the pointer follow."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.update()
