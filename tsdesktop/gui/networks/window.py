"""The window of networks: what is on this computer, what can be had, and everything that is done with them.

It stays open beside the main window. Everything slow runs in the background.
"""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QPushButton, QSplitter, QVBoxLayout, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.background import Work
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.figures import size_text
from tsdesktop.gui.networks.deeds import Deeds
from tsdesktop.gui.networks.details import NetworkDetails
from tsdesktop.gui.networks.line import NetworksLine, forget_all
from tsdesktop.gui.networks.list import NetworkList
from tsdesktop.gui.networks.reading import Holdings, read_holdings
from tsdesktop.gui.networks.rows import Findings, Row, found, make_rows, with_items
from tsdesktop.gui.networks.sentences import told_text
from tsdesktop.gui.parts import SearchBox, ShortLabel, button, hairline, one_line, paragraph, row, scrolled
from tsdesktop.weights.packages import Package

_DETAILS_WIDTH = 340


class Networks(Dialog):
    """All networks. `networks_changed` after some came, went or changed; `licence_wanted` where a number is needed.

    `terms_wanted(task, go_on)` where terms of use come first: whoever hears it calls `go_on` once they are accepted.
    """

    networks_changed = Signal()
    licence_wanted = Signal()
    terms_wanted = Signal(object, object)

    def __init__(self, downloads: Downloads, parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("Networks", "Networks"), parent, (980, 680))
        self.setWindowModality(Qt.WindowModality.NonModal)
        self.setAcceptDrops(True)
        self._downloads = downloads
        self._holdings: Holdings | None = None
        self._rows: tuple[Row, ...] = ()
        self._reading: Work | None = None
        self._select_next: tuple[str, ...] = ()
        self._make_parts()
        self.deeds = Deeds(downloads, self.line, self)
        # Where the window goes without being closed, as when the program ends.
        self.when_gone(partial(forget_all, self.line.under_way))
        self._build()
        self._wire()
        self.read()

    @property
    def is_reading(self) -> bool:
        """Whether the folders of networks are being looked at."""
        return self._reading is not None

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, whether the search shows them or not."""
        return self._rows

    def read(self) -> None:
        """Looks at the folders of networks again, in the background."""
        if self._reading is not None:
            self._reading.forget()
        self._reading = self.in_background(partial(read_holdings, self.deeds.updates), self._on_read, self._on_not_read)
        self._show_rows()

    def look_again(self) -> None:
        """Networks came or went elsewhere: what was found out here may be true no more."""
        self.deeds.findings = Findings()
        self.read()

    def reject(self) -> None:
        """Escape stops what is under way first, then takes back a question, and closes then."""
        if self.line.is_busy:
            self.line.stop()
        elif self.line.showing == "question":
            self.line.dismiss()
        else:
            super().reject()

    def done(self, result: int) -> None:
        """Nothing but downloads goes on behind a closed window."""
        self._end()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """The same."""
        self._end()
        super().closeEvent(event)

    def event(self, event: QEvent) -> bool:
        """Whoever comes back may have entered a licence number, or have moved files."""
        if event.type() == QEvent.Type.WindowActivate and self._holdings is not None and not self.is_reading:
            self.read()
        return super().event(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders can be dropped: they are imported."""
        if any(url.isLocalFile() for url in event.mimeData().urls()) and not self.line.is_busy:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Imports what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.deeds.bring_in_if_networks(paths[0])

    def _end(self) -> None:
        self.line.close_down()
        if self._reading is not None:
            self._reading.forget()

    # parts

    def _make_parts(self) -> None:
        self.search = SearchBox(self.tr("Find a network"))
        self.search.setToolTip(self.tr("Type a task, the number of a dataset, or a state such as “missing”"))
        self.total = ShortLabel("secondary")
        self.list = NetworkList()
        self.nothing = paragraph(role="secondary")
        self.details = NetworkDetails()
        self.everything = button("", self._ask_everything, "link")
        self.everything.setToolTip(self.tr("All networks that are not here, so that everything runs without internet"))
        self.for_tasks = button(self.tr("Download for tasks…"), self._choose_downloads, "link")
        self.for_tasks.setToolTip(self.tr("All that some tasks can ever need"))
        offer = QWidget()
        self.all_here = one_line(self.tr("Everything is here."), "secondary")
        links = row(self.everything, self.all_here, self.for_tasks, None)
        links.setContentsMargins(0, 0, 0, 0)
        links.setSpacing(5 * theme.GRID)
        offer.setLayout(links)
        self.line = NetworksLine(offer)
        self.import_button = self._import_button()
        self.bundle_button = button(self.tr("Export bundle…"), self._choose_bundle)
        self.bundle_button.setToolTip(self.tr("Networks in one file, for a computer without internet"))
        self.updates_button = button(self.tr("Look for updates"), self._look_for_updates)
        self.updates_button.setToolTip(self.tr("Asks the page they were published on; nothing is asked without this"))
        self.close_button = button(self.tr("Close"), self.close)

    def _import_button(self) -> QPushButton:
        made = QPushButton(self.tr("Import"))
        made.setAutoDefault(False)
        made.setToolTip(self.tr("A zip, a bundle or a folder with networks; it can also be dropped on this window"))
        menu = QMenu(made)
        menu.addAction(self.tr("Zip or bundle…"), self._browse_file)
        menu.addAction(self.tr("Folder…"), self._browse_folder)
        made.setMenu(menu)
        return made

    def _build(self) -> None:
        layout = column(self, gap=2 * theme.GRID)
        top = row(self.search, self.total)
        top.setStretch(0, 3)
        top.setStretch(1, 2)
        self.total.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        layout.addLayout(top)
        left = QWidget()
        inner = QVBoxLayout(left)
        inner.setContentsMargins(0, 0, 2 * theme.GRID, 0)
        inner.addWidget(self.nothing)
        inner.addWidget(self.list, 1)
        inner.addStretch(0)
        area = scrolled(self.details)
        area.setMinimumWidth(260)
        # Its buttons have the keyboard.
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(area)
        split.setChildrenCollapsible(False)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 0)
        split.setSizes([self.width() - _DETAILS_WIDTH, _DETAILS_WIDTH])
        layout.addWidget(split, 1)
        layout.addWidget(hairline())
        layout.addWidget(self.line)
        layout.addLayout(row(self.import_button, self.bundle_button, self.updates_button, None, self.close_button))
        self.search.setFocus()

    def _wire(self) -> None:
        self.search.textChanged.connect(self._show_rows)
        self.search.left_downwards.connect(self.list.enter)
        self.list.selected_changed.connect(self._show_details)
        self.list.first_wanted.connect(self._do_first)
        self.list.delete_wanted.connect(lambda: self.deeds.act("delete", self.list.selected))
        self.list.menu_wanted.connect(self._open_menu)
        self.details.wanted.connect(lambda action: self.deeds.act(action, self.list.selected))
        self.details.renamed.connect(self.deeds.rename)
        self.details.recoloured.connect(self.deeds.recolour)
        self.deeds.changed.connect(self._on_changed)
        self.deeds.selected.connect(self._on_select_wanted)
        self.deeds.found.connect(self._make_rows)
        self.deeds.licence_wanted.connect(self.licence_wanted)
        self.deeds.terms_wanted.connect(self.terms_wanted)
        self.line.busy_changed.connect(self._show_ready)
        self.line.left.connect(self.list.enter)
        self._downloads.changed.connect(self._on_downloads_changed)
        self._downloads.finished.connect(self._on_download_finished)

    # what the buttons do

    def _ask_everything(self) -> None:
        self.deeds.ask_everything()

    def _choose_downloads(self) -> None:
        self.deeds.choose_downloads()

    def _choose_bundle(self) -> None:
        self.deeds.choose_bundle(self.list.selected)

    def _look_for_updates(self) -> None:
        self.deeds.look_for_updates()

    def _browse_file(self) -> None:
        dialog = QFileDialog(self, self.tr("Import networks"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(self.tr("Networks and bundles (*.zip);;All files (*)"))
        self._browse(dialog)

    def _browse_folder(self) -> None:
        dialog = QFileDialog(self, self.tr("Import networks"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._browse(dialog)

    def _browse(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.deeds.bring_in(Path(path)))
        dialog.open()

    def _do_first(self) -> None:
        if self.details.possible:
            self.deeds.act(self.details.possible[0], self.list.selected)

    def _open_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action in self.details.possible:
            pressed: Callable[[], object] = self.details.buttons[action].click
            menu.addAction(self.details.buttons[action].text(), pressed)
        if menu.actions():
            menu.popup(place)

    # what is shown

    def _on_read(self, holdings: Holdings) -> None:
        self._reading = None
        self._holdings = self.deeds.holdings = holdings
        self._make_rows()
        if self._select_next:
            self.list.select(self._select_next)
            self._select_next = ()

    def _on_not_read(self, error: Exception) -> None:
        self._reading = None
        self._show_rows()
        self.line.say(told_text(error), "error")

    def _on_changed(self) -> None:
        self.read()
        self.networks_changed.emit()

    def _on_select_wanted(self, keys: Sequence[str]) -> None:
        self.search.clear()
        self._select_next = tuple(keys)

    def _on_downloads_changed(self) -> None:
        ran = {each.key for each in self._rows if each.state == "running"}
        queued = {each.key for each in self._rows if each.item is not None}
        self._rows = with_items(self._rows, self._downloads.items)
        self._show_rows()
        running = {each.key for each in self._rows if each.state == "running"}
        # What has stopped or was taken away has left something on the disk, or nothing: only the disk knows.
        if ran - running or queued - {each.key for each in self._rows if each.item is not None}:
            self.read()

    def _on_download_finished(self, _package: Package) -> None:
        self.networks_changed.emit()

    def _make_rows(self) -> None:
        if self._holdings is not None:
            self._rows = make_rows(self._holdings, self._downloads.items, self.deeds.findings)
        self._show_rows()

    def _show_rows(self) -> None:
        query = self.search.text().strip()
        shown = found(self._rows, query)
        self.list.show_rows(shown, self._totals())
        self.list.setVisible(bool(shown))
        if not self._rows:
            self.nothing.setText(self.tr("Looking…"))
        else:
            self.nothing.setText(self.tr("Nothing is called “{query}”.").format(query=query))
        self.nothing.setVisible(not shown)
        self._show_total()
        self._show_details()
        self._show_ready()

    def _totals(self) -> dict[str, str]:
        totals: dict[str, str] = {}
        for group in {each.group for each in self._rows}:
            members = [each for each in self._rows if each.group == group]
            here = sum(each.state in ("here", "update") for each in members)
            words = self.tr("{here} of {count} here").format(here=here, count=len(members))
            totals[group] = words if group != "obsolete" else ""
        return totals

    def _show_total(self) -> None:
        holdings = self._holdings
        if holdings is None:
            self.total.show_text("")
            return
        used = size_text(holdings.used_bytes) if holdings.used_bytes else "0 MB"
        if holdings.free_bytes is None:
            self.total.show_text(self.tr("{used} on this computer").format(used=used))
        else:
            free = size_text(holdings.free_bytes)
            self.total.show_text(self.tr("{used} on this computer · {free} free").format(used=used, free=free))

    def _show_details(self) -> None:
        spacings = dict(self._holdings.spacings_mm) if self._holdings is not None else {}
        self.details.show_rows(self.list.selected, spacings)

    def _show_ready(self) -> None:
        known, busy = self._holdings is not None, self.line.is_busy
        everything = self.deeds.everything
        size = size_text(self.deeds.to_come(everything))
        self.everything.setText(self.tr("Download everything for offline use ({size})").format(size=size))
        self.everything.setVisible(known and bool(everything))
        self.all_here.setVisible(known and not everything)
        self.for_tasks.setVisible(known)
        for each in (self.import_button, self.bundle_button, self.updates_button):
            each.setEnabled(known and not busy)
        for action in ("verify", "delete", "discard"):
            self.details.buttons[action].setEnabled(not busy)
