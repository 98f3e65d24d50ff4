"""Which structures are printed: a list to tick, with a search; and which of the recipe's are not here."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from tsdesktop.core.structures import StructureClass
from tsdesktop.gui import theme
from tsdesktop.gui.parts import GAP, SearchBox, button, one_line, paragraph, row, stacked
from tsdesktop.gui.studio.words import titles_of
from tsdesktop.gui.studio.workbench import Workbench
from tsdesktop.gui.words import structure_title, structures_text

_ROW_PX = 25
_MOST_ROWS = 6
_FEW = 8
_SWATCH_PX = 10
_NAME = Qt.ItemDataRole.UserRole


class StructuresBox(QWidget):
    """The structures of the bench's labels with those of its recipe ticked. None ticked: the recipe stays for now."""

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.search = SearchBox(self.tr("Find a structure"))
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Structures to print"))
        self.list.setIconSize(QSize(_SWATCH_PX, _SWATCH_PX))
        self.count = one_line("", "secondary")
        self.all = button(self.tr("All"), lambda: self._tick_shown(ticked=True), "link")
        self.none = button(self.tr("None"), lambda: self._tick_shown(ticked=False), "link")
        self.missing = paragraph("", "warning")
        self.leave_out = button(self.tr("Leave them out"), self._leave_out, "link")
        links = row(self.count, None, self.all, self.none)
        links.setContentsMargins(0, 0, 0, 0)
        self.setLayout(stacked(self.search, self.list, links, self.missing, self.leave_out, gap=GAP))
        self.search.textChanged.connect(self._filter)
        self.search.left_downwards.connect(self.list.setFocus)
        self.list.itemChanged.connect(self._on_ticked)
        bench.labels_changed.connect(self._fill)
        bench.recipe_changed.connect(self._show_ticks)
        self._fill()

    @property
    def ticked(self) -> tuple[str, ...]:
        """The names of those that are ticked."""
        return tuple(str(each.data(_NAME)) for each in self._items() if each.checkState() == Qt.CheckState.Checked)

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(n) for n in range(self.list.count())]

    def _fill(self) -> None:
        label_map = self._bench.label_map
        self.list.blockSignals(True)
        self.list.clear()
        for structure in label_map.present if label_map is not None else ():
            item = QListWidgetItem(_swatch(structure), structure_title(structure))
            item.setData(_NAME, structure.name)
            item.setSizeHint(QSize(0, _ROW_PX))
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self.search.setVisible(self.list.count() > _FEW)
        self.list.setFixedHeight(_ROW_PX * min(max(1, self.list.count()), _MOST_ROWS) + 4)
        self._filter()
        self._show_ticks()

    def _show_ticks(self) -> None:
        names = self._bench.recipe.structures
        self.list.blockSignals(True)
        for item in self._items():
            is_ticked = not names or item.data(_NAME) in names
            item.setCheckState(Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self._show_count()
        self._show_missing()

    def _show_count(self) -> None:
        count = len(self.ticked)
        self.count.setText(structures_text(count) if count else self.tr("Tick what is to be printed"))

    def _show_missing(self) -> None:
        missing = self._bench.missing
        text = self.tr("Not in these labels: {names}").format(names=titles_of(missing))
        self.missing.setText(text if missing else "")
        self.missing.setVisible(bool(missing))
        self.leave_out.setVisible(bool(missing) and len(missing) < len(self._bench.recipe.structures))

    def _filter(self) -> None:
        words = self.search.text().strip().lower()
        for item in self._items():
            item.setHidden(words not in item.text().lower())

    def _tick_shown(self, *, ticked: bool) -> None:
        self.list.blockSignals(True)
        for item in self._items():
            if not item.isHidden():
                item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self._on_ticked()

    def _on_ticked(self) -> None:
        names, bench = self.ticked, self._bench
        self._show_count()
        if not names:
            return
        # What another scan lacks stays in the recipe, and all of them are said as "all".
        kept = (*names, *bench.missing)
        chosen = () if len(names) == self.list.count() and not bench.missing else kept
        bench.change(replace(bench.recipe, structures=chosen), self.tr("structures"))

    def _leave_out(self) -> None:
        bench = self._bench
        kept = tuple(name for name in bench.recipe.structures if name not in bench.missing)
        bench.change(replace(bench.recipe, structures=kept), self.tr("structures"))


def _swatch(structure: StructureClass) -> QIcon:
    """A spot in the structure's colour."""
    picture = QPixmap(4 * _SWATCH_PX, 4 * _SWATCH_PX)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(*structure.rgb))
        painter.drawRoundedRect(picture.rect(), theme.RADIUS, theme.RADIUS)
    return QIcon(picture)
