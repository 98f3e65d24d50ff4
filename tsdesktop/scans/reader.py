"""Turns any accepted path into a Volume. With the rest of this room the only place where LPS becomes RAS.

A path is told by its content: NIfTI, NRRD, MHA/MHD, GIPL, MGH/MGZ, DICOM (folder, file, DICOMDIR), or a zip of these.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tsdesktop.core.errors import ReadError
from tsdesktop.core.volume import Volume
from tsdesktop.scans.archives import unpacked
from tsdesktop.scans.assemble import Scan, volume_of
from tsdesktop.scans.choices import Choice, SeriesSummary, picked
from tsdesktop.scans.content import Kind, kind_of, unpacked_to
from tsdesktop.scans.streams import Outline, Request

__all__ = ["SeriesSummary", "list_series", "read_scan", "read_scan_or_series"]


def read_scan(
    path: str | Path,
    *,
    series: str = "",
    volume_index: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Volume:
    """The scan at `path` (file, folder or zip) as a Volume in RAS+ mm.

    `series` picks one of several by number, UID or part of its description; without it the best is opened and a note
    says that there were others. `volume_index` picks one volume of a 4D scan (the first unless given). `progress` hears
    fractions from 0 to 1. Raises ReadError or GeometryError with one plain sentence.
    """
    path = Path(path)
    request = Request(volume_index, progress)
    with _plain_words(path), _choices_at(path, request) as choices:
        return picked(choices, series.strip(), path.name)(request)


def read_scan_or_series(
    path: str | Path, *, progress: Callable[[float], None] | None = None
) -> Volume | list[SeriesSummary]:
    """The scan at `path` where there is one that can be opened, else all its series for a person to choose from.

    Raises ReadError or GeometryError as `read_scan`.
    """
    path = Path(path)
    request = Request(None, progress)
    with _plain_words(path), _choices_at(path, request) as choices:
        if sum(each.problem is None for each in choices) > 1:
            return [each.summary for each in choices]
        return picked(choices, "", path.name)(request)


def list_series(path: str | Path) -> list[SeriesSummary]:
    """Every series (or scan file) at `path`, one of them marked as best. Raises ReadError when there is none."""
    path = Path(path)
    with _plain_words(path), _choices_at(path, Request()) as choices:
        return [each.summary for each in choices]


@contextmanager
def _plain_words(path: Path) -> Iterator[None]:
    """Turns what the system says into our words, and keeps libraries from remarking on odd but readable files."""
    with warnings.catch_warnings():
        # pydicom, nibabel and their decoders warn about values that are repaired or checked in this room.
        for module in ("pydicom", "nibabel", "pylibjpeg", "openjpeg"):
            warnings.filterwarnings("ignore", module=module)
        try:
            yield
        except FileNotFoundError as error:
            raise ReadError("read.missing", name=path.name or str(path)) from error
        except PermissionError as error:
            raise ReadError("read.not_allowed", name=path.name, reason=error.strerror or "no access") from error
        except OSError as error:
            raise ReadError(
                "read.broken", name=path.name, reason=error.strerror or "the drive gave an error"
            ) from error


@contextmanager
def _choices_at(path: Path, request: Request) -> Iterator[list[Choice]]:
    if path.is_dir():
        yield _in_folder(path, path, request)
        return
    if path.exists() and not path.is_file():
        raise ReadError("read.unknown_format", name=path.name)
    kind = kind_of(path)
    if kind == "zip":
        with unpacked(path) as (folder, members):
            inside = _in_folder(folder, path, request)
            yield [_as_in_archive(each, folder, path, members) for each in inside]
    elif kind == "packed":
        with tempfile.TemporaryDirectory(prefix="tsdesktop-", ignore_cleanup_errors=True) as temporary:
            content = unpacked_to(path, Path(temporary))
            inside = _file_choices([(content, kind_of(content))])
            yield [_as_in_archive(each, Path(temporary), path, {}) for each in inside]
    elif kind == "dicom":
        yield _dicom_file(path, request)
    else:
        yield _file_choices([_with_header(path, kind)])


def _in_folder(folder: Path, named: Path, request: Request) -> list[Choice]:
    """The choices in a folder, called `named` in messages: DICOM if there is any, else scan files of other formats."""
    kinds = _kinds_below(folder)
    if not kinds:
        raise ReadError("read.empty_folder", name=named.name)
    dicom = [path for path, kind in kinds if kind == "dicom"]
    files = [(path, kind) for path, kind in kinds if kind not in ("dicom", "zip", "unknown")]
    if dicom:
        from tsdesktop.scans.dicom import dicom_choices

        return dicom_choices(folder if named == folder else named, dicom, request)
    if not files:
        raise ReadError("read.no_scan_inside", name=named.name)
    return _file_choices(files)


def _kinds_below(folder: Path) -> list[tuple[Path, Kind]]:
    found: list[tuple[Path, Kind]] = []
    for top, folders, names in os.walk(folder, onerror=_raise):
        folders.sort()
        for name in sorted(names):
            path = Path(top, name)
            if not path.is_file():
                # Reading a pipe or a device would wait for ever.
                continue
            try:
                found.append((path, kind_of(path)))
            except ReadError:
                found.append((path, "unknown"))
    return found


def _raise(error: OSError) -> None:
    raise error


def _dicom_file(path: Path, request: Request) -> list[Choice]:
    from tsdesktop.scans.dicom import series_of_file

    neighbours = [each for each in sorted(path.parent.iterdir()) if each.is_file() and _is_dicom(each)]
    try:
        return series_of_file(path, neighbours, request)
    except ReadError as error:
        if error.arguments.get("what") != "DICOM directory":
            raise
    return _in_folder(path.parent, path, request)


def _is_dicom(path: Path) -> bool:
    try:
        return kind_of(path) == "dicom"
    except (ReadError, OSError):
        return False


def _with_header(path: Path, kind: Kind) -> tuple[Path, Kind]:
    """The path, or the header beside it when it is the image half of a pair."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    if kind == "unknown" and name.lower().endswith(".img"):
        for ending in (".hdr", ".hdr.gz", ".HDR"):
            header = path.with_name(name[:-4] + ending)
            if header.is_file() and kind_of(header) == "nifti":
                return header, "nifti"
    return path, kind


