"""The licence number: where one is needed, what it is, and what its server says of the one that was entered."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLineEdit, QWidget

from tsdesktop.core.errors import LicenceError
from tsdesktop.core.tasks import catalogue
from tsdesktop.gui.background import Work
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.error_words import Words, words_for
from tsdesktop.gui.parts import button, heading, one_line, paragraph, row, set_role
from tsdesktop.gui.words import task_title
from tsdesktop.weights.licence import (
    LICENCE_URL,
    LicenceState,
    Place,
    Question,
    enter_licence,
    forget_licence,
    found_licence,
    has_form,
    stored_licence,
    where_stored,
)
from tsdesktop.weights.licence_server import ask_server

_ROLES: dict[LicenceState, str] = {
    "valid": "good",
    "rejected": "error",
    "unreachable": "warning",
    "not entered": "secondary",
}
_MOST_LETTERS = 64


@dataclass(frozen=True)
class _Known:
    """What this computer knows: the stored number, where it is, and the one of a TotalSegmentator."""

    number: str
    place: Place
    found: str
    problem: LicenceError | None = None


class LicenceDialog(Dialog):
    """Takes a licence number. `entered` carries its state after it was stored, rejected or removed.

    A number that is stored already is asked about when the dialog opens. `ask` takes the place of the real server.
    `closes_when_valid`: for when somebody waits to go on with a valid number.
    """

    entered = Signal(str)

    def __init__(
        self, parent: QWidget | None = None, ask: Question = ask_server, *, closes_when_valid: bool = False
    ) -> None:
        super().__init__(QCoreApplication.translate("LicenceDialog", "Licence number"), parent, (520, 10))
        self._ask = ask
        self._closes_when_valid = closes_when_valid
        self._known = _Known("", "", "")
        self._asking: Work | None = None
        self.line = QLineEdit()
        self.line.setAccessibleName(self.tr("Licence number"))
        self.line.setPlaceholderText("aca_…")
        self.line.setMaxLength(_MOST_LETTERS)
        self.state_line = paragraph("")
        self.state_line.setMinimumHeight(2 * self.state_line.fontMetrics().lineSpacing())
        self.found_line = one_line(self.tr("TotalSegmentator has a number on this computer."), "secondary")
        self.found_button = button(self.tr("Use it"), self._use_found, "link")
        self.place_line = paragraph("", "secondary")
        self.remove_button = button(self.tr("Remove"), self.remove, "link")
        self.store_button = button(self.tr("Store"), self.store, "primary")
        self.store_button.setDefault(True)
        self._build()
        self.line.setFocus()
        self._show_known()
        self.line.textChanged.connect(self._on_typed)
        self._on_typed()
        self._reading = self.in_background(_look, self._on_read, self._on_failed)

    def store(self) -> None:
        """Asks about the number and keeps it, unless it is rejected."""
        number, ask = self.line.text(), self._ask
        self._wait(self.tr("Asking the licence server…"))
        self.in_background(lambda: (enter_licence(number, ask), _look()), self._on_entered, self._on_failed)

    def remove(self) -> None:
        """Forgets the stored number."""
        self._wait(self.tr("Removing…"))
        self.in_background(_forgotten, self._on_removed, self._on_failed)

    def _build(self) -> None:
        layout = column(self)
        tasks = [task_title(each) for each in catalogue().tasks.values() if each.licence == "licensed"]
        what = self.tr(
            "Some networks are free for academic use and need a licence number of their makers. "
            "The number starts with aca_ and has 18 characters."
        )
        layout.addWidget(paragraph(what))
        layout.addWidget(heading(self.tr("Needed for")))
        # The dot stays on the line of what stands before it.
        layout.addWidget(paragraph("\u00a0· ".join(tasks), "secondary"))
        link = button(self.tr("Get a licence number"), lambda: QDesktopServices.openUrl(QUrl(LICENCE_URL)), "link")
        link.setToolTip(LICENCE_URL)
        layout.addLayout(row(link, None))
        layout.addWidget(heading(self.tr("Your number")))
        layout.addWidget(self.line)
        layout.addWidget(self.state_line)
        self.found_button.setAccessibleName(self.tr("Use the number TotalSegmentator has on this computer"))
        layout.addLayout(row(self.found_line, self.found_button, None))
        layout.addWidget(self.place_line)
        layout.addStretch(1)
        close = button(self.tr("Close"), self.close)
        layout.addLayout(row(self.remove_button, None, close, self.store_button))

    def _wait(self, text: str) -> None:
        """Says what goes on; until it has ended nothing can be changed."""
        self._reading.forget()
        self._stop_asking()
        self._say(text, "secondary")
        self.line.setReadOnly(True)
        for each in (self.store_button, self.remove_button, self.found_button):
            each.setEnabled(False)

    def _stop_asking(self) -> None:
        """What the server says of the number that was stored is no longer of interest."""
        if self._asking is not None:
            self._asking.forget()
            self._asking = None

    def _on_read(self, known: _Known) -> None:
        """The number that was stored is shown, and asked about while the field stays free."""
        self._known = known
        self._show_known()
        if known.problem is not None:
            self._on_failed(known.problem)
        elif known.number and not self.line.text():
            self.line.setText(known.number)
            self._say(self.tr("Asking the licence server…"), "secondary")
            ask = self._ask
            self._asking = self.in_background(lambda: ask(known.number), self._on_asked, self._on_failed)
        else:
            self._on_typed()

    def _on_asked(self, state: LicenceState) -> None:
        self._asking = None
        self._say_state(state)
        self.store_button.setEnabled(state != "valid")

    def _on_typed(self) -> None:
        """Says while typing whether the form is right; nothing is stored yet."""
        number, is_known = self.line.text().strip(), self._is_known
        if not is_known:
            self._stop_asking()
        self.store_button.setText(self.tr("Ask again") if is_known else self.tr("Store"))
        self.store_button.setEnabled(has_form(number))
        if not number:
            self._say_state("not entered")
        elif has_form(number):
            self._say("" if is_known else self.tr("The form is right. Not stored yet."), "secondary")
        elif _may_become_number(number):
            self._say(self.tr("Go on: aca_ and 14 more characters."), "secondary")
        else:
            self._say(self.tr("This is not the form of a licence number."), "error")

    @property
    def _is_known(self) -> bool:
        """Whether the field shows the number that is stored."""
        number = self.line.text().strip()
        return bool(number) and number == self._known.number

    def _use_found(self) -> None:
        self.line.setText(self._known.found)
        self.store()

    def _on_entered(self, answer: tuple[LicenceState, _Known]) -> None:
        state, self._known = answer
        self._free()
        self._say_state(state)
        self.store_button.setEnabled(state == "unreachable")
        self.entered.emit(state)
        if state == "valid" and self._closes_when_valid:
            self.close()

    def _on_removed(self, known: _Known) -> None:
        self._known = known
        self.line.clear()
        self._free()
        self._say_state("not entered")
        self.entered.emit("not entered")

    def _on_failed(self, error: Exception) -> None:
        self._asking = None
        self._free()
        told = words_for(error) or Words("")
        self._say(f"{told.sentence} {told.hint}".strip(), "error")

    def _free(self) -> None:
        """The field and the buttons can be used again."""
        self.line.setReadOnly(False)
        for each in (self.remove_button, self.found_button):
            each.setEnabled(True)
        self._show_known()
        self._on_typed()

    def _show_known(self) -> None:
        known = self._known
        is_new = bool(known.found) and known.found != known.number
        self.found_line.setVisible(is_new)
        self.found_button.setVisible(is_new)
        self.remove_button.setVisible(bool(known.place))
        places: dict[Place, str] = {
            "keyring": self.tr("It is kept in the system's password store."),
            "file": self.tr("It is kept in a file that only you can read."),
            "": self.tr("It is kept in the system's password store, or in a file that only you can read."),
        }
        sent = self.tr("It is sent to its makers' licence server and nowhere else, and appears in no log.")
        self.place_line.setText(f"{places[known.place]} {sent}")
        self.fit_height()

    def _say_state(self, state: LicenceState) -> None:
        sentences: dict[LicenceState, str] = {
            "valid": self.tr("Valid."),
            "rejected": self.tr("Rejected: the licence server does not accept this number.")
            if self._is_known
            else self.tr("Rejected: the licence server does not accept this number. It is not stored."),
            "unreachable": self.tr(
                "The licence server cannot be reached. The number is kept, and asked about again when it is needed."
            ),
            "not entered": self.tr("No number is entered."),
        }
        self._say(sentences[state], _ROLES[state])

    def _say(self, text: str, role: str) -> None:
        self.state_line.setText(text)
        set_role(self.state_line, role)


def _look() -> _Known:
    """Slow: a password store may have to be unlocked."""
    try:
        number, problem = stored_licence(), None
    except LicenceError as error:
        number, problem = "", error
    return _Known(number, where_stored(), found_licence(), problem)


def _forgotten() -> _Known:
    forget_licence()
    return _look()


def _may_become_number(number: str) -> bool:
    """Whether typing on can still make it a number of the right form."""
    return len(number) < len("aca_") + 14 and has_form(number + ("aca_" + "0" * 14)[len(number) :])
