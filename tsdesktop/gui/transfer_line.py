"""One quiet line at the foot of the window: networks that are being downloaded or imported, and how far that is."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QEvent, Signal
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.figures import SPACE
from tsdesktop.gui.importing import Imports
from tsdesktop.gui.panels.download_words import line_text, whole_of
from tsdesktop.gui.panels.even_bar import EvenBar
from tsdesktop.gui.parts import ShortLabel, button, hairline, row, stacked
from tsdesktop.weights.progress import Progress

_BAR_PX = 180


class TransferLine(QFrame):
    """Hidden while nothing is under way, or while it `is_seen` elsewhere in the window. `show_wanted` on a click."""

    show_wanted = Signal()

    def __init__(
        self, downloads: Downloads, imports: Imports, is_seen: Callable[[], bool], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setAccessibleName(self.tr("Downloads and imports"))
        self._downloads, self._imports, self._is_seen = downloads, imports, is_seen
        self._icon = QLabel()
        self._told = ShortLabel()
        self.bar = EvenBar(self.tr("Progress"))
        self.bar.setFixedWidth(_BAR_PX)
        self.show_link = button(self.tr("Show"), self.show_wanted.emit, "link", self.tr("All networks"))
        self.cancel = button(self.tr("Cancel"), imports.cancel, "link", self.tr("Nothing of it is installed then"))
        line = row(self._icon, self._told, self.bar, self.show_link, self.cancel)
        line.setStretchFactor(self._told, 1)
        line.setContentsMargins(3 * theme.GRID, theme.GRID, 3 * theme.GRID, theme.GRID)
        line.setSpacing(3 * theme.GRID)
        self.setLayout(stacked(hairline(), line, gap=0))
        # What the bar is about: it begins anew with another subject.
        self._subject = ""
        downloads.changed.connect(self.refresh)
        imports.changed.connect(self.refresh)
        self._draw_icon()
        self.refresh()

    @property
    def said(self) -> str:
        """What the line says now; empty when it is hidden."""
        return "" if self.isHidden() else self._told.whole

    def refresh(self) -> None:
        """As things are now."""
        path = self._imports.path
        whole = whole_of(self._downloads) if self._downloads.is_active and not self._is_seen() else None
        if path is not None:
            progress = self._imports.progress
            stage = progress.stage if progress else ""
            self._show(f"{stage} {path}", import_text(path.name, progress), progress.share if progress else None)
        elif whole is not None:
            self._show("downloads", line_text(whole), whole.share)
        self.cancel.setVisible(path is not None)
        self.show_link.setVisible(path is None)
        self.setVisible(path is not None or whole is not None)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """The icon follows the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_icon()

    def _show(self, subject: str, text: str, share: float | None) -> None:
        if subject != self._subject:
            self._subject = subject
            self.bar.begin(share or 0.0)
        self._told.show_text(text)
        self.bar.move_to(share or 0.0)

    def _draw_icon(self) -> None:
        self._icon.setPixmap(theme.icon("mdi6.download").pixmap(16, 16))


def import_text(name: str, progress: Progress | None) -> str:
    """ "Unpacking weights.zip · 43 %"."""
    translate = QCoreApplication.translate
    stage = "" if progress is None else progress.stage
    if stage == "unpacking":
        text = translate("TransferLine", "Unpacking {name}").format(name=name)
    elif stage == "checking":
        text = translate("TransferLine", "Checking {name}").format(name=name)
    else:
        text = translate("TransferLine", "Importing {name}").format(name=name)
    share = None if progress is None else progress.share
    return text if share is None else f"{text} · {int(100 * share)}{SPACE}%"
