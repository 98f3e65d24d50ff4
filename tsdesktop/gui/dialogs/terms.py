"""Terms of use of a task, in plain words, confirmed once before its network is downloaded or run."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from tsdesktop.core.tasks import Task
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.parts import button, heading, paragraph, row, stacked
from tsdesktop.gui.words import task_title
from tsdesktop.weights.terms import TERMS_NAME, TERMS_URL


class TermsDialog(Dialog):
    """Asks whether a task is used on its terms: `accepted` on a yes, `rejected` on Cancel and Escape."""

    def __init__(self, task: Task, parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("TermsDialog", "Terms of use"), parent, (480, 10))
        self._task = task
        self.accept_button = button(self.tr("I use it non-commercially"), self.accept, "primary")
        self.accept_button.setDefault(True)
        self.cancel_button = button(self.tr("Cancel"), self.reject)
        layout = column(self)
        title = paragraph(self.tr("{task} is for non-commercial use only").format(task=task_title(task)), "title")
        layout.addWidget(title)
        for text in self._terms():
            layout.addWidget(paragraph(text))
        link = _link(self.tr("Read the licence: {name}").format(name=TERMS_NAME), TERMS_URL)
        layout.addLayout(row(link, None))
        if task.papers or task.credits:
            layout.addWidget(heading(self.tr("To cite")))
            layout.addLayout(stacked(*(_cited(each) for each in (*task.papers, *task.credits)), gap=theme.GRID))
        layout.addWidget(paragraph(self.tr("You are asked once; the answer is kept in the settings."), "secondary"))
        layout.addLayout(row(None, self.cancel_button, self.accept_button))

    def _terms(self) -> tuple[str, ...]:
        return (
            self.tr(
                "Its makers share the network for research, teaching and other uses that are not meant to earn money."
            ),
            self.tr("If you publish results, name them. For commercial use, ask them first."),
        )


def _cited(address: str) -> QWidget:
    return _link(address.removeprefix("https://"), address)


def _link(text: str, address: str) -> QWidget:
    made = button(text, lambda: QDesktopServices.openUrl(QUrl(address)), "link")
    made.setToolTip(address)
    return made
