"""Tells a person what went wrong: a line above the views for what a line can say, a report for a bug."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tsdesktop.gui.dialogs.bug_report import BugReport
from tsdesktop.gui.error_words import Words, words_for
from tsdesktop.gui.notes_line import Action, NotesLine
from tsdesktop.gui.report import RecentLines
from tsdesktop.gui.session import Session
from tsdesktop.gui.status_line import StatusLine

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Places:
    """Where words are shown: the line above the views and the one below them."""

    line: NotesLine
    status: StatusLine


class Telling(QObject):
    """Where every exception of the window ends."""

    def __init__(self, session: Session, places: Places, log_lines: RecentLines, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._line, self._status = places.line, places.status
        self._window = parent
        self.log_lines = log_lines

    @property
    def private_words(self) -> list[str]:
        """What names the open scan: nothing of it belongs into a report."""
        volume = self._session.volume
        if volume is None:
            return []
        source = volume.source
        return [each for each in (source.name, source.description, source.series_instance_uid) if each]

    def error(self, error: BaseException) -> None:
        """One sentence and what to do about it; nothing for Cancelled; a report for what is this program's fault."""
        told = words_for(error, self.log_lines.lines, self.private_words)
        if told is None:
            return
        if told.is_bug:
            self.bug(error, told)
        else:
            self._line.show_message(told.sentence, told.hint, role="error")

    def bug(self, error: BaseException, told: Words | None = None) -> None:
        """A line that offers the report."""
        log.error("a bug: %s", type(error).__name__, exc_info=error)
        words = told or words_for(error, self.log_lines.lines, self.private_words)
        if words is not None:
            show = self.tr("Show report")
            self._line.show_message(words.sentence, role="error", action=(show, lambda: self._open_report(words)))

    def warning(self, text: str, hint: str = "") -> None:
        """Something a person should know, until it is dismissed."""
        self._line.show_message(text, hint, role="warning")

    def news(self, text: str, action: Action | None = None) -> None:
        """Something a person asked for, until it is dismissed; `action` is a word and what a click on it does."""
        self._line.show_message(text, role="good", action=action)

    def done(self, text: str) -> None:
        """Something that went well: a word at the foot of the window, which goes by itself; without a scan a line."""
        if self._session.volume is None:
            self._line.show_message(text, role="good")
        else:
            self._status.say(text)

    def _open_report(self, words: Words) -> None:
        BugReport(words, self._window).open()
