"""The one place that turns an exception into words on screen.

Ours have a sentence and a hint, for a line in the window. Cancelled has none. Anything else is a bug of this program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.errors import Cancelled, TsDesktopError
from tsdesktop.gui.report import report_text, told_exception
from tsdesktop.gui.translation import translated, translated_hint


@dataclass(frozen=True)
class Words:
    """What to show: a sentence, what to do about it, and for a bug what to report (else "")."""

    sentence: str
    hint: str = ""
    report: str = ""

    @property
    def is_bug(self) -> bool:
        """Whether it is this program's fault."""
        return bool(self.report)


def words_for(exception: BaseException, log_lines: Iterable[str] = (), private: Iterable[str] = ()) -> Words | None:
    """The words for an exception, None for Cancelled. `private` words (names of the open scan) stay out of a report."""
    if isinstance(exception, Cancelled):
        return None
    if isinstance(exception, TsDesktopError):
        arguments = exception.arguments
        return Words(translated(exception.id, arguments), translated_hint(exception.id, arguments))
    return Words(
        QCoreApplication.translate("BugReport", "This is a bug in tsdesktop. Your scan and your results are kept."),
        QCoreApplication.translate("BugReport", "Please copy the report and send it to the makers."),
        report_text(log_lines, private, told_exception(exception)),
    )
