"""The empty centre of the window: where to drop a scan, what is accepted, and the scans that were open before."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QFileDialog, QGridLayout, QVBoxLayout, QWidget

from tsdesktop.core.assets import asset
from tsdesktop.gui import theme
from tsdesktop.gui.background import Work, run_in_background
from tsdesktop.gui.opening.dragged import paths_of
from tsdesktop.gui.opening.recent import RecentScan, forget, recent_scans
from tsdesktop.gui.opening.recent_card import RecentCard, RecentEntry
from tsdesktop.gui.parts import button, clear, heading, one_line, row, scrolled

log = logging.getLogger(__name__)
_WIDEST = 680
_TWO_COLUMNS_FROM = 560


class EmptyState(QWidget):
    """What is shown while no scan is open.

    `open_wanted` carries a list of paths. `series_wanted` comes instead of it, with path and series, for a recent scan
    that was one of several series.
    """

    open_wanted = Signal(list)
    series_wanted = Signal(Path, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Open a scan"))
        self.setAcceptDrops(True)
        # Where browsing begins.
        self.folder = ""
        self._work: Work | None = None
        self._cards: list[RecentCard] = []
        self._zone = _DropZone()
        self._recent = QWidget()
        self._grid = QGridLayout()
        self._columns = 0
        self._build()
        self.refresh()

    def refresh(self) -> None:
        """Reads the list of recent scans again, in the background."""
        if self._work is not None:
            self._work.forget()
        self._work = run_in_background(_entries, self._on_recent_read, self._on_recent_failed)

    def browse_file(self) -> None:
        """Asks for a file (or several: a scan and its label map)."""
        dialog = self._dialog(self.tr("Open a scan"), QFileDialog.FileMode.ExistingFiles)
        scans = "*.nii *.nii.gz *.dcm *.zip *.nrrd *.nhdr *.mha *.mhd *.mgz *.mgh *.hdr *.img *.gipl"
        dialog.setNameFilters([self.tr("Scans and label maps") + f" ({scans})", self.tr("All files") + " (*)"])
        dialog.open()

    def browse_folder(self) -> None:
        """Asks for a folder with a DICOM series."""
        dialog = self._dialog(self.tr("Open a folder"), QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.open()

    def open_sample(self) -> None:
        """Wants the bundled sample opened."""
        self.open_wanted.emit([asset("sample/ct.nii.gz")])

    @property
    def cards(self) -> list[RecentCard]:
        """The cards of recent scans, the latest first."""
        return list(self._cards)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Accepts files and folders of this computer."""
        if paths_of(event.mimeData()):
            event.acceptProposedAction()
            self._zone.set_hot(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """Nothing is dropped after all."""
        self._zone.set_hot(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Wants what was dropped opened."""
        self._zone.set_hot(False)
        paths = paths_of(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.open_wanted.emit(paths)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """One column of recent scans where it is narrow."""
        super().resizeEvent(event)
        self._place_cards()

    def _build(self) -> None:
        self._zone.add(
            button(self.tr("Browse file…"), self.browse_file, "primary"),
            button(self.tr("Browse folder…"), self.browse_folder),
            button(self.tr("Open the sample"), self.open_sample),
        )
        self._grid.setSpacing(2 * theme.GRID)
        recent = QVBoxLayout(self._recent)
        recent.setContentsMargins(0, 3 * theme.GRID, 0, 0)
        recent.addWidget(heading(self.tr("Recent scans")))
        recent.addLayout(self._grid)
        self._recent.hide()
        inner = QWidget()
        lines = QVBoxLayout(inner)
        lines.setContentsMargins(24, 24, 24, 24)
        lines.addStretch(1)
        lines.addWidget(self._zone)
        lines.addWidget(self._recent)
        lines.addStretch(2)
        middle = _Middle(inner)
        scroll = scrolled(middle)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def _dialog(self, title: str, mode: QFileDialog.FileMode) -> QFileDialog:
        dialog = QFileDialog(self, title, self.folder)
        dialog.setFileMode(mode)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._on_files_selected)
        return dialog

    def _on_files_selected(self, names: list[str]) -> None:
        self.open_wanted.emit([Path(name) for name in names])

    def _on_recent_read(self, entries: list[RecentEntry]) -> None:
        clear(self._grid)
        self._cards, self._columns = [], 0
        for entry in entries:
            card = RecentCard(entry)
            card.clicked.connect(self._later(self._open, entry))
            card.remove_wanted.connect(self._later(self._remove, entry.scan))
            self._cards.append(card)
        self._recent.setVisible(bool(entries))
        self._place_cards()

    def _on_recent_failed(self, error: Exception) -> None:
        log.warning("recent scans could not be shown: %s", type(error).__name__)

    def _later(self, call: Callable[..., None], value: object) -> Callable[[], None]:
        # The list is made anew by these calls: the card that was clicked must outlive its own click.
        return lambda: QTimer.singleShot(0, self, lambda: call(value))

    def _open(self, entry: RecentEntry) -> None:
        if not entry.is_there:
            return
        if entry.scan.series:
            self.series_wanted.emit(entry.scan.path, entry.scan.series)
        else:
            self.open_wanted.emit([entry.scan.path])

    def _remove(self, scan: RecentScan) -> None:
        try:
            forget(scan)
        except OSError as error:
            log.warning("the list of recent scans could not be written: %s", error.strerror)
        self.refresh()

    def _place_cards(self) -> None:
        columns = 2 if min(self.width(), _WIDEST) >= _TWO_COLUMNS_FROM and len(self._cards) > 1 else 1
        if columns == self._columns:
            return
        self._columns = columns
        for n, card in enumerate(self._cards):
            self._grid.addWidget(card, n // columns, n % columns)


class _Middle(QWidget):
    """Keeps one widget in the middle and no wider than reads well."""

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self._inner = inner
        inner.setMaximumWidth(_WIDEST)
        layout = row(None, inner, None)
        layout.setStretch(1, 1000)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setLayout(layout)


class _DropZone(QWidget):
    """The dashed field that says what may be dropped."""

    def __init__(self) -> None:
        super().__init__()
        self._hot = False
        self._lines = QVBoxLayout(self)
        self._lines.setContentsMargins(24, 108, 24, 28)
        self._lines.setSpacing(2 * theme.GRID)
        title = one_line(self.tr("Drop a scan here"), "title")
        accepted = one_line(self.tr("DICOM folder or zip, NIfTI, NRRD, MHA or MGZ"), "secondary")
        beside = one_line(self.tr("Labels beside their scan, and zips with networks, may be dropped too."), "secondary")
        for each in (title, accepted, beside):
            each.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            self._lines.addWidget(each)
        title.setFont(theme.base_font(20))
        title.setStyleSheet("font-size: 20px; font-weight: 600;")

    def add(self, *buttons: QWidget) -> None:
        """Puts buttons below the words."""
        self._lines.addSpacing(3 * theme.GRID)
        self._lines.addLayout(row(None, *buttons, None))

    def set_hot(self, hot: bool) -> None:
        """Lights up while something is dragged over it."""
        self._hot = hot
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802
        """Draws the dashed field and the picture."""
        look = theme.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            pen = QPen(look.colour("accent" if self._hot else "secondary"), 1.5 if self._hot else 1)
            pen.setDashPattern([5, 5])
            painter.setPen(pen)
            painter.setBrush(look.colour("raised" if self._hot else "panel"))
            painter.drawRoundedRect(self.rect().toRectF().adjusted(1, 1, -1, -1), 12, 12)
            icon = theme.icon("mdi6.tray-arrow-down", "accent")
            place = QRect(QPoint(0, 0), QSize(48, 48))
            place.moveCenter(QPoint(self.width() // 2, 68))
            icon.paint(painter, place)


def _entries() -> list[RecentEntry]:
    """The recent scans with their pictures; slow where a drive is."""
    return [RecentEntry(each, each.is_there, _picture(each)) for each in recent_scans()]


def _picture(scan: RecentScan) -> QImage | None:
    image = QImage(str(scan.thumbnail))
    return None if image.isNull() else image
