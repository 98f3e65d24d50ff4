"""Reads label maps onto the grid of a scan that is open: one file with all labels, or a file per structure.

And tells label maps from scans, so that both can be dropped together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.errors import ReadError
from tsdesktop.core.geometry import Geometry, Shape
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.volume import LabelMap, Labels, Volume
from tsdesktop.scans.assemble import Scan
from tsdesktop.scans.content import kind_of
from tsdesktop.scans.label_dicom import is_dicom_labels, read_dicom_labels
from tsdesktop.scans.label_files import READABLE, stated, system_words
from tsdesktop.scans.label_names import bare_name, distinct, known_names, named_labels, task_of
from tsdesktop.scans.nrrd_segments import HIGHEST_LABEL
from tsdesktop.scans.probabilities import is_probabilities, read_probabilities

Content = Literal["", "labels", "mask"]
# Grids whose corners agree within this count as the same: NIfTI's affines have single precision.
_SAME_PLACE_MM = 0.02
# Neighbours inside labels are nearly always equal, inside a scan hardly ever.
_EQUAL_NEIGHBOURS = 0.8
_SLICES_LOOKED_AT = 32
_MASKS_LOOKED_AT = 3


def read_label_map(path: Path, volume: Volume) -> LabelMap:
    """The labels at `path` on the grid of `volume`: a file with all labels, or a folder with a mask per structure.

    Names come from the table in a NIfTI header or the JSON file beside it, else they are label_N. Labels on another
    grid are brought over by nearest neighbour. Raises ReadError, also where they share no part with the scan.
    """
    if path.is_dir():
        return read_masks(mask_files(path), volume, path.name)
    if is_probabilities(path):
        return _likeliest(path, volume)
    with system_words(path):
        if is_dicom_labels(path):
            return read_dicom_labels(path, volume)
    with system_words(path):
        scan = stated(path)
        array = _as_labels(scan.array, path.name)
        named = named_labels(path)
        classes = named.classes or _named_after_file(array, path)
        on_grid = _on_grid(array, scan, volume, path.name)
    return LabelMap(on_grid, volume.geometry, _with_unnamed(classes, on_grid), named.task)


def _likeliest(path: Path, volume: Volume) -> LabelMap:
    with system_words(path):
        found = read_probabilities(path)
        on_grid = _on_grid(_as_labels(found.scan.array, path.name), found.scan, volume, path.name)
    return LabelMap(on_grid, volume.geometry, _with_unnamed(found.classes, on_grid), found.task)


def read_masks(paths: Sequence[Path], volume: Volume, name: str) -> LabelMap:
    """Masks of one structure each, named after their files, as one label map; where they overlap the smaller stays.

    Labels are those of the task that has just these structures, else they count from 1. `name` is for messages.
    Raises ReadError.
    """
    if not paths:
        raise ReadError("labels.empty_folder", name=name)
    named = task_of(bare_name(each) for each in paths)
    labels = {each.name: each.label for each in named.classes}
    files = [(labels.get(bare_name(each), n), each) for n, each in enumerate(sorted(paths), 1)]
    if files[-1][0] > HIGHEST_LABEL:
        raise ReadError("labels.too_many", name=name, count=len(files))
    out: NDArray[Any] = np.zeros(volume.geometry.shape, np.uint16 if len(files) > 255 else np.uint8, order="F")
    sizes = np.full(HIGHEST_LABEL + 1, np.iinfo(np.int64).max)
    for label, path in files:
        with system_words(path):
            scan = stated(path)
            inside = _on_grid(_as_labels(scan.array, path.name) > 0, scan, volume, path.name)
        sizes[label] = np.count_nonzero(inside)
        before = out[inside]
        out[inside] = np.where(sizes[before] > sizes[label], label, before)
    classes = named.classes or distinct(structure_class(label, bare_name(path)) for label, path in files)
    return LabelMap(out, volume.geometry, classes, named.task)


def content_of(path: Path) -> Content:
    """Whether a file or folder holds labels, a single mask, or (the empty word) something else. Raises nothing."""
    try:
        if path.is_dir():
            return "labels" if mask_files(path) else ""
        with system_words(path):
            if is_probabilities(path) or is_dicom_labels(path):
                return "labels"
            if kind_of(path) not in READABLE:
                return ""
            array = stated(path).array
            if named_labels(path).classes:
                return "labels" if _is_labels(array) else ""
            # A structure that was not found leaves an empty mask.
            return "mask" if not array.any() and bare_name(path) in known_names() else _content_of(array)
    except ReadError:
        return ""


def mask_files(folder: Path) -> list[Path]:
    """The files of a folder that holds a mask per structure; none when it is something else. Raises ReadError."""
    with system_words(folder):
        files = [each for each in sorted(folder.iterdir()) if each.is_file() and not each.name.startswith(".")]
        images = [each for each in files if each.name.lower().endswith((".nii", ".nii.gz"))]
        known = known_names()
        strangers = [each for each in images if bare_name(each) not in known]
        # Reading all of them would take long. The largest tell most: the smallest may be empty.
        looked_at = sorted(strangers or images, key=lambda each: each.stat().st_size)[-_MASKS_LOOKED_AT:]
    return images if all(_may_be_mask(each) for each in looked_at) else []


def _may_be_mask(path: Path) -> bool:
    with system_words(path):
        array = stated(path).array
    return _content_of(array) == "mask" or not array.any()


def _content_of(array: NDArray[Any]) -> Content:
    if not _is_labels(array):
        return ""
    highest = array.max()
    if highest > 0 and np.count_nonzero(array) == np.count_nonzero(array == highest):
        return "mask"
    return "labels" if highest == 0 or _is_flat(array) else ""


def _is_labels(array: NDArray[Any]) -> bool:
    return array.dtype.kind in "iu" and int(array.min()) >= 0 and int(array.max()) <= HIGHEST_LABEL


def _is_flat(array: NDArray[Any]) -> bool:
    """Whether neighbours that are not background are mostly equal."""
    step = max(1, array.shape[2] // _SLICES_LOOKED_AT)
    some = array[:, :, ::step]
    before, after = some[:-1], some[1:]
    both = (before != 0) & (after != 0)
    pairs = int(np.count_nonzero(both))
    return pairs == 0 or int(np.count_nonzero(both & (before == after))) >= _EQUAL_NEIGHBOURS * pairs


def _as_labels(array: NDArray[Any], name: str) -> Labels:
    if not _is_labels(array):
        reason = "its numbers are not whole" if array.dtype.kind == "f" else "some of its numbers cannot be labels"
        raise ReadError("labels.not_labels", name=name, reason=reason)
    narrow = int(array.max()) <= 255
    return array.astype(np.uint8) if narrow else array.astype(np.uint16)


def _named_after_file(array: Labels, path: Path) -> tuple[StructureClass, ...]:
    """A mask that is called like a structure is that structure."""
    label = int(array.max())
    if bare_name(path) not in known_names() or _content_of(array) != "mask":
        return ()
    return (structure_class(label, bare_name(path)),)


def _with_unnamed(classes: Sequence[StructureClass], array: Labels) -> tuple[StructureClass, ...]:
    named = {each.label for each in classes}
    present = np.zeros(HIGHEST_LABEL + 1, bool)
    for k in range(array.shape[2]):
        present |= np.bincount(array[:, :, k].ravel(), minlength=HIGHEST_LABEL + 1) > 0
    more = [structure_class(int(n), f"label_{n}") for n in np.flatnonzero(present) if n > 0 and int(n) not in named]
    return distinct([*classes, *more])


def _on_grid(array: NDArray[Any], scan: Scan, volume: Volume, name: str) -> NDArray[Any]:
    """The array on the scan's grid. Raises ReadError where both grids have no part in common."""
    try:
        geometry = Geometry(scan.array.shape, scan.affine)
    except ValueError as error:
        raise ReadError("geometry.bad_affine", name=name) from error
    if geometry.matches(volume.geometry, _SAME_PLACE_MM):
        return array
    if not _overlap(geometry, volume.geometry):
        raise ReadError("labels.elsewhere", name=name)
    out = nearest_on(array, geometry, volume.geometry)
    if array.any() and not out.any() and not _overlap(_around(array, geometry), volume.geometry):
        raise ReadError("labels.elsewhere", name=name)
    return out


