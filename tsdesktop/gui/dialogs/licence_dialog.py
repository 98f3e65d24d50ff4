"""The licence number: where one is needed, what it is, and what is known of the one that was entered."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLineEdit, QWidget

from tsdesktop.core.errors import LicenceError
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.parts import button, heading, paragraph, row, set_role
from tsdesktop.gui.words import task_title
from tsdesktop.weights.licence import (
    LICENCE_URL,
    LicenceState,
    Question,
    enter_licence,
    forget_licence,
    state_of,
    stored_licence,
)

_ROLES: dict[LicenceState, str] = {
    "valid": "good",
    "rejected": "error",
    "unreachable": "warning",
    "not entered": "secondary",
}


class LicenceDialog(Dialog):
    """Takes a licence number. `entered` carries its state after it was stored, rejected or removed.

    `ask` asks a server about a number, in the background; without it only the form is checked, which is said.
    """

    entered = Signal(str)

    def __init__(self, parent: QWidget | None = None, ask: Question | None = None) -> None:
        super().__init__(QCoreApplication.translate("LicenceDialog", "Licence number"), parent, (520, 10))
        self._ask = ask
        self.line = QLineEdit(stored_licence())
        self.line.setAccessibleName(self.tr("Licence number"))
        self.line.setPlaceholderText("aca_…")
        self.line.setMaxLength(64)
        self.state_line = paragraph("")
        self.state_line.setMinimumHeight(36)
        self.remove_button = button(self.tr("Remove"), self.remove, "link")
        self.store_button = button(self.tr("Store"), self.store, "primary")
        self.store_button.setDefault(True)
        self._build()
        self.line.textChanged.connect(self._on_typed)
        self._on_opened()

    @property
    def state(self) -> LicenceState:
        """What is known of the number in the field from its form."""
        return state_of(self.line.text())

    def store(self) -> None:
        """Keeps the number, unless it is rejected."""
        number = self.line.text()
        if self._ask is None:
            try:
                self._on_entered(enter_licence(number))
            except LicenceError as error:
                self._on_failed(error)
            return
        self.store_button.setEnabled(False)
        self._say(self.tr("Asking the licence server…"), "secondary")
        ask = self._ask
        self.in_background(lambda: enter_licence(number, ask), self._on_entered, self._on_failed)

    def remove(self) -> None:
        """Forgets the stored number."""
        try:
            forget_licence()
        except LicenceError as error:
            self._on_failed(error)
            return
        self.line.clear()
        self._say_state("not entered")
        self.remove_button.hide()
        self.entered.emit("not entered")

    def _build(self) -> None:
        layout = column(self)
        tasks = [task_title(each) for each in catalogue().tasks.values() if each.licence == "licensed"]
        what = self.tr(
            "Some networks are free for academic use and need a licence number of their makers. "
            "The number starts with aca_ and has 14 letters or digits after it."
        )
        layout.addWidget(paragraph(what))
        layout.addWidget(heading(self.tr("Needed for")))
        layout.addWidget(paragraph(" · ".join(tasks), "secondary"))
        link = button(self.tr("Get a licence number"), lambda: QDesktopServices.openUrl(QUrl(LICENCE_URL)), "link")
        link.setToolTip(LICENCE_URL)
        layout.addLayout(row(link, None))
        layout.addWidget(heading(self.tr("Your number")))
        layout.addWidget(self.line)
        layout.addWidget(self.state_line)
        kept = self.tr("It is kept in a file that only you can read, and appears in no log.")
        layout.addWidget(paragraph(kept, "secondary"))
        close = button(self.tr("Close"), self.close)
        layout.addLayout(row(self.remove_button, None, close, self.store_button))

    def _on_opened(self) -> None:
        self.remove_button.setVisible(bool(self.line.text()))
        self.store_button.setEnabled(False)
        if self.state == "valid":
            self._say_state("valid")
        else:
            self._on_typed()

    def _on_typed(self) -> None:
        """Says while typing whether the form is right; nothing is stored yet."""
        state = self.state
        self.store_button.setEnabled(state == "valid")
        if state == "valid":
            self._say(self.tr("The form is right. Not stored yet."), "secondary")
        elif state == "not entered":
            self._say_state(state)
        elif _may_become_valid(self.line.text().strip()):
            self._say(self.tr("Go on: aca_ and 14 letters or digits."), "secondary")
        else:
            self._say_state("rejected")

    def _on_entered(self, state: LicenceState) -> None:
        self._say_state(state)
        self.store_button.setEnabled(False)
        self.remove_button.setVisible(state in ("valid", "unreachable") or bool(stored_licence()))
        self.entered.emit(state)

    def _on_failed(self, error: Exception) -> None:
        told = words_for(error)
        if told is not None:
            self._say(f"{told.sentence} {told.hint}", "error")
        self.store_button.setEnabled(self.state == "valid")

    def _say_state(self, state: LicenceState) -> None:
        asked = self._ask is not None
        sentences: dict[LicenceState, str] = {
            "valid": self.tr("Valid. The number is stored.")
            if asked
            else self.tr("Stored. Only its form was checked: this version asks no server."),
            "rejected": self.tr("Rejected by the licence server; it is not stored.")
            if asked and self.state == "valid"
            else self.tr("Rejected: this is not the form of a licence number."),
            "unreachable": self.tr("The licence server cannot be reached. The number is kept and asked about later."),
            "not entered": self.tr("No number is entered."),
        }
        self._say(sentences[state], _ROLES[state])

    def _say(self, text: str, role: str) -> None:
        self.state_line.setText(text)
        set_role(self.state_line, role)


def _may_become_valid(number: str) -> bool:
    """Whether typing on can still make it a number of the right form."""
    return len(number) < len("aca_") + 14 and state_of(number + ("aca_" + "0" * 14)[len(number) :]) == "valid"
