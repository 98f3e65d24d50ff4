"""The report of a bug, to be read and copied."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.error_words import Words
from tsdesktop.gui.parts import button, one_line, paragraph, row


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
