"""The scans that were open before: at most twelve, in a file of the data folder that is always whole."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tsdesktop.core.files import written_whole
from tsdesktop.core.settings import data_folder
from tsdesktop.core.volume import Volume
from tsdesktop.gui.folders import is_there

log = logging.getLogger(__name__)
MOST = 12
_FILE = "recent.json"
_PICTURES = "thumbnails"


@dataclass(frozen=True)
class RecentScan:
    """A scan that was open: where it is, which series of it, what to call it, its size, and when (UTC, ISO 8601)."""

    path: Path
    name: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    modality: str
    opened: str
    series: str = ""

    @property
    def is_there(self) -> bool:
        """Whether the path still exists."""
        return is_there(self.path)

    @property
    def thumbnail(self) -> Path:
        """Where its picture is kept: under a name that tells nothing of the scan."""
        digest = hashlib.sha256(f"{self.path}\n{self.series}".encode()).hexdigest()
        return data_folder() / _PICTURES / f"{digest[:32]}.png"


def recent_of(volume: Volume, path: Path, series: str = "") -> RecentScan:
    """What is remembered of a scan that was opened from `path` now."""
    return RecentScan(
        path.absolute(),
        volume.source.description or volume.source.name,
        volume.geometry.shape,
        volume.spacing_mm,
        volume.modality,
        datetime.now(UTC).isoformat(timespec="seconds"),
        series,
    )


def recent_scans() -> list[RecentScan]:
    """The list, the latest first. A file that is missing or damaged is an empty list."""
    try:
        stored = json.loads((data_folder() / _FILE).read_text(encoding="utf-8"))
        return [_scan(each) for each in stored["scans"]][:MOST]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the list of recent scans could not be read and starts anew: %s", type(error).__name__)
        return []


def remember(scan: RecentScan) -> None:
    """Puts a scan at the top; the oldest leave, and their pictures with them. Raises OSError."""
    before = [each for each in recent_scans() if (each.path, each.series) != (scan.path, scan.series)]
    _write([scan, *before[: MOST - 1]])
    for each in before[MOST - 1 :]:
        each.thumbnail.unlink(missing_ok=True)


def forget(scan: RecentScan) -> None:
    """Takes a scan and its picture off the list; the scan itself is not touched. Raises OSError."""
    kept = [each for each in recent_scans() if (each.path, each.series) != (scan.path, scan.series)]
    _write(kept)
    scan.thumbnail.unlink(missing_ok=True)


def _write(scans: list[RecentScan]) -> None:
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / _FILE) as temporary:
        temporary.write_text(json.dumps({"scans": [_entry(each) for each in scans]}, indent=2), encoding="utf-8")


def _entry(scan: RecentScan) -> dict[str, Any]:
    return {
        "path": str(scan.path),
        "name": scan.name,
        "shape": list(scan.shape),
        "spacing_mm": [round(each, 4) for each in scan.spacing_mm],
        "modality": scan.modality,
        "opened": scan.opened,
        "series": scan.series,
    }


def _scan(entry: Mapping[str, Any]) -> RecentScan:
    i, j, k = (int(n) for n in entry["shape"])
    x, y, z = (float(n) for n in entry["spacing_mm"])
    datetime.fromisoformat(entry["opened"])
    return RecentScan(
        Path(entry["path"]),
        str(entry["name"]),
        (i, j, k),
        (x, y, z),
        str(entry["modality"]),
        str(entry["opened"]),
        str(entry["series"]),
    )
