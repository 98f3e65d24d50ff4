"""Where networks run, why there, and how to change it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.parts import MARGIN, Row
from tsdesktop.gui.parts import Popup, button, heading, paragraph, stacked
from tsdesktop.gui.translation import reason_words
from tsdesktop.gui.words import device_title
from tsdesktop.jobs.messages import Device, Devices


class DeviceRow(QWidget):
    """The row RUNS ON with the reason under it. The devices come with `show_devices`.

    `card_wanted`: a card that could be used was clicked on; what is said of it comes with `show_card`.
    """

    card_wanted = Signal()

    def __init__(self, choices: RunChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = choices
        self.row = Row()
        self.row.setToolTip(self.tr("Choose where networks run"))
        self.row.clicked.connect(self._open_menu)
        self.why = button(
            self.tr("why not GPU?"), self._open_reasons, "link", self.tr("Why the graphics card is not used")
        )
        self.row.set_side(self.why)
        self.reason = paragraph(role="secondary")
        self.card = button("", self.card_wanted.emit, "link", self.tr("What it takes to use the graphics card"))
        self.card.hide()
        self.setLayout(stacked(heading(self.tr("Runs on")), self.row, self.reason, self.card))
        choices.changed.connect(self._on_choices_changed)
        self._on_choices_changed()

    def show_devices(self, devices: Devices) -> None:
        """The devices found, with the reason where one is not used."""
        self._choices.show_devices(devices)

    def show_card(self, text: str, name: str) -> None:
        """What can be done for the card `name` that is not used yet, or how far it is; nothing for an empty text."""
        self.card.setText(text)
        self.card.setToolTip(name)
        self.card.setAccessibleDescription(name)
        self.card.setVisible(bool(text))

    def menu(self) -> QMenu:
        """Automatic and every device; those that may not be used are there, with the reason."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        group = QActionGroup(menu)
        self._add(menu, group, ("auto", self.tr("Choose automatically"), ""))
        for each in self._known():
            self._add(menu, group, (each.name, device_title(each), reason_words(each.refused)))
        return menu

    def reasons(self) -> str:
        """Why no graphics card is used, and whether that matters."""
        devices = self._choices.devices
        if devices is None:
            return self.tr("Looking for a graphics card…")
        refused = [
            self.tr("{device}: {reason}.").format(device=reason_words(each.title), reason=reason_words(each.refused))
            for each in devices.devices
            if each.refused
        ]
        lines = refused or [self.tr("No graphics card was found on this computer.")]
        tail = self.tr("Everything works on the processor as well; it takes longer. ({library})")
        return "\n".join([*lines, "", tail.format(library=devices.library)])

    def _reason(self) -> str:
        """Why it runs there, in a line."""
        devices, used = self._choices.devices, self._choices.used_device
        if devices is None:
            return self.tr("Looking for a graphics card…")
        if self._choices.device not in ("auto", used) and not (self._choices.device == "gpu" and used == "gpu:0"):
            return self.tr("{device} was chosen, but cannot be used").format(device=self._asked_title())
        if self._choices.device != "auto":
            return self.tr("chosen by you")
        if used != "cpu":
            return self.tr("automatic · its results were checked")
        refused = next((each for each in devices.devices if each.refused), None)
        if refused is None:
            return self.tr("automatic · no graphics card was found")
        words = {"device": reason_words(refused.title), "reason": reason_words(refused.refused)}
        return self.tr("automatic · {device}: {reason}").format(**words)

    def _asked_title(self) -> str:
        found = next((each for each in self._known() if each.name == self._choices.device), None)
        return reason_words(found.title) if found is not None and found.title else self._choices.device

    def _add(self, menu: QMenu, group: QActionGroup, words: tuple[str, str, str]) -> None:
        name, title, refused = words
        action = QAction(f"{title}: {refused}" if refused else title, menu)
        action.setCheckable(True)
        action.setChecked(self._choices.device == name)
        action.setEnabled(not refused)
        action.setToolTip(refused)
        action.setData(name)
        action.triggered.connect(lambda _=False, name=name: self._choices.choose_device(name))
        group.addAction(action)
        menu.addAction(action)

    def _open_menu(self) -> None:
        menu = self.menu()
        # Its action is told after it has closed.
        menu.aboutToHide.connect(menu.deleteLater)
        menu.setMinimumWidth(self.row.width())
        menu.popup(self.row.mapToGlobal(self.row.rect().bottomLeft()))

    def _open_reasons(self) -> None:
        popup = Popup(self, QSize(max(280, self.width()), 10))
        popup.setAccessibleName(self.reasons())
        popup.setLayout(stacked(paragraph(self.reasons()), margin=MARGIN))
        popup.adjustSize()
        popup.open_at(self.row)

    def _known(self) -> tuple[Device, ...]:
        devices = self._choices.devices
        return devices.devices if devices else (Device("cpu", "", 0.0),)

    def _on_choices_changed(self) -> None:
        used = self._choices.used_device
        device = next((each for each in self._known() if each.name == used), Device(used, used, 0.0))
        self.row.setText(device_title(device))
        reason = self._reason()
        self.reason.setText(reason)
        self.row.setAccessibleName(self.tr("Runs on {device}").format(device=self.row.text()))
        self.row.setAccessibleDescription(reason)
        self.why.setVisible(used == "cpu" and self._choices.devices is not None)
        self.setVisible(self._choices.task.instant is None)
        self.row.place_side()
