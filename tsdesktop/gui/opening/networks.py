"""Which of what somebody dropped are networks: told by what is inside, without making scans wait."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tsdesktop.core.errors import ReadError
from tsdesktop.scans.content import kind_of
from tsdesktop.weights.install import looks_like_networks

_SCAN_ENDINGS = (
    ".nii", ".nii.gz", ".dcm", ".ima", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz", ".mgh", ".hdr", ".img", ".gipl",
)  # fmt: skip


def may_be_networks(path: Path) -> bool:
    """Whether its name leaves that open; looks at nothing."""
    return not path.name.lower().endswith(_SCAN_ENDINGS)


def told_apart(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The networks, and all the rest. Looks into zips and folders: call it in the background."""
    networks = [path for path in paths if may_be_networks(path) and _is_networks(path)]
    return networks, [path for path in paths if path not in networks]


def _is_networks(path: Path) -> bool:
    try:
        return (path.is_dir() or kind_of(path) == "zip") and looks_like_networks(path)
    except (OSError, ReadError):
        # Whoever opens it as a scan says what is wrong with it.
        return False
