"""What a run lacks: networks that are not on this computer. One button gets them; how that goes is seen here, too."""

from __future__ import annotations

import logging

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from tsdesktop.core.errors import LicenceError
from tsdesktop.gui.background import run_in_background
from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.figures import size_text
from tsdesktop.gui.panels.download_box import DownloadBox
from tsdesktop.gui.panels.download_words import amount_text
from tsdesktop.gui.panels.needs import State
from tsdesktop.gui.panels.other_ways import OtherWays
from tsdesktop.gui.panels.parts import MARGIN
from tsdesktop.gui.parts import button, paragraph, stacked
from tsdesktop.weights.licence import stored_licence

log = logging.getLogger(__name__)
_MAIN_HEIGHT = 36


class MissingNetworks(QFrame):
    """Says what is missing and gets it.

    `download_wanted(packages, whether a run is to follow)`, `licence_wanted` for a network that comes with a licence
    number, `import_wanted` to choose a file, `look_again` when the person has put the files there.
    """

    download_wanted = Signal(object, bool)
    licence_wanted = Signal()
    import_wanted = Signal()
    look_again = Signal()

    def __init__(self, downloads: Downloads, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._downloads = downloads
        self._state = State("ready")
        # None until somebody has looked.
        self._has_licence: bool | None = None
        self._more_open = False
        self._told = paragraph()
        self.note = paragraph(role="secondary")
        self.download = button("", lambda: self._ask(then_run=True), "primary")
        self.licence = button(self.tr("Enter licence number…"), self.licence_wanted.emit, "primary")
        for each in (self.download, self.licence):
            each.setMinimumHeight(_MAIN_HEIGHT)
        self.licence.setToolTip(self.tr("Enter a licence number, or find out how to get one"))
        self.box = DownloadBox(downloads)
        self.more = button(self.tr("Other ways"), self._toggle_more, "link", self.tr("For a computer without internet"))
        self.ways = OtherWays()
        self.ways.hide()
        self.ways.look_again.connect(self.look_again)
        self.ways.import_wanted.connect(self.import_wanted)
        self.ways.download_wanted.connect(lambda: self._ask(then_run=False))
        parts = (self._told, self.box, self.download, self.licence, self.note, self.more, self.ways)
        column = stacked(*parts, gap=6, margin=MARGIN)
        column.setAlignment(self.more, Qt.AlignmentFlag.AlignLeft)
        self.setLayout(column)
        downloads.changed.connect(self.refresh)

    def show_state(self, state: State) -> None:
        """What is missing now."""
        self._state = state
        self.ways.show_state(state)
        self.box.show_folders([each.folder for each in state.packages], state.needed)
        if state.kind == "licence" and self._has_licence is None:
            self.look_for_licence()
        self.refresh()

    def look_for_licence(self) -> None:
        """Whether a licence number is stored may have changed. It may lie in a store that is slow to open."""
        work = run_in_background(lambda: bool(stored_licence()), self._on_licence_known, self._on_licence_unknown)
        self.destroyed.connect(lambda: work.forget())

    @property
    def is_downloading(self) -> bool:
        """Whether all that is missing is in the queue."""
        return self.box.whole is not None

    @property
    def packages(self) -> tuple[str, ...]:
        """The dataset folders of what is missing."""
        return tuple(each.folder for each in self._state.packages)

    @property
    def main(self) -> QWidget:
        """The one thing to do now."""
        shown = [each for each in (self.download, self.licence) if each.isVisibleTo(self)]
        return shown[0] if shown else self.box.main if self.box.isVisibleTo(self) else self.ways.import_file

    @property
    def words(self) -> str:
        """All that it says, as one text."""
        parts = [self._told.text(), self.box.words if self.is_downloading else "", self.note.text(), self.ways.words]
        return "\n".join(filter(None, parts))

    def refresh(self) -> None:
        """As things are now."""
        if not self._state.missing:
            return
        had_keyboard = self.has_keyboard
        self.box.refresh()
        self._show_parts()
        self._told.setText(self._sentence())
        self.download.setText(self.tr("Resume and run") if self._state.partial_bytes else self.tr("Download and run"))
        if had_keyboard and not self.has_keyboard:
            self.main.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_parts(self) -> None:
        is_downloading, wants_licence = self.is_downloading, self._wants_licence
        sources = {each.source for each in self._state.packages}
        can_download = bool(sources) and sources <= {"release", "licence_server"}
        shown = {
            self.box: is_downloading and not (wants_licence and self._failed_for_licence),
            self._told: not is_downloading or self._failed_for_licence,
            self.licence: wants_licence,
            self.download: can_download and not wants_licence and not is_downloading,
            self.more: can_download and not (self.box.whole is not None and self.box.whole.now.is_active),
            self.note: bool(self.note.text()) and is_downloading,
        }
        self.ways.setVisible((shown[self.more] and self._more_open) or not can_download)
        self.more.setText(self.tr("Fewer ways") if self._more_open else self.tr("Other ways"))
        for part, is_shown in sorted(shown.items(), key=lambda pair: not pair[1]):
            part.setVisible(is_shown)
        self.ways.download.setVisible(shown[self.download])

    @property
    def _failed_for_licence(self) -> bool:
        whole = self.box.whole
        return whole is not None and whole.now.state == "failed" and isinstance(whole.now.error, LicenceError)

    @property
    def _wants_licence(self) -> bool:
        if self._state.kind != "licence":
            return False
        return self._failed_for_licence or (not self._has_licence and not self.is_downloading)

    def _on_licence_known(self, is_there: bool) -> None:
        self._has_licence = is_there
        self.refresh()

    def _on_licence_unknown(self, error: Exception) -> None:
        log.warning("whether a licence number is stored could not be seen: %s", type(error).__name__)

    def _ask(self, *, then_run: bool) -> None:
        self.download_wanted.emit(self._state.packages, then_run)

    def _toggle_more(self) -> None:
        self._more_open = not self._more_open
        self.refresh()

    @property
    def has_keyboard(self) -> bool:
        """Whether one of its buttons takes the keys."""
        focused = QApplication.focusWidget()
        return focused is not None and self.isAncestorOf(focused)

    def _sentence(self) -> str:
        state = self._state
        if self._failed_for_licence and self.box.whole is not None and self.box.whole.now.error is not None:
            told = words_for(self.box.whole.now.error)
            return "" if told is None else f"{told.sentence} {told.hint}".strip()
        broken = next((each for each in state.missing if each.state == "incomplete"), None)
        if state.kind == "licence" and not self._has_licence:
            return self.tr("This task needs a network that comes with a licence number.")
        if broken is not None and len(state.packages) == 1:
            return self.tr("The network is incomplete: {what} is missing.").format(what=broken.lacking)
        return self._count_text()

    def _count_text(self) -> str:
        state, count = self._state, len(self._state.packages)
        if not count:
            return self.tr("Its network is not on this computer any more.")
        if state.partial_bytes:
            amount = amount_text(state.partial_bytes, state.missing_bytes)
            if count == 1:
                return self.tr("{amount} of its network are here.").format(amount=amount)
            return self.tr("{amount} of its {count} networks are here.").format(amount=amount, count=count)
        size = size_text(state.missing_bytes) if state.missing_bytes else ""
        if count == 1 and size:
            return self.tr("Its network is not on this computer yet: {size} to download.").format(size=size)
        if count == 1:
            return self.tr("Its network is not on this computer yet.")
        if size:
            text = self.tr("Its {count} networks are not on this computer yet: {size} to download.")
            return text.format(count=count, size=size)
        return self.tr("Its {count} networks are not on this computer yet.").format(count=count)