def _file_choices(files: list[tuple[Path, Kind]]) -> list[Choice]:
    """Files that are a scan each. The best is the one with most voxels."""
    single = len(files) == 1
    choices = [_file_choice(n, path, kind, best=single) for n, (path, kind) in enumerate(files, 1)]
    if single:
        return choices
    best = max(choices, key=lambda each: (each.summary.problem is None, _voxels(each.summary), -each.summary.number))
    return [replace(each, summary=replace(each.summary, best=each is best)) for each in choices]


def _voxels(summary: SeriesSummary) -> int:
    return summary.slices * summary.rows * summary.columns


def _file_choice(number: int, path: Path, kind: Kind, best: bool) -> Choice:
    outline, problem = Outline(), None
    try:
        outline = _outline(path, kind)
    except ReadError as error:
        problem = error
    summary = SeriesSummary(
        number=number,
        description=path.name,
        modality="",
        slices=outline.shape[2],
        rows=outline.shape[1],
        columns=outline.shape[0],
        spacing_mm=outline.spacing_mm,
        thickness=outline.spacing_mm[2],
        uid="",
        problem=problem,
        best=best,
        volumes=outline.volumes,
        files=(str(path),),
    )
    return Choice(summary, partial(_open_file, path, kind), problem)


def _outline(path: Path, kind: Kind) -> Outline:
    return _format(kind, path).outline(path)


def _open_file(path: Path, kind: Kind, request: Request) -> Volume:
    return volume_of(_format(kind, path).read(path, request=request))


@dataclass(frozen=True)
class _Format:
    """What a file's header says, and how the file is read."""

    outline: Callable[[Path], Outline]
    read: Callable[..., Scan]


def _format(kind: Kind, path: Path) -> _Format:
    """How files of one kind are read. The library for it is loaded here: most people open one kind of file."""
    if kind == "nifti":
        from tsdesktop.scans.nifti import nifti_outline, read_nifti

        return _Format(nifti_outline, read_nifti)
    if kind == "mgh":
        from tsdesktop.scans.mgh import mgh_outline, read_mgh

        return _Format(mgh_outline, read_mgh)
    if kind in ("nrrd", "meta", "gipl"):
        from tsdesktop.scans.itk_formats import itk_outline, read_itk

        return _Format(partial(itk_outline, kind=kind), partial(read_itk, kind=kind))
    raise ReadError("read.unknown_format", name=path.name)


def _as_in_archive(choice: Choice, folder: Path, archive: Path, members: Mapping[str, str]) -> Choice:
    """The choice with names as in the archive: its files are gone once the scan is read, its `members` stay."""
    names = tuple(str(Path(each).relative_to(folder)) for each in choice.summary.files)

    def open_as_archive(request: Request) -> Volume:
        volume = choice.open(request)
        inside = tuple(members[each] for each in volume.source.dicom_files)
        return replace(volume, source=replace(volume.source, path=str(archive), dicom_files=inside))

    return Choice(replace(choice.summary, files=names), open_as_archive, choice.problem)
