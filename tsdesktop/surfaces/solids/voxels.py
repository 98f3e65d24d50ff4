"""Steps on the voxels of structures, before there is a surface: pieces, islands, cavities, and the union.

Pieces of a structure hang together by voxel faces, as they do in its surface (surfaces/extract.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.geometry import Box, Geometry, bounding_box, read_only
from tsdesktop.core.printing import FillHoles, KeepLargest, Merge, RemoveIslands
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap

Mask = NDArray[np.bool_]
# A tunnel through a structure is closed where it is one voxel wide in at least this many directions.
_WALLED_DIRECTIONS = 2


@dataclass(frozen=True, eq=False)
class VoxelPart:
    """One structure: the voxels `mask` of `box` on the grid `geometry`, and solids that were added to its surface.

    `source` is the label map whose voxels these still are, None once they were changed. `bare` is the same part without
    what was added.
    """

    structure: StructureClass
    mask: Mask
    box: Box
    geometry: Geometry
    added: tuple[SurfaceMesh, ...] = ()
    source: LabelMap | None = None
    bare: VoxelPart | None = None

    def __post_init__(self) -> None:
        if self.mask.shape != self.box.shape:
            raise ValueError(f"mask {self.mask.shape} does not fit the box {self.box.shape}")
        object.__setattr__(self, "mask", read_only(self.mask))

    def labelled(self) -> tuple[LabelMap, int]:
        """A label map and the label in it that has these voxels, to make a surface of.

        Changed voxels have a background of one voxel, but not beyond the scan: its border is where they were cut off.
        """
        if self.source is not None:
            return self.source, self.structure.label
        around = self.box.grown((1, 1, 1), self.geometry.shape)
        array = np.zeros(around.shape, np.uint8)
        array[_inside(self.box, around)] = self.mask
        structure = replace(self.structure, label=1)
        return LabelMap(array, self.geometry.cropped(around), (structure,)), 1

    def with_added(self, added: tuple[SurfaceMesh, ...]) -> VoxelPart:
        """The same with more solids to be united with its surface."""
        return replace(self, added=(*self.added, *added), bare=self.bare or self) if added else self

    def with_mask(self, mask: Mask) -> VoxelPart | None:
        """Other voxels of the same box, which is made smaller where they are fewer; None when there is none."""
        if np.array_equal(mask, self.mask):
            return self
        found = bounding_box(mask)
        if found is None:
            return None
        start = [a + b for a, b in zip(self.box.start, found.start, strict=True)]
        stop = [a + b for a, b in zip(self.box.start, found.stop, strict=True)]
        box = Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))
        return replace(self, mask=np.ascontiguousarray(mask[found.slices]), box=box, source=None)


# A step on voxels: parts and the step to new parts; a part of which nothing is left is None.
VoxelStep = Callable[[tuple[VoxelPart, ...], Any], tuple[VoxelPart | None, ...]]


def voxel_part(label_map: LabelMap, structure: StructureClass) -> VoxelPart:
    """The voxels of one structure. Raises KeyError when it has none."""
    found = label_map.cropped_mask(structure.label)
    if found is None:
        raise KeyError(structure.name)
    mask, box = found
    return VoxelPart(structure, mask, box, label_map.geometry, source=label_map)


def keep_largest(parts: tuple[VoxelPart, ...], _step: KeepLargest) -> tuple[VoxelPart | None, ...]:
    """Of every part the piece with most voxels; the first of equal ones."""
    return tuple(part.with_mask(_largest(part.mask)) for part in parts)


def remove_islands(parts: tuple[VoxelPart, ...], step: RemoveIslands) -> tuple[VoxelPart | None, ...]:
    """The parts without pieces below the step's volume, counted in voxels."""
    return tuple(part.with_mask(_without_islands(part, step.smallest_mm3)) for part in parts)


def fill_holes(parts: tuple[VoxelPart, ...], _step: FillHoles) -> tuple[VoxelPart | None, ...]:
    """The parts without cavities (background that no voxel face connects to the outside) and one voxel wide tunnels."""
    return tuple(part.with_mask(_without_holes(part.mask)) for part in parts)


def merge(parts: Sequence[VoxelPart], step: Merge) -> tuple[VoxelPart | None, ...]:
    """All parts as one: the union of their voxels, so that no gap is left where structures touch.

    Its colour is that of the largest part.
    """
    largest = max(parts, key=lambda part: int(np.count_nonzero(part.mask)))
    structure = StructureClass(1, step.name, largest.structure.rgb, system=largest.structure.system)
    mask, box = _union(parts)
    added = tuple(each for part in parts for each in part.added)
    return (VoxelPart(structure, mask, box, parts[0].geometry).with_added(added),)


def touching(parts: tuple[VoxelPart, ...]) -> list[list[VoxelPart]]:
    """The parts in groups of those that touch by voxel faces, also through others, in the order of the parts."""
    mask, box = _union(parts)
    pieces, count = ndimage.label(mask)
    group = np.arange(count + 1)
    met = [np.unique(pieces[_inside(part.box, box)][part.mask]) for part in parts]
    for numbers in met:
        same = np.isin(group, group[numbers])
        group[same] = group[same].min()
    groups: dict[int, list[VoxelPart]] = {}
    for part, numbers in zip(parts, met, strict=True):
        groups.setdefault(int(group[numbers[0]]), []).append(part)
    return list(groups.values())


VOXEL_STEPS: dict[str, VoxelStep] = {
    KeepLargest.kind: keep_largest,
    RemoveIslands.kind: remove_islands,
    FillHoles.kind: fill_holes,
    Merge.kind: merge,
}


def _largest(mask: Mask) -> Mask:
    pieces, count = ndimage.label(mask)
    if count < 2:
        return mask
    return np.asarray(pieces == int(np.argmax(np.bincount(pieces.ravel())[1:])) + 1)


def _without_islands(part: VoxelPart, smallest_mm3: float) -> Mask:
    pieces, _ = ndimage.label(part.mask)
    volumes = np.bincount(pieces.ravel()) * part.geometry.voxel_volume_mm3
    # A volume that is a whole number of voxels is not to fall to rounding.
    kept = volumes >= smallest_mm3 * (1.0 - 1e-9)
    kept[0] = False
    return np.asarray(kept[pieces])


def _without_holes(mask: Mask) -> Mask:
    padded = np.pad(mask, 1)
    walled = np.zeros(padded.shape, np.uint8)
    for axis in range(3):
        walled += np.roll(padded, 1, axis) & np.roll(padded, -1, axis)
    closed = padded | (walled >= _WALLED_DIRECTIONS)
    return np.asarray(ndimage.binary_fill_holes(closed)[1:-1, 1:-1, 1:-1])


def _union(parts: Sequence[VoxelPart]) -> tuple[Mask, Box]:
    """The voxels of all parts, and their box."""
    box = _around([part.box for part in parts])
    mask = np.zeros(box.shape, np.bool_)
    for part in parts:
        mask[_inside(part.box, box)] |= part.mask
    return mask, box


def _inside(box: Box, around: Box) -> tuple[slice, ...]:
    """The voxels of `box` as an index of an array of `around`."""
    low = [a - b for a, b in zip(box.start, around.start, strict=True)]
    return tuple(slice(a, a + n) for a, n in zip(low, box.shape, strict=True))


def _around(boxes: Sequence[Box]) -> Box:
    i, j, k = (min(box.start[n] for box in boxes) for n in range(3))
    p, q, r = (max(box.stop[n] for box in boxes) for n in range(3))
    return Box((i, j, k), (p, q, r))
