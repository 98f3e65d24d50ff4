"""A download as it goes, with what can be done about it: pause, resume, cancel, try again."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget

from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.panels.download_words import Whole, count_text, note_text, stage_text, whole_of
from tsdesktop.gui.panels.even_bar import EvenBar
from tsdesktop.gui.panels.other_ways import breakable
from tsdesktop.gui.panels.run_words import left_text
from tsdesktop.gui.parts import ShortLabel, button, one_line, paragraph, set_role, stacked


class DownloadBox(QWidget):
    """Shows what of a run's packages is in the queue as one; `whole` is None unless all that is missing is in it."""

    def __init__(self, downloads: Downloads, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._downloads = downloads
        self._missing: frozenset[str] = frozenset()
        self._needed: frozenset[str] = frozenset()
        self.whole: Whole | None = None
        self._stage, self._left = ShortLabel(), one_line(role="secondary")
        self.bar = EvenBar(self.tr("Progress of the download"))
        self._count = ShortLabel("secondary")
        self._note = paragraph()
        self._hint = paragraph(role="secondary")
        self.pause = button(self.tr("Pause"), self._on_pause, help=self.tr("What is here of it stays"))
        self.go_on = button("", self._on_go_on, "primary")
        self.cancel = button(self.tr("Cancel"), self._on_cancel, help=self.tr("What is here of it is removed"))
        line = QHBoxLayout()
        line.addWidget(self._stage, 1)
        line.addWidget(self._left)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for each in (self.pause, self.go_on, self.cancel):
            buttons.addWidget(each, 1)
        self.setLayout(stacked(line, self.bar, self._count, self._note, self._hint, buttons, gap=6))

    @property
    def main(self) -> QWidget:
        """What the keyboard should be on."""
        return self.go_on if self.go_on.isVisibleTo(self) else self.pause

    @property
    def words(self) -> str:
        """All that it says, as one text."""
        more = (self._note.accessibleName(), self._hint.accessibleName())
        labels = (self._stage.whole, self._left.text(), self._count.whole, *more)
        return "\n".join(filter(None, labels))

    def show_folders(self, missing: Collection[str], needed: Collection[str]) -> None:
        """The dataset folders that are missing, and all that are needed, which may be here by now."""
        self._missing, self._needed = frozenset(missing), frozenset(needed)
        self.refresh()

    def refresh(self) -> None:
        """As things are now."""
        asked_for = all(self._downloads.item(each) is not None for each in self._missing)
        before, self.whole = self.whole, whole_of(self._downloads, self._needed) if asked_for else None
        if self.whole is None:
            return
        if before is None:
            self.bar.begin(self.whole.share or 0.0)
        self._show_words(self.whole)
        self._show_buttons(self.whole)

    def _show_words(self, whole: Whole) -> None:
        self._stage.show_text(stage_text(whole))
        seconds = whole.seconds_left
        self._left.setText(left_text(seconds))
        self.bar.move_to(whole.share or 0.0)
        self._count.show_text(count_text(whole))
        error = words_for(whole.now.error) if whole.now.state == "failed" and whole.now.error is not None else None
        set_role(self._note, "error" if error else "warning")
        self._show(self._note, error.sentence if error else note_text(whole))
        self._show(self._hint, error.hint if error else "")

    def _show(self, label: QLabel, text: str) -> None:
        label.setText(breakable(text))
        label.setAccessibleName(text)
        label.setVisible(bool(text))

    def _show_buttons(self, whole: Whole) -> None:
        failed, paused = whole.now.state == "failed", whole.now.state == "paused"
        self.go_on.setText(self.tr("Try again") if failed else self.tr("Resume"))
        had_keyboard = QApplication.focusWidget() in (self.pause, self.go_on)
        shown, hidden = (self.go_on, self.pause) if failed or paused else (self.pause, self.go_on)
        shown.show()
        if had_keyboard and not shown.hasFocus():
            shown.setFocus(Qt.FocusReason.OtherFocusReason)
        hidden.hide()

    def _on_pause(self) -> None:
        for each in self._wanted():
            self._downloads.pause(each)

    def _on_go_on(self) -> None:
        if self.whole is not None:
            self._downloads.add([each.package for each in self.whole.items])

    def _on_cancel(self) -> None:
        for each in self._wanted():
            self._downloads.cancel(each)

    def _wanted(self) -> list[str]:
        return [] if self.whole is None else [each.package.folder for each in self.whole.items]
