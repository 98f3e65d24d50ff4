"""Shares a scan without the face and without the patient: find the face, change its voxels, write, report.

`share` does it in one call. The window calls `prepare_share` first and shows what will go away, then `write_share`.
"""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError, LicenceError, OptionsError, WeightsError
from tsdesktop.core.notes import Note, note
from tsdesktop.core.options import Options
from tsdesktop.core.resampling import nearest_on_plane
from tsdesktop.core.version import __version__
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.jobs.messages import Progress
from tsdesktop.pipeline.segmentation import check_run, segment_volume
from tsdesktop.runs.engine import Engine

if TYPE_CHECKING:
    from tsdesktop.exports.deidentified import Tally
    from tsdesktop.measures.face import Face

Format = Literal["nifti", "dicom"]
FaceChoice = Literal["blur", "remove", "keep"]
DatesChoice = Literal["remove", "shift"]
Listener = Callable[[Progress], None]

NIFTI_NAME, DICOM_FOLDER = "scan.nii.gz", "dicom"
_FOUND_SHARE, _PREPARED_SHARE = 0.8, 1.0
_SECRET_BYTES = 32
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class ShareOptions:
    """How to share: file format, what becomes of the face and of dates, what the patient is called ("": a random name).

    Raises OptionsError for a name that is none.
    """

    format: Format = "nifti"
    face: FaceChoice = "blur"
    dates: DatesChoice = "remove"
    patient_id: str = ""
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.patient_id and not _ID.fullmatch(self.patient_id):
            raise OptionsError("share.patient_id", value=self.patient_id)


@dataclass(frozen=True, eq=False)
class PreparedShare:
    """What would be shared: the scan before and after, the face (None: no voxel changes), how it was found."""

    before: Volume
    after: Volume
    face: Face | None
    found: Note


def share(
    volume: Volume,
    where: Path,
    options: ShareOptions,
    *,
    label_map: LabelMap | None = None,
    engine: Engine | None = None,
    listen: Listener = lambda _: None,
) -> list[Path]:
    """Writes `volume` into the folder `where` without face and patient, with a report beside it.

    `label_map`: labels of the scan that may hold the face or the brain. `engine`: the process in which networks run;
    without one a process is started and ended. Returns the files. `listen` hears progress; what it raises ends the
    work. Raises Cancelled, ExportError, OptionsError and InferenceError.
    """
    check_share(volume, where, options)
    first = _Share(listen, 0.0, 0.6)
    prepared = prepare_share(volume, options, label_map=label_map, engine=engine, listen=first)
    return write_share(prepared, where, options, listen=_Share(listen, 0.6, 1.0))


def check_share(volume: Volume, where: Path, options: ShareOptions) -> None:
    """Raises ExportError where the scan cannot be shared like that, before anything is computed."""
    from tsdesktop.exports.dicom_scan import check_pixels
    from tsdesktop.exports.writing import refuse_existing

    if options.format == "dicom" and not _is_dicom(volume.source):
        raise ExportError("share.not_dicom", name=volume.source.name)
    refuse_existing(planned_shares(where, options), overwrite=options.overwrite)
    if _is_dicom(volume.source):
        check_pixels(volume.source)


def planned_shares(where: Path, options: ShareOptions) -> list[Path]:
    """What will lie in the folder `where`: the scan (a file, or for DICOM a folder) and the two files of the report."""
    from tsdesktop.exports.share_report import REPORT_JSON, REPORT_TEXT

    scan = where / (DICOM_FOLDER if options.format == "dicom" else NIFTI_NAME)
    return [scan, where / REPORT_JSON, where / REPORT_TEXT]


def prepare_share(
    volume: Volume,
    options: ShareOptions,
    *,
    label_map: LabelMap | None = None,
    engine: Engine | None = None,
    listen: Listener = lambda _: None,
) -> PreparedShare:
    """Finds the face and changes its voxels; nothing is written. Arguments and errors as for `share`."""
    if options.face == "keep":
        return PreparedShare(volume, volume, None, note("share.kept"))
    if engine is None:
        with Engine() as own:
            face, found = _find(volume, label_map, own, listen)
    else:
        face, found = _find(volume, label_map, engine, listen)
    return _treated(volume, face, found, options)