def nearest_on(array: NDArray[Any], own: Geometry, grid: Geometry) -> NDArray[Any]:
    """The array [i, j, k] of the grid `own` on `grid` by nearest neighbour, zero outside; in Fortran order."""
    matrix = np.linalg.inv(own.affine) @ grid.affine
    tables = _axis_tables(matrix, own.shape, grid.shape)
    if tables is None:
        plain = array.astype(np.uint8) if array.dtype == bool else array
        out = np.empty(grid.shape[::-1], plain.dtype).transpose()
        ndimage.affine_transform(plain, matrix[:3, :3], matrix[:3, 3], output=out, order=0, mode="grid-constant")
        return out.astype(array.dtype, copy=False)
    axes, indices, valid = tables
    turned = array.transpose(axes)
    out = np.zeros(grid.shape[::-1], array.dtype).transpose()
    i, j, k = (np.flatnonzero(each) for each in valid)
    for slice_out in k:
        plane = turned[:, :, indices[2][slice_out]]
        out[np.ix_(i, j, [slice_out])] = plane[np.ix_(indices[0][i], indices[1][j])][:, :, None]
    return out


def _axis_tables(
    matrix: NDArray[np.float64], shape: Shape, wanted: Shape
) -> tuple[list[int], list[NDArray[np.intp]], list[NDArray[np.bool_]]] | None:
    """Where axes run along axes: for each wanted axis the axis it follows, its indices and which are inside."""
    linear = matrix[:3, :3]
    axes = [int(n) for n in np.abs(linear).argmax(axis=0)]
    aside = np.abs(linear).copy()
    aside[axes, range(3)] = 0.0
    if sorted(axes) != [0, 1, 2] or float((aside * np.array(wanted)).max()) > 0.01:
        return None
    indices, valid = [], []
    for out_axis, axis in enumerate(axes):
        place = linear[axis, out_axis] * np.arange(wanted[out_axis]) + matrix[axis, 3]
        index = np.floor(place + 0.5).astype(np.intp)
        valid.append((index >= 0) & (index < shape[axis]))
        indices.append(np.clip(index, 0, shape[axis] - 1))
    return axes, indices, valid


def _overlap(one: Geometry, other: Geometry) -> bool:
    """Whether two boxes share a part: on no axis of either does one lie wholly beside the other."""
    return all(_reach_into(a, b) for a, b in ((one, other), (other, one)))


def _reach_into(box: Geometry, grid: Geometry) -> bool:
    corners = grid.voxel(box.world_ras(np.array(list(_corners(box.shape)))))
    low, high = corners.min(axis=0), corners.max(axis=0)
    return bool(np.all(high > -0.5) and np.all(low < np.array(grid.shape) - 0.5))


def _corners(shape: Shape) -> Iterator[tuple[float, float, float]]:
    for i in (-0.5, shape[0] - 0.5):
        for j in (-0.5, shape[1] - 0.5):
            yield from ((i, j, -0.5), (i, j, shape[2] - 0.5))


def _around(array: NDArray[Any], geometry: Geometry) -> Geometry:
    """The part of the grid that holds something."""
    found = LabelMap((array > 0).astype(np.uint8), geometry, ()).boxes[1]
    return geometry.cropped(found)
