"""The findings on the chosen part: a light, a sentence, and a link that mends what can be mended."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.parts import GAP, button, clear, paragraph
from tsdesktop.gui.studio.findings import finding_hint, finding_words
from tsdesktop.gui.studio.fixes import apply_fix, fix_title
from tsdesktop.gui.studio.words import light_icon, light_title
from tsdesktop.gui.studio.workbench import Workbench

_ICON = QSize(15, 15)


class ChecksBox(QWidget):
    """What was found on the part that is chosen on the bench, the worst first."""

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.rows: list[FindingRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID + 2)
        for changed in (bench.made_changed, bench.checks_changed, bench.part_changed, bench.busy_changed):
            changed.connect(self._fill)
        self._shown: object = None
        self._fill()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Another theme: the icons follow."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_shown"):
            for each in self.rows:
                each.dress()

    def _fill(self) -> None:
        found = self._bench.checks.get(self._bench.part)
        wanted = (found, self._bench.is_checking)
        if wanted == self._shown:
            return
        self._shown = wanted
        clear(self._column)
        self.rows = []
        if found is None:
            text = self.tr("Checking…") if self._bench.is_checking else self.tr("Nothing to check yet")
            self._column.addWidget(paragraph(text, "secondary"))
            return
        order = {"bad": 0, "warning": 1, "good": 2}
        for finding in sorted(found.findings, key=lambda each: order[each.light]):
            line = FindingRow(finding.light, finding_words(finding), finding_hint(finding))
            if fix_title(finding.fix):
                line.offer(fix_title(finding.fix), partial(self._fix, finding.fix))
            self.rows.append(line)
            self._column.addWidget(line)

    def _fix(self, fix: str) -> None:
        apply_fix(self._bench, self._bench.part, fix)


class FindingRow(QWidget):
    """A light, a sentence with what to do about it as its tooltip, and perhaps a link that does it."""

    def __init__(self, light: str, text: str, hint: str) -> None:
        super().__init__()
        self._light = light
        self.icon = QLabel()
        self.icon.setAccessibleName(light_title(light))
        self.text = paragraph(text, "" if light != "good" else "secondary")
        self.text.setAccessibleName(f"{light_title(light)}: {text}")
        self.text.setToolTip(hint)
        self.text.setMinimumWidth(1)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP)
        line.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self.text, 1)
        self.fix: QPushButton | None = None
        self._line = line
        self.dress()

    def offer(self, title: str, on_fix: Callable[[], None]) -> None:
        """Adds the link that mends."""
        self.fix = button(title, on_fix, "link", self.text.toolTip())
        self.fix.setAccessibleName(f"{title}: {self.text.text()}")
        self._line.addWidget(self.fix, 0, Qt.AlignmentFlag.AlignTop)

    def dress(self) -> None:
        """Takes the icon of the theme that is worn now."""
        self.icon.setPixmap(light_icon(self._light).pixmap(_ICON))
