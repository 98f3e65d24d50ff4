"""The one place that turns an exception into words on screen.

Ours have a sentence and a hint, for a line in the window. Cancelled has none. Anything else is a bug of this program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from tsdesktop.core.errors import Cancelled, TsDesktopError
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.dialogs.report import report_text, told_exception
from tsdesktop.gui.parts import button, one_line, paragraph, row
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


class BugReport(Dialog):
    """Shows what happened and lets the report be copied."""

    def __init__(self, told: Words, parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("BugReport", "This is a bug"), parent, (640, 460))
        self._report = told.report
        layout = column(self)
        layout.addWidget(paragraph(told.sentence, "title"))
        layout.addWidget(paragraph(told.hint, "secondary"))
        layout.addWidget(report_box(told.report, self.tr("Report")), 1)
        layout.addWidget(one_line(self.tr("It holds no names of patients or files and no folders."), "secondary"))
        self._copy = button(self.tr("Copy report"), self.copy, "primary")
        layout.addLayout(row(None, button(self.tr("Close"), self.close), self._copy))
        self._copy.setDefault(True)

    def copy(self) -> None:
        """Puts the report on the clipboard."""
        QGuiApplication.clipboard().setText(self._report)
        self._copy.setText(self.tr("Copied"))


def report_box(text: str, name: str) -> QPlainTextEdit:
    """Text that can be read, selected and copied, not changed."""
    box = QPlainTextEdit(text)
    box.setReadOnly(True)
    box.setAccessibleName(name)
    box.setTabChangesFocus(True)
    box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    box.setFont(theme.base_font(theme.BASE_PX - 1))
    return box
