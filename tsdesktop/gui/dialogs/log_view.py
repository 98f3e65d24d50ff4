"""The log of this session, with a report to copy that says nothing about patients and folders."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from tsdesktop.gui.dialogs.bug_report import report_box
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.parts import button, one_line, row
from tsdesktop.gui.report import RecentLines, redacted, report_text

_EVERY_MS = 500


class LogView(Dialog):
    """Shows the lines as they come. `private` are names of the open scan, which are shown nowhere here."""

    def __init__(self, recent: RecentLines, private: Iterable[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("LogView", "Log"), parent, (760, 480))
        self._recent, self._private = recent, tuple(private)
        self._shown: list[str] = []
        self._box = report_box("", self.tr("Lines of the log"))
        self._box.setPlaceholderText(self.tr("Nothing has been logged yet."))
        layout = column(self)
        layout.addWidget(self._box, 1)
        layout.addWidget(
            one_line(self.tr("The report holds versions, system and these lines; no patient, no folder."), "secondary")
        )
        self._copy = button(self.tr("Copy report"), self.copy, "primary")
        layout.addLayout(row(None, button(self.tr("Close"), self.close), self._copy))
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh)
        self._timer.start(_EVERY_MS)
        self.refresh()

    def refresh(self) -> None:
        """Shows new lines; stays at the end where the end was in sight."""
        lines = self._recent.lines
        if lines == self._shown:
            return
        self._shown = lines
        bar = self._box.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 1
        self._box.setPlainText("\n".join(redacted(line, self._private) for line in lines))
        if at_end:
            bar.setValue(bar.maximum())

    def copy(self) -> None:
        """Puts the report on the clipboard."""
        QGuiApplication.clipboard().setText(report_text(self._recent.lines, self._private))
        self._copy.setText(self.tr("Copied"))
