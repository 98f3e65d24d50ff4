"""How the command line speaks: errors in two lines, a progress line that rewrites itself, sizes, tables."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence

from tsdesktop.core.errors import TsDesktopError
from tsdesktop.core.notes import Note
from tsdesktop.jobs.messages import Progress

_EVERY_S = 0.2
_EVERY_S_IN_LOGS = 10.0


def say_error(error: TsDesktopError) -> None:
    """What happened and, on a second line, what to do."""
    print(error.sentence, file=sys.stderr)
    if error.hint:
        print(error.hint, file=sys.stderr)


def say_note(note: Note) -> None:
    """A note as one line."""
    print(f"Note: {note.sentence} {note.hint}".rstrip(), file=sys.stderr)


def time_left(seconds: float) -> str:
    """Seconds for people: "3 min 10 s left"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s left"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s left" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min left"


def size_text(size: float) -> str:
    """Bytes for people, in units of a thousand as disks and browsers count: "135 MB", "1.3 GB"."""
    for unit in ("B", "kB", "MB"):
        if round(size) < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as columns of equal width; the last column is left ragged."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]) - 1)]
    lines = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


class Line:
    """What is going on, on standard error: one line rewritten in a terminal, a line now and then in a log."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._last = float("-inf")
        self._width = 0

    def say(self, text: str) -> None:
        """Shows `text` in place of what was said before, not more often than people can read."""
        now = time.monotonic()
        if self._quiet or now - self._last < (_EVERY_S if self._terminal else _EVERY_S_IN_LOGS):
            return
        self._last = now
        if self._terminal:
            # A line that wraps could not be rewritten.
            text = text[: shutil.get_terminal_size().columns - 1]
            print("\r" + text.ljust(self._width), end="", file=sys.stderr, flush=True)
            self._width = len(text)
        else:
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Clears the line; what is said next is shown at once."""
        if self._terminal and self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)
        self._last, self._width = float("-inf"), 0


class ProgressLine(Line):
    """The line of a run."""

    def show(self, told: Progress) -> None:
        """Shows how far the run is."""
        self.say(progress_text(told))


def progress_text(told: Progress) -> str:
    """One line: percentage, stage, which network and window, time left."""
    parts = [f"{told.share:4.0%}", told.stage]
    if told.parts > 1:
        parts.append(f"network {told.part} of {told.parts}")
    if told.tiles > 1:
        parts.append(f"window {told.tile} of {told.tiles}")
    if told.seconds_left is not None:
        parts.append(time_left(told.seconds_left))
    return " · ".join(parts)
