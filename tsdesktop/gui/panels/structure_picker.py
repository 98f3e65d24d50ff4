"""Which structures to compute: all of a task, or some, chosen in a tree by body system or with a preset."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QSize
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QToolButton, QWidget

from tsdesktop.gui.figures import about_text
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.parts import MARGIN, Row
from tsdesktop.gui.panels.structure_tree import StructureTree
from tsdesktop.gui.panels.systems import presets_for
from tsdesktop.gui.parts import Popup, SearchBox, ShortLabel, button, heading, paragraph, stacked
from tsdesktop.gui.words import preset_title
from tsdesktop.jobs.needs import needed_parts

translate = QCoreApplication.translate
_REAL_SAVING = 0.75


class StructurePicker(QWidget):
    """The row STRUCTURES; only there for tasks whose structures can be chosen."""

    def __init__(self, choices: RunChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = choices
        self.row = Row()
        self.row.setToolTip(self.tr("Compute only some structures: it is quicker, as other networks need not run"))
        self.row.clicked.connect(self.open)
        self.presets = button(
            self.tr("presets"), self._open_presets, "link", self.tr("Structures often wanted together")
        )
        self.row.set_side(self.presets)
        self.note = ShortLabel("secondary")
        self.note.setFixedHeight(16)
        self.setLayout(stacked(heading(self.tr("Structures")), self.row, self.note))
        choices.changed.connect(self._on_choices_changed)
        self._on_choices_changed()

    def open(self) -> StructureBox:
        """Opens the tree."""
        box = StructureBox(self._choices, self, max(300, self.width()))
        box.open_at(self.row)
        box.search.setFocus()
        return box

    def _open_presets(self) -> None:
        menu = preset_menu(self._choices, self)
        # Its action is told after it has closed.
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.row.mapToGlobal(self.row.rect().bottomLeft()))

    def _on_choices_changed(self) -> None:
        task, chosen = self._choices.task, self._choices.roi
        self.setVisible(task.roi_subset)
        if not task.roi_subset:
            return
        count = len(task.classes)
        words = {"chosen": len(chosen), "count": count}
        text = self.tr("{chosen} of {count} · choose…") if chosen else self.tr("All {count} · choose…")
        self.row.setText(text.format(**words))
        self.row.setAccessibleName(self.tr("Structures: {text}").format(text=self.row.text()))
        saving = saving_text(self._choices) if chosen else ""
        self.note.setVisible(bool(saving))
        self.note.show_text(saving)
        self.row.place_side()


class StructureBox(Popup):
    """The tree with search, presets, all and none, and what the choice saves. Every tick counts at once."""

    def __init__(self, choices: RunChoices, parent: QWidget, width: int) -> None:
        super().__init__(parent, QSize(width, 520))
        self._choices = choices
        self.setAccessibleName(self.tr("Choose structures"))
        self.search = SearchBox(self.tr("Find a structure"))
        self.tree = StructureTree()
        self.tree.show_structures(choices.task.classes, choices.roi)
        self.search.textChanged.connect(self.tree.filter)
        self.search.returnPressed.connect(self._on_return_pressed)
        self.search.left_downwards.connect(self.tree.enter)
        self.tree.left_upwards.connect(self.search.setFocus)
        self.tree.ticked_changed.connect(self._on_ticked_changed)
        self.all = button(self.tr("All"), self._tick_all, "link", self.tr("Compute every structure"))
        self.none = button(self.tr("None"), self._tick_none, "link", self.tr("Untick everything"))
        self.note = paragraph(role="secondary")
        self._done = QPushButton(self.tr("Done"))
        self._done.setProperty("role", "primary")
        self._done.clicked.connect(self.close)
        self.setLayout(stacked(self.search, self._buttons(), self.tree, self.note, self._done, margin=MARGIN))
        self._show_note()

    def _buttons(self) -> QHBoxLayout:
        presets = QToolButton()
        presets.setText(self.tr("Presets"))
        presets.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        presets.setMenu(preset_menu(self._choices, self, self.tree))
        row = QHBoxLayout()
        row.addWidget(presets)
        row.addStretch()
        row.addWidget(self.all)
        row.addWidget(self.none)
        return row

    def _tick_all(self) -> None:
        self.tree.tick(each.name for each in self._choices.task.classes)

    def _tick_none(self) -> None:
        self.tree.tick(())

    def _on_return_pressed(self) -> None:
        """Return ticks what the search has found."""
        if self.search.text().strip():
            self.tree.tick([*self.tree.ticked(), *self.tree.found()])
            self.search.clear()

    def _on_ticked_changed(self) -> None:
        self._choices.choose_structures(self.tree.ticked())
        self._show_note()

    def _show_note(self) -> None:
        chosen, count = len(self._choices.roi), len(self._choices.task.classes)
        if chosen:
            text = self.tr("{chosen} of {count} structures are computed.").format(chosen=chosen, count=count)
            saving = saving_text(self._choices)
            self.note.setText(f"{text} {saving}" if saving else text)
        elif self.tree.ticked():
            self.note.setText(self.tr("All structures are computed."))
        else:
            self.note.setText(self.tr("Nothing is ticked: all structures are computed."))


def preset_menu(choices: RunChoices, parent: QWidget, tree: StructureTree | None = None) -> QMenu:
    """The presets of the chosen task, all structures first."""
    menu = QMenu(parent)
    everything = menu.addAction(
        translate("StructurePicker", "All {count} structures").format(count=len(choices.task.classes))
    )
    everything.triggered.connect(lambda: _take(choices, (), tree))
    menu.addSeparator()
    for preset in presets_for(choices.task):
        action = menu.addAction(f"{preset_title(preset.title)}  ({len(preset.structures)})")
        action.triggered.connect(lambda _=False, preset=preset: _take(choices, preset.structures, tree))
    return menu


def saving_text(choices: RunChoices) -> str:
    """A sentence about what the chosen structures save: networks that do not run, and time; empty for nothing.

    How much of the scan has to be computed is guessed: less than a quarter of the time is no promise.
    """
    task, roi = choices.task, choices.roi
    variant = task.variant(choices.options().variant_name(task))
    run, every = len(needed_parts(variant, task, roi)), len(variant.parts)
    some, whole = choices.cost(task, choices.quality, roi), choices.cost(task, choices.quality)
    words: dict[str, object] = {"run": run, "all": every}
    if some is not None and whole is not None and some.seconds <= _REAL_SAVING * whole.seconds:
        words |= {"time": about_text(some.seconds), "before": about_text(whole.seconds)}
        if run < every:
            text = translate("StructurePicker", "{run} of {all} networks run, about {time} instead of {before}.")
        else:
            text = translate("StructurePicker", "About {time} instead of {before}.")
        return text.format(**words)
    return translate("StructurePicker", "{run} of {all} networks run.").format(**words) if run < every else ""


def _take(choices: RunChoices, names: tuple[str, ...], tree: StructureTree | None) -> None:
    if tree is not None:
        tree.tick(names)
    else:
        choices.choose_structures(names)
