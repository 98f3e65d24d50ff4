"""The line at the foot of the window of networks: what can be had at once, a question, work under way, how it ended."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from tsdesktop.core.errors import Cancelled
from tsdesktop.gui import theme
from tsdesktop.gui.networks.words import breakable, progress_text
from tsdesktop.gui.parts import button, paragraph, set_role, small_button, stacked
from tsdesktop.gui.transfers import Hearers, OneAtATime, Transfer, Transferring
from tsdesktop.weights.progress import Progress

_HEIGHT = 44
_PER_MILLE = 1000
_GOOD_NEWS_MS = 8_000
Showing = Literal["offer", "question", "work", "message"]


class NetworksLine(QWidget):
    """One thing at a time. `busy_changed(bool)` when work begins and when it has ended, in whichever way; `left` when
    what had the keyboard is gone.
    """

    busy_changed = Signal(bool)
    left = Signal()

    def __init__(self, offer: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offer = offer
        self._showing: Showing = "offer"
        self._threads = OneAtATime(self)
        # What is under way; a list, so that whoever must stop it need not hold the widget.
        self.under_way: list[Transfer] = []
        self._titles: list[str] = []
        self._on_yes: Callable[[], None] = _nothing
        self.text = paragraph()
        self.text.setMinimumWidth(1)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("How far it is"))
        self.yes = button("", self._say_yes)
        self.no = button("", self.dismiss)
        self.cancel = button(self.tr("Cancel"), self.stop, help=self.tr("Stops it; nothing is left half done"))
        self.away = small_button("mdi6.close", self.tr("Dismiss"), self.dismiss)
        self._good_news = QTimer(self, singleShot=True, interval=_GOOD_NEWS_MS)
        self._good_news.timeout.connect(self.dismiss)
        words = QHBoxLayout()
        words.setSpacing(2 * theme.GRID)
        words.addWidget(self.text, 1)
        for each in (self.yes, self.no, self.cancel, self.away):
            words.addWidget(each)
        self._said = QWidget()
        self._said.setLayout(stacked(words, self.bar, gap=theme.GRID))
        self.setLayout(stacked(offer, self._said, gap=0))
        self.setFixedHeight(_HEIGHT)
        self._show("offer")

    @property
    def showing(self) -> Showing:
        """What it shows now."""
        return self._showing

    @property
    def is_busy(self) -> bool:
        """Whether work is under way."""
        return bool(self.under_way)

    def ask(self, question: str, yes: str, no: str, on_yes: Callable[[], None], role: str = "") -> None:
        """Asks; `on_yes` follows if the person says so. An empty `yes` only tells."""
        if self.is_busy:
            return
        self._on_yes = on_yes
        self._say(question, role)
        self.yes.setText(yes)
        self.no.setText(no)
        self._show("question")
        self.yes.setVisible(bool(yes))
        (self.yes if yes else self.no).setFocus()

    def say(self, text: str, role: str = "") -> None:
        """How something ended. What went well goes by itself."""
        if self.is_busy or not text:
            return
        self._say(text, role)
        self._show("message")
        if role == "good":
            self._good_news.start()

    def dismiss(self) -> None:
        """Back to what can be had at once."""
        if not self.is_busy:
            self._show("offer")

    def work(
        self,
        title: str,
        call: Transferring,
        on_done: Callable[[Any], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Does slow work on another thread, one at a time; `on_done` or `on_error` follows, once, or neither when it
        was stopped, which is said."""
        if self.is_busy:
            return
        self._say(title, "")
        self.bar.setRange(0, 0)
        self.cancel.setEnabled(True)
        self._show("work")
        hearers = Hearers(
            partial(self._on_progress, title), partial(self._on_done, on_done), partial(self._on_failed, on_error)
        )
        self.under_way.append(Transfer(call, hearers, self._threads))
        self.busy_changed.emit(True)
        self.cancel.setFocus()

    def stop(self) -> None:
        """Stops the work; how it ended follows."""
        for each in self.under_way:
            each.stop.set()
            self.cancel.setEnabled(False)
            self._show_text(self.tr("Stopping…"))

    def close_down(self) -> None:
        """Stops the work, and nobody hears of it any more."""
        if self.is_busy:
            forget_all(self.under_way)
            self._threads.wait()

    def _say_yes(self) -> None:
        call, self._on_yes = self._on_yes, _nothing
        self.dismiss()
        call()

    def _say(self, text: str, role: str) -> None:
        self._show_text(text)
        set_role(self.text, role)

    def _show_text(self, text: str) -> None:
        self.text.setText(breakable(text))
        self.text.setAccessibleName(text)
        # Of a longer sentence than there is room for, all is read here.
        self.text.setToolTip(text)

    def _show(self, showing: Showing) -> None:
        self._good_news.stop()
        had_focus = any(each.hasFocus() for each in (self.yes, self.no, self.cancel, self.away))
        self._showing = showing
        self._offer.setVisible(showing == "offer")
        self._said.setVisible(showing != "offer")
        self.yes.setVisible(showing == "question")
        self.no.setVisible(showing == "question")
        self.bar.setVisible(showing == "work")
        self.cancel.setVisible(showing == "work")
        self.away.setVisible(showing == "message")
        if had_focus and showing in ("offer", "message"):
            self.left.emit()

    def _on_progress(self, title: str, progress: Progress) -> None:
        if any(each.stop.is_set for each in self.under_way):
            return
        self._show_text(" · ".join(filter(None, [title, progress_text(progress)])))
        share = progress.share
        self.bar.setRange(0, 0 if share is None else _PER_MILLE)
        self.bar.setValue(round((share or 0.0) * _PER_MILLE))

    def _on_done(self, on_done: Callable[[Any], None], answer: Any) -> None:
        self._end()
        on_done(answer)

    def _on_failed(self, on_error: Callable[[Exception], None], error: Exception) -> None:
        self._end()
        if isinstance(error, Cancelled):
            self.say(self.tr("Stopped; nothing was changed."))
        else:
            on_error(error)

    def _end(self) -> None:
        self.under_way.clear()
        self._show("offer")
        self.busy_changed.emit(False)


def forget_all(under_way: list[Transfer]) -> None:
    """Stops what is under way, and nobody hears of it any more."""
    while under_way:
        under_way.pop().forget()


def _nothing() -> None:
    """What is done after a question that nobody has answered."""
