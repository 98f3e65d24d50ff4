"""What is done in the window of networks: by the buttons of the details, and for many networks at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from tsdesktop.core.structures import Rgb
from tsdesktop.gui.background import run_in_background
from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.folders import show_folder
from tsdesktop.gui.networks.choosing import BundleChooser, DownloadChooser
from tsdesktop.gui.networks.line import NetworksLine
from tsdesktop.gui.networks.reading import Holdings
from tsdesktop.gui.networks.rows import Action, Findings, Row, actions_of
from tsdesktop.gui.networks.sentences import (
    delete_question,
    download_question,
    freed_text,
    imported_text,
    told_text,
    updates_text,
    verified_text,
)
from tsdesktop.gui.networks.words import count_text
from tsdesktop.gui.networks.work import delete_rows, discard_rows, verify_rows
from tsdesktop.weights.bundle import write_bundle
from tsdesktop.weights.custom import recolour_custom, rename_custom
from tsdesktop.weights.install import Installed, import_networks, looks_like_networks
from tsdesktop.weights.inventory import find_updates
from tsdesktop.weights.packages import Package
from tsdesktop.weights.progress import Listen
from tsdesktop.weights.stopping import Stop

_GETS: tuple[Action, ...] = ("download", "resume", "try_again", "repair", "update")


class Deeds(QObject):
    """Acts on networks. `changed` when they are to be read again, `selected(keys)` what to show then; `found` when only
    what is known of them has changed; `licence_wanted` where a number is needed, `terms_wanted(task, go_on)` where
    terms of use come first: whoever hears it calls `go_on` once they are accepted.
    """

    changed = Signal()
    selected = Signal(object)
    found = Signal()
    licence_wanted = Signal()
    terms_wanted = Signal(object, object)

    def __init__(self, downloads: Downloads, line: NetworksLine, window: QWidget) -> None:
        super().__init__(window)
        self._downloads = downloads
        self._line = line
        self._window = window
        self.holdings: Holdings | None = None
        self.findings = Findings()
        self.updates: Mapping[str, str] = {}

    def act(self, action: Action, rows: Sequence[Row]) -> None:
        """Does it to those of the rows to which it can be done."""
        able = [row for row in rows if action in actions_of(row)]
        if not able:
            return
        if action in _GETS:
            self._get(action, able)
            return
        folders = [row.entry.folder for row in able]
        known: dict[Action, Callable[[], object]] = {
            "licence": self.licence_wanted.emit,
            "pause": partial(self._each, self._downloads.pause, folders),
            "cancel": partial(self._each, self._downloads.cancel, folders),
            "verify": partial(self._verify, able),
            "delete": partial(self._ask_delete, able),
            "discard": partial(self._remove, discard_rows, able),
            "open": partial(self._open, able[0]),
            "copy_link": partial(self._copy_link, able[0]),
        }
        known[action]()

    def download(self, packages: Iterable[Package], *, again: bool = False) -> None:
        """Puts packages into the queue, those with terms of use once these are accepted."""
        terms = self.holdings.terms if self.holdings is not None else {}
        free: list[Package] = []
        for each in packages:
            tasks = terms.get(each.folder)
            if tasks:
                self.terms_wanted.emit(tasks[0], partial(self._downloads.add, (each,), again=again))
            else:
                free.append(each)
        if free:
            self._downloads.add(free, again=again)

    def ask_everything(self) -> None:
        """Asks whether everything that is open, or that a licence number allows, is to be downloaded."""
        packages = self.everything
        free = self.holdings.free_bytes if self.holdings is not None else None
        text, fits = download_question(packages, self.to_come(packages), free)
        if self.holdings is not None and not self.holdings.has_licence:
            text += " " + self.tr("What needs a licence number is left out.")
        yes = self.tr("Download") if fits else ""
        no = self.tr("Not now") if fits else self.tr("Close")
        self._line.ask(text, yes, no, partial(self.download, packages), "" if fits else "error")

    @property
    def everything(self) -> tuple[Package, ...]:
        """All that is not here and may be downloaded."""
        holdings = self.holdings
        if holdings is None:
            return ()
        wanted = [each for each in holdings.entries if each.state in ("missing", "partial")]
        allowed = [each for each in wanted if holdings.has_licence or not each.licensed]
        return tuple(each.package for each in allowed if each.package is not None and each.package.source != "bundled")

    def to_come(self, packages: Sequence[Package]) -> int:
        """How many bytes of these are still to be downloaded, those of unknown size left out."""
        entries = [None if self.holdings is None else self.holdings.entry(each.folder) for each in packages]
        return sum(max(0, (each.zip_bytes or 0) - each.partial_bytes) for each in entries if each is not None)

    def choose_downloads(self) -> None:
        """Opens the choice of tasks to download for."""
        if self.holdings is not None:
            chooser = DownloadChooser(self.holdings, self.to_come, self._window)
            chooser.chosen.connect(self.download)
            chooser.open()

    def choose_bundle(self, selected: Sequence[Row]) -> None:
        """Opens the choice of what to pack into one file."""
        if self.holdings is not None:
            chooser = BundleChooser(self.holdings, selected, self._window)
            chooser.chosen.connect(self.bundle)
            chooser.open()

    def bundle(self, path: Path, packages: Sequence[Package], tasks: Sequence[str]) -> None:
        """Packs networks into one file."""
        title = self.tr("Packing {name}").format(name=path.name)
        done = self.tr("{name} is ready to be carried to another computer.").format(name=path.name)
        call = partial(write_bundle, path, packages, tasks)
        self._line.work(title, call, lambda _: self._line.say(done, "good"), self._tell)

    def bring_in(self, path: Path) -> None:
        """Installs from a zip, a bundle or a folder."""
        title = self.tr("Importing {name}").format(name=path.name)
        self._line.work(title, partial(import_networks, path), self._on_imported, self._tell)

    def bring_in_if_networks(self, path: Path) -> None:
        """The same for something that was dropped, which may be anything."""
        no = self.tr("{name} holds no networks.").format(name=path.name)

        def on_looked(is_networks: bool) -> None:
            if is_networks:
                self.bring_in(path)
            else:
                self._line.say(no, "warning")

        run_in_background(partial(looks_like_networks, path), on_looked, self._tell)

    def look_for_updates(self) -> None:
        """Asks the release page whether other versions were published."""
        holdings = self.holdings
        if holdings is not None:

            def call(_listen: Listen, stop: Stop) -> Mapping[str, str]:
                return find_updates(holdings.catalogue, stop)

            self._line.work(self.tr("Asking for updates"), call, self._on_updates, self._tell)

    def rename(self, name: str, title: str) -> None:
        """Calls a network of one's own something else."""
        self._change(partial(rename_custom, name, title))

    def recolour(self, name: str, structure: str, rgb: Rgb) -> None:
        """Gives a structure of a network of one's own another colour."""
        self._change(partial(recolour_custom, name, structure, rgb))

    # one action each

    def _get(self, action: Action, rows: Sequence[Row]) -> None:
        packages = [row.entry.package for row in rows if row.entry.package is not None]
        for each in packages:
            self.findings = self.findings.without(each.folder)
        self.download(packages, again=action in ("repair", "update"))

    def _each(self, call: Any, folders: Iterable[str]) -> None:
        for folder in folders:
            call(folder)

    def _verify(self, rows: Sequence[Row]) -> None:
        what = rows[0].title if len(rows) == 1 else count_text(len(rows))
        title = self.tr("Verifying {name}").format(name=what)
        self._line.work(title, partial(verify_rows, rows), partial(self._on_verified, rows), self._tell)

    def _ask_delete(self, rows: Sequence[Row]) -> None:
        remove = partial(self._remove, delete_rows, rows)
        self._line.ask(delete_question(rows), self.tr("Delete"), self.tr("Keep"), remove)

    def _remove(self, call: Any, rows: Sequence[Row]) -> None:
        for row in rows:
            self.findings = self.findings.without(row.key)
        what = rows[0].title if len(rows) == 1 else count_text(len(rows))
        title = self.tr("Deleting {name}").format(name=what)
        self._line.work(title, partial(call, rows), self._on_removed, self._on_not_removed)

    def _open(self, row: Row) -> None:
        if row.entry.place is not None:
            self._line.say(show_folder(row.entry.place), "warning")

    def _copy_link(self, row: Row) -> None:
        if row.entry.package is not None and row.entry.package.url:
            QGuiApplication.clipboard().setText(row.entry.package.url)
            self._line.say(self.tr("The link is copied: download it with a browser, then import the zip here."), "good")

    def _change(self, call: Any) -> None:
        run_in_background(call, lambda _: self.changed.emit(), self._tell)

    # how it ended

    def _on_verified(self, rows: Sequence[Row], results: Sequence[tuple[str, str]]) -> None:
        for folder, problem in results:
            self.findings = self.findings.with_result(folder, problem)
        titles = {row.key: row.title for row in rows}
        self.found.emit()
        self._line.say(*verified_text((titles[folder], problem) for folder, problem in results))

    def _on_removed(self, freed: int) -> None:
        self.changed.emit()
        self._line.say(freed_text(freed), "good")

    def _on_not_removed(self, error: Exception) -> None:
        # Some of several may be gone.
        self.changed.emit()
        self._tell(error)

    def _on_imported(self, installed: Sequence[Installed]) -> None:
        keys = [each.package.folder if each.package is not None else each.custom_tasks[0] for each in installed]
        for each in installed:
            if each.package is not None:
                self.findings = self.findings.without(each.package.folder)
        self.selected.emit(tuple(keys))
        self.changed.emit()
        self._line.say(imported_text(installed), "good")

    def _on_updates(self, updates: Mapping[str, str]) -> None:
        self.updates = updates
        self.changed.emit()
        self._line.say(updates_text(len(updates)), "good" if not updates else "warning")

    def _tell(self, error: Exception) -> None:
        self._line.say(told_text(error), "error")
