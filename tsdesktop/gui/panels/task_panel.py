"""The top of the left side: find and choose a task. A few are suggested, all are one click away."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from tsdesktop.core.tasks import Task
from tsdesktop.gui import theme
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.finder import Match, find_tasks, fits
from tsdesktop.gui.panels.pinned import LackingLine, PinnedTask
from tsdesktop.gui.panels.task_card import TaskCard
from tsdesktop.gui.panels.task_words import card_text
from tsdesktop.gui.parts import GAP, SearchBox, button, clear, heading, paragraph
from tsdesktop.gui.words import GROUPS, group_title

_MOST_FOUND = 12


class TaskPanel(QWidget):
    """Search box and cards. `details_wanted(task)` when somebody wants to read more about one.

    `pinned` is for whoever lays out the side: the chosen task while the search shows only others.
    """

    details_wanted = Signal(object)

    def __init__(self, choices: RunChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = choices
        self._all_shown = False
        self._cards: dict[str, TaskCard] = {}
        self._matches: dict[str, Match] = {}
        self._lacking: dict[str, LackingLine] = {}
        self.search = self._search_box()
        self._heading = heading(self.tr("Task"))
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(GAP)
        self.more = button("", self._toggle_all, "link", self.tr("Every task, by part of the body"))
        self.nothing = paragraph(role="secondary")
        self.pinned = PinnedTask(choices.task)
        self.pinned.details_wanted.connect(self.details_wanted)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addWidget(self.search)
        column.addSpacing(theme.GRID)
        column.addWidget(self._heading)
        column.addLayout(self._list)
        column.addWidget(self.nothing)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        choices.changed.connect(self._on_choices_changed)
        self._lay_out()

    @property
    def cards(self) -> list[TaskCard]:
        """The cards that are shown, from the top."""
        return list(self._cards.values())

    def _search_box(self) -> SearchBox:
        box = SearchBox(self.tr("Find a task or structure"))
        box.setToolTip(self.tr("Type a task, an organ or its anatomical name; a slip of the finger is forgiven"))
        box.textChanged.connect(self._lay_out)
        box.returnPressed.connect(self._choose_first)
        box.left_downwards.connect(self._on_search_left)
        return box

    def _on_search_left(self) -> None:
        if self.cards:
            self.cards[0].setFocus(Qt.FocusReason.TabFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down move between cards."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        at = next((n for n, card in enumerate(self.cards) if card.hasFocus()), None)
        if step is None or at is None:
            super().keyPressEvent(event)
        elif at + step < 0:
            self.search.setFocus(Qt.FocusReason.BacktabFocusReason)
        elif at + step < len(self.cards):
            self.cards[at + step].setFocus(Qt.FocusReason.TabFocusReason)

    def focus_search(self) -> None:
        """The keyboard goes to the search box."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _choose_first(self) -> None:
        if self.search.text().strip() and self.cards:
            self._choices.choose_task(self.cards[0].task)
            self._refresh()

    def _toggle_all(self) -> None:
        self._all_shown = not self._all_shown
        self._lay_out()

    def _on_choices_changed(self) -> None:
        shown, cards = self._tasks_shown(), self.cards
        # A person's own task is another object once its title or a colour has changed.
        if len(shown) == len(cards) and all(a is card.task for a, card in zip(shown, cards, strict=True)):
            self._refresh()
        else:
            self._lay_out()

    def _tasks_shown(self) -> list[Task]:
        query = self.search.text().strip()
        if query:
            matches = find_tasks(query, self._choices.catalogue.tasks.values(), self._choices.modality)[:_MOST_FOUND]
            self._matches = {match.task.name: match for match in matches}
            return [match.task for match in matches]
        self._matches = {}
        return (
            [task for _, tasks in self._grouped() for task in tasks] if self._all_shown else self._choices.suggested()
        )

    def _grouped(self) -> list[tuple[str, list[Task]]]:
        """All tasks by group; those that do not fit the scan come last in each, such groups after the others.

        Tasks for special purposes come after all groups.
        """
        groups: dict[str, list[Task]] = {group: [] for group in GROUPS}
        for task in self._choices.catalogue.tasks.values():
            groups["more" if task.status == "more" else task.group].append(task)
        modality = self._choices.modality
        for tasks in groups.values():
            tasks.sort(key=lambda task: not fits(task, modality))
        filled = [(group, tasks) for group, tasks in groups.items() if tasks]
        return sorted(filled, key=lambda pair: (pair[0] == "more", not fits(pair[1][0], modality)))

    def _lay_out(self) -> None:
        tasks = self._tasks_shown()
        focused = next((name for name, card in self._cards.items() if card.hasFocus()), None)
        self._cards, self._lacking = {}, {}
        clear(self._list)
        if self._all_shown and not self._matches and not self.search.text().strip():
            for group, members in self._grouped():
                self._list.addWidget(self._group_label(group))
                self._add_cards(members)
        else:
            self._add_cards(tasks)
        self._refresh()
        for before, after in pairwise([self.search, *self.cards, self.more]):
            self.setTabOrder(before, after)
        if focused in self._cards:
            self._cards[focused].setFocus()

    def _group_label(self, group: str) -> QLabel:
        label = paragraph(group_title(group), "secondary")
        label.setContentsMargins(0, theme.GRID, 0, 0)
        return label

    def _add_cards(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            card = TaskCard(task)
            card.clicked.connect(lambda _=False, task=task: self._on_card_clicked(task))
            card.details_wanted.connect(lambda task=task: self.details_wanted.emit(task))
            self._cards[task.name] = card
            self._list.addWidget(card)
            match = self._matches.get(task.name)
            if match is not None and match.structure is not None and task.roi_subset:
                self._lacking[task.name] = line = LackingLine(match.structure, self._choices)
                self._list.addWidget(line)

    def _on_card_clicked(self, task: Task) -> None:
        self._choices.choose_task(task)
        self._refresh()

    def _refresh(self) -> None:
        for name, card in self._cards.items():
            card.show_words(card_text(card.task, self._choices, self._matches.get(name)))
            card.setChecked(card.task is self._choices.task and not self._choices.is_open_question)
        for name, line in self._lacking.items():
            line.refresh(is_chosen=name == self._choices.task.name)
        self._refresh_pinned()
        query = self.search.text().strip()
        count = len(self._choices.catalogue.tasks)
        self._heading.setText((self.tr("Found") if query else self.tr("Task")).upper())
        self.more.setText(self.tr("Fewer tasks") if self._all_shown else self.tr("All {n} tasks").format(n=count))
        self.more.setVisible(not query)
        self.nothing.setText(self.tr("Nothing is called “{query}”. Try another word for it.").format(query=query))
        self.nothing.setVisible(bool(query) and not self._cards)

    def _refresh_pinned(self) -> None:
        task = self._choices.task
        if task.name in self._cards or self._choices.is_open_question:
            self.pinned.hide()
        else:
            self.pinned.show_task(task, card_text(task, self._choices))
