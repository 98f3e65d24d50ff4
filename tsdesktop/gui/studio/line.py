"""The lines under the preview: how far the work is, what went wrong, what is worth telling, and what is shown."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from tsdesktop.core.notes import Note
from tsdesktop.gui import theme
from tsdesktop.gui.error_words import Words, words_for
from tsdesktop.gui.parts import button, one_line, paragraph, row, set_role
from tsdesktop.gui.studio.engine import Told
from tsdesktop.gui.studio.words import stage_words
from tsdesktop.gui.studio.workbench import Workbench
from tsdesktop.gui.translation import translated, translated_hint

_PER_MILLE = 1000
_MOST_NOTES = 4
# Work that is over sooner says nothing: a line that flashes up is worse than none.
_PATIENCE_MS = 400


class StudioLine(QWidget):
    """Follows the bench. A row of its own for each thing, and none where there is nothing to say."""

    def __init__(self, bench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench = bench
        self.bug: Words | None = None
        self.stage = one_line("", "secondary")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 0)
        self.bar.setAccessibleName(self.tr("How far the parts are"))
        self.cancel = button(self.tr("Stop"), self._stop, "link")
        self.cancel.setToolTip(self.tr("What was shown before stays"))
        self.shown = one_line("", "secondary")
        self.show_all = button(self.tr("Show all steps"), lambda: bench.show_steps(None), "link")
        self.error = paragraph("", "error")
        self.again = button(self.tr("Try again"), bench.make_again, "link")
        self.report = button(self.tr("Show report"), self._show_report, "link")
        self.notes = paragraph("", "warning")
        self._patience = QTimer(self, singleShot=True, interval=_PATIENCE_MS)
        self._patience.timeout.connect(self._show_work)
        self._build()
        bench.busy_changed.connect(self._on_busy_changed)
        bench.progressed.connect(self._on_progressed)
        bench.made_changed.connect(self.refresh)
        bench.checks_changed.connect(self._on_checks_changed)
        bench.selection_changed.connect(self.refresh)
        bench.recipe_changed.connect(self.refresh)
        bench.labels_changed.connect(self.refresh)
        bench.failed.connect(lambda _: self.refresh())
        self.refresh()
        self._show_work()

    @property
    def is_working(self) -> bool:
        """Whether it shows how far the work is."""
        return not self._work.isHidden()

    def refresh(self) -> None:
        """Says anew what there is to say."""
        self._show_shown()
        self._show_error()
        self._show_notes()

    def _build(self) -> None:
        self._work, self._shown_row, self._error_row = QWidget(), QWidget(), QWidget()
        contents = (
            (self._work, (self.stage, self.bar, self.cancel), 1),
            (self._shown_row, (self.shown, self.show_all, None), -1),
            (self._error_row, (self.error, self.again, self.report), 0),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * theme.GRID, theme.GRID, 3 * theme.GRID, theme.GRID)
        layout.setSpacing(theme.GRID)
        for widget, items, stretched in contents:
            line = row(*items)
            line.setContentsMargins(0, 0, 0, 0)
            if stretched >= 0:
                line.setStretch(stretched, 1)
            widget.setLayout(line)
            layout.addWidget(widget)
        layout.insertWidget(2, self.notes)

    def _stop(self) -> None:
        self._bench.stop()
        self.refresh()

    def _on_busy_changed(self) -> None:
        busy = self._bench.is_busy or self._bench.is_checking
        if busy and self._work.isHidden():
            if not self._patience.isActive():
                self._patience.start()
        else:
            self._show_work()
        self.refresh()

    def _show_work(self) -> None:
        bench = self._bench
        self._patience.stop()
        self._work.setVisible(bench.is_busy or bench.is_checking)
        if not bench.is_busy and bench.whole is not None:
            done, count = len(bench.checks), len(bench.whole.parts)
            self.stage.setText(self.tr("Checked: {done} of {count} parts").format(done=done, count=count))
            self.bar.setRange(0, count)
            self.bar.setValue(done)

    def _on_checks_changed(self) -> None:
        if self.is_working:
            self._show_work()

    def _on_progressed(self, told: Told) -> None:
        if not self._bench.is_busy:
            return
        self.stage.setText(stage_words(told.stage))
        self.bar.setRange(0, _PER_MILLE)
        self.bar.setValue(round(told.share * _PER_MILLE))

    def _show_shown(self) -> None:
        count, steps = self._bench.shown_steps, len(self._bench.recipe.steps)
        self._shown_row.setVisible(count is not None)
        if count is not None:
            self.shown.setText(self.tr("Shown up to step {count} of {steps}").format(count=count, steps=steps))

    def _show_error(self) -> None:
        error = None if self._bench.is_busy else self._bench.error
        told = None if error is None else words_for(error)
        self._error_row.setVisible(told is not None)
        self.bug = told if told is not None and told.is_bug else None
        self.report.setVisible(self.bug is not None)
        if told is not None:
            self.error.setText(f"{told.sentence} {told.hint}".strip())
            set_role(self.error, "error")
        elif self._bench.is_stopped:
            self.error.setText(self.tr("Stopped: the parts of this recipe have not been made."))
            set_role(self.error, "warning")
            self._error_row.show()

    def _show_notes(self) -> None:
        made = self._bench.made
        notes = () if made is None else made.notes
        lines = [_note_words(each) for each in notes]
        shown = lines[:_MOST_NOTES]
        if len(lines) > _MOST_NOTES:
            shown.append(self.tr("and {count} more").format(count=len(lines) - _MOST_NOTES))
        self.notes.setText("\n".join(shown))
        self.notes.setToolTip("\n".join(lines) if len(lines) > _MOST_NOTES else "")
        self.notes.setVisible(bool(lines))
        set_role(self.notes, "warning")

    def _show_report(self) -> None:
        from tsdesktop.gui.dialogs.bug_report import BugReport

        if self.bug is not None:
            BugReport(self.bug, self.window()).open()


def _note_words(note: Note) -> str:
    """What is worth telling, with what to do about it."""
    return f"{translated(note.id, note.arguments)} {translated_hint(note.id, note.arguments)}".strip()
