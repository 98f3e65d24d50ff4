"""Reads the contours of RT structure sets: filled in their planes, then brought onto the grid of a scan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ReadError
from tsdesktop.core.geometry import LPS_FROM_RAS, Geometry
from tsdesktop.core.structures import Rgb
from tsdesktop.core.volume import LabelMap, Labels, Volume
from tsdesktop.scans.label_dicom import Named, checked, classes_of, label_type, painted
from tsdesktop.scans.label_dicom_planes import Planes

Points = NDArray[np.float64]
_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
# Contours whose points leave a plane by less than this lie in it.
_FLAT_MM = 0.1
# Planes closer than this are one: coordinates are often rounded to tenths.
_SAME_PLANE_MM = 0.11


@dataclass(frozen=True, eq=False)
class _Raster:
    """The pixels in which contours are filled: origin and steps in RAS+ mm, number of columns and rows."""

    origin: Points
    column_step: Points
    row_step: Points
    columns: int
    rows: int

    @property
    def normal(self) -> Points:
        normal = np.cross(self.column_step, self.row_step)
        return np.asarray(normal / np.linalg.norm(normal))

    def pixels(self, points: Points) -> Points:
        """(column, row) of points (n, 3), as fractions."""
        steps = np.stack([self.column_step, self.row_step])
        return np.asarray((points - self.origin) @ (steps / (steps**2).sum(axis=1, keepdims=True)).T)


@dataclass(frozen=True, eq=False)
class _Filled:
    """The part of a plane that a structure fills: mask [row, column] from the pixel (row, column) on."""

    plane: int
    row: int
    column: int
    mask: NDArray[np.bool_]

    def paint(self, pictures: Labels, label: int) -> None:
        rows, columns = self.mask.shape
        part = pictures[self.plane, self.row : self.row + rows, self.column : self.column + columns]
        part[self.mask] = label


def read_contours(path: Path, volume: Volume) -> LabelMap:
    """The closed contours of a structure set on the grid of `volume`. Raises ReadError."""
    import pydicom

    ds = pydicom.dcmread(path, force=True)
    regions = dict(_regions(ds))
    if not any(regions.values()):
        raise ReadError("labels.no_contours", name=path.name)
    named, labels = classes_of([each for each in _named(ds) if regions.get(each.number)], _task(ds))
    everything = [points for contours in regions.values() for points in contours]
    raster = _raster(everything, volume.geometry, path.name)
    heights = _heights(everything, raster)
    filled = {labels[n]: list(_filled(each, raster, heights)) for n, each in regions.items() if n in labels and each}
    sizes = {label: sum(int(part.mask.sum()) for part in parts) for label, parts in filled.items()}
    pictures: Any = np.zeros((len(heights), raster.rows, raster.columns), label_type(named.classes))
    for label, part in painted(((label, part) for label, parts in filled.items() for part in parts), sizes):
        part.paint(pictures, label)
    # A single plane has no neighbours to tell how far it reaches: as far as the scan's thickest voxel.
    thickness_mm = max(volume.spacing_mm) if len(heights) == 1 else 0.0
    planes = Planes(pictures, _corners(raster, heights), raster.column_step, raster.row_step, thickness_mm)
    return checked(planes.on_grid(volume.geometry), volume, named, path.name, anything=True)


def _task(ds: Any) -> str:
    """The task that this program states in its structure sets."""
    program, _, task = str(ds.get("StructureSetName") or "").strip().partition(" ")
    return task if program == "tsdesktop" else ""


def _named(ds: Any) -> Iterator[Named]:
    colours = {int(each.ReferencedROINumber): each.get("ROIDisplayColor") for each in ds.ROIContourSequence}
    for each in ds.StructureSetROISequence:
        number = int(each.ROINumber)
        name = str(each.get("ROIName") or "").strip() or f"region_{number}"
        yield Named(number, name, _rgb(colours.get(number)))


def _rgb(colour: Any) -> Rgb | None:
    if colour is None or len(colour) != 3:
        return None
    red, green, blue = (min(255, max(0, int(each))) for each in colour)
    return red, green, blue


def _regions(ds: Any) -> Iterator[tuple[int, list[Points]]]:
    """Region number and its closed contours as points (n, 3) in RAS+ mm."""
    for region in ds.ROIContourSequence:
        contours = region.get("ContourSequence") or []
        points = [_points(each) for each in contours if each.get("ContourGeometricType") in _CLOSED]
        yield int(region.ReferencedROINumber), [each for each in points if len(each) >= 3]


def _points(contour: Any) -> Points:
    value = contour.get_item("ContourData").value
    # Straight from the file's text: pydicom would make an object of every number.
    numbers = value.replace(b"\\", b" ").split() if isinstance(value, bytes) else value
    flat = np.array([float(each) for each in numbers])
    return np.asarray(flat[: flat.size // 3 * 3].reshape(-1, 3) @ LPS_FROM_RAS[:3, :3].T)


def _raster(contours: Sequence[Points], geometry: Geometry, name: str) -> _Raster:
    """The pixels of the grid's own slices where contours lie in them, else pixels in the contours' planes."""
    for axis in (2, 1, 0):
        p, q = (n for n in range(3) if n != axis)
        raster = _Raster(
            geometry.affine[:3, 3], geometry.affine[:3, p], geometry.affine[:3, q], geometry.shape[p], geometry.shape[q]
        )
        if all(np.ptp(each @ raster.normal) <= _FLAT_MM for each in contours):
            return raster
    raster = _own_raster(contours, min(geometry.spacing_mm))
    if any(np.ptp(each @ raster.normal) > _FLAT_MM for each in contours):
        raise ReadError("labels.not_parallel", name=name)
    return raster


def _own_raster(contours: Sequence[Points], step_mm: float) -> _Raster:
    """Pixels of `step_mm` in the plane of the longest contour, that hold all contours."""
    longest = max(contours, key=len)
    _, _, axes = np.linalg.svd(longest - longest.mean(axis=0), full_matrices=False)
    places = np.concatenate(contours) @ axes[:2].T
    low, high = places.min(axis=0) - step_mm, places.max(axis=0) + step_mm
    columns, rows = (int(n) for n in np.ceil((high - low) / step_mm) + 1)
    return _Raster(low @ axes[:2], axes[0] * step_mm, axes[1] * step_mm, columns, rows)


def _heights(contours: Sequence[Points], raster: _Raster) -> Points:
    """Where along the normal planes lie: the mean of each group of contours that lie in one."""
    heights = np.sort([float((each @ raster.normal).mean()) for each in contours])
    groups = np.split(heights, np.flatnonzero(np.diff(heights) > _SAME_PLANE_MM) + 1)
    return np.array([group.mean() for group in groups])


def _corners(raster: _Raster, heights: Points) -> Points:
    return np.asarray(raster.origin + (heights - raster.origin @ raster.normal)[:, None] * raster.normal)


def _filled(contours: Sequence[Points], raster: _Raster, heights: Points) -> Iterator[_Filled]:
    """The parts of planes that the contours of one structure fill."""
    by_plane: dict[int, list[Points]] = {}
    for each in contours:
        plane = int(np.abs(heights - (each @ raster.normal).mean()).argmin())
        by_plane.setdefault(plane, []).append(raster.pixels(each))
    for plane, polygons in by_plane.items():
        places = np.concatenate(polygons)
        low = np.maximum(np.floor(places.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(places.max(axis=0)).astype(int) + 1, (raster.columns, raster.rows))
        if (high > low).all():
            shape = int(high[1] - low[1]), int(high[0] - low[0])
            yield _Filled(plane, int(low[1]), int(low[0]), filled([each - low for each in polygons], shape))


def filled(polygons: Sequence[Points], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels [row, column] whose centres lie inside an odd number of closed polygons of (column, row) points.

    Each edge toggles what lies to its right on every row it crosses.
    """
    x0, y0 = np.concatenate(polygons).T
    x1, y1 = np.concatenate([np.roll(each, -1, axis=0) for each in polygons]).T
    first = np.ceil(np.minimum(y0, y1)).clip(0, shape[0]).astype(np.int64)
    last = np.ceil(np.maximum(y0, y1)).clip(0, shape[0]).astype(np.int64)
    edge = np.repeat(np.arange(len(x0)), last - first)
    row = np.arange(edge.size) - np.repeat(np.cumsum(last - first) - last + first, last - first) + first[edge]
    slope = np.divide(x1 - x0, y1 - y0, out=np.zeros_like(x0), where=y1 != y0)
    column = np.ceil(x0[edge] + (row - y0[edge]) * slope[edge]).clip(0, shape[1]).astype(np.int64)
    toggles = np.bincount(row * (shape[1] + 1) + column, minlength=shape[0] * (shape[1] + 1))
    return np.asarray(toggles.reshape(shape[0], -1)[:, :-1].cumsum(axis=1) % 2 == 1)
