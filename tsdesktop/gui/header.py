"""The line above everything: the menus, what is open, how it is shown. Each chip opens what can be changed there."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QMenuBar,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionToolButton,
    QToolButton,
    QWidget,
)

from tsdesktop.core.volume import Volume
from tsdesktop.gui import theme
from tsdesktop.gui.figures import voxel_size_text, window_text
from tsdesktop.gui.parts import small_button
from tsdesktop.gui.session import Session
from tsdesktop.gui.windowing import CT_PRESETS, Window
from tsdesktop.gui.words import brightness_title

HEIGHT = 40
_ICON_PX, _ARROW_PX = 16, 14
_CHIP_SIDE_PX, _CHIP_GAP_PX, _CHIP_HEIGHT = 10, 6, 28
_LEAST_CHIP_PX, _READABLE_SCAN_PX = 90, 220
# What dragging through a CT comes to; longer ones make the chip wider once.
_WIDE_WINDOW = Window(-8888, 8888)


class Chip(QToolButton):
    """A quiet button with words that opens a menu, which its arrow tells, or a dialog."""

    def __init__(self, icon_name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._reserved_px = 0
        self.setProperty("role", "chip")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setIconSize(QSize(_ICON_PX, _ICON_PX))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._dress()

    def reserve(self, texts: Iterable[str]) -> None:
        """Keeps room for the longest of these, so that nothing moves while the words change."""
        self._reserved_px = max(map(self.fontMetrics().horizontalAdvance, texts), default=0)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Icon, words and arrow, with nothing left over."""
        return QSize(self._width_with(self._words_px if self._shows_words else 0), _CHIP_HEIGHT)

    @property
    def width_with_words(self) -> int:
        """How wide it is when its words are shown."""
        return self._width_with(self._words_px)

    def _width_with(self, words_px: int) -> int:
        parts = [_ICON_PX if self._icon_name else 0, words_px, _ARROW_PX if self.menu() else 0]
        wide = [each for each in parts if each]
        return 2 * _CHIP_SIDE_PX + sum(wide) + _CHIP_GAP_PX * (len(wide) - 1)

    def minimumSizeHint(self) -> QSize:
        """All of it."""
        return self.sizeHint()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """The box of the style, then icon, words and arrow."""
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        shows_words = self._shows_words
        option.text = ""
        option.icon = QIcon()
        option.features &= ~QStyleOptionToolButton.ToolButtonFeature.HasMenu
        with QPainter(self) as painter:
            self.style().drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option, painter, self)
            area = self.rect().adjusted(_CHIP_SIDE_PX, 0, -_CHIP_SIDE_PX, 0)
            if self._icon_name:
                self.icon().paint(painter, QRect(area.left(), (self.height() - _ICON_PX) // 2, _ICON_PX, _ICON_PX))
                area.setLeft(area.left() + _ICON_PX + _CHIP_GAP_PX)
            if self.menu() is not None:
                left = area.right() + 1 - _ARROW_PX
                place = QRect(left, (self.height() - _ARROW_PX) // 2, _ARROW_PX, _ARROW_PX)
                theme.icon("mdi6.chevron-down").paint(painter, place)
            if shows_words:
                painter.setPen(theme.current().colour("text"))
                painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.text())

    def changeEvent(self, event: QEvent) -> None:
        """The icon follows the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    @property
    def _shows_words(self) -> bool:
        return self.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly

    @property
    def _words_px(self) -> int:
        return max(self._reserved_px, self.fontMetrics().horizontalAdvance(self.text()))

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
        self.setMaximumWidth(self.fontMetrics().horizontalAdvance(text) + 2 * _CHIP_SIDE_PX)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """Its words can be shortened."""
        return QSize(_LEAST_CHIP_PX, _CHIP_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shortens anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.width() - 2 * _CHIP_SIDE_PX
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, room))


class Header(QWidget):
    """Menus at the left, then the open scan; brightness, labels, layout, measuring and export at the right.

    `scan_clicked`, `print_clicked` and `export_clicked`; the other chips open the menus that they are given.
    """

    scan_clicked = Signal()
    print_clicked = Signal()
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
        help_line = self.tr("Print studio: structures as parts for a printer, checked first (Ctrl+P)")
        self.print = small_button("mdi6.printer-3d", self.tr("Print studio"), self.print_clicked.emit, help_line)
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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The words of the chips go where there is no room for them; their icons and tooltips stay."""
        super().resizeEvent(event)
        self._fit_chips()

    def _fit_chips(self) -> None:
        chips = (self.window_chip, self.labels, self.layouts, self.measure)
        shown = [chip for chip in chips if chip.isVisibleTo(self)]
        buttons = self.export.sizeHint().width() + self.print.sizeHint().width() + 2 * theme.GRID
        room = self.width() - self.menus.sizeHint().width() - buttons - _READABLE_SCAN_PX
        fitting = sum(chip.width_with_words + 2 * theme.GRID for chip in shown) <= room
        style = Qt.ToolButtonStyle
        for chip in chips:
            chip.setToolButtonStyle(style.ToolButtonTextBesideIcon if fitting else style.ToolButtonIconOnly)

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
        for each in (self.window_chip, self.labels, self.layouts, self.measure, self.print, self.export):
            line.addWidget(each, 0, Qt.AlignmentFlag.AlignVCenter)

    def _on_volume_changed(self) -> None:
        volume = self._session.volume
        for each in (self.scan, self.window_chip, self.layouts, self.measure):
            each.setVisible(volume is not None)
        if volume is not None:
            self.scan.show_text(scan_text(volume))
            self.scan.setAccessibleName(self.tr("Open scan: {scan}").format(scan=scan_text(volume)))
            presets = [_preset_text(*each) for each in CT_PRESETS] if volume.modality == "CT" else []
            self.window_chip.reserve([*presets, window_text(_WIDE_WINDOW)])

    def _on_labels_changed(self) -> None:
        has_labels = self._session.label_map is not None
        self.labels.setVisible(has_labels)
        for each in (self.print, self.export):
            each.setVisible(self._session.volume is not None)
            each.setEnabled(has_labels)
        self._fit_chips()

    def _on_window_changed(self) -> None:
        window = self._session.window
        name = next((name for name, preset in CT_PRESETS if preset == window), "")
        is_ct = self._session.volume is not None and self._session.volume.modality == "CT"
        self.window_chip.setText(_preset_text(name, window) if name and is_ct else window_text(window))
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


def _preset_text(name: str, window: Window) -> str:
    return f"{window_text(window)} · {brightness_title(name)}"


def scan_text(volume: Volume) -> str:
    """The open scan in a few words: name, size, spacing."""
    size = "\u00d7".join(str(n) for n in volume.geometry.shape)
    name = volume.source.description or volume.source.name
    kind = "" if volume.modality == "unknown" or volume.modality in name else f" · {volume.modality}"
    shown = name if len(name) <= 36 else f"{name[:20]}…{name[-14:]}"
    return f"{shown}{kind} · {size} · {voxel_size_text(volume.spacing_mm)}"
