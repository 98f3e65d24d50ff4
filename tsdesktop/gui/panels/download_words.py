"""Several downloads of the queue as one, in words: how far, how fast, how long yet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from tsdesktop.gui.downloads import Downloads, Item, ItemState
from tsdesktop.gui.figures import SPACE, decimal
from tsdesktop.gui.panels.run_words import left_text
from tsdesktop.weights.progress import Progress, Stage

translate = QCoreApplication.translate
_FIRST: tuple[ItemState, ...] = ("running", "failed", "queued", "paused")
_OF_THE_ZIP: tuple[Stage, ...] = ("connecting", "downloading", "retrying")


@dataclass(frozen=True)
class Whole:
    """What is wanted of the queue, taken together. `now` is the one that tells how it goes: what is under way comes
    before what has failed, waits or was paused. `number` of `count` counts those that are here already, too.
    """

    items: tuple[Item, ...]
    now: Item
    number: int
    count: int
    done_bytes: int
    total_bytes: int | None

    @property
    def progress(self) -> Progress:
        """The last that was heard."""
        return self.now.progress or Progress("connecting")

    @property
    def share(self) -> float | None:
        """From 0 to 1, None where nobody knows how much there is; of the zip alone, not of unpacking it."""
        return None if not self.total_bytes else min(1.0, self.done_bytes / self.total_bytes)

    @property
    def seconds_left(self) -> float | None:
        """At the speed of now; None while nobody can tell."""
        speed = self.progress.bytes_per_s
        if self.now.state != "running" or self.progress.stage != "downloading" or not speed or not self.total_bytes:
            return None
        return (self.total_bytes - self.done_bytes) / speed


def whole_of(downloads: Downloads, folders: Collection[str] | None = None) -> Whole | None:
    """The packages `folders` of the queue, all of it for None; None where none of these is in it."""
    items = tuple(each for each in downloads.items if folders is None or each.package.folder in folders)
    if not items:
        return None
    now = min(items, key=lambda each: _FIRST.index(each.state))
    wanted = [each for each in downloads.batch if folders is None or each.folder in folders]
    waiting = {each.package.folder for each in items}
    here = [each for each in wanted if each.folder not in waiting]
    sizes = [each.zip_bytes for each in here] + [_size(each) for each in items]
    known = [size for size in sizes if size is not None]
    done = sum(each.zip_bytes or 0 for each in here) + sum(map(_done, items))
    number = min(len(here) + 1, len(wanted))
    if len(known) == len(sizes):
        return Whole(items, now, number, len(wanted), done, sum(known))
    return Whole(items, now, number, len(wanted), _done(now), _size(now))


def stage_text(whole: Whole) -> str:
    """What is being done: "Downloading 2 of 5"."""
    stage = whole.progress.stage
    if whole.now.state == "paused":
        text = translate("Downloads", "Paused")
    elif whole.now.state == "failed":
        text = translate("Downloads", "Not downloaded")
    elif whole.now.state == "queued":
        text = translate("Downloads", "Waiting for other downloads")
    elif stage == "waiting":
        text = translate("Downloads", "Waiting")
    elif stage == "unpacking":
        text = translate("Downloads", "Unpacking")
    elif stage == "checking":
        text = translate("Downloads", "Checking")
    elif whole.count > 1:
        return translate("Downloads", "Downloading {number} of {count}").format(number=whole.number, count=whole.count)
    else:
        text = translate("Downloads", "Downloading")
    return text


def note_text(whole: Whole) -> str:
    """What holds it up; empty where nothing does."""
    if whole.now.state != "running":
        return ""
    if whole.progress.stage == "waiting":
        return translate("Downloads", "Another program is downloading this network.")
    if whole.progress.stage == "retrying":
        seconds = max(1, round(whole.progress.retry_in_s))
        return translate("Downloads", "The connection was lost. Trying again in {seconds} s.").format(seconds=seconds)
    return ""


def count_text(whole: Whole) -> str:
    """How much of it is here, and how fast more comes: "34 of 135 MB · 4.2 MB/s"."""
    if whole.progress.stage == "waiting":
        return ""
    parts = [amount_text(whole.done_bytes, whole.total_bytes)]
    if whole.now.state == "running" and whole.progress.stage == "downloading" and whole.progress.bytes_per_s > 0:
        parts.append(speed_text(whole.progress.bytes_per_s))
    return " · ".join(parts)


def line_text(whole: Whole) -> str:
    """All of it in one line: "Downloading 2 of 5 · 43 % · 25 s left"."""
    parts = [note_text(whole) or stage_text(whole)]
    if whole.share is not None:
        parts.append(f"{int(100 * whole.share)}{SPACE}%")
    parts.append(left_text(whole.seconds_left))
    return " · ".join(filter(None, parts))


def amount_text(done_bytes: int, total_bytes: int | None) -> str:
    """ "34 of 135 MB", "0.3 of 1.2 GB"; without a total "34 MB"."""
    total = total_bytes or 0
    in_gb = max(total, done_bytes) >= 999.5e6
    size, digits, unit = (1e9, 1, "GB") if in_gb else (1e6, 0, "MB")
    done = decimal(done_bytes / size, digits)
    if not total:
        return f"{done} {unit}"
    amounts = translate("Downloads", "{done} of {total}").format(done=done, total=decimal(total / size, digits))
    return f"{amounts} {unit}"


def speed_text(bytes_per_s: float) -> str:
    """ "4.2 MB/s", "85 kB/s"."""
    if bytes_per_s >= 0.995e6:
        return f"{decimal(bytes_per_s / 1e6, 1)} MB/s"
    return f"{decimal(bytes_per_s / 1e3, 0)} kB/s"


def _size(item: Item) -> int | None:
    progress = item.progress
    stated = progress.total_bytes if progress is not None and progress.stage in _OF_THE_ZIP else None
    return stated or item.package.zip_bytes


def _done(item: Item) -> int:
    progress = item.progress
    if progress is None or progress.stage == "waiting":
        return 0
    # What is being unpacked has been downloaded.
    return progress.done_bytes if progress.stage in _OF_THE_ZIP else item.package.zip_bytes or 0
