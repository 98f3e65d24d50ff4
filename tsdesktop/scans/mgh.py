"""FreeSurfer's MGH and MGZ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from tsdesktop.core.errors import GeometryError, ReadError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.notes import Note, note
from tsdesktop.core.volume import ScanSource
from tsdesktop.scans.assemble import Scan
from tsdesktop.scans.content import opened
from tsdesktop.scans.streams import Outline, Request, Stored, outline, read_stored, spatial_shape

_HEADER_BYTES = 284


def read_mgh(path: Path, request: Request) -> Scan:
    """The scan in an MGH or MGZ file. Raises ReadError and GeometryError."""
    header = _header(path)
    geometry, notes = _place(path, header)
    with opened(path) as file:
        array, more = read_stored(file, _stored(path, header), request)
    return Scan(array, geometry.affine, source=ScanSource("mgh", path.name, str(path)), notes=(*notes, *more))


def mgh_outline(path: Path) -> Outline:
    """Shape, spacing and number of volumes, from the header alone. Raises as `read_mgh`."""
    header = _header(path)
    shape, volumes = spatial_shape(path.name, _stored(path, header).shape)
    return outline(path.name, shape, _place(path, header)[0].affine, volumes)


def _header(path: Path) -> Any:
    with opened(path) as file:
        head = file.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES:
        raise ReadError("read.truncated", name=path.name)
    try:
        return nib.freesurfer.MGHImage.header_class(head + bytes(20), check=False)
    except (HeaderDataError, WrapStructError, ValueError) as error:
        raise ReadError("read.broken", name=path.name, reason="its header is damaged") from error


def _stored(path: Path, header: Any) -> Stored:
    shape = tuple(int(n) for n in header["dims"])
    return Stored(path.name, _HEADER_BYTES, shape, np.dtype(header.get_data_dtype()).newbyteorder(">"))


def _place(path: Path, header: Any) -> tuple[Geometry, tuple[Note, ...]]:
    try:
        geometry = Geometry((2, 2, 2), header.get_affine())
    except ValueError as error:
        raise GeometryError("geometry.bad_affine", name=path.name) from error
    if int(header["goodRASFlag"]) == 1:
        return geometry, ()
    return geometry, (note("note.no_orientation", axes=geometry.axis_codes),)
