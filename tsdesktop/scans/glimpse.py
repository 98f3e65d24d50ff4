"""One slice from the middle of a series, to recognise it by, without reading more than that takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ReadError
from tsdesktop.core.geometry import Geometry, to_ras_order
from tsdesktop.scans.choices import SeriesSummary
from tsdesktop.scans.content import kind_of
from tsdesktop.scans.dicom_headers import OtherObject, read_header
from tsdesktop.scans.dicom_pixels import decode
from tsdesktop.scans.label_files import READABLE, system_words, voxels_of
from tsdesktop.scans.streams import Request

Plane = NDArray[Any]
# Files of other formats are read whole for it: that takes a second or two at most.
_LARGEST_BYTES = 128 << 20


def glimpse(summary: SeriesSummary) -> tuple[Plane, float] | None:
    """The middle slice [row, column], and how tall its pixels are for their width.

    Of DICOM it is the middle file as it stands; of other formats the axial slice, the patient's right on its left. None
    where looking would take too long: in an archive, and for large files. Raises ReadError.
    """
    path = Path(summary.files[len(summary.files) // 2])
    if not path.is_absolute() or not path.is_file():
        return None
    with system_words(path):
        kind = kind_of(path)
        if kind == "dicom":
            return _middle_frame(path)
        if kind not in READABLE or path.stat().st_size > _LARGEST_BYTES:
            return None
        return _axial_slice(path)


def _middle_frame(path: Path) -> tuple[Plane, float]:
    slices = read_header(path)
    if isinstance(slices, OtherObject):
        raise ReadError("read.derived_object", name=path.name, what=slices.what)
    middle = slices[len(slices) // 2]
    array, _ = decode([middle], path.name, Request())
    tall, wide = middle.pixel_spacing_mm or (1.0, 1.0)
    return np.asarray(array[:, :, 0]).T, (tall / wide if tall > 0 and wide > 0 else 1.0)


def _axial_slice(path: Path) -> tuple[Plane, float]:
    scan = voxels_of(path)
    geometry = Geometry(scan.array.shape, scan.affine)
    order = to_ras_order(geometry)
    turned = order.apply(scan.array)
    wide, tall, _ = order.apply_geometry(geometry).spacing_mm
    return np.asarray(turned[::-1, ::-1, turned.shape[2] // 2]).T, tall / wide
