"""What networks are called, and their states and sizes in words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.tasks import Catalogue, Part, Task, Variant, catalogue
from tsdesktop.gui.figures import countdown_text, decimal
from tsdesktop.gui.panels.download_words import amount_text, speed_text
from tsdesktop.gui.words import QT_TRANSLATE_NOOP, group_title, task_title
from tsdesktop.weights.install import Installed
from tsdesktop.weights.inventory import Entry
from tsdesktop.weights.packages import Package
from tsdesktop.weights.progress import Progress

translate = QCoreApplication.translate
OBSOLETE = "obsolete"
_PARTS: Mapping[str, str] = {
    "organs": QT_TRANSLATE_NOOP("NetworkParts", "organs"),
    "vertebrae": QT_TRANSLATE_NOOP("NetworkParts", "vertebrae"),
    "cardiac": QT_TRANSLATE_NOOP("NetworkParts", "heart and vessels"),
    "muscles": QT_TRANSLATE_NOOP("NetworkParts", "muscles"),
    "ribs": QT_TRANSLATE_NOOP("NetworkParts", "ribs"),
    "muscles_1": QT_TRANSLATE_NOOP("NetworkParts", "first part"),
    "muscles_2": QT_TRANSLATE_NOOP("NetworkParts", "second part"),
}
_APART = " · "


def network_title(entry: Entry, catalogue: Catalogue) -> str:
    """What a row of the list is called."""
    if entry.custom is not None:
        return entry.custom.title
    return entry.title if entry.package is None else package_title(entry.package, catalogue)


def package_title(package: Package, catalogue: Catalogue) -> str:
    """The task a network was made for, and which part or fineness of it: "Whole body · organs", "Whole body · 3 mm"."""
    use = first_use(package, catalogue)
    if use is None:
        return package.folder
    task, variant, part = use
    what = _part_title(part) or (_spacing(variant) if len(task.variants) > 1 else "")
    return _APART.join(filter(None, [task_title(task), what]))


def installed_title(installed: Installed) -> str:
    """What was put in place, as the list calls it."""
    return installed.title if installed.package is None else package_title(installed.package, catalogue())


def first_use(package: Package, catalogue: Catalogue) -> tuple[Task, Variant, Part] | None:
    """The first task of the catalogue whose structures the network finds."""
    keys = {each.key for each in package.networks}
    for task in catalogue.tasks.values():
        for variant in task.variants.values():
            for part in variant.parts:
                if part.network.key in keys:
                    return task, variant, part
    return None


def group_of(entry: Entry, catalogue: Catalogue) -> str:
    """Under which heading it is listed: a group of tasks, "custom" or "obsolete"."""
    if entry.custom is not None:
        return "custom"
    use = None if entry.package is None else first_use(entry.package, catalogue)
    if use is None or entry.state == OBSOLETE:
        return OBSOLETE
    return "more" if use[0].status == "more" else use[0].group


def heading_of(group: str) -> str:
    """What a heading says."""
    return translate("Networks", "Not used any more") if group == OBSOLETE else group_title(group)


def count_text(count: int) -> str:
    """How many networks."""
    if count == 1:
        return translate("Networks", "1 network")
    return translate("Networks", "{count} networks").format(count=count)


def stage_text(progress: Progress | None) -> str:
    """What is being done, in a word or two."""
    words = {
        None: translate("Networks", "starting"),
        "waiting": translate("Networks", "another program is at it"),
        "connecting": translate("Networks", "connecting"),
        "downloading": translate("Networks", "downloading"),
        "retrying": translate("Networks", "connection lost"),
        "unpacking": translate("Networks", "unpacking"),
        "checking": translate("Networks", "checking"),
    }
    return words[None if progress is None else progress.stage]


def progress_text(progress: Progress | None) -> str:
    """How far it is, how fast and for how long: "43 of 135 MB · 12 MB/s · 20 s left"."""
    if progress is None:
        return ""
    if progress.stage == "retrying":
        return translate("Networks", "next try in {time}").format(time=countdown_text(progress.retry_in_s))
    if progress.stage not in ("downloading", "unpacking", "checking") or not progress.done_bytes:
        return ""
    parts = [amount_text(progress.done_bytes, progress.total_bytes)]
    if progress.bytes_per_s > 0:
        parts.append(speed_text(progress.bytes_per_s))
    if progress.seconds_left is not None:
        parts.append(translate("Networks", "{time} left").format(time=countdown_text(progress.seconds_left)))
    return _APART.join(parts)


def spacing_words(spacing_mm: tuple[float, float, float]) -> str:
    """A voxel size: "1.5 mm", or by axis where these differ."""
    if max(spacing_mm) - min(spacing_mm) < 0.005:
        return f"{_mm(spacing_mm[0])} mm"
    return " \u00d7 ".join(_mm(each) for each in spacing_mm) + " mm"


def breakable(text: str) -> str:
    """A path or the name of a folder that may go on in the next line after its separators."""
    return re.sub(r"([_/\\\\])(?=.)", "\\1\u200b", text)


def _part_title(part: Part) -> str:
    return translate("NetworkParts", _PARTS.get(part.name, part.name.replace("_", " "))) if part.name else ""


def _spacing(variant: Variant) -> str:
    return "" if variant.spacing_mm is None else spacing_words(variant.spacing_mm)


def _mm(length: float) -> str:
    digits = next((n for n in (0, 1) if abs(length - round(length, n)) < 0.005), 2)
    return decimal(length, digits)