def with_other_face(prepared: PreparedShare, options: ShareOptions) -> PreparedShare:
    """The same face treated in another way, without looking for it again."""
    if options.face == "keep" or prepared.face is None:
        return replace(prepared, after=prepared.before)
    return _treated(prepared.before, prepared.face, prepared.found, options)


def write_share(
    prepared: PreparedShare,
    where: Path,
    options: ShareOptions,
    *,
    listen: Listener = lambda _: None,
    secret: bytes = b"",
) -> list[Path]:
    """Writes what was prepared and the report. Either all files are there in the end, or none.

    New identifiers follow from `secret`; without one a random one is drawn and forgotten. Raises ExportError.
    """
    from tsdesktop.exports.writing import existing_folder, not_written, refuse_existing

    planned = planned_shares(where, options)
    refuse_existing(planned, overwrite=options.overwrite)
    existing_folder(where)
    try:
        with tempfile.TemporaryDirectory(dir=where, prefix=".tsdesktop-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            _write_all(prepared, folder, options, (listen, secret or secrets.token_bytes(_SECRET_BYTES)))
            for path in planned:
                _moved(folder / path.name, path)
    except OSError as error:
        raise not_written(where, error) from error
    return [each for path in planned for each in (sorted(path.iterdir()) if path.is_dir() else [path])]


def _is_dicom(source: ScanSource) -> bool:
    return source.format == "dicom" and bool(source.dicom_files)


class _Share:
    """A listener for a part of the work."""

    def __init__(self, listen: Listener, start: float, stop: float) -> None:
        self._listen, self._start, self._stop = listen, start, stop

    def __call__(self, told: Progress) -> None:
        share = self._start + told.share * (self._stop - self._start)
        self._listen(replace(told, share=share))


def _treated(volume: Volume, face: Face | None, found: Note, options: ShareOptions) -> PreparedShare:
    from tsdesktop.measures.defacing import defaced

    if face is None or options.face == "keep":
        return PreparedShare(volume, volume, face, found)
    return PreparedShare(volume, defaced(volume, face, options.face), face, found)


def _find(volume: Volume, label_map: LabelMap | None, engine: Engine, listen: Listener) -> tuple[Face | None, Note]:
    """The face, and how it was found."""
    from tsdesktop.measures.face import face_from_label, face_from_skin  # only here: it loads scipy

    listen(Progress("looking for the face", 0.0))
    brain = _mask_of(label_map, "brain", volume)
    labelled = _mask_of(label_map, "face", volume)
    if labelled is not None and (face := face_from_label(volume, labelled, brain)) is not None:
        return face, note("share.found_labels")
    task = "face" if volume.modality == "CT" else "face_mr"
    part = _Share(listen, 0.0, _FOUND_SHARE)
    by_network = _by_task(volume, task, engine, part)
    if by_network is not None and (face := face_from_label(volume, by_network, brain)) is not None:
        return face, note("share.found_network", task=task)
    body = _by_task(volume, "skin", engine, part) if volume.modality == "CT" else None
    listen(Progress("looking for the face", _FOUND_SHARE))
    found = face_from_skin(volume, body, brain, check=lambda: listen(Progress("looking for the face", _FOUND_SHARE)))
    listen(Progress("looking for the face", _PREPARED_SHARE))
    if found is None:
        return None, note("share.no_head")
    return found, note("share.found_skin" if by_network is None else "share.found_skin_after", task=task)


def _by_task(volume: Volume, task: str, engine: Engine, listen: Listener) -> NDArray[np.bool_] | None:
    """The voxels that a task of one structure finds; None where its network is not on this computer."""
    options = Options(task=task)
    try:
        check_run(options)
    except (WeightsError, LicenceError):
        return None
    result = segment_volume(volume, options, engine=engine, listen=listen)
    return _on_grid(result.label_map, np.asarray(result.label_map.array > 0), volume)


def _mask_of(label_map: LabelMap | None, name: str, volume: Volume) -> NDArray[np.bool_] | None:
    if label_map is None or not any(each.name == name for each in label_map.present):
        return None
    return _on_grid(label_map, label_map.mask(name), volume)


def _on_grid(label_map: LabelMap, mask: NDArray[np.bool_], volume: Volume) -> NDArray[np.bool_]:
    """A mask of labels on the scan's grid, by nearest neighbour."""
    if label_map.geometry.matches(volume.geometry):
        return mask
    out = np.zeros(volume.geometry.shape, np.bool_)
    # From (j, i, 0, 1) of a slice of the scan to voxels of the labels.
    matrix = np.linalg.inv(label_map.affine) @ volume.affine
    for k in range(out.shape[2]):
        of_slice = np.array(matrix)
        of_slice[:, :2] = matrix[:, 1::-1]
        of_slice[:, 3] = matrix[:, 3] + k * matrix[:, 2]
        nearest_on_plane(out[:, :, k], mask, of_slice)
    return out


def _write_all(prepared: PreparedShare, folder: Path, options: ShareOptions, work: tuple[Listener, bytes]) -> None:
    from tsdesktop.exports.nifti import write_volume
    from tsdesktop.exports.share_report import ChangedPixels, ShareRecord, write_share_report
    from tsdesktop.measures.defacing import CELL_MM, air_of

    listen = work[0]
    tally: Tally | None = None
    changes = prepared.face is not None and options.face != "keep"
    if options.format == "dicom":
        files, tally = _write_dicom(prepared, folder, options, work)
        names = tuple(f"{DICOM_FOLDER}/{each.name}" for each in files)
    else:
        listen(Progress("writing the scan", 0.0))
        # A header of its own: that of the source may hold names.
        clean = replace(prepared.after, source=ScanSource("memory", "scan"))
        write_volume(clean, folder / NIFTI_NAME)
        names = (NIFTI_NAME,)
    pixels = None
    if changes and prepared.face is not None:
        face = prepared.face
        pixels = ChangedPixels(face.voxels, face.ml, options.face, CELL_MM, air_of(prepared.before, face))
    record = ShareRecord(
        format="DICOM" if options.format == "dicom" else "NIfTI",
        found=prepared.found if options.face != "keep" else note("share.kept"),
        pixels=pixels,
        dates=options.dates,
        tally=tally,
        not_done=_not_done(prepared, options, changed=changes),
        files=names,
    )
    write_share_report(record, folder)
    listen(Progress("writing the scan", 1.0))


def _write_dicom(
    prepared: PreparedShare, folder: Path, options: ShareOptions, work: tuple[Listener, bytes]
) -> tuple[list[Path], Tally]:
    from tsdesktop.exports.deidentified import Alias
    from tsdesktop.exports.dicom_scan import Changed, DicomJob, FaceState, write_dicom_scan

    listen, secret = work
    alias = Alias(secret, options.patient_id or _random_name(secret), options.dates)
    changed = None
    if prepared.face is not None and options.face != "keep":
        changed = Changed(prepared.after, prepared.face.mask)
    words = {"blur": "face blurred", "remove": "face removed", "keep": "face kept"}[options.face]
    state: FaceState = "changed" if changed is not None else "kept" if options.face == "keep" else "none"
    job = DicomJob(alias, state, f"tsdesktop {__version__}" + (f", {words}" if state != "none" else ""))
    target = folder / DICOM_FOLDER
    target.mkdir()
    say = lambda share: listen(Progress("writing the scan", 0.95 * share))  # noqa: E731 - a name for one argument
    return write_dicom_scan(prepared.before.source, changed, target, job, say)


def _random_name(secret: bytes) -> str:
    import hashlib

    return "shared-" + hashlib.blake2b(b"name", key=secret[:64], digest_size=5).hexdigest()


def _not_done(prepared: PreparedShare, options: ShareOptions, *, changed: bool) -> tuple[Note, ...]:
    from tsdesktop.exports.dicom_scan import check_pixels

    source = prepared.before.source
    ids = ["share.text_in_pixels"]
    if _is_dicom(source):
        ids += check_pixels(source)
    if changed:
        ids.append("share.rest_of_head")
    if options.format == "dicom":
        ids.append("share.kept_words")
    return tuple(note(each) for each in (*ids, "share.no_guarantee"))


def _moved(source: Path, target: Path) -> None:
    """Puts a finished file or folder in its place; what was there before goes."""
    if target.is_dir():
        shutil.rmtree(target)
    source.replace(target)
