"""Chooses tasks whose networks are downloaded together, or packed into one file for a computer without internet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from tsdesktop.core.tasks import Task
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.controls import Segments
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.figures import size_text
from tsdesktop.gui.networks.reading import Holdings
from tsdesktop.gui.networks.rows import Row
from tsdesktop.gui.networks.sentences import download_question
from tsdesktop.gui.networks.words import count_text
from tsdesktop.gui.panels.finder import find_tasks
from tsdesktop.gui.parts import SearchBox, button, hairline, paragraph, row, set_role
from tsdesktop.gui.words import GROUPS, group_title, task_title
from tsdesktop.weights.inventory import Entry, State
from tsdesktop.weights.packages import Package

_TASK = Qt.ItemDataRole.UserRole
_HERE: tuple[State, ...] = ("here", "update")
_ON, _OFF = Qt.CheckState.Checked, Qt.CheckState.Unchecked
_GROUP = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsAutoTristate
ToCome = Callable[[Sequence[Package]], int | None]


class TaskChooser(Dialog):
    """Tasks to tick. Whoever opens it says what is done with them: `show_sum` and `accept` are theirs to fill."""

    def __init__(self, title: str, holdings: Holdings, parent: QWidget | None) -> None:
        super().__init__(title, parent, (560, 600))
        self.holdings = holdings
        self._items: dict[str, QTreeWidgetItem] = {}
        self.search = SearchBox(self.tr("Find a task or structure"))
        self.search.textChanged.connect(self._filter)
        self.search.left_downwards.connect(self._enter_tree)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setColumnCount(2)
        self.tree.setIndentation(16)
        self.tree.setUniformRowHeights(True)
        self.tree.setAccessibleName(self.tr("Tasks"))
        self.sum = paragraph(role="secondary")
        self.sum.setMinimumHeight(34)
        self.go = button("", self.accept, "primary")
        self.go.setDefault(True)
        self._fill()
        self.tree.itemChanged.connect(self._on_ticked)

    @property
    def ticked(self) -> tuple[str, ...]:
        """The names of the chosen tasks."""
        return tuple(name for name, item in self._items.items() if item.checkState(0) == _ON)

    def tick(self, names: Sequence[str]) -> None:
        """Chooses these tasks, too."""
        for name in names:
            self._items[name].setCheckState(0, _ON)

    def show_sum(self) -> None:
        """Says what the choice comes to."""

    def lay_out(self, head: QWidget | None, words: str) -> None:
        """Puts the parts together; `head` is what stands above the tasks."""
        layout = column(self)
        layout.addWidget(paragraph(words, "secondary"))
        if head is not None:
            layout.addWidget(head, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)
        layout.addWidget(hairline())
        layout.addWidget(self.sum)
        layout.addLayout(row(None, button(self.tr("Cancel"), self.reject), self.go))
        self.search.setFocus()
        self.show_sum()

    def size_of(self, _task: Task) -> str:
        """What stands beside a task."""
        return ""

    def offers(self, task: Task) -> bool:
        """Whether a task is among those to choose from."""
        return task.group not in ("custom", "demo", "instant")

    def _fill(self) -> None:
        groups: dict[str, list[Task]] = {group: [] for group in GROUPS}
        for task in self.holdings.catalogue.tasks.values():
            if self.offers(task):
                groups["more" if task.status == "more" else task.group].append(task)
        for group, tasks in groups.items():
            if tasks:
                parent = QTreeWidgetItem(self.tree, [group_title(group)])
                parent.setFlags(_GROUP)
                for task in tasks:
                    self._items[task.name] = self._leaf(parent, task)
                parent.setExpanded(True)
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)

    def _leaf(self, parent: QTreeWidgetItem, task: Task) -> QTreeWidgetItem:
        item = QTreeWidgetItem(parent, [task_title(task), self.size_of(task)])
        item.setData(0, _TASK, task.name)
        item.setCheckState(0, _OFF)
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setForeground(1, theme.current().colour("secondary"))
        if task.licence == "licensed":
            item.setIcon(0, theme.icon("mdi6.license"))
            item.setToolTip(0, self.tr("Needs a licence number; free for non-commercial use"))
        return item

    def _filter(self, query: str) -> None:
        tasks = [self.holdings.catalogue.tasks[name] for name in self._items]
        shown = {match.task.name for match in find_tasks(query, tasks)}
        self.tree.blockSignals(True)
        for name, item in self._items.items():
            item.setHidden(name not in shown)
        for n in range(self.tree.topLevelItemCount()):
            parent = self.tree.topLevelItem(n)
            if parent is not None:
                children = [parent.child(m) for m in range(parent.childCount())]
                parent.setHidden(all(child is None or child.isHidden() for child in children))
                # While some of its tasks are hidden, the box of a group would tick what nobody sees.
                parent.setFlags(_GROUP & ~Qt.ItemFlag.ItemIsUserCheckable if query.strip() else _GROUP)
        self.tree.blockSignals(False)

    def _enter_tree(self) -> None:
        self.tree.setFocus(Qt.FocusReason.TabFocusReason)
        visible = next((item for item in self._items.values() if not item.isHidden()), None)
        if visible is not None:
            self.tree.setCurrentItem(visible)

    def _on_ticked(self) -> None:
        self.show_sum()


class DownloadChooser(TaskChooser):
    """What to download. `chosen(packages)` at the end; `to_come` says how many bytes of packages are not here yet."""

    chosen = Signal(object)

    def __init__(self, holdings: Holdings, to_come: ToCome, parent: QWidget | None = None) -> None:
        self._to_come = to_come
        super().__init__(QCoreApplication.translate("DownloadChooser", "Download for tasks"), holdings, parent)
        self.go.setText(self.tr("Download"))
        self.lay_out(
            None,
            self.tr(
                "Everything the chosen tasks can ever load is downloaded: all qualities, and the networks that find "
                "the region to look at. After that they run without internet."
            ),
        )

    @property
    def packages(self) -> tuple[Package, ...]:
        """What is not here of what the chosen tasks need."""
        entries = self.holdings.needed_for(self.ticked)
        return tuple(each.package for each in entries if each.package is not None and self._is_wanted(each))

    def show_sum(self) -> None:
        """Says how much there is to download, and whether there is room for it."""
        packages = self.packages
        text, fits = download_question(packages, self._to_come(packages), self.holdings.free_bytes)
        if not self.ticked:
            text = self.tr("No task is chosen.")
        elif not packages:
            text = self.tr("Everything these tasks need is here.")
        if self._lacks_licence():
            text += " " + self.tr("Those that need a licence number are left out: none is stored.")
        self.sum.setText(text)
        set_role(self.sum, "secondary" if fits else "error")
        self.go.setEnabled(bool(packages) and fits)

    def size_of(self, task: Task) -> str:
        """How much of it there is to download."""
        missing = [each for each in self.holdings.needed_for([task.name]) if each.state not in _HERE]
        if not missing:
            return self.tr("here")
        size = size_text(sum(each.zip_bytes or 0 for each in missing))
        if all(each.zip_bytes for each in missing):
            return size
        # Nobody says how large those are that come with a licence number.
        is_known = any(each.zip_bytes for each in missing)
        return self.tr("over {size}").format(size=size) if is_known else self.tr("size not known")

    def accept(self) -> None:
        """Downloads."""
        packages = self.packages
        super().accept()
        self.chosen.emit(packages)

    def _is_wanted(self, entry: Entry) -> bool:
        is_missing = entry.state in ("missing", "partial", "broken")
        return is_missing and (self.holdings.has_licence or not entry.licensed)

    def _lacks_licence(self) -> bool:
        entries = self.holdings.needed_for(self.ticked)
        lacking = any(each.licensed and each.state not in _HERE for each in entries)
        return lacking and not self.holdings.has_licence


class BundleChooser(TaskChooser):
    """What to pack. `chosen(path, packages, tasks)` at the end; a person's own networks are packed by their tasks."""

    chosen = Signal(object, object, object)

    def __init__(self, holdings: Holdings, selected: Sequence[Row], parent: QWidget | None = None) -> None:
        self._selected = tuple(each.entry for each in selected if each.entry.state in _HERE)
        super().__init__(QCoreApplication.translate("BundleChooser", "Export a bundle"), holdings, parent)
        titles = [
            ("tasks", self.tr("Tasks")),
            ("rows", self.tr("Selected networks ({count})").format(count=len(self._selected))),
        ]
        self.scope = Segments(titles, "rows" if self._selected else "tasks", self.tr("What to pack"))
        self.scope.segment("rows").setEnabled(bool(self._selected))
        self.scope.chosen.connect(self.show_sum)
        self.go.setText(self.tr("Save bundle…"))
        self.lay_out(
            self.scope,
            self.tr(
                "One file with the networks that are here, for a computer without internet: there, drop it on the "
                "window. It holds no licence number."
            ),
        )

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is here of what is chosen."""
        return tuple(each for each in self._wanted() if each.state in _HERE)

    def offers(self, task: Task) -> bool:
        """A person's own networks, too."""
        return task.group == "custom" or super().offers(task)

    def show_sum(self) -> None:
        """Says how large the file becomes, and what is not in it."""
        by_task = self.scope.current == "tasks"
        self.tree.setEnabled(by_task)
        self.search.setEnabled(by_task)
        wanted, entries = self._wanted(), self.entries
        lacking = len(wanted) - len(entries)
        size = size_text(sum(each.bytes_here for each in entries))
        text = self.tr("{networks}, {size}.").format(networks=count_text(len(entries)), size=size)
        if not wanted:
            text = self.tr("No task is chosen.")
        elif lacking:
            words = self.tr("{count} of {all} are not here and are left out: download them first.")
            text += " " + words.format(count=lacking, all=len(wanted))
        self.sum.setText(text)
        set_role(self.sum, "warning" if lacking else "secondary")
        self.go.setEnabled(bool(entries))

    def size_of(self, task: Task) -> str:
        """How many of its networks are here."""
        entries = self.holdings.needed_for([task.name])
        here = sum(each.state in _HERE for each in entries)
        return self.tr("here") if here == len(entries) else f"{here}/{len(entries)}"

    def accept(self) -> None:
        """Asks for the file first."""
        dialog = QFileDialog(self, self.tr("Save bundle"), str(Path.home() / "tsdesktop-networks.zip"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilter(self.tr("Bundles (*.zip)"))
        dialog.setDefaultSuffix("zip")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.save)
        dialog.open()

    def save(self, path: str) -> None:
        """Packs into this file."""
        packages = tuple(each.package for each in self.entries if each.package is not None)
        own = tuple(each.custom.name for each in self.entries if each.custom is not None)
        tasks = self.ticked if self.scope.current == "tasks" else own
        super().accept()
        self.chosen.emit(Path(path), packages, tasks)

    def _wanted(self) -> tuple[Entry, ...]:
        return self.holdings.needed_for(self.ticked) if self.scope.current == "tasks" else self._selected
