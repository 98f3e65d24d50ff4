"""Groups the DICOM files of a folder into series that can be opened, names what is wrong with each, and ranks them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tsdesktop.core.errors import GeometryError, ReadError
from tsdesktop.core.notes import Note, note
from tsdesktop.scans.dicom_geometry import Stack, places_of, stack
from tsdesktop.scans.dicom_headers import ImageFile, Moment, OtherObject, Slice, read_header
from tsdesktop.scans.dicom_pixels import undecodable

# Direction cosines of parallel slices agree this well (0.1 degrees), pixel spacings this well (0.1 %).
_SAME_DIRECTION = 2e-3
_SAME_SPACING = 1e-3
# More doubles than this share of all places are a second volume, not an accident.
_FEW_DOUBLES = 0.1


@dataclass(frozen=True, eq=False)
class Headers:
    """What the DICOM files of a folder are: pictures, other objects, and files that could not be read."""

    slices: list[Slice]
    others: list[OtherObject]
    damaged: list[ReadError]


@dataclass(frozen=True, eq=False)
class Candidate:
    """Slices that belong together, the stack they form, and what speaks against opening it.

    `stack` is None when they form none; a candidate with both may still be opened when a person asks for it by number.
    """

    slices: list[Slice]
    name: str
    stack: Stack | None
    problem: ReadError | None = None
    notes: tuple[Note, ...] = ()

    @property
    def file(self) -> ImageFile:
        """The first file, which speaks for the series."""
        return self.slices[0].file


def read_headers(paths: Sequence[Path], progress: Callable[[float], None] | None = None) -> Headers:
    """The headers of all files. A damaged one is kept as its error, so that nothing is dropped silently."""
    found = Headers([], [], [])
    for n, path in enumerate(paths):
        try:
            header = read_header(path)
        except ReadError as error:
            found.damaged.append(error)
            continue
        if isinstance(header, OtherObject):
            found.others.append(header)
        else:
            found.slices.extend(header)
        if progress is not None and n % 50 == 0:
            progress(n / len(paths))
    return found


def candidates(slices: Iterable[Slice]) -> list[Candidate]:
    """All series of the slices, the best first.

    Best: without a problem; CT or MR before others; not a localizer; original before derived; most slices; thinnest.
    """
    by_series: dict[object, list[Slice]] = {}
    for each in slices:
        by_series.setdefault(_series_key(each.file), []).append(each)
    found = [candidate for series in by_series.values() for candidate in _candidates_of(series)]
    return sorted(found, key=_rank)


def series_name(file: ImageFile) -> str:
    """The series description, else modality and number: never the patient."""
    return file.description or f"{file.modality or 'unnamed'} series {file.series_number}".strip()


def _series_key(file: ImageFile) -> object:
    # An enhanced object is a volume of its own, even where several share a series.
    alone = str(file.path) if file.frames > 1 else ""
    if file.series_uid:
        return file.series_uid, alone
    return file.study_uid, file.series_number, file.description, str(file.path.parent), alone


def _rank(candidate: Candidate) -> tuple[object, ...]:
    types = candidate.slices[0].moment.image_type
    spacing = candidate.stack.spacing_mm[2] if candidate.stack else 0.0
    return (
        candidate.problem is not None,
        candidate.file.modality not in ("CT", "MR"),
        "LOCALIZER" in types,
        "DERIVED" in types or "SECONDARY" in types,
        -(len(candidate.stack.volumes[0]) if candidate.stack else len(candidate.slices)),
        spacing,
        candidate.name,
    )


def _candidates_of(series: list[Slice]) -> list[Candidate]:
    """The volumes in one series: slices alike in size, orientation and frame of reference, told apart by moment."""
    alike = _clustered(series)
    found = []
    for group in alike:
        frames = _by(group, lambda each: each.frame_of_reference)
        parts = [part for frame in frames for part in _apart(frame)]
        made = [_candidate(part) for part in parts]
        if len(frames) > 1:
            made = [_with_foreign_slices(each, len(frames), len(group) - len(each.slices)) for each in made]
        found += made
    return [_explained(each, alike) for each in found] if len(alike) > 1 else found


def _clustered(series: list[Slice]) -> list[list[Slice]]:
    groups: list[list[Slice]] = []
    for each in series:
        home = next((group for group in groups if _alike(group[0], each)), None)
        if home is None:
            groups.append([each])
        else:
            home.append(each)
    return groups


def _alike(a: Slice, b: Slice) -> bool:
    return _same_size(a, b) and _parallel(a, b) and a.stack == b.stack


def _same_size(a: Slice, b: Slice) -> bool:
    if (a.rows, a.columns, a.file.samples) != (b.rows, b.columns, b.file.samples):
        return False
    return _close(a.pixel_spacing_mm, b.pixel_spacing_mm, relative=_SAME_SPACING)


def _parallel(a: Slice, b: Slice) -> bool:
    same = (a.position_lps is None) == (b.position_lps is None)
    return same and _close(a.orientation_lps, b.orientation_lps, absolute=_SAME_DIRECTION)


def _close(
    a: tuple[float, ...] | None, b: tuple[float, ...] | None, relative: float = 0.0, absolute: float = 0.0
) -> bool:
    if a is None or b is None:
        return a is b
    return a == b or bool(np.allclose(a, b, rtol=relative, atol=absolute))


def _by(slices: list[Slice], key: Callable[[Slice], object]) -> list[list[Slice]]:
    groups: dict[object, list[Slice]] = {}
    for each in slices:
        groups.setdefault(key(each), []).append(each)
    return list(groups.values())


def _apart(slices: list[Slice]) -> list[list[Slice]]:
    """Splits volumes that lie over each other only in part, by the first thing that tells all of them apart."""
    if _unusable(slices[0]) is not None or _is_regular(slices):
        return [slices]
    for aspect in Moment.__dataclass_fields__:
        groups = _by(slices, lambda each, aspect=aspect: getattr(each.moment, aspect))  # type: ignore[misc]
        if len(groups) > 1 and all(_is_regular(group) for group in groups):
            return groups
    return [slices]


def _is_regular(slices: list[Slice]) -> bool:
    """Whether every place is taken equally often, up to a few doubles."""
    numbers = places_of(slices)
    counts = np.bincount(numbers)
    return bool(counts.min() == counts.max()) or len(slices) - len(counts) <= _FEW_DOUBLES * len(counts)


def _candidate(slices: list[Slice]) -> Candidate:
    name = series_name(slices[0].file)
    problem = _unusable(slices[0])
    if problem is not None:
        return Candidate(slices, name, None, problem)
    try:
        found = stack(slices, name)
    except GeometryError as error:
        return Candidate(slices, name, None, error)
    files = {id(each.file): each.file for each in slices}.values()
    compressed = next((error for error in map(undecodable, files) if error is not None), None)
    return Candidate(slices, name, None if compressed else found, compressed)


def _unusable(slice: Slice) -> ReadError | None:
    """Why a slice cannot be part of a volume, whatever its neighbours."""
    name = series_name(slice.file)
    if slice.file.samples > 1:
        return ReadError("read.colour", name=name)
    compressed = undecodable(slice.file)
    if compressed is not None:
        return compressed
    if slice.position_lps is None or slice.orientation_lps is None or slice.pixel_spacing_mm is None:
        return GeometryError("geometry.no_position", name=name)
    row, column = np.array(slice.orientation_lps[:3]), np.array(slice.orientation_lps[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(lengths) < 0.9 or max(lengths) > 1.1 or abs(row @ column) > 0.02 or min(slice.pixel_spacing_mm) <= 0:
        return GeometryError("geometry.bad_affine", name=name)
    if "MOSAIC" in slice.moment.image_type:
        reason = "each picture is a mosaic of many slices"
        return GeometryError("geometry.slices_do_not_form_volume", name=name, reason=reason)
    return None


def _with_foreign_slices(candidate: Candidate, count: int, left_out: int) -> Candidate:
    """Marks a part of a series whose other slices belong to another frame of reference: opened only when asked for."""
    if candidate.problem is not None and candidate.problem.id != "geometry.too_few_slices":
        return candidate
    problem = GeometryError("geometry.frames_of_reference", name=candidate.name, count=count)
    reason = "they belong to another frame of reference"
    told = note("note.left_out", count=left_out, name=candidate.name, reason=reason)
    return replace(candidate, problem=problem, notes=(told,))


def _explained(candidate: Candidate, alike: list[list[Slice]]) -> Candidate:
    """Says why a part of a series is too small: its other slices lie across, or differ in size."""
    if candidate.problem is None or candidate.problem.id != "geometry.too_few_slices":
        return candidate
    # A series with a whole volume in it has its few other slices explained by their number.
    if any(len(group) >= 4 * len(candidate.slices) for group in alike):
        return candidate
    first = candidate.slices[0]
    others = [group[0] for group in alike if group[0] is not first]
    across = any(not _parallel(first, other) for other in others)
    id = "geometry.slice_orientations" if across else "geometry.slice_sizes"
    return replace(candidate, problem=GeometryError(id, name=candidate.name))
