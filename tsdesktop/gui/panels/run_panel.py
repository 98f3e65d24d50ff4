"""The foot of the left side: start, watch and stop a run, and read in one line what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from tsdesktop.core.errors import OptionsError, WeightsError
from tsdesktop.core.options import Options
from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.even_bar import EvenBar
from tsdesktop.gui.panels.missing import MissingNetworks
from tsdesktop.gui.panels.run_words import count_text, left_text, stage_text
from tsdesktop.gui.panels.task_words import problem_text
from tsdesktop.gui.parts import GAP, ShortLabel, button, one_line, paragraph, set_role, small_button, stacked
from tsdesktop.jobs.messages import Progress
from tsdesktop.weights.packages import Package


@dataclass(frozen=True)
class _ThenRun:
    """A run that follows once these dataset folders are here."""

    options: Options
    folders: frozenset[str]


class RunPanel(QWidget):
    """Emits `run_wanted(Options)`, `cancel_wanted()`, `licence_wanted()`, `import_wanted()` and
    `download_wanted(packages, whether a run is to follow)`; is told by its show_ methods how it goes.

    Where networks are missing their card stands in the place of the button.
    """

    run_wanted = Signal(object)
    cancel_wanted = Signal()
    licence_wanted = Signal()
    import_wanted = Signal()
    download_wanted = Signal(object, bool)

    def __init__(self, choices: RunChoices, downloads: Downloads, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = choices
        self._downloads = downloads
        self._then_run: _ThenRun | None = None
        self._options: Options | None = None
        self._seconds_left: float | None = None
        self._stopping = False
        self.button = self._big_button(self.tr("Segment"), self._on_button_clicked, primary=True)
        self.cancel = self._big_button(self.tr("Cancel"), self._on_cancel_clicked)
        self.question = paragraph("", "secondary")
        self._told = paragraph()
        self._hint = paragraph(role="secondary")
        self._message = self._message_box()
        self.missing = MissingNetworks(downloads)
        self._connect_missing()
        self._running = self._running_box()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        for each in (self._message, self.missing, self._running, self.question, self.button, self.cancel):
            column.addWidget(each)
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._count_down)
        choices.changed.connect(self._on_choices_changed)
        choices.task_changed.connect(self._clear)
        choices.session.volume_changed.connect(self._on_volume_changed)
        downloads.changed.connect(self._on_downloads_changed)
        self.show_idle()

    # what the window tells

    def show_started(self, options: Options) -> None:
        """A run has begun."""
        self._clear()
        self._options = options
        self._bar.begin()
        self._set_running(True)
        self.show_progress(Progress("", 0.0))

    def show_progress(self, progress: Progress) -> None:
        """How far the run is."""
        if self._stopping:
            return
        if not self._running.isVisibleTo(self):
            self._set_running(True)
        options = self._options or Options(task=self._choices.task.name)
        self._stage.show_text(stage_text(progress, options, self._choices.catalogue))
        self._count.show_text(count_text(progress))
        if progress.seconds_left is not None:
            self._seconds_left = progress.seconds_left
        self._left.setText(left_text(self._seconds_left))
        self._bar.move_to(progress.share)

    def show_note(self, text: str) -> None:
        """A line under the bar, such as that a draft result is on the screen already."""
        self._note.setText(text)
        self._note.setVisible(bool(text))

    def show_idle(self) -> None:
        """Nothing runs."""
        self._set_running(False)
        self._clear()
        self._on_choices_changed()

    def show_done(self, text: str) -> None:
        """The run has ended well."""
        self.show_idle()
        self._say(text, "", "good")

    def show_error(self, error: Exception) -> None:
        """The run has failed: one sentence and what to do; for missing networks, how to get them."""
        self.show_idle()
        self._choices.look_again()
        # What is missing is said by its card.
        if not (isinstance(error, WeightsError) and self.missing.isVisibleTo(self)):
            self._tell(error)

    def show_licence_entered(self) -> None:
        """The licence number that this panel asked for was entered: the download goes on."""
        self.missing.look_for_licence()
        if self._is_offering:
            self._on_download_wanted(self._choices.state(self._choices.task).packages, True)

    def download(self, packages: Iterable[Package], *, then_run: bool) -> None:
        """Puts packages into the queue; with `then_run` what is chosen now is run once they are here."""
        wanted = tuple(packages)
        if then_run:
            self._then_run = _ThenRun(self._choices.options(), frozenset(each.folder for each in wanted))
        self._downloads.add(wanted)
        self._show_what_follows()

    # what the person does

    def start(self) -> None:
        """As the run button; where networks are missing the keyboard goes to the button that gets them."""
        if self.missing.isVisibleTo(self):
            self.missing.main.setFocus(Qt.FocusReason.OtherFocusReason)
        elif self.button.isEnabled() and self.button.isVisibleTo(self):
            self.button.click()

    def _on_button_clicked(self) -> None:
        self._clear()
        options = self._checked_options()
        if options is None:
            return
        # They may have gone since.
        self._choices.look_again()
        if self.missing.isVisibleTo(self):
            self.missing.main.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.run_wanted.emit(options)

    def _checked_options(self) -> Options | None:
        """The choices, None where they do not go together, which is said."""
        try:
            options = self._choices.options()
            options.check_for(self._choices.task, self._choices.catalogue.roi_tasks)
        except OptionsError as error:
            self._tell(error)
            return None
        return options

    def _on_download_wanted(self, packages: tuple[Package, ...], then_run: bool) -> None:
        self._clear()
        if self._checked_options() is not None:
            self.download_wanted.emit(packages, then_run)

    def _on_look_again(self) -> None:
        self._choices.look_again()
        if not self._is_offering:
            self._on_button_clicked()

    def _on_downloads_changed(self) -> None:
        """The run follows once all it waits for is here, unless something else has been chosen meanwhile."""
        waiting = self._then_run
        if waiting is None or any(each.package.folder in waiting.folders for each in self._downloads.items):
            return
        self._then_run = None
        self._show_what_follows()
        is_idle = self.button.isVisibleTo(self) and self.button.isEnabled()
        if is_idle and self._choices.options() == waiting.options:
            self.run_wanted.emit(waiting.options)

    def _on_cancel_clicked(self) -> None:
        if self._has_keyboard:
            # Until it has stopped there is nothing to press here, but the next button is this panel's.
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.cancel.setEnabled(False)
        self._stopping = True
        self._stage.show_text(self.tr("Stopping"))
        self._count.show_text("")
        self._seconds_left = None
        self._left.setText("")
        self.show_note("")
        self.cancel_wanted.emit()

    def _on_volume_changed(self) -> None:
        self._then_run = None
        self._clear()
        self._show_what_follows()

    def _on_choices_changed(self) -> None:
        has_scan, is_open_question = self._choices.session.volume is not None, self._choices.is_open_question
        problem = problem_text(self._choices.task)
        question = self.tr("Is it CT or MR? Choose a task that fits.") if is_open_question else problem or ""
        self.question.setText(question)
        self.question.setVisible(bool(question))
        self.button.setEnabled(has_scan and not question)
        ready = self.tr("Compute the labels of this scan")
        self.button.setToolTip(ready if has_scan else self.tr("Open a scan first"))
        self._show_main()

    # how it looks

    @property
    def _is_running(self) -> bool:
        return self._running.isVisibleTo(self)

    @property
    def _is_offering(self) -> bool:
        """Whether there is something to get before anything can run."""
        return bool(self._choices.state(self._choices.task).missing) and self.button.isEnabled()

    def _show_main(self) -> None:
        """The one thing to do: stop the run, get what is missing, or run."""
        had_keyboard = self._has_keyboard
        offers = self._is_offering and not self._is_running
        if offers:
            self.missing.show_state(self._choices.state(self._choices.task))
            self._show_what_follows()
        shown = self.cancel if self._is_running else self.missing if offers else self.button
        shown.show()
        goal = self.missing.main if shown is self.missing else shown
        if had_keyboard and not (shown is self.missing and self.missing.has_keyboard):
            goal.setFocus(Qt.FocusReason.OtherFocusReason)
        for each in (self.cancel, self.missing, self.button):
            if each is not shown:
                each.hide()

    def _show_what_follows(self) -> None:
        follows = self._then_run is not None and self._then_run.options == self._choices.options()
        self.missing.note.setText(self.tr("The run starts when all is here.") if follows else "")
        self.missing.refresh()

    def _set_running(self, running: bool) -> None:
        self._stopping = False
        self._running.setVisible(running)
        self.cancel.setEnabled(True)
        self._show_main()
        if running:
            self._clock.start()
        else:
            self._clock.stop()
            self._options, self._seconds_left = None, None
            self.show_note("")

    @property
    def _has_keyboard(self) -> bool:
        focused = QApplication.focusWidget()
        return focused is not None and (focused is self or self.isAncestorOf(focused))

    def _clear(self) -> None:
        had_keyboard = self._has_keyboard
        self._message.hide()
        if had_keyboard and not self._has_keyboard:
            shown = [each for each in (self.button, self.cancel) if each.isVisibleTo(self)]
            (shown[0] if shown else self.missing.main).setFocus(Qt.FocusReason.OtherFocusReason)

    def _say(self, text: str, more: str, role: str) -> None:
        set_role(self._told, role)
        self._told.setText(text)
        self._hint.setText(more)
        self._hint.setVisible(bool(more))
        self._message.setVisible(bool(text))
        self._message.setAccessibleName(f"{text} {more}".strip())

    def _tell(self, error: Exception) -> None:
        told = words_for(error)
        if told is not None:
            self._say(told.sentence, told.hint, "error")

    def _count_down(self) -> None:
        if self._seconds_left is not None and self._seconds_left > 1:
            self._seconds_left -= 1
            self._left.setText(left_text(self._seconds_left))

    def _running_box(self) -> QWidget:
        self._stage, self._left = ShortLabel(), one_line(role="secondary")
        self._count = ShortLabel("secondary")
        self._count.setFixedHeight(16)
        self._note = paragraph(role="secondary")
        self._bar = EvenBar(self.tr("Progress of the run"))
        line = QHBoxLayout()
        line.addWidget(self._stage, 1)
        line.addWidget(self._left)
        box = QWidget()
        box.setLayout(stacked(line, self._bar, self._count, self._note, gap=6))
        return box

    def _connect_missing(self) -> None:
        self.missing.download_wanted.connect(self._on_download_wanted)
        self.missing.licence_wanted.connect(self.licence_wanted)
        self.missing.import_wanted.connect(self.import_wanted)
        self.missing.look_again.connect(self._on_look_again)

    def _message_box(self) -> QWidget:
        close = small_button("mdi6.close", self.tr("Dismiss"), self._clear)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addLayout(stacked(self._told, self._hint, gap=4), 1)
        line.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        line.setContentsMargins(0, 0, 0, 0)
        box = QWidget()
        box.setLayout(line)
        return box

    def _big_button(self, title: str, on_click: Callable[[], None], *, primary: bool = False) -> QPushButton:
        made = button(title, on_click, "primary" if primary else "")
        made.setMinimumHeight(36)
        return made
