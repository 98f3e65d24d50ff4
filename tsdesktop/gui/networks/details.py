"""What is known of the selected networks, and the buttons for what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.figures import size_text
from tsdesktop.gui.networks.custom import CustomDetails
from tsdesktop.gui.networks.reading import Spacing
from tsdesktop.gui.networks.rows import TOGETHER, Action, Row, actions_of, place_words
from tsdesktop.gui.networks.sentences import explained, several_explained
from tsdesktop.gui.networks.words import breakable, count_text
from tsdesktop.gui.parts import GAP, one_line, paragraph, set_role, stacked
from tsdesktop.weights.terms import TERMS_NAME

_PER_MILLE = 1000
_MOST_USES = 6


class NetworkDetails(QWidget):
    """The right side of the window. `wanted(action)` when a button is pressed; it acts on all selected rows.

    `renamed(name, title)` and `recoloured(name, structure, rgb)` for a network of one's own.
    """

    wanted = Signal(str)
    renamed = Signal(str, str)
    recoloured = Signal(str, str, tuple)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[Row, ...] = ()
        self.title = paragraph(role="title")
        self.state = paragraph()
        self.state.setMinimumWidth(1)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _PER_MILLE)
        self.buttons: dict[Action, QPushButton] = self._made_buttons()
        self._button_grid = QGridLayout()
        self._button_grid.setSpacing(GAP)
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(GAP)
        self._facts.setVerticalSpacing(4)
        self._facts.setColumnMinimumWidth(0, 84)
        self._facts.setColumnStretch(1, 1)
        self.values: dict[str, QLabel] = {}
        self._names: dict[str, QLabel] = {}
        self._add_facts()
        self.custom = CustomDetails()
        self.custom.renamed.connect(self.renamed)
        self.custom.recoloured.connect(self.recoloured)
        column = stacked(
            self.title, self.state, self.bar, self._button_grid, self._facts, self.custom, gap=3 * GAP // 2
        )
        column.addStretch(1)
        column.setContentsMargins(3 * theme.GRID, theme.GRID, 2 * theme.GRID, theme.GRID)
        self.setLayout(column)
        self.show_rows((), {})

    @property
    def possible(self) -> tuple[Action, ...]:
        """What can be done now, the first of all first."""
        return tuple(action for action, each in self.buttons.items() if not each.isHidden())

    def show_rows(self, rows: Sequence[Row], spacings_mm: dict[str, Spacing]) -> None:
        """Shows one network, or several together."""
        before, self._rows = self._rows, tuple(rows)
        if before == self._rows and rows:
            return
        self._show_words()
        self._show_buttons()
        row = rows[0] if len(rows) == 1 else None
        self._show_facts(row)
        custom = None if row is None else row.entry.custom
        self.custom.setVisible(custom is not None)
        if custom is not None:
            self.custom.show_network(custom, spacings_mm.get(custom.name))

    def _show_words(self) -> None:
        rows = self._rows
        if len(rows) == 1:
            self.title.setText(rows[0].title)
            text, role = explained(rows[0])
        elif rows:
            self.title.setText(count_text(len(rows)))
            text, role = several_explained(rows), "secondary"
        else:
            self.title.setText("")
            text, role = (
                self.tr("Select networks to see what they are for and what can be done with them."),
                "secondary",
            )
        self.title.setVisible(bool(rows))
        self.state.setText(breakable(text))
        self.state.setAccessibleName(text)
        set_role(self.state, role)
        share = rows[0].share if len(rows) == 1 and rows[0].state in ("running", "paused") else None
        self.bar.setVisible(share is not None)
        self.bar.setValue(round((share or 0.0) * _PER_MILLE))

    def _show_buttons(self) -> None:
        counts = self._counts()
        shown = [action for action in self.buttons if counts.get(action)]
        focused = next((each for each in self.buttons.values() if each.hasFocus()), None)
        if shown != list(self.possible) or not self._button_grid.count():
            self._lay_out(shown)
        titles = self._titles()
        for action in shown:
            count = counts[action]
            self.buttons[action].setText(titles[action] if len(self._rows) == 1 else f"{titles[action]} ({count})")
        # What was pressed may be gone now; its place is taken by what can be done next.
        if focused is not None and focused.isHidden() and shown:
            self.buttons[shown[0]].setFocus()

    def _counts(self) -> dict[Action, int]:
        """For how many of the rows each action is possible."""
        counts: dict[Action, int] = {}
        for row in self._rows:
            for action in actions_of(row):
                if len(self._rows) == 1 or action in TOGETHER:
                    counts[action] = counts.get(action, 0) + 1
        return counts

    def _lay_out(self, shown: Sequence[Action]) -> None:
        while self._button_grid.takeAt(0):
            pass
        for action, each in self.buttons.items():
            each.setVisible(action in shown)
        for n, action in enumerate(shown):
            alone = n == 0 and self.buttons[action].property("role") == "primary"
            at = n if self.buttons[shown[0]].property("role") != "primary" else n + 1
            self._button_grid.addWidget(self.buttons[action], at // 2, 0 if alone else at % 2, 1, 2 if alone else 1)

    def _made_buttons(self) -> dict[Action, QPushButton]:
        titles, helps = self._titles(), self._helps()
        primary = ("download", "resume", "try_again", "repair", "update", "licence")
        made: dict[Action, QPushButton] = {}
        for action, title in titles.items():
            made[action] = each = QPushButton(title, self)
            each.setAutoDefault(False)
            each.setToolTip(helps[action])
            each.setProperty("role", "primary" if action in primary else "")
            each.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            each.clicked.connect(partial(self._press, action))
        return made

    def _press(self, action: Action, _checked: bool = False) -> None:
        self.wanted.emit(action)

    def _titles(self) -> dict[Action, str]:
        return {
            "download": self.tr("Download"),
            "resume": self.tr("Resume"),
            "try_again": self.tr("Try again"),
            "repair": self.tr("Repair"),
            "update": self.tr("Update"),
            "licence": self.tr("Licence…"),
            "pause": self.tr("Pause"),
            "cancel": self.tr("Cancel"),
            "verify": self.tr("Verify"),
            "open": self.tr("Open folder"),
            "discard": self.tr("Discard"),
            "delete": self.tr("Delete…"),
            "copy_link": self.tr("Copy link"),
        }

    def _helps(self) -> dict[Action, str]:
        return {
            "download": self.tr("Download and install it; the window stays usable meanwhile"),
            "resume": self.tr("Go on where it stopped"),
            "try_again": self.tr("Go on with what is here already"),
            "repair": self.tr("Download it again and put it in place of the broken one"),
            "update": self.tr("Download what its makers have published since, in place of this one"),
            "licence": self.tr("Enter a licence number, or find out how to get one"),
            "pause": self.tr("Stop for now and keep what is here of it"),
            "cancel": self.tr("Stop and remove what is here of it"),
            "verify": self.tr("Read every file and compare it with what was published"),
            "open": self.tr("Show where it is in the file manager"),
            "discard": self.tr("Remove the part that was downloaded"),
            "delete": self.tr("Remove it from this computer; it can be downloaded again (Delete key)"),
            "copy_link": self.tr("Copy the address of its zip, to download it with a browser and import it here"),
        }

    def _add_facts(self) -> None:
        names = {
            "uses": self.tr("For"),
            "dataset": self.tr("Dataset"),
            "size": self.tr("Size"),
            "terms": self.tr("Terms"),
            "place": self.tr("Place"),
        }
        for key, title in names.items():
            line = self._facts.rowCount()
            self._names[key] = one_line(title, "secondary")
            self.values[key] = value = paragraph()
            marked = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            value.setTextInteractionFlags(marked)
            value.setMinimumWidth(1)
            value.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            self._facts.addWidget(self._names[key], line, 0, Qt.AlignmentFlag.AlignTop)
            self._facts.addWidget(value, line, 1)

    def _show_facts(self, row: Row | None) -> None:
        texts = {} if row is None else self._fact_texts(row)
        for key, value in self.values.items():
            text = texts.get(key, "")
            value.setText(breakable(text))
            value.setAccessibleName(text)
            value.setVisible(bool(text))
            self._names[key].setVisible(bool(text))
        if row is not None:
            self.values["uses"].setToolTip(" · ".join(row.uses) if len(row.uses) > _MOST_USES else "")

    def _fact_texts(self, row: Row) -> dict[str, str]:
        entry = row.entry
        uses = list(row.uses[:_MOST_USES])
        if len(row.uses) > _MOST_USES:
            uses.append(self.tr("and {count} more").format(count=len(row.uses) - _MOST_USES))
        return {
            "uses": "\u00a0· ".join(uses),
            "dataset": entry.folder if entry.custom is None else entry.custom.dataset,
            "size": self._size_text(row),
            "terms": self._terms_text(row),
            "place": self._place_text(row),
        }

    def _terms_text(self, row: Row) -> str:
        if row.entry.licensed:
            return self.tr("Licence number, free for non-commercial use")
        return self.tr("Non-commercial use only ({terms})").format(terms=TERMS_NAME) if row.has_terms else ""

    def _size_text(self, row: Row) -> str:
        entry = row.entry
        if entry.bytes_here:
            return self.tr("{size} on disk").format(size=size_text(entry.bytes_here))
        if entry.zip_bytes:
            return self.tr("{size} to download").format(size=size_text(entry.zip_bytes))
        return self.tr("not known before it is downloaded") if row.entry.package is not None else ""

    def _place_text(self, row: Row) -> str:
        entry = row.entry
        if entry.place is None:
            return ""
        place = _tilde(entry.place)
        return place if entry.ours else f"{place} ({place_words(entry)}, {self.tr('read only')})"


def _tilde(place: Path) -> str:
    """A path in the short form people know, where it is below their home."""
    try:
        return str(Path("~") / place.relative_to(Path.home()))
    except ValueError:
        return str(place)
