"""From a zip or a folder to networks in their place: unpacked beside it, checked, then renamed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tsdesktop.weights.packages import Package


@dataclass(frozen=True)
class Installed:
    """What was put in place: a package of the catalogue, or networks of one's own as `custom_tasks`."""

    title: str
    folder: Path
    package: Package | None
    custom_tasks: tuple[str, ...] = ()
    replaced: bool = False
