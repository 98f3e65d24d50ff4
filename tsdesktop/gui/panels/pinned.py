"""What keeps a search honest: the chosen task while only others are shown, and a found structure that is not chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from tsdesktop.core.structures import StructureClass
from tsdesktop.core.tasks import Task
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.parts import MARGIN
from tsdesktop.gui.panels.task_card import CardText, TaskCard
from tsdesktop.gui.parts import button, heading, paragraph, row, stacked
from tsdesktop.gui.words import structure_title


class PinnedTask(QWidget):
    """The card of the chosen task under a heading of its own; hidden while it is among the others.

    `details_wanted(task)` when somebody wants to read more about it.
    """

    details_wanted = Signal(object)

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.card = TaskCard(task)
        self.card.setChecked(True)
        # It is chosen, and stays so whoever clicks on it.
        self.card.toggled.connect(lambda _: self.card.setChecked(True))
        self.card.details_wanted.connect(lambda: self.details_wanted.emit(self.card.task))
        self.setLayout(stacked(heading(self.tr("Chosen")), self.card))
        self.hide()

    def show_task(self, task: Task, words: CardText) -> None:
        """The chosen task with the words of its card."""
        self.card.task = task
        self.card.show_words(words)
        self.show()


class LackingLine(QWidget):
    """Under a found task: that the structure which was searched for is not a chosen one, and a link to add it."""

    def __init__(self, structure: StructureClass, choices: RunChoices) -> None:
        super().__init__()
        self._structure = structure
        self._choices = choices
        self.text = paragraph(role="warning")
        self.add = button(self.tr("add"), self._add, "link", self.tr("Compute this structure as well"))
        line = row(self.text, self.add)
        line.setStretch(0, 1)
        line.setAlignment(self.add, Qt.AlignmentFlag.AlignTop)
        line.setContentsMargins(MARGIN, 0, 0, 0)
        self.setLayout(line)
        self.hide()

    def refresh(self, *, is_chosen: bool) -> None:
        """Shows itself where it has something to say about the chosen task."""
        roi, structure = self._choices.roi, structure_title(self._structure)
        if is_chosen and len(roi) == 1:
            self.text.setText(self.tr("{structure} is not the structure that is chosen.").format(structure=structure))
        elif is_chosen:
            words = self.tr("{structure} is not among the {count} chosen structures.")
            self.text.setText(words.format(structure=structure, count=len(roi)))
        self.add.setAccessibleName(self.tr("Add {structure}").format(structure=structure))
        self.setVisible(is_chosen and bool(roi) and self._structure.name not in roi)

    def _add(self) -> None:
        wanted = {*self._choices.roi, self._structure.name}
        self._choices.choose_structures(tuple(each.name for each in self._choices.task.classes if each.name in wanted))
