"""DICOM files -> choices of series, and a chosen series -> Volume."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tsdesktop.core.errors import ReadError
from tsdesktop.core.notes import Note, note
from tsdesktop.core.volume import Modality, ScanSource, Volume
from tsdesktop.scans.assemble import Scan, volume_of
from tsdesktop.scans.choices import Choice, SeriesSummary
from tsdesktop.scans.dicom_geometry import Stack
from tsdesktop.scans.dicom_headers import Slice
from tsdesktop.scans.dicom_pixels import decode
from tsdesktop.scans.dicom_series import Candidate, Headers, candidates, read_headers
from tsdesktop.scans.resample import along_slices
from tsdesktop.scans.streams import Request, chosen_volume

_MODALITIES: dict[str, Modality] = {"CT": "CT", "MR": "MR"}
_LABELS = ("segmentation", "radiotherapy structure set")
# Reading headers takes about this share of the time.
_HEADERS_SHARE = 0.1


def dicom_choices(path: Path, files: Sequence[Path], request: Request) -> list[Choice]:
    """The series among the DICOM `files` of the folder (or file) `path`. Raises ReadError when there is none."""
    headers = read_headers(files, request.part(0.0, _HEADERS_SHARE).say)
    found = candidates(headers.slices)
    if not found:
        raise _nothing(path, headers)
    return _choices(path, found, headers)


def series_of_file(path: Path, neighbours: Sequence[Path], request: Request) -> list[Choice]:
    """The series that the file at `path` belongs to, gathered from its neighbours. Raises ReadError."""
    own = read_headers([path])
    if not own.slices:
        raise _nothing(path, own)
    key = own.slices[0].file
    headers = read_headers(neighbours, request.part(0.0, _HEADERS_SHARE).say)
    same = [each for each in headers.slices if _same_series(each, own.slices[0])]
    others = [each for each in same if each.file.path != path]
    # The file itself comes first, so that it and not a copy of it is kept.
    found = [each for each in candidates([*own.slices, *others]) if any(s.file is key for s in each.slices)]
    return _choices(path, found, Headers(headers.slices, headers.others, []))


def _same_series(a: Slice, b: Slice) -> bool:
    if b.file.frames > 1:
        return False
    return (a.file.series_uid, a.file.study_uid, a.file.series_number) == (
        b.file.series_uid,
        b.file.study_uid,
        b.file.series_number,
    )


def _nothing(path: Path, headers: Headers) -> ReadError:
    if path.is_file() and headers.others:
        what = headers.others[0].what
        id = "read.labels_first" if what in _LABELS else "read.derived_object"
        return ReadError(id, name=path.name, what=what)
    if headers.damaged and not headers.others:
        return headers.damaged[0]
    return ReadError("read.no_scan_inside", name=path.name)


def _choices(path: Path, ranked: list[Candidate], headers: Headers) -> list[Choice]:
    """Listed by series number and name; the first of `ranked` is the best."""
    listed = sorted(ranked, key=lambda each: (_as_number(each.file.series_number), each.name, -len(each.slices)))
    notes: tuple[Note, ...] = ()
    if headers.damaged:
        notes = (note("note.left_out", count=len(headers.damaged), name=path.name, reason="they are damaged"),)
    return [
        Choice(_summary(n, each, each is ranked[0]), partial(_open, path, each, notes), each.problem)
        for n, each in enumerate(listed, 1)
    ]


def _as_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("inf")


def _summary(number: int, candidate: Candidate, best: bool) -> SeriesSummary:
    first, stack = candidate.slices[0], candidate.stack
    in_order = stack.volumes[0] if stack else candidate.slices
    return SeriesSummary(
        number=number,
        description=candidate.name,
        modality=first.file.modality,
        slices=len(in_order),
        rows=first.rows,
        columns=first.columns,
        spacing_mm=stack.spacing_mm if stack else (0.0, 0.0, 0.0),
        thickness=first.thickness_mm,
        uid=first.file.series_uid,
        problem=candidate.problem,
        best=best,
        volumes=len(stack.volumes) if stack else 1,
        files=_files(in_order),
    )


def _files(slices: Sequence[Slice]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(each.file.path) for each in slices))


def _open(path: Path, candidate: Candidate, notes: tuple[Note, ...], request: Request) -> Volume:
    if candidate.stack is None:
        raise candidate.problem or ReadError("read.no_scan_inside", name=path.name)
    stack = candidate.stack
    index, chosen_notes = chosen_volume(candidate.name, len(stack.volumes), request.volume_index)
    slices = stack.volumes[index]
    array, more = decode(slices, candidate.name, request.part(_HEADERS_SHARE, 1.0))
    scan = Scan(
        array=_even(array, stack),
        affine=stack.affine,
        source=_source(path, candidate.name, slices),
        modality=_MODALITIES.get(candidate.file.modality, "unknown"),
        notes=(*notes, *candidate.notes, *chosen_notes, *stack.notes, *more),
        shear_note="note.tilt" if candidate.file.modality == "CT" else "note.sheared",
    )
    # What only the scan holds may be freed while a tilted one is brought upright.
    del array
    return volume_of(scan)


def _even(array: NDArray[Any], stack: Stack) -> NDArray[Any]:
    return array if stack.places is None else along_slices(array, stack.places)


def _source(path: Path, name: str, slices: Sequence[Slice]) -> ScanSource:
    first = slices[0]
    return ScanSource(
        format="dicom",
        name=name,
        path=str(path),
        description=first.file.description,
        series_instance_uid=first.file.series_uid,
        dicom_files=_files(slices),
        dicom_frames=tuple(each.frame for each in slices) if first.file.frames > 1 else (),
        window=first.window,
    )
