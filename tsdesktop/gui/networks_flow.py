"""Downloads and imports of networks as the window sees them: told where they are not seen, and what comes of them.

Wires the queue, the imports and the left panel together; none of these knows the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from tsdesktop.core.errors import TsDesktopError
from tsdesktop.core.tasks import Task
from tsdesktop.gui.background import Work, run_in_background
from tsdesktop.gui.importing import Imports
from tsdesktop.gui.networks.words import installed_title, package_title
from tsdesktop.gui.panels.finder import fits
from tsdesktop.gui.panels.left import LeftPanel
from tsdesktop.gui.remembering import Memory
from tsdesktop.gui.session import Session
from tsdesktop.gui.telling import Telling
from tsdesktop.gui.words import task_title
from tsdesktop.weights.catalogue import refusal
from tsdesktop.weights.packages import Package

if TYPE_CHECKING:
    from tsdesktop.weights.install import Installed

Paths = Sequence[Path]


class NetworksFlow(QObject):
    """Tells what was installed, chooses a network of one's own that has come, takes networks out of what is dropped.

    `installed` whenever networks have come, from wherever.
    """

    installed = Signal()

    def __init__(self, session: Session, left: LeftPanel, telling: Telling, memory: Memory, parent: QWidget) -> None:
        super().__init__(parent)
        self.imports = Imports(self)
        downloads = left.downloads
        self._downloads, self._left, self._session, self._telling = downloads, left, session, telling
        self._memory, self._window = memory, parent
        self._looking: Work | None = None
        downloads.finished.connect(self._on_downloaded)
        downloads.failed.connect(self._on_not_downloaded)
        self.imports.done.connect(self._on_imported)
        self.imports.failed.connect(telling.error)

    @property
    def is_seen(self) -> bool:
        """Whether the left panel shows all that is being downloaded."""
        card = self._left.run.missing
        active = {each.package.folder for each in self._downloads.items if each.is_active}
        return card.isVisible() and card.is_downloading and active <= set(card.packages)

    def take(self, paths: Paths, open_rest: Callable[[list[Path]], object]) -> None:
        """Installs the networks among `paths` and hands over the rest; at once where names tell that there are none."""
        from tsdesktop.gui.opening.networks import may_be_networks, told_apart

        if self._looking is not None:
            # Something newer is opened instead.
            self._looking.forget()
            self._looking = None
        if any(map(may_be_networks, paths)):
            on_told = partial(self._on_told_apart, open_rest)
            self._looking = run_in_background(partial(told_apart, tuple(paths)), on_told, self._telling.error)
        else:
            open_rest(list(paths))

    def browse(self, mode: QFileDialog.FileMode) -> None:
        """Asks for zips, or a folder, with networks, and installs them."""
        dialog = QFileDialog(self._window, self.tr("Import networks"), self._memory.settings.open_folder)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        if mode == QFileDialog.FileMode.Directory:
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        else:
            dialog.setNameFilters([self.tr("Networks") + " (*.zip)", self.tr("All files") + " (*)"])
        dialog.filesSelected.connect(lambda names: self.imports.add(Path(name) for name in names))
        dialog.open()

    def close(self) -> None:
        """Stops what is under way; a download goes on when it is wanted again."""
        self.imports.close()
        self._downloads.close()

    def _on_told_apart(self, open_rest: Callable[[list[Path]], object], found: tuple[Paths, Paths]) -> None:
        self._looking = None
        networks, rest = found
        self.imports.add(networks)
        if rest:
            open_rest(list(rest))

    def _on_downloaded(self, package: Package) -> None:
        title = package_title(package, self._left.choices.catalogue)
        self._telling.done(self.tr("{title} is ready.").format(title=title))
        self.installed.emit()

    def _on_not_downloaded(self, package: Package, error: Exception) -> None:
        card = self._left.run.missing
        if not isinstance(error, TsDesktopError):
            self._telling.bug(error)
        elif not (card.isVisible() and package.folder in card.packages):
            self._telling.error(error)

    def _on_imported(self, installed: Sequence[Installed]) -> None:
        choices = self._left.choices
        choices.look_again()
        names = [name for each in installed for name in each.custom_tasks]
        tasks = [choices.catalogue.tasks[name] for name in names if name in choices.catalogue.tasks]
        self._say(installed, tasks)
        usable = [each for each in tasks if not each.problem and fits(each, choices.modality)]
        if usable and self._session.volume is not None:
            choices.choose_task(usable[0])
        self.installed.emit()

    def _say(self, installed: Sequence[Installed], tasks: Iterable[Task]) -> None:
        titles = {name: each for each in tasks for name in [each.name]}
        if len(installed) > 1:
            self._telling.done(self.tr("{count} networks are ready.").format(count=len(installed)))
            return
        for each in installed:
            task = next((titles[name] for name in each.custom_tasks if name in titles), None)
            if task is None:
                self._telling.done(self.tr("{title} is ready.").format(title=installed_title(each)))
            elif (problem := refusal(task)) is not None:
                self._telling.error(problem)
            else:
                self._telling.done(self.tr("{title} is a task now.").format(title=task_title(task)))
