"""The dialog about the graphics card: what was found, what it takes to use it, how far that is, and how to undo it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from tsdesktop.gui.cards.libraries import CardLibraries
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.figures import decimal
from tsdesktop.gui.panels.download_words import amount_text, speed_text
from tsdesktop.gui.panels.even_bar import EvenBar
from tsdesktop.gui.panels.run_words import left_text
from tsdesktop.gui.parts import button, one_line, paragraph, row, set_role
from tsdesktop.gui.translation import reason_words

# Measured with torch 2.13.0; the indexes tell the exact number.
_ABOUT_GB = (2.5, 4.0)


class CardDialog(Dialog):
    """Follows the libraries; closing it stops nothing."""

    def __init__(self, libraries: CardLibraries, parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("CardDialog", "Graphics card"), parent, (460, 10))
        self._libraries = libraries
        self.title = paragraph(role="title")
        self.text = paragraph()
        self.note = paragraph(role="secondary")
        self.bar = EvenBar(self.tr("Progress"))
        self.count = one_line(role="secondary")
        self._make_buttons()
        layout = column(self)
        for each in (self.title, self.text, self.bar, self.count, self.note):
            layout.addWidget(each)
        layout.addLayout(row(self.remove, None, *self._changing, self.close_button))
        libraries.changed.connect(self.refresh)
        self.refresh()

    @property
    def words(self) -> str:
        """All that is said now."""
        shown = [each for each in (self.title, self.text, self.count, self.note) if not each.isHidden()]
        return "\n".join(each.text() for each in shown)

    def refresh(self) -> None:
        """As things are now."""
        self._show(self.title, self._title())
        self._show(self.text, self._text())
        note, is_problem = self._note()
        set_role(self.note, "warning" if is_problem else "secondary")
        self._show(self.note, note)
        self._show_progress()
        self._show_buttons()
        self.fit_height()
        self.resize(self.width(), self.minimumHeight())

    def _make_buttons(self) -> None:
        libraries = self._libraries
        self.ask = button(self.tr("Ask for the size"), libraries.ask, "primary", self.tr("Asks the package index"))
        self.fetch = button(self.tr("Download"), libraries.fetch, "primary")
        self.pause = button(self.tr("Pause"), libraries.pause, help=self.tr("What is here of it stays"))
        self.cancel = button(self.tr("Cancel"), libraries.cancel, help=self.tr("What is here of it is removed"))
        self.again = button(self.tr("Check again"), libraries.try_out)
        self.look = button(self.tr("Look again"), libraries.look)
        self.remove = button(self.tr("Remove"), libraries.remove, help=self.tr("Networks run on the processor then"))
        self.close_button = button(self.tr("Close"), self.close)
        self._changing: tuple[QPushButton, ...] = (
            self.look, self.again, self.cancel, self.pause, self.ask, self.fetch,
        )  # fmt: skip

    def _show(self, label: QLabel, text: str) -> None:
        label.setText(text)
        label.setVisible(bool(text))

    def _title(self) -> str:
        libraries = self._libraries
        if libraries.found is None:
            return self.tr("Looking for a graphics card…")
        best = None if libraries.found.driver is None else libraries.found.driver.best
        if best is None:
            return self.tr("No NVIDIA card is used")
        return self.tr("{card}, {memory} GB").format(card=best.name, memory=decimal(best.memory_gb, 0))

    def _text(self) -> str:
        libraries = self._libraries
        found, plan = libraries.found, libraries.plan
        if found is None:
            return ""
        if libraries.state == "works":
            return self.tr("Networks run on this card.")
        if libraries.state == "trying":
            return self.tr("Checking whether the card computes what the processor does…")
        if libraries.state == "nothing":
            told = None if found.obstacle is None else words_for(found.obstacle)
            return "" if told is None else f"{told.sentence} {told.hint}".rstrip()
        if found.installed is not None:
            problem = reason_words(found.problem)
            return self.tr("It is not used: {problem}.").format(problem=problem) if problem else ""
        if plan is not None:
            words = {"size": _gb(plan.needed_bytes), "host": plan.host, "space": _gb(plan.space_bytes)}
            text = self.tr("To use it, {size} GB are downloaded once from {host}. {space} GB must be free meanwhile.")
            return text.format(**words)
        sizes = {"size": decimal(_ABOUT_GB[0], 1), "space": decimal(_ABOUT_GB[1], 1)}
        text = self.tr(
            "An NVIDIA card was found. To use it, some {size} GB must be downloaded once, which take {space} GB here."
        )
        return text.format(**sizes)

    def _note(self) -> tuple[str, bool]:
        """What is said below, and whether it is about something that went wrong."""
        libraries = self._libraries
        if libraries.error is not None:
            told = words_for(libraries.error)
            return (f"{told.sentence} {told.hint}".rstrip() if told is not None else "", True)
        if libraries.state == "fetching" and libraries.progress is not None and libraries.progress.stage == "retrying":
            return self.tr("The connection was lost. It is tried again by itself."), True
        if libraries.state == "paused":
            return self.tr("Paused. What has arrived stays, also when the program ends."), False
        if libraries.state in ("offered", "priced"):
            return self.tr(
                "It is torch, built for NVIDIA's cards, with NVIDIA's libraries under their own licence."
            ), False
        installed = None if libraries.found is None else libraries.found.installed
        if installed is not None and libraries.state in ("works", "broken"):
            words = {"release": installed.manifest.release, "size": _gb(installed.manifest.bytes)}
            return self.tr("torch {release} for NVIDIA's cards takes {size} GB here.").format(**words), False
        return "", False

    def _show_progress(self) -> None:
        libraries = self._libraries
        progress = libraries.progress
        is_shown = libraries.state in ("fetching", "paused") and progress is not None
        self.bar.setVisible(libraries.state in ("asking", "trying") or is_shown)
        # Nobody can tell how long these take.
        self.bar.setMaximum(0 if libraries.state in ("asking", "trying") else 1000)
        self.count.setVisible(is_shown)
        if progress is None or not is_shown:
            return
        share = progress.share or 0.0
        if 1000 * share < self.bar.value():
            self.bar.begin(share)
        self.bar.move_to(share)
        self.count.setText(self._count())

    def _count(self) -> str:
        progress = self._libraries.progress
        if progress is None:
            return ""
        stages = {
            "unpacking": self.tr("Unpacking"),
            "checking": self.tr("Checking"),
            "waiting": self.tr("Another program is at it"),
        }
        if progress.stage in stages:
            return stages[progress.stage]
        parts = [amount_text(progress.done_bytes, progress.total_bytes)]
        if self._libraries.state == "fetching" and progress.bytes_per_s > 0:
            parts += [speed_text(progress.bytes_per_s), left_text(progress.seconds_left)]
        return " · ".join(filter(None, parts))

    def _show_buttons(self) -> None:
        libraries = self._libraries
        state, found = libraries.state, libraries.found
        partial = found is not None and found.partial_bytes > 0
        shown = {
            self.ask: state == "offered",
            self.fetch: state in ("priced", "paused"),
            self.pause: state == "fetching",
            self.cancel: state in ("fetching", "paused") or (state in ("offered", "priced") and partial),
            self.again: state in ("works", "broken"),
            self.look: state == "nothing",
            self.remove: state in ("works", "broken"),
        }
        for each, is_shown in shown.items():
            each.setVisible(is_shown)
        size = "" if libraries.plan is None else _gb(libraries.plan.needed_bytes)
        self.fetch.setText(self.tr("Resume") if state == "paused" else self.tr("Download {size} GB").format(size=size))


def _gb(size: float) -> str:
    return decimal(size / 1e9, 1)
