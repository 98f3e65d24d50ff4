"""Networks without a download: their files, where they belong, and how to bring them from another computer."""

from __future__ import annotations

import re

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from tsdesktop.gui.figures import size_text
from tsdesktop.gui.folders import show_folder
from tsdesktop.gui.panels.needs import State
from tsdesktop.gui.parts import button, paragraph, stacked
from tsdesktop.weights.packages import Package
from tsdesktop.weights.places import LICENCE_PAGE, own_weights_folder

_MOST_NAMED = 3


class OtherWays(QWidget):
    """Names files and place, with buttons. `look_again` when the person has put them there, `import_wanted` to choose
    a file, `download_wanted` for a download that no run follows.
    """

    look_again = Signal()
    import_wanted = Signal()
    download_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._links: list[str] = []
        self._files = paragraph()
        self._place = paragraph(role="secondary")
        self.download = button(
            self.tr("Download without running"),
            self.download_wanted.emit,
            "link",
            self.tr("Gets the networks for a later run"),
        )
        self.open_folder = button(self.tr("Open folder"), self._open_folder, help=self.tr("Where networks belong"))
        self.copy_link = button(self.tr("Copy link"), self._copy_links, help=self.tr("For a browser"))
        self.import_file = button(
            self.tr("Import file…"),
            self.import_wanted.emit,
            help=self.tr("A zip that was downloaded elsewhere; it may be dropped on the window, too"),
        )
        self.again = button(self.tr("Look again"), self.look_again.emit, help=self.tr("Look for the networks again"))
        upper, lower = QHBoxLayout(), QHBoxLayout()
        for row, buttons in ((upper, (self.open_folder, self.copy_link)), (lower, (self.import_file, self.again))):
            row.setSpacing(4)
            for each in buttons:
                row.addWidget(each, 1)
        self.setLayout(stacked(self._files, self._place, stacked(upper, lower, gap=4), self.download, gap=6))

    @property
    def words(self) -> str:
        """All that it says, as one text."""
        return "\n".join(label.accessibleName() or label.text() for label in (self._files, self._place))

    def show_state(self, state: State) -> None:
        """What is missing."""
        names = [_file_text(each) for each in state.packages[:_MOST_NAMED]]
        if len(state.packages) > _MOST_NAMED:
            names.append(self.tr("and {count} more").format(count=len(state.packages) - _MOST_NAMED))
        self._show(self._files, "\n".join(names))
        self._show(self._place, self.tr("Unpack in {place}").format(place=own_weights_folder()))
        self._links = [link for each in state.packages if (link := _link(each))]
        self.copy_link.setText(self.tr("Copy link") if len(self._links) < 2 else self.tr("Copy links"))
        self.copy_link.setEnabled(bool(self._links))

    def _show(self, label: QLabel, text: str) -> None:
        label.setText(breakable(text))
        label.setAccessibleName(text)

    def _open_folder(self) -> None:
        problem = show_folder(own_weights_folder())
        if problem:
            self._show(self._place, problem)

    def _copy_links(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._links))
        self.copy_link.setText(self.tr("Copied"))


def breakable(text: str) -> str:
    """A path or file name that may go on in the next line after its separators."""
    return re.sub(r"([_/\\\\])(?=.)", "\\1\u200b", text)


def _file_text(package: Package) -> str:
    if package.source != "release":
        return package.folder
    # A size does not go on in the next line.
    size = f" · {size_text(package.zip_bytes)}" if package.zip_bytes else ""
    return f"{package.zip_name}{size}".replace(" ", "\u00a0")


def _link(package: Package) -> str:
    return LICENCE_PAGE if package.source == "licence_server" else package.url or ""
