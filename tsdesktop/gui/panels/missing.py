"""What a run lacks: the files of networks that are not on this computer, where they belong and how to get them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QWidget

from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.figures import size_text
from tsdesktop.gui.panels.needs import State
from tsdesktop.gui.panels.parts import MARGIN, ShortLabel, plain_label, stacked
from tsdesktop.weights.places import LICENCE_PAGE, Presence, own_weights_folder

_MOST_NAMED = 3


class MissingNetworks(QFrame):
    """Names the files and their place, with buttons. `try_again` when the person has put them there."""

    try_again = Signal()

    def __init__(self, choices: RunChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._choices = choices
        self._links: list[str] = []
        self._told = plain_label()
        self._files = [ShortLabel("secondary") for _ in range(_MOST_NAMED + 1)]
        self._place = ShortLabel("secondary")
        self.open_folder = self._button(self.tr("Open folder"), self._open_folder, self.tr("Where networks belong"))
        self.copy_link = self._button(self.tr("Copy link"), self._copy_links, self.tr("For your browser"))
        self.again = self._button(self.tr("Try again"), self.try_again.emit, self.tr("Look for the networks again"))
        grid = QGridLayout()
        grid.setSpacing(4)
        grid.addWidget(self.open_folder, 0, 0)
        grid.addWidget(self.copy_link, 0, 1)
        grid.addWidget(self.again, 1, 0, 1, 2)
        self.setLayout(stacked(self._told, *self._files, self._place, grid, gap=4, margin=MARGIN))

    def show_state(self, state: State) -> None:
        """What is missing."""
        count = len(state.missing)
        self._told.setText(self._sentence(state))
        names = [_file_text(each) for each in state.missing[:_MOST_NAMED]]
        if count > _MOST_NAMED:
            names.append(self.tr("and {count} more").format(count=count - _MOST_NAMED))
        for label, name in zip(self._files, [*names, *[""] * len(self._files)], strict=False):
            label.show_text(name)
            label.setVisible(bool(name))
        self._place.show_text(self.tr("Unpack in {place}").format(place=own_weights_folder()))
        self._links = [link for each in state.missing if (link := _link(each))]
        self.copy_link.setText(self.tr("Copy link") if len(self._links) < 2 else self.tr("Copy links"))
        self.copy_link.setEnabled(bool(self._links))

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
        place = own_weights_folder()
        place.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(place)))

    def _copy_links(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._links))
        self.copy_link.setText(self.tr("Copied"))

    def _button(self, title: str, on_click: Callable[[], object], help: str) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(help)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: on_click())
        return button


def _file_text(missing: Presence) -> str:
    network = missing.network
    if network.source == "licence_server":
        return network.dataset_folder
    size = f", {size_text(network.zip_bytes)}" if network.zip_bytes else ""
    return f"{network.dataset_folder}.zip{size}"


def _link(missing: Presence) -> str:
    return LICENCE_PAGE if missing.network.source == "licence_server" else missing.network.url or ""
