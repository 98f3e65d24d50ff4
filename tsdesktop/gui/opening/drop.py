"""What somebody dropped: which of it is the scan, and which are labels that belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tsdesktop.core.errors import ReadError
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.scans.content import kind_of
from tsdesktop.scans.label_files import system_words
from tsdesktop.scans.labels import content_of, read_label_map, read_masks


@dataclass(frozen=True)
class Dropped:
    """The scan to open (None: the open one stays), the label maps or masks that go with it, and what is left over."""

    scan: Path | None
    labels: tuple[Path, ...] = ()
    left_over: tuple[Path, ...] = ()


def sorted_out(paths: Sequence[Path], *, scan_is_open: bool = False) -> Dropped:
    """Tells scan and labels apart. Slow (it looks into files): call it in the background. Raises ReadError.

    Labels alone are opened on the scan that is open; without one they are opened as a scan themselves. A single path
    with no scan open is always a scan, or a folder with a scan and its labels inside.
    """
    if len(paths) == 1 and not scan_is_open:
        return _inside(paths[0]) or Dropped(paths[0])
    kinds = {path: content_of(path) for path in paths}
    labels = [path for path in paths if kinds[path]]
    scans = _as_series([path for path in paths if not kinds[path]])
    if not scans and not scan_is_open and labels:
        return Dropped(labels[0], (), tuple(labels[1:]))
    if len(scans) == 1 and not labels and (found := _inside(scans[0])):
        return found
    chosen, rest = _that_go_together(labels, {path for path in labels if kinds[path] == "mask"})
    return Dropped(scans[0] if scans else None, tuple(chosen), (*scans[1:], *rest))


def read_labels(labels: Sequence[Path], volume: Volume) -> LabelMap:
    """The dropped label map, or several masks as one, on the grid of the scan. Slow. Raises ReadError."""
    if len(labels) == 1:
        label_map = read_label_map(labels[0], volume)
    else:
        label_map = read_masks(labels, volume, labels[0].parent.name)
    # The views ask for the boxes at once; found here, nobody waits for them.
    _ = label_map.boxes
    return label_map


def _inside(folder: Path) -> Dropped | None:
    """A folder with one scan file and a folder of masks or a label map beside it, as data sets often are."""
    if not folder.is_dir():
        return None
    with system_words(folder):
        children = [each for each in sorted(folder.iterdir()) if not each.name.startswith(".")]
    images = [each for each in children if each.is_file() and each.name.lower().endswith((".nii", ".nii.gz"))]
    if not images or len(images) > 2 or any(_is_dicom(each) for each in children):
        return None
    masks = [each for each in children if each.is_dir() and content_of(each)]
    scans = [each for each in images if not content_of(each)]
    labels = [each for each in images if each not in scans]
    if len(scans) != 1 or not (labels or masks):
        return None
    found = (*labels, *masks)
    return Dropped(scans[0], found[:1], found[1:])


def _that_go_together(labels: Sequence[Path], masks: set[Path]) -> tuple[list[Path], list[Path]]:
    """The first label map, or all masks of one structure when those are all there are; and the others."""
    maps = [path for path in labels if path not in masks]
    if maps:
        return maps[:1], [path for path in labels if path != maps[0]]
    return list(labels), []


def _as_series(scans: Sequence[Path]) -> list[Path]:
    """Slices of one DICOM folder count as one: opening the first opens its whole series."""
    out: list[Path] = []
    folders: set[Path] = set()
    for path in scans:
        if _is_dicom(path):
            if path.parent in folders:
                continue
            folders.add(path.parent)
        out.append(path)
    return out


def _is_dicom(path: Path) -> bool:
    try:
        return path.is_file() and kind_of(path) == "dicom"
    except (OSError, ReadError):
        return False
