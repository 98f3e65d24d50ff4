"""The foot of the left side: start, watch and stop a run, and read in one line what went wrong."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEasingCurve, QPropertyAnimation, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from tsdesktop.core.errors import OptionsError, WeightsError
from tsdesktop.core.options import Options
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.panels.choices import RunChoices
from tsdesktop.gui.panels.missing import MissingNetworks
from tsdesktop.gui.panels.run_words import count_text, left_text, stage_text
from tsdesktop.gui.parts import GAP, ShortLabel, button, one_line, paragraph, set_role, small_button, stacked
from tsdesktop.jobs.messages import Progress

_STEPS = 1000


class RunPanel(QWidget):
    """Emits `run_wanted(Options)`, `cancel_wanted()`, `licence_wanted()`; is told by its show_ methods how it goes."""

    run_wanted = Signal(object)
    cancel_wanted = Signal()
    licence_wanted = Signal()

    def __init__(self, choices: RunChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choices = choices
        self._options: Options | None = None
        self._seconds_left: float | None = None
        self._stopping = False
        self.button = self._big_button(self.tr("Segment"), self._on_button_clicked, primary=True)
        self.cancel = self._big_button(self.tr("Cancel"), self._on_cancel_clicked)
        self.question = paragraph(self.tr("Is it CT or MR? Choose a task that fits."), "secondary")
        self._told = paragraph()
        self._hint = paragraph(role="secondary")
        self._message = self._message_box()
        self.missing = MissingNetworks(choices)
        self.missing.try_again.connect(self._on_button_clicked)
        self.missing.licence_wanted.connect(self.licence_wanted)
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
        choices.session.volume_changed.connect(self._clear)
        self.show_idle()

    # what the window tells

    def show_started(self, options: Options) -> None:
        """A run has begun."""
        self._clear()
        self._options = options
        self._glide.stop()
        self._bar.setValue(0)
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
        self._move_bar(progress.share)

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
        if isinstance(error, WeightsError) and self._offer_missing():
            return
        self._tell(error)

    # what the person does

    def _on_button_clicked(self) -> None:
        self._clear()
        try:
            options = self._choices.options()
            options.check_for(self._choices.task, [])
        except OptionsError as error:
            self._tell(error)
            return
        if not self._offer_missing():
            self.run_wanted.emit(options)

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

    def _on_choices_changed(self) -> None:
        has_scan, is_open_question = self._choices.session.volume is not None, self._choices.is_open_question
        self.question.setVisible(is_open_question)
        self.button.setEnabled(has_scan and not is_open_question)
        ready = self.tr("Compute the labels of this scan")
        self.button.setToolTip(ready if has_scan else self.tr("Open a scan first"))
        if self.missing.isVisibleTo(self) and self._choices.state(self._choices.task).kind in ("ready", "instant"):
            self.missing.hide()

    # how it looks

    def _offer_missing(self) -> bool:
        state = self._choices.state(self._choices.task)
        if state.missing:
            # They may have been put there since.
            self._choices.look_again()
            state = self._choices.state(self._choices.task)
        if not state.missing:
            return False
        self.missing.show_state(state)
        self.missing.show()
        return True

    def _set_running(self, running: bool) -> None:
        self._stopping = False
        self._running.setVisible(running)
        shown, hidden = (self.cancel, self.button) if running else (self.button, self.cancel)
        shown.show()
        self.cancel.setEnabled(True)
        if self._has_keyboard:
            shown.setFocus(Qt.FocusReason.OtherFocusReason)
        hidden.hide()
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
        self.missing.hide()
        if had_keyboard and not self._has_keyboard:
            (self.button if self.button.isVisibleTo(self) else self.cancel).setFocus(Qt.FocusReason.OtherFocusReason)

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

    def _move_bar(self, share: float) -> None:
        goal = round(_STEPS * min(1.0, max(0.0, share)))
        if goal <= self._bar.value():
            return
        self._glide.stop()
        self._glide.setStartValue(self._bar.value())
        self._glide.setEndValue(goal)
        self._glide.start()

    def _running_box(self) -> QWidget:
        self._stage, self._left = ShortLabel(), one_line(role="secondary")
        self._count = ShortLabel("secondary")
        self._count.setFixedHeight(16)
        self._note = paragraph(role="secondary")
        self._bar = QProgressBar()
        self._bar.setRange(0, _STEPS)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the run"))
        self._glide = QPropertyAnimation(self._bar, b"value", self)
        self._glide.setDuration(400)
        self._glide.setEasingCurve(QEasingCurve.Type.OutCubic)
        line = QHBoxLayout()
        line.addWidget(self._stage, 1)
        line.addWidget(self._left)
        box = QWidget()
        box.setLayout(stacked(line, self._bar, self._count, self._note, gap=6))
        return box

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
