"""The left side of the window: find, choose, run. Puts its panels together around one RunChoices."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from tsdesktop.core.tasks import Catalogue, Task
from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.panels.advanced import AdvancedOptions
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.device_row import DeviceRow
from tsdesktop.gui.panels.parts import MARGIN
from tsdesktop.gui.panels.quality import QualityControl
from tsdesktop.gui.panels.run_panel import RunPanel
from tsdesktop.gui.panels.structure_picker import StructurePicker
from tsdesktop.gui.panels.task_page import TaskPage
from tsdesktop.gui.panels.task_panel import TaskPanel
from tsdesktop.gui.parts import hairline, scrolled, stacked
from tsdesktop.gui.session import Session


class LeftPanel(QFrame):
    """What to do. `run_wanted(Options)`, `cancel_wanted()`, `licence_wanted()` (where a licence number is needed),
    `import_wanted()` (of networks) and `download_wanted(packages, whether a run is to follow)`.

    The window tells `run` how it goes and `device` what was found; `choices.device_changed(str)` says what to remember.
    """

    run_wanted = Signal(object)
    cancel_wanted = Signal()
    licence_wanted = Signal()
    import_wanted = Signal()
    download_wanted = Signal(object, bool)

    def __init__(
        self,
        session: Session,
        known: Catalogue | None = None,
        device: str = "auto",
        downloads: Downloads | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.choices = RunChoices(session, known, device, self)
        self.tasks = TaskPanel(self.choices)
        self.structures = StructurePicker(self.choices)
        self.quality = QualityControl(self.choices)
        self.device = DeviceRow(self.choices)
        self.advanced = AdvancedOptions(self.choices)
        self.downloads = downloads or Downloads(self)
        # Before the run panel, which finds what has come.
        self.downloads.finished.connect(lambda _: self.choices.look_again())
        self.run = RunPanel(self.choices, self.downloads)
        self.run.run_wanted.connect(self.run_wanted)
        self.run.cancel_wanted.connect(self.cancel_wanted)
        self.run.licence_wanted.connect(self.licence_wanted)
        self.run.import_wanted.connect(self.import_wanted)
        self.run.download_wanted.connect(self.download_wanted)
        self.tasks.details_wanted.connect(self.open_page)
        self._of_the_task = QWidget()
        self._lay_out()
        self.choices.changed.connect(self._on_choices_changed)
        # Once what has appeared has its place.
        self.advanced.toggle.toggled.connect(lambda _: QTimer.singleShot(0, self, self._show_advanced))

    def sizeHint(self) -> QSize:  # noqa: N802 - a method of Qt
        """As in the drawing of the window."""
        return QSize(296, 600)

    def open_page(self, task: Task) -> TaskPage:
        """Opens the page about a task."""
        page = TaskPage(task, self.choices, self)
        page.open_at(self.tasks, beside=True)
        return page

    def open_structure_picker(self) -> None:
        """Opens the tree of structures; nothing for tasks that compute all of theirs."""
        if self.choices.task.roi_subset and not self.choices.is_open_question:
            self.structures.open()

    def focus_search(self) -> None:
        """The keyboard goes to the search box."""
        self.tasks.focus_search()

    def start(self) -> None:
        """As the run button: starts, or goes to what is missing; nothing without a scan or while a run is under way."""
        self.run.start()

    def cancel(self) -> None:
        """As the cancel button; nothing while no run is under way."""
        if self.run.cancel.isEnabled() and self.run.cancel.isVisibleTo(self):
            self.run.cancel.click()

    def _on_choices_changed(self) -> None:
        self._of_the_task.setVisible(not self.choices.is_open_question)

    def _lay_out(self) -> None:
        self._of_the_task.setLayout(stacked(self.structures, self.quality, self.device, self.advanced, gap=MARGIN))
        self._column = stacked(self.tasks, self._of_the_task, gap=MARGIN, margin=MARGIN)
        self._column.addStretch()
        inside = QWidget()
        inside.setLayout(self._column)
        area = scrolled(inside)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside.setAutoFillBackground(False)
        area.viewport().setAutoFillBackground(False)
        area.verticalScrollBar().rangeChanged.connect(self._on_scroll_range_changed)
        self._area = area
        foot = QWidget()
        # The task that will run is seen beside the button even while other tasks are looked at.
        foot.setLayout(stacked(self.tasks.pinned, self.run, gap=MARGIN, margin=MARGIN))
        whole = stacked(area, hairline(), foot, gap=0)
        whole.setStretch(0, 1)
        self.setLayout(whole)

    def _show_advanced(self) -> None:
        """The options that were just opened are in sight: the last of them, unless that hides the first."""
        inside = self._area.widget()
        if inside is None or not self.advanced.toggle.isChecked():
            return
        # The area gives it its new height only when it hears of it.
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
        bar, room = self._area.verticalScrollBar(), self._area.viewport().height()
        top = self.advanced.mapTo(inside, QPoint(0, 0)).y()
        lowest = top + self.advanced.height() + MARGIN - room
        bar.setValue(min(top - MARGIN, max(bar.value(), lowest)))

    def _on_scroll_range_changed(self, _least: int, most: int) -> None:
        """The scroll bar stands in the margin, so that nothing moves when it comes and goes."""
        right = MARGIN - self._area.verticalScrollBar().sizeHint().width() if most else MARGIN
        self._column.setContentsMargins(MARGIN, MARGIN, max(0, right), MARGIN)
