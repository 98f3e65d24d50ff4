"""Is this installation complete, and does it work here? The steps of the check with ticks, and what is wrong."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QLabel, QWidget

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.self_test import STEPS, State, Step
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.figures import volume_text
from tsdesktop.gui.parts import ShortLabel, button, clear, one_line, paragraph, row, scrolled, set_role, stacked
from tsdesktop.gui.translation import reason_words, translated, translated_hint
from tsdesktop.pipeline.self_test import check_in_child, is_ok, write_report

Answer = tuple[tuple[Step, ...], dict[str, Any]]
Hear = Callable[[str | Step], None]
# Checks until the second call raises, tells the first what it does, and returns the steps and the report.
Check = Callable[[Hear, Callable[[], None]], Answer]
_ICON_PX = 18
_TALLEST_PX = 680
_ICONS: Mapping[str, tuple[str, str]] = {
    "waiting": ("mdi6.circle-outline", "secondary"),
    "trying": ("mdi6.circle-slice-3", "accent"),
    "ok": ("mdi6.check-circle", "good"),
    "failed": ("mdi6.close-circle", "error"),
    "skipped": ("mdi6.minus-circle-outline", "secondary"),
}


class SelfTest(Dialog):
    """Checks as soon as it is opened, in another process, and stops that when it is closed.

    `folder` is where the report is proposed to be saved. `checked`: the check has ended.
    """

    checked = Signal()

    def __init__(self, folder: str = "", parent: QWidget | None = None, check: Check = check_in_child) -> None:
        super().__init__(QCoreApplication.translate("SelfTest", "Check this installation"), parent, (620, 400))
        self._folder = folder
        self._report: dict[str, Any] | None = None
        self._rows = {name: _StepRow(title) for name, title in self._titles().items()}
        self._rows[STEPS[0]].show_state("trying")
        self.said = paragraph(self.tr("Checking…"), "title")
        self._now = ShortLabel("secondary")
        self.save = button(self.tr("Save report…"), self._ask_where, "primary")
        self.save.setEnabled(False)
        self._lay_out()
        self._begin(check)

    def _titles(self) -> dict[str, str]:
        return {
            "files": self.tr("Files of the program"),
            "libraries": self.tr("Libraries of the program"),
            "network libraries": self.tr("Libraries for networks"),
            "devices": self.tr("Devices that networks can run on"),
            "segmentation": self.tr("Segmentation of the sample"),
            "export": self.tr("Export of a surface, read back"),
            "window": self.tr("A window that nobody sees, with 3D"),
        }

    def _lay_out(self) -> None:
        layout = column(self)
        layout.addWidget(self.said)
        layout.addWidget(
            paragraph(self.tr("Takes about half a minute. Nothing is sent, and nothing stays behind."), "secondary")
        )
        inner = QWidget()
        self._steps = stacked(*self._rows.values(), gap=3 * theme.GRID)
        self._steps.addStretch(1)
        inner.setLayout(self._steps)
        self._area = scrolled(inner)
        layout.addWidget(self._area, 1)
        layout.addWidget(self._now)
        layout.addLayout(row(None, button(self.tr("Close"), self.close), self.save))

    def _begin(self, check: Check) -> None:
        stop = threading.Event()
        self.when_gone(stop.set)
        news = _News(self)
        news.come.connect(self._on_news, Qt.ConnectionType.QueuedConnection)
        self.in_background(partial(_checked, check, news, stop), self._on_checked, self._on_failed)

    @Slot(object)
    def _on_news(self, news: object) -> None:
        if isinstance(news, Step):
            self._rows[news.name].show_step(news)
            self._now.show_text("")
            following = next((row for row in self._rows.values() if row.state == "waiting"), None)
            if following is not None:
                following.show_state("trying")
        else:
            self._now.show_text(reason_words(str(news)))

    def _on_checked(self, answer: Answer) -> None:
        steps, self._report = answer
        for each in steps:
            self._rows[each.name].show_step(each)
        failed = [each for each in steps if each.state != "ok"]
        all_well = self.tr("Everything is here and works.")
        self.said.setText(all_well if is_ok(steps) else self.tr("Something is missing or does not work."))
        set_role(self.said, "title")
        self._now.show_text("" if not failed else self.tr("The report names no person, folder or computer."))
        self.save.setEnabled(True)
        self.save.setDefault(True)
        self._make_room()
        self.checked.emit()

    def _make_room(self) -> None:
        """Taller where there are sentences to read, as far as that is comfortable."""
        lacking = self._steps.totalHeightForWidth(self._area.viewport().width()) - self._area.viewport().height()
        if lacking > 0:
            self.resize(self.width(), min(self.height() + lacking, _TALLEST_PX))

    def _on_failed(self, error: Exception) -> None:
        self.said.setText(self.tr("The check could not be made: {reason}").format(reason=error))
        self._now.show_text("")
        self.checked.emit()

    def _ask_where(self) -> None:
        dialog = QFileDialog(self, self.tr("Save report"), self._folder)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.setNameFilter(self.tr("Report") + " (*.json)")
        dialog.selectFile("tsdesktop-self-test.json")
        dialog.fileSelected.connect(lambda name: self.save_report(Path(name)))
        dialog.open()

    def save_report(self, path: Path) -> None:
        """Writes the report; says where, or why not."""
        if self._report is None:
            return
        work = partial(write_report, self._report, path)
        written, not_written = self.tr("{name} was written."), self.tr("{name} could not be written: {reason}.")

        def tell_failure(error: Exception) -> None:
            reason = getattr(error, "strerror", None) or str(error)
            self._now.show_text(not_written.format(name=path.name, reason=reason))

        self.in_background(work, lambda _: self._now.show_text(written.format(name=path.name)), tell_failure)


class _News(QObject):
    """Carries what the check tells from its thread to the window's."""

    come = Signal(object)


