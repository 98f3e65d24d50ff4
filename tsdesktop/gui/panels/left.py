"""The left side of the window: find, choose, run. Puts its panels together around one RunChoices."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from tsdesktop.core.tasks import Catalogue, Task
from tsdesktop.gui.panels.advanced import AdvancedOptions
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.device_row import DeviceRow
from tsdesktop.gui.panels.parts import MARGIN, stacked
from tsdesktop.gui.panels.quality import QualityControl
from tsdesktop.gui.panels.run_panel import RunPanel
from tsdesktop.gui.panels.structure_picker import StructurePicker
from tsdesktop.gui.panels.task_page import TaskPage
from tsdesktop.gui.panels.task_panel import TaskPanel
from tsdesktop.gui.session import Session


class LeftPanel(QFrame):
    """What to do. `run_wanted(Options)` and `cancel_wanted()`; the window tells `run` and `device` how it goes."""

    run_wanted = Signal(object)
    cancel_wanted = Signal()

    def __init__(self, session: Session, known: Catalogue | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.choices = RunChoices(session, known, self)
        self.tasks = TaskPanel(self.choices)
        self.structures = StructurePicker(self.choices)
        self.quality = QualityControl(self.choices)
        self.device = DeviceRow(self.choices)
        self.advanced = AdvancedOptions(self.choices)
        self.run = RunPanel(self.choices)
        self.run.run_wanted.connect(self.run_wanted)
        self.run.cancel_wanted.connect(self.cancel_wanted)
        self.tasks.details_wanted.connect(self.open_page)
        self._lay_out()
        QShortcut(QKeySequence("Ctrl+Return"), self, self._on_run_pressed)

    def sizeHint(self) -> QSize:  # noqa: N802 - a method of Qt
        """As in the drawing of the window."""
        return QSize(296, 600)

    def open_page(self, task: Task) -> TaskPage:
        """Opens the page about a task."""
        page = TaskPage(task, self.choices, self)
        page.open_at(self.tasks.search)
        return page

    def _on_run_pressed(self) -> None:
        if self.run.button.isVisible() and self.run.button.isEnabled():
            self.run.button.click()

    def _lay_out(self) -> None:
        inside = QWidget()
        column = stacked(
            self.tasks, self.structures, self.quality, self.device, self.advanced, gap=MARGIN, margin=MARGIN
        )
        column.addStretch()
        inside.setLayout(column)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside.setAutoFillBackground(False)
        area.viewport().setAutoFillBackground(False)
        foot = QWidget()
        foot.setLayout(stacked(self.run, margin=MARGIN))
        line = QFrame()
        line.setProperty("role", "hairline")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(area, 1)
        whole.addWidget(line)
        whole.addWidget(foot)
