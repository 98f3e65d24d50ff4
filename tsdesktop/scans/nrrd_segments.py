"""Segmentations of 3D Slicer (.seg.nrrd): the segments that the header names, and the layers overlapping ones lie in.

Segments of one layer are told apart by their numbers; those that overlap lie in different layers and may have the same
number there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ReadError
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.volume import ScanSource
from tsdesktop.scans.assemble import Scan

HIGHEST_LABEL = 65535
_SEGMENT = re.compile(r"^Segment(\d+)_(Name|LabelValue|Color|Layer):=(.*)$", re.MULTILINE)
_TASK = re.compile(r"^tsdesktop_Task:=(.*)$", re.MULTILINE)
_SIZES = re.compile(r"^sizes:\s*(.*)$", re.MULTILINE)
_ESCAPED = re.compile(r"\\(n|\\)")
_HEADER_BYTES = 1 << 20


@dataclass(frozen=True)
class Segment:
    """One segment: its number in the voxels of its layer, the layer, and what it stands for under its label here."""

    value: int
    layer: int
    structure: StructureClass


@dataclass(frozen=True)
class Segments:
    """What a header says; nothing for files that are no segmentation. `task` is "" unless this program wrote it."""

    segments: tuple[Segment, ...] = ()
    task: str = ""
    layers: int = 1

    @property
    def classes(self) -> tuple[StructureClass, ...]:
        """The structures, in label order."""
        return tuple(sorted((each.structure for each in self.segments), key=lambda each: each.label))


def segments_of(path: Path) -> Segments:
    """The segments in the header of a NRRD file; none for other files. Raises nothing.

    Labels are the segments' own numbers, or count from 1 where one number stands for several segments.
    """
    header = _header(path)
    entries: dict[int, dict[str, str]] = {}
    for number, key, value in _SEGMENT.findall(header):
        entries.setdefault(int(number), {})[key] = _plain(value.strip())
    found = [each for _, entry in sorted(entries.items()) if (each := _segment(entry)) is not None]
    task = _TASK.search(header)
    return Segments(_numbered(found), _plain(task.group(1).strip()) if task else "", _layers(header))


def read_segmentation(path: Path, segments: Segments) -> Scan:
    """The labels of a segmentation with several layers as one array; where segments overlap the smaller one stays.

    Raises ReadError.
    """
    from tsdesktop.scans.itk_formats import read_nrrd_layers  # only here: names are read without it, and it is slow

    layers, affine = read_nrrd_layers(path)
    if any(each.layer >= len(layers) for each in segments.segments):
        raise ReadError("read.broken", name=path.name, reason="its header names layers it does not have")
    highest = max((each.structure.label for each in segments.segments), default=0)
    out: NDArray[Any] = np.zeros(layers.shape[1:], np.uint16 if highest > 255 else np.uint8)
    for _, label, inside in sorted(_masks(layers, segments), key=lambda each: -each[0]):
        out[inside] = label
    return Scan(out, affine, ScanSource("itk", path.name, str(path)))


def _masks(layers: NDArray[Any], segments: Segments) -> list[tuple[int, int, tuple[NDArray[np.intp], ...]]]:
    """Number of voxels, label and places of every segment, in the order of the header."""
    found = []
    for each in segments.segments:
        places = np.nonzero(layers[each.layer] == each.value)
        found.append((len(places[0]), each.structure.label, places))
    return found


def _segment(entry: Mapping[str, str]) -> Segment | None:
    try:
        value, layer = int(entry["LabelValue"]), int(entry.get("Layer", "0"))
        red, green, blue = (round(255 * min(1.0, max(0.0, float(n)))) for n in entry["Color"].split())
        structure = structure_class(value, entry["Name"])
    except (KeyError, ValueError):
        return None
    if value > HIGHEST_LABEL or layer < 0:
        return None
    return Segment(value, layer, replace(structure, rgb=(red, green, blue)))


def _numbered(found: list[Segment]) -> tuple[Segment, ...]:
    """The segments under labels that stand for one each; what says again what another has said is left out."""
    once: dict[tuple[int, int], Segment] = {}
    for each in found:
        once.setdefault((each.layer, each.value), each)
    if len({value for _, value in once}) == len(once):
        return tuple(once.values())
    return tuple(_relabelled(each, label) for label, each in enumerate(once.values(), 1))


def _relabelled(segment: Segment, label: int) -> Segment:
    return replace(segment, structure=replace(segment.structure, label=label))


def _layers(header: str) -> int:
    """How many layers there are: the first of four sizes, as 3D Slicer writes them."""
    sizes = _SIZES.search(header)
    numbers = sizes.group(1).split() if sizes else []
    return int(numbers[0]) if len(numbers) == 4 and numbers[0].isdecimal() else 1


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found.group(1) == "n" else "\\", value)


def _header(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if not file.read(4).startswith(b"NRRD"):
                return ""
            file.seek(0)
            head = file.read(_HEADER_BYTES).replace(b"\r\n", b"\n")
    except OSError:
        return ""
    return head.partition(b"\n\n")[0].decode("utf-8", "replace")