def _checked(check: Check, news: _News, stop: threading.Event) -> Answer:
    def obey() -> None:
        if stop.is_set():
            raise Cancelled

    def tell(told: str | Step) -> None:
        obey()
        try:
            news.come.emit(told)
        except RuntimeError as error:
            # The dialog has been closed and freed in this moment.
            raise Cancelled from error

    return check(tell, obey)


class _StepRow(QWidget):
    """One step: how it went, what was seen, and under it a sentence for everything that is wrong."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.state = "waiting"
        self._icon = QLabel()
        self._icon.setFixedSize(QSize(_ICON_PX, _ICON_PX))
        self._title = one_line(title)
        self._seen = ShortLabel("secondary")
        self._problems = stacked(gap=theme.GRID)
        line = row(self._icon, self._title, self._seen)
        line.setStretch(2, 1)
        self.setLayout(stacked(line, self._problems, gap=theme.GRID))
        self.setAccessibleName(title)
        self.show_state("waiting")

    def show_state(self, state: str) -> None:
        """Waiting, trying, or how it went."""
        self.state = state
        name, colour = _ICONS[state]
        self._icon.setPixmap(theme.icon(name, colour).pixmap(_ICON_PX, _ICON_PX))
        self._icon.setAccessibleName(_state_words(state))

    def show_step(self, step: Step) -> None:
        """How a step went."""
        self.show_state(step.state)
        self._seen.show_text(_seen(step))
        clear(self._problems)
        for text, role in _sentences(step):
            label = paragraph(text, role)
            label.setContentsMargins(_ICON_PX + 2 * theme.GRID, 0, 0, 0)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._problems.addWidget(label)

    def changeEvent(self, event: QEvent) -> None:
        """Draws the icon for another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_icon"):
            self.show_state(self.state)


def _sentences(step: Step) -> list[tuple[str, str]]:
    """What is wrong and what to do about it, with the role of each; what several have in common stands below them."""
    said: dict[str, list[str]] = {}
    for each in step.problems:
        said.setdefault(translated_hint(each.id, each.arguments), []).append(translated(each.id, each.arguments))
    lines = [[*((text, "error") for text in texts), (hint, "secondary")] for hint, texts in said.items()]
    return [(text, role) for group in lines for text, role in group if text]


def _state_words(state: str) -> str:
    translate = QCoreApplication.translate
    return {
        "waiting": translate("SelfTest", "waiting"),
        "trying": translate("SelfTest", "being checked"),
        "ok": translate("SelfTest", "works"),
        "failed": translate("SelfTest", "fails"),
        "skipped": translate("SelfTest", "not tried"),
    }[state]


def _seen(step: Step) -> str:
    """What was seen in a step, in a few words."""
    translate = QCoreApplication.translate
    facts: Mapping[str, Any] = step.facts
    state: State = step.state
    if state == "skipped":
        return translate("SelfTest", "not tried: what it needs has failed")
    match step.name:
        case "files":
            return translate("SelfTest", "{count} files").format(count=facts.get("files", 0))
        case "libraries" | "network libraries":
            return translate("SelfTest", "{count} libraries").format(count=len(facts.get("versions", {})))
        case "devices":
            usable = [each["title"] for each in facts.get("devices", []) if not each["refused"]]
            return ", ".join(reason_words(each) for each in usable)
        case "segmentation" if "structures" in facts:
            return translate("SelfTest", "{count} structures").format(count=facts["structures"])
        case "export" if "volume_ml" in facts:
            volume = volume_text(facts["volume_ml"])
            return translate("SelfTest", "liver, {volume}").format(volume=volume)
        case "window":
            return str(facts.get("renderer", ""))
    return ""
