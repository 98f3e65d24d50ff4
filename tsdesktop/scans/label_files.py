"""Opens one file for its voxels as they stand, upright or not, and says in plain words why it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsdesktop.core.errors import ReadError
from tsdesktop.scans.assemble import Scan
from tsdesktop.scans.content import Kind, kind_of
from tsdesktop.scans.itk_formats import read_itk
from tsdesktop.scans.mgh import read_mgh
from tsdesktop.scans.nifti import read_nifti
from tsdesktop.scans.nrrd_segments import read_segmentation, segments_of
from tsdesktop.scans.streams import Request

READABLE: tuple[Kind, ...] = ("nifti", "mgh", "nrrd", "meta", "gipl")


def stated(path: Path) -> Scan:
    """The voxels and the affine of a file as it states them. Raises ReadError and GeometryError.

    Segments of 3D Slicer that overlap are brought into one array. Several volumes in one file are refused otherwise:
    taking the first would leave out structures unsaid.
    """
    segments = segments_of(path)
    if segments.segments and segments.layers > 1:
        return read_segmentation(path, segments)
    scan = voxels_of(path)
    if any(each.id == "note.first_volume" for each in scan.notes):
        raise ReadError("labels.not_labels", name=path.name, reason="it has several layers or points in time")
    return scan


def voxels_of(path: Path) -> Scan:
    """As `stated`, of several volumes the first. Raises ReadError and GeometryError."""
    with system_words(path):
        kind = kind_of(path)
        if kind not in READABLE:
            raise ReadError("labels.not_labels", name=path.name, reason="it is no image of a kind that labels come in")
        return _read(path, kind)


def _read(path: Path, kind: Kind) -> Scan:
    if kind == "nifti":
        return read_nifti(path, Request())
    return read_mgh(path, Request()) if kind == "mgh" else read_itk(path, kind, Request())


@contextmanager
def system_words(path: Path) -> Iterator[None]:
    """Turns what the system says about a path into a ReadError."""
    try:
        yield
    except FileNotFoundError as error:
        raise ReadError("read.missing", name=path.name) from error
    except OSError as error:
        raise ReadError("read.not_allowed", name=path.name, reason=error.strerror or "no access") from error
