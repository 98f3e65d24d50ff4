"""What a run lacks: the files of networks that are not on this computer, where they belong and how to get them."""

from __future__ import annotations

import re

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tsdesktop.gui.figures import size_text
from tsdesktop.gui.folders import show_folder
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.needs import State
from tsdesktop.gui.panels.parts import MARGIN
from tsdesktop.gui.parts import button, paragraph, stacked
from tsdesktop.weights.places import LICENCE_PAGE, Presence, own_weights_folder

_MOST_NAMED = 3


class MissingNetworks(QFrame):
    """Names the files and their place, with buttons. `try_again` when the person has put them there, `licence_wanted`
    for a network that comes with a licence number.
    """

    try_again = Signal()
    licence_wanted = Signal()

    def __init__(self, choices: RunChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._choices = choices
        self._links: list[str] = []
        self._told = paragraph()
        self._files = paragraph()
        self._place = paragraph(role="secondary")
        self.open_folder = button(self.tr("Open folder"), self._open_folder, help=self.tr("Where networks belong"))
        self.copy_link = button(self.tr("Copy link"), self._copy_links, help=self.tr("For your browser"))
        self.licence = button(
            self.tr("Licence…"),
            self.licence_wanted.emit,
            help=self.tr("Enter a licence number, or find out how to get one"),
        )
        self.again = button(self.tr("Try again"), self.try_again.emit, help=self.tr("Look for the networks again"))
        self.setLayout(stacked(self._told, self._files, self._place, self._buttons(), gap=6, margin=MARGIN))

    def _buttons(self) -> QVBoxLayout:
        upper, lower = QHBoxLayout(), QHBoxLayout()
        upper.addWidget(self.open_folder)
        upper.addWidget(self.copy_link)
        lower.addWidget(self.licence)
        lower.addWidget(self.again)
        for row in (upper, lower):
            row.setSpacing(4)
        return stacked(upper, lower, gap=4)

    def show_state(self, state: State) -> None:
        """What is missing."""
        count = len(state.missing)
        self._told.setText(self._sentence(state))
        names = [_file_text(each) for each in state.missing[:_MOST_NAMED]]
        if count > _MOST_NAMED:
            names.append(self.tr("and {count} more").format(count=count - _MOST_NAMED))
        self._show(self._files, "\n".join(names))
        self._show(self._place, self.tr("Unpack in {place}").format(place=own_weights_folder()))
        self._links = [link for each in state.missing if (link := _link(each))]
        self.copy_link.setText(self.tr("Copy link") if len(self._links) < 2 else self.tr("Copy links"))
        self.copy_link.setEnabled(bool(self._links))
        self.licence.setVisible(state.kind == "licence")

    @property
    def words(self) -> str:
        """All that it says, as one text."""
        return "\n".join(label.accessibleName() or label.text() for label in (self._told, self._files, self._place))

    def _show(self, label: QLabel, text: str) -> None:
        label.setText(_breakable(text))
        label.setAccessibleName(text)

    def _sentence(self, state: State) -> str:
        broken = next((each for each in state.missing if each.state == "incomplete"), None)
        if state.kind == "licence":
            return self.tr("This task needs a network that comes with a licence number.")
        if broken is not None and len(state.missing) == 1:
            return self.tr("The network is incomplete: {what} is missing.").format(what=broken.lacking)
        if len(state.missing) == 1:
            return self.tr("This needs a network that is not on this computer yet.")
        return self.tr("This needs {count} networks that are not on this computer yet.").format(
            count=len(state.missing)
        )

    def _open_folder(self) -> None:
        problem = show_folder(own_weights_folder())
        if problem:
            self._show(self._place, problem)

    def _copy_links(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._links))
        self.copy_link.setText(self.tr("Copied"))


def _breakable(text: str) -> str:
    """A path or file name that may go on in the next line after its separators."""
    return re.sub(r"([_/\\\\])(?=.)", "\\1\u200b", text)


def _file_text(missing: Presence) -> str:
    network = missing.network
    if network.source == "licence_server":
        return network.dataset_folder
    name = f"{network.dataset_folder}.zip"
    # A size does not go on in the next line.
    return f"{name} · {size_text(network.zip_bytes)}".replace(" ", "\u00a0") if network.zip_bytes else name


def _link(missing: Presence) -> str:
    return LICENCE_PAGE if missing.network.source == "licence_server" else missing.network.url or ""
