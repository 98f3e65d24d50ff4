"""NIfTI-1 and NIfTI-2, one file or a pair, gzipped or not, in any byte order and of any real type."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from tsdesktop.core.errors import GeometryError, ReadError
from tsdesktop.core.geometry import Affine, Geometry
from tsdesktop.core.notes import Note, note
from tsdesktop.core.volume import ScanSource
from tsdesktop.scans.assemble import Scan
from tsdesktop.scans.content import opened, plain_size
from tsdesktop.scans.streams import Outline, Request, Stored, outline, read_stored, spatial_shape

_HEADER_BYTES = 348
_HEADERS = {
    b"n+1": nib.nifti1.Nifti1Header,
    b"ni1": nib.nifti1.Nifti1PairHeader,
    b"n+2": nib.nifti2.Nifti2Header,
    b"ni2": nib.nifti2.Nifti2PairHeader,
}


def read_nifti(path: Path, request: Request) -> Scan:
    """The scan in a NIfTI file or in the header of a pair. Raises ReadError and GeometryError."""
    header, first_bytes = _header(path)
    stored = _stored(path, header)
    affine, notes = _affine(path, header)
    with opened(_image_file(path, header)) as file:
        _check_length(file, stored)
        array, more = read_stored(file, stored, request)
    source = ScanSource("nifti", path.name, str(path), nifti_header=first_bytes)
    return Scan(array, affine, source=source, notes=(*notes, *more))


def nifti_outline(path: Path) -> Outline:
    """Shape, spacing and number of volumes, from the header alone. Raises as `read_nifti`."""
    header, _ = _header(path)
    shape, volumes = spatial_shape(path.name, _stored(path, header).shape)
    return outline(path.name, shape, _affine(path, header)[0], volumes)


def _header(path: Path) -> tuple[Any, bytes | None]:
    with opened(path) as file:
        head = file.read(nib.Nifti2Header.sizeof_hdr)
    is_first = head[344:347] in (b"n+1", b"ni1")
    kind = _HEADERS[head[344:347] if is_first else head[4:7]]
    size = kind.sizeof_hdr
    if len(head) < size:
        raise ReadError("read.truncated", name=path.name)
    try:
        header = kind(head[:size], check=False)
        header.check_fix(logger=_Silent(), error_level=50)
        if header.get_data_dtype().itemsize == 0:
            raise ReadError("read.broken", name=path.name, reason="it does not say of which type its voxels are")
    except (HeaderDataError, WrapStructError, ValueError, KeyError) as error:
        raise ReadError("read.broken", name=path.name, reason="its header is damaged") from error
    return header, head[:_HEADER_BYTES] if is_first else None


class _Silent:
    """Takes the remarks of nibabel's header check, which repairs what it can."""

    def log(self, *_: object) -> None:
        """Drops the remark."""


def _stored(path: Path, header: Any) -> Stored:
    dtype, name = header.get_data_dtype(), path.name
    if dtype.fields is not None:
        raise ReadError("read.colour", name=name)
    if dtype.kind == "c":
        raise ReadError("read.complex", name=name)
    try:
        slope, intercept = header.get_slope_inter()
        shape = tuple(int(n) for n in header.get_data_shape())
    except (HeaderDataError, ValueError) as error:
        raise ReadError("read.broken", name=name, reason="its header is damaged") from error
    slope, intercept = (1.0 if slope is None else float(slope)), float(intercept or 0.0)
    # NaN in a vox_offset of 0 and the like is repaired by nibabel; a single file never starts before its header ends.
    least = header.sizeof_hdr + 4 if header.is_single else 0
    return Stored(name, max(int(header.get_data_offset()), least), shape, dtype, slope, intercept)


def _image_file(path: Path, header: Any) -> Path:
    if header.is_single:
        return path
    for ending in (".img", ".img.gz", ".IMG"):
        stem = path.name[: -len(".hdr.gz")] if path.name.lower().endswith(".hdr.gz") else path.stem
        other = path.with_name(stem + ending)
        if other.is_file():
            return other
    raise ReadError("read.broken", name=path.name, reason="the .img file that belongs to it is missing")


def _check_length(file: Any, stored: Stored) -> None:
    """Refuses a plain file that is too short before any memory is taken."""
    size = plain_size(file)
    needed = stored.offset + float(np.prod(np.array(stored.shape, float))) * stored.dtype.itemsize
    if size is not None and size < needed:
        raise ReadError("read.truncated", name=stored.name)


def _affine(path: Path, header: Any) -> tuple[Affine, tuple[Note, ...]]:
    """Sform, else qform, else the grid of spacings around the middle: nibabel's best affine, skipping unusable ones."""
    ways: dict[str, Callable[..., Any]] = {"sform": header.get_sform, "qform": header.get_qform}
    found: dict[str, Geometry] = {}
    shape = (2, 2, 2)
    stated = False
    for name, way in ways.items():
        try:
            matrix, code = way(coded=True)
            stated = stated or code > 0
            if code > 0 and matrix is not None:
                found[name] = Geometry(shape, matrix)
        except (HeaderDataError, ValueError):
            continue
    if found:
        return next(iter(found.values())).affine, _disagreement(found)
    if stated:
        raise GeometryError("geometry.bad_affine", name=path.name)
    try:
        base = Geometry(shape, header.get_base_affine())
    except (HeaderDataError, ValueError) as error:
        raise GeometryError("geometry.bad_affine", name=path.name) from error
    return base.affine, (note("note.no_orientation", axes=base.axis_codes),)


def _disagreement(found: dict[str, Geometry]) -> tuple[Note, ...]:
    if len(found) < 2 or found["sform"].axis_codes == found["qform"].axis_codes:
        return ()
    sform, qform = found["sform"].axis_codes, found["qform"].axis_codes
    return (note("note.orientation", reason=f"its sform says {sform}, its qform {qform}"),)
