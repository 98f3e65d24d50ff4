"""The parts that will be printed, each with the light of its checks, and the numbers of the chosen one and of all."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QListWidget, QListWidgetItem, QWidget

from tsdesktop.gui.figures import decimal, volume_text
from tsdesktop.gui.parts import GAP, one_line, stacked
from tsdesktop.gui.studio.engine import Made, PartNumbers
from tsdesktop.gui.studio.printer_box import known_process
from tsdesktop.gui.studio.words import light_icon
from tsdesktop.gui.studio.workbench import Workbench
from tsdesktop.gui.translation import reason_words
from tsdesktop.gui.words import part_title

_ROW_PX = 26
_MOST_ROWS = 7
_TITLE_WIDTH = 84


class PartsBox(QWidget):
    """The parts of the bench. Choosing one shows its findings and numbers, and marks it in the preview."""

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Parts"))
        self.list.setIconSize(QSize(14, 14))
        self.nothing = one_line(self.tr("No parts yet"), "secondary")
        self.values: dict[str, QLabel] = {}
        self._grid = QGridLayout()
        self._add_rows()
        self.setLayout(stacked(self.nothing, self.list, self._grid, gap=GAP))
        self.list.currentRowChanged.connect(lambda at: bench.choose_part(at) if at >= 0 else None)
        bench.made_changed.connect(self._fill)
        bench.checks_changed.connect(self._show_lights)
        bench.part_changed.connect(self._show_numbers)
        bench.recipe_changed.connect(self._show_numbers)
        self._fill()

    def _add_rows(self) -> None:
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnMinimumWidth(0, _TITLE_WIDTH)
        self._grid.setColumnStretch(1, 1)
        titles = {
            "size": self.tr("Size"),
            "volume": self.tr("Volume"),
            "material": self.tr("Material"),
            "triangles": self.tr("Triangles"),
            "all": self.tr("All parts"),
        }
        for n, (key, title) in enumerate(titles.items()):
            value = QLabel()
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setWordWrap(True)
            name = one_line(title, "secondary")
            self._grid.addWidget(name, n, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(value, n, 1)
            value.setProperty("title", name)
            self.values[key] = value

    def _fill(self) -> None:
        made = self._bench.whole
        count = 0 if made is None else len(made.parts)
        self.list.blockSignals(True)
        self.list.clear()
        for mesh in () if made is None else made.parts:
            item = QListWidgetItem(part_title(mesh.structure.title))
            item.setSizeHint(QSize(0, _ROW_PX))
            self.list.addItem(item)
        if count:
            self.list.setCurrentRow(self._bench.part)
        self.list.blockSignals(False)
        self.list.setFixedHeight(_ROW_PX * min(max(1, count), _MOST_ROWS) + 4)
        self.list.setVisible(bool(count))
        self.nothing.setVisible(not count)
        self._show_lights()
        self._show_numbers()

    def _show_lights(self) -> None:
        for n in range(self.list.count()):
            found = self._bench.checks.get(n)
            light = "" if found is None else found.light
            self.list.item(n).setIcon(light_icon(light))

    def _show_numbers(self) -> None:
        made, at = self._bench.whole, self._bench.part
        has = made is not None and at < len(made.numbers)
        numbers = made.numbers[at] if made is not None and has else None
        texts = {} if numbers is None else self._texts(numbers)
        if made is not None and len(made.numbers) > 1:
            texts["all"] = self._text_of_all(made)
        for key, value in self.values.items():
            text = texts.get(key, "")
            value.setText(text)
            title = value.property("title")
            value.setAccessibleName(f"{title.text()}: {text}")
            for each in (value, title):
                each.setVisible(bool(text))

    def _texts(self, numbers: PartNumbers) -> dict[str, str]:
        return {
            "size": size_words(numbers),
            "volume": volume_text(numbers.volume_ml),
            "material": self._material(numbers.volume_ml),
            "triangles": decimal(numbers.triangles, 0),
        }

    def _text_of_all(self, made: Made) -> str:
        ml = sum(each.volume_ml for each in made.numbers)
        triangles = decimal(sum(each.triangles for each in made.numbers), 0)
        words = self.tr("{volume}, {material}, {triangles} triangles")
        return words.format(volume=volume_text(ml), material=self._material(ml), triangles=triangles)

    def _material(self, ml: float) -> str:
        material = known_process(self._bench.recipe).material()
        grams = ml * material.density_g_per_ml
        return f"{decimal(grams, 0 if grams >= 99.5 else 1)} g {reason_words(material.name)}"


def size_words(numbers: PartNumbers) -> str:
    """The sides of a part in mm."""
    # \u00d7 is the sign of sizes.
    return " \u00d7 ".join(decimal(each, 1) for each in numbers.size_mm) + " mm"
