"""What must come of every odd real file: the facts that tests check, and the table that people read.

    python -m tests.scans.real_files DATA

prints the table as markdown.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from tsdesktop.core.errors import TsDesktopError
from tsdesktop.scans.reader import read_scan

FOLDERS = (
    *("nifti_orientations", "formats_odd", "dicom_odd", "dicom_objects", "dicom_transfer_syntaxes"),
    *("dicom_derived", "dicom_rt", "dicom_ct", "mr_head", "ct_head_float64", "cta_aorta"),
)
_ALONE = ("dicom_objects", "dicom_transfer_syntaxes", "dicom_derived", "dicom_rt")


@dataclass(frozen=True)
class Outcome:
    """What happened on opening: shape, spacing and notes, or the id of the refusal and its sentence."""

    path: str
    shape: tuple[int, ...] = ()
    dtype: str = ""
    spacing_mm: tuple[float, ...] = ()
    axes: str = ""
    modality: str = ""
    notes: tuple[str, ...] = ()
    refusal: str = ""
    sentence: str = ""


# Single slices and frames without a place: made into a series of their own, they show that their pixels decode.
SINGLE_SLICES = (
    *("dicom_odd/ge/001_single_slice/IM-0001-0112-0001.dcm", "dicom_derived/ct_image.dcm", "dicom_rt/ct.0.dcm"),
    *("dicom_objects/693_J2KR.dcm", "dicom_objects/693_UNCI.dcm", "dicom_objects/MR-SIEMENS-DICOM-WithOverlays.dcm"),
    *("dicom_objects/bad_sequence.dcm", "dicom_objects/explicit_VR-UN.dcm"),
)
FRAMES_WITHOUT_PLACE = (
    *("emri_small.dcm", "emri_small_RLE.dcm", "emri_small_big_endian.dcm", "emri_small_jpeg_2k_lossless.dcm"),
    "emri_small_jpeg_ls_lossless.dcm",
)
COPIES = 5


def single_slices(data: Path) -> list[Path]:
    """Real files of one slice, in every transfer syntax."""
    syntaxes = sorted((data / "dicom_transfer_syntaxes").glob("CTImage.dcm*"))
    return [*(data / name for name in SINGLE_SLICES), *syntaxes]


def read_oddly(path: Path) -> Any:
    """The data set with pydicom, which remarks on some of these files."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path)


def make_series(path: Path, folder: Path) -> Path:
    """Copies of one real slice, moved 5 mm each along its normal; pixels and encoding untouched."""
    series = generate_uid()
    for n in range(COPIES):
        ds = read_oddly(path)
        x, y, z, a, b, c = (float(v) for v in ds.ImageOrientationPatient)
        normal = (y * c - z * b, z * a - x * c, x * b - y * a)
        ds.ImagePositionPatient = [
            round(float(p) + 5.0 * n * m, 5) for p, m in zip(ds.ImagePositionPatient, normal, strict=True)
        ]
        ds.SeriesInstanceUID, ds.SOPInstanceUID = series, generate_uid()
        _save(ds, folder / f"{n}.dcm")
    return folder


def place_frames(path: Path, folder: Path) -> Path:
    """A real multi-frame object that lacks them, with positions 3 mm apart; pixels and encoding untouched."""
    ds = read_oddly(path)
    frames = []
    for n in range(int(ds.NumberOfFrames)):
        position, groups = Dataset(), Dataset()
        position.ImagePositionPatient = [10.0, 20.0, 3.0 * n]
        groups.PlanePositionSequence = Sequence([position])
        frames.append(groups)
    orientation, measures, shared = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    measures.PixelSpacing = [2.0, 2.5]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([orientation]), Sequence([measures])
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = Sequence([shared]), Sequence(frames)
    _save(ds, folder / path.name)
    return folder / path.name


def _save(ds: Any, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.save_as(path, enforce_file_format=False)


def inputs(data: Path) -> list[Path]:
    """Every file of the odd folders; series of several files as their folder."""
    found: list[Path] = []
    for name in FOLDERS:
        for path in sorted((data / name).rglob("*")):
            if not path.is_file() or "LICENSE" in path.name or path.suffix in (".json", ".txt"):
                continue
            is_series = name in ("dicom_odd", "dicom_ct") and "total" not in path.name
            where = path.parent if is_series else path
            if where not in found and "models" not in path.parts:
                found.append(where)
        if name in _ALONE:
            found.append(data / name)
    return found


def outcome(path: Path, data: Path) -> Outcome:
    """What comes of opening `path`."""
    name = path.relative_to(data).as_posix()
    try:
        volume = read_scan(path)
    except TsDesktopError as error:
        return Outcome(name, refusal=error.id, sentence=error.sentence)
    return Outcome(
        name,
        volume.array.shape,
        volume.array.dtype.name,
        volume.spacing_mm,
        volume.geometry.axis_codes,
        volume.modality,
        tuple(each.id for each in volume.notes),
    )


def outcomes(data: Path) -> list[Outcome]:
    """What comes of every file and folder, and of the series made from single slices."""
    found = [outcome(path, data) for path in inputs(data)]
    for path in single_slices(data):
        with tempfile.TemporaryDirectory() as folder:
            made = outcome(make_series(path, Path(folder)), Path(folder))
        name = path.relative_to(data).as_posix()
        found.append(replace(made, path=f"{name}, {COPIES} copies 5 mm apart", sentence=made.sentence))
    for name in FRAMES_WITHOUT_PLACE:
        with tempfile.TemporaryDirectory() as folder:
            made = outcome(place_frames(data / "dicom_objects" / name, Path(folder)), Path(folder))
        found.append(replace(made, path=f"dicom_objects/{name}, given positions"))
    return found


def table(data: Path) -> str:
    """All outcomes as a markdown table."""
    lines = ["| file or folder | voxels | spacing mm | axes | type | modality | notes or sentence |", "|---" * 7 + "|"]
    for each in outcomes(data):
        if each.refusal:
            lines.append(f"| {each.path} | - | - | - | - | - | `{each.refusal}`: {each.sentence} |")
            continue
        shape = " x ".join(str(n) for n in each.shape)
        spacing = " x ".join(f"{step:.4g}" for step in each.spacing_mm)
        notes = ", ".join(f"`{note}`" for note in each.notes)
        lines.append(f"| {each.path} | {shape} | {spacing} | {each.axes} | {each.dtype} | {each.modality} | {notes} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table(Path(sys.argv[1])) + "\n")
