"""Tells networks from everything else a person may drop or choose, by what is inside."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from tsdesktop.core.errors import WeightsError
from tsdesktop.weights.archive import is_left_out, open_archive

BUNDLE_MANIFEST = "manifest.json"
# A results folder lies at most this deep below what people choose: a wrapper, a home, nnunet, results, the dataset.
_DEPTH = 5
_MOST_FOLDERS = 2_000
_MOST_NAMES = 5_000
_DATASET = re.compile(r"Dataset\d{3,}_[\w .+-]*[\w+-]")
_MODEL = re.compile(r"[^.].*?__.+__.+")
_PART_OF_NETWORK = re.compile(r"(.*/)?(plans\.json|checkpoint_(final|best|latest)\.pth)", re.IGNORECASE)
_VERSION_1 = re.compile(r"(.*/)?(.*\.model(\.pkl)?|plans\.pkl)", re.IGNORECASE)
_SCAN = re.compile(r"(.*/)?(dicomdir|.*\.(dcm|ima|nii|nii\.gz|nrrd|nhdr|mha|mhd|mgz|mgh))", re.IGNORECASE)
_ARCHIVE = re.compile(r".*\.(zip|tar|tgz|gz|bz2|xz|7z|rar)", re.IGNORECASE)
_PROJECT = re.compile(r"(.*/)?(setup\.py|pyproject\.toml|cmakelists\.txt|makefile)", re.IGNORECASE)
_CUT_NETWORK = re.compile(rb"PK\x03\x04.{26}((\./)?Dataset\d{3}_|manifest\.json)", re.DOTALL)


def looks_like_networks(path: Path) -> bool:
    """Whether a zip or folder is meant to be networks or a bundle of them, whole or not. Quick; never so for a scan."""
    if path.is_dir():
        return bool(model_folders(path))
    try:
        with open_archive(path) as archive:
            names = archive.namelist()
    except WeightsError:
        return _is_cut_network(path)
    return has_network(names) or any(name.lower().endswith(".model.pkl") for name in names)


def has_network(names: Sequence[str]) -> bool:
    """Whether an archive with these files holds at least a part of a network."""
    return any(_PART_OF_NETWORK.fullmatch(name) and not is_left_out(name) for name in names)


def is_bundle(names: Sequence[str]) -> bool:
    """Whether an archive with these files, in this order, is a bundle that this program wrote."""
    return names[:1] == [BUNDLE_MANIFEST] and has_network(names)


def model_folders(folder: Path) -> list[Path]:
    """The folders "trainer__plans__configuration" in a folder, itself included, that hold a part of a network."""
    folders = itertools.islice(_folders(folder, _DEPTH), _MOST_FOLDERS)
    return sorted(each for each in folders if is_model_folder(each))


def is_model_folder(folder: Path) -> bool:
    """Whether a folder has the name of a training and at least a part of one inside."""
    if not _MODEL.fullmatch(folder.name):
        return False
    parts = ("plans.json", "dataset.json")
    return any((folder / name).is_file() for name in parts) or any(folder.glob("fold_*/checkpoint_*.pth"))


def dataset_of(model: Path) -> str:
    """The dataset that a model folder belongs to: the folder around it, else what its plans say."""
    if _DATASET.fullmatch(model.parent.name):
        return model.parent.name
    try:
        stated = str(json.loads((model / "plans.json").read_text(encoding="utf-8"))["dataset_name"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        stated = ""
    return stated if _DATASET.fullmatch(stated) else model.parent.name


def files_in(folder: Path) -> list[str]:
    """The names of the files below a folder, of very many only the first."""
    files = (each for each in folder.rglob("*") if each.is_file())
    return [each.relative_to(folder).as_posix() for each in itertools.islice(files, _MOST_NAMES)]


def not_a_network(name: str, members: Sequence[str], looks_like_dicom: bool = False) -> WeightsError:
    """The error that says what something with these files is instead of a network."""
    files = [each for each in members if not each.endswith("/") and not is_left_out(each)]
    inner = [each for each in files if _ARCHIVE.fullmatch(each) and not _SCAN.fullmatch(each)]
    if any("body_stats_models" in each for each in (name, *files)):
        return WeightsError("weights.is_body_statistics", name=name)
    if any(_VERSION_1.fullmatch(each) for each in files):
        return WeightsError("weights.is_version_1", name=name)
    code = [each for each in files if each.endswith(".py")]
    if any(_PROJECT.fullmatch(each) for each in files) or len(code) * 2 > len(files):
        return WeightsError("weights.is_source_code", name=name)
    if looks_like_dicom or any(_SCAN.fullmatch(each) for each in files):
        return WeightsError("weights.is_scan", name=name)
    if inner and len(inner) == len(files):
        return WeightsError("weights.is_zip_in_zip", name=name, inner=PurePosixPath(inner[0]).name)
    return WeightsError("weights.no_network", name=name)


def is_dicom(start: bytes) -> bool:
    """Whether a file begins as DICOM files do, whatever its name."""
    return start[128:132] == b"DICM"


def is_scan(path: Path) -> bool:
    """Whether a single file is a scan by its name or its beginning."""
    try:
        with path.open("rb") as file:
            return is_dicom(file.read(132)) or _SCAN.fullmatch(path.name) is not None
    except OSError:
        return False


def _is_cut_network(path: Path) -> bool:
    """Whether a file is the beginning of a network's zip: its table of contents, at the end, has not arrived."""
    try:
        with path.open("rb") as file:
            return _CUT_NETWORK.match(file.read(256)) is not None
    except OSError:
        return False


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    if depth == 0 or is_model_folder(folder):
        return
    try:
        # Thousands of slices may lie in one folder: scandir knows what is a folder without asking for each.
        with os.scandir(folder) as entries:
            inner = sorted(each.path for each in entries if not each.name.startswith(".") and each.is_dir())
    except OSError:
        return
    for each in inner:
        yield from _folders(Path(each), depth - 1)
