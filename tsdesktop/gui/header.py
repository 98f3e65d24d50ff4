"""The line above everything: the menus, what is open, how it is shown. Each chip opens what can be changed there."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QMenuBar, QPushButton, QSizePolicy, QToolButton, QWidget

from tsdesktop.core.volume import Volume
from tsdesktop.gui import theme
from tsdesktop.gui.figures import voxel_size_text, window_text
from tsdesktop.gui.session import Session
from tsdesktop.gui.windowing import CT_PRESETS
from tsdesktop.gui.words import brightness_title

HEIGHT = 40
_ICON_PX = 16
_LEAST_CHIP_PX, _CHIP_SIDES_PX, _READABLE_SCAN_PX = 90, 24, 220


class Chip(QToolButton):
    """A quiet button with words that opens a menu or a dialog."""

    def __init__(self, icon_name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self.setProperty("role", "chip")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(_ICON_PX, _ICON_PX))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._dress()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """The icon follows the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def _dress(self) -> None:
        if self._icon_name:
            self.setIcon(theme.icon(self._icon_name))


class ScanChip(Chip):
    """The chip of the open scan: its words get shorter where there is no room for them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(_LEAST_CHIP_PX)

    def show_text(self, text: str) -> None:
        """Other words."""
        self._whole = text
        self.setMaximumWidth(self.fontMetrics().horizontalAdvance(text) + _CHIP_SIDES_PX)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Shortens anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.width() - _CHIP_SIDES_PX + 2
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, room))


class Header(QWidget):
    """Menus at the left, then the open scan; brightness, labels, layout, measuring and export at the right.

    `scan_clicked` and `export_clicked`; the other chips open the menus that they are given.
    """

    scan_clicked = Signal()
    export_clicked = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setObjectName("header")
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self.menus = QMenuBar(self)
        self.menus.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.scan = ScanChip()
        self.scan.clicked.connect(self.scan_clicked)
        self.window_chip, self.labels = Chip("mdi6.contrast-circle"), Chip("mdi6.layers-outline")
        self.layouts, self.measure = Chip("mdi6.view-grid-outline"), Chip("mdi6.ruler")
        self.export = QPushButton(self.tr("Export…"))
        self.export.setToolTip(self.tr("Write label maps, surfaces, statistics and pictures (Ctrl+E)"))
        self.export.clicked.connect(self.export_clicked)
        self._name_chips()
        self._lay_out()
        session.volume_changed.connect(self._on_volume_changed)
        session.labels_changed.connect(self._on_labels_changed)
        session.window_changed.connect(self._on_window_changed)
        session.display_changed.connect(self._on_display_changed)
        for tell in (self._on_volume_changed, self._on_labels_changed, self._on_window_changed):
            tell()
        self._on_display_changed()

    def set_menus(self, window: QMenu, labels: QMenu, layouts: QMenu, measure: QMenu) -> None:
        """What the chips open."""
        chips = (self.window_chip, self.labels, self.layouts, self.measure)
        for chip, menu in zip(chips, (window, labels, layouts, measure), strict=True):
            chip.setMenu(menu)
        # A menu that does not fit would hide behind an arrow; the name of the scan gives way instead.
        self.menus.setMinimumWidth(self.menus.sizeHint().width())

    def show_layout(self, title: str) -> None:
        """The layout of the views that is in use."""
        self.layouts.setText(title)
        self.layouts.setAccessibleName(self.tr("Views: {layout}").format(layout=title))

    def show_tool(self, title: str) -> None:
        """The measuring tool in hand; empty for none."""
        self.measure.setText(title or self.tr("Measure"))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The words of the chips go where there is no room for them; their icons and tooltips stay."""
        super().resizeEvent(event)
        self._fit_chips()

    def _fit_chips(self) -> None:
        chips = (self.window_chip, self.labels, self.layouts, self.measure)
        with_words = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        for chip in chips:
            chip.setToolButtonStyle(with_words)
        shown = [chip for chip in chips if chip.isVisibleTo(self)]
        room = self.width() - self.menus.sizeHint().width() - self.export.sizeHint().width() - _READABLE_SCAN_PX
        if sum(chip.sizeHint().width() + 2 * theme.GRID for chip in shown) > room:
            for chip in chips:
                chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)

    def _name_chips(self) -> None:
        self.scan.setToolTip(self.tr("What is this file? Geometry, series and intensities"))
        self.window_chip.setToolTip(self.tr("Brightness and contrast: keys 1 to 6, or drag with the right button"))
        self.labels.setToolTip(self.tr("How labels are shown on slices"))
        self.layouts.setToolTip(self.tr("Which views are shown; a double click makes one large"))
        self.measure.setToolTip(self.tr("Distance, angle, or values in a circle"))
        self.show_layout(self.tr("Four views"))
        self.show_tool("")

    def _lay_out(self) -> None:
        line = QHBoxLayout(self)
        line.setContentsMargins(theme.GRID, 0, 3 * theme.GRID, 0)
        line.setSpacing(2 * theme.GRID)
        line.addWidget(self.menus, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self.scan, 1, Qt.AlignmentFlag.AlignVCenter)
        line.addStretch(0)
        for each in (self.window_chip, self.labels, self.layouts, self.measure, self.export):
            line.addWidget(each, 0, Qt.AlignmentFlag.AlignVCenter)

    def _on_volume_changed(self) -> None:
        volume = self._session.volume
        for each in (self.scan, self.window_chip, self.layouts, self.measure):
            each.setVisible(volume is not None)
        if volume is not None:
            self.scan.show_text(scan_text(volume))
            self.scan.setAccessibleName(self.tr("Open scan: {scan}").format(scan=scan_text(volume)))

    def _on_labels_changed(self) -> None:
        has_labels = self._session.label_map is not None
        self.labels.setVisible(has_labels)
        self.export.setVisible(self._session.volume is not None)
        self.export.setEnabled(has_labels)
        self._fit_chips()

    def _on_window_changed(self) -> None:
        window = self._session.window
        text = window_text(window)
        name = next((name for name, preset in CT_PRESETS if preset == window), "")
        is_ct = self._session.volume is not None and self._session.volume.modality == "CT"
        self.window_chip.setText(f"{text} · {brightness_title(name)}" if name and is_ct else text)
        self._fit_chips()

    def _on_display_changed(self) -> None:
        display = self._session.display
        if not display.show_labels:
            text = self.tr("Labels hidden")
        elif display.style == "outlined":
            text = self.tr("Outlines")
        else:
            text = self.tr("Fill {percent} %").format(percent=round(100 * display.fill_opacity))
        self.labels.setText(text)
        self._fit_chips()


def scan_text(volume: Volume) -> str:
    """The open scan in a few words: name, size, spacing."""
    size = "\u00d7".join(str(n) for n in volume.geometry.shape)
    name = volume.source.description or volume.source.name
    kind = "" if volume.modality == "unknown" or volume.modality in name else f" · {volume.modality}"
    shown = name if len(name) <= 36 else f"{name[:20]}…{name[-14:]}"
    return f"{shown}{kind} · {size} · {voxel_size_text(volume.spacing_mm)}"
