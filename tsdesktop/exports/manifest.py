"""The manifest of an export: what was computed, with what, from what, into which files. No patient, no folders.

Nothing in it depends on when or how often a run is exported.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from tsdesktop.core.notes import Note
from tsdesktop.core.options import Options, declarations
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.tasks import Task
from tsdesktop.core.version import __version__
from tsdesktop.core.volume import Volume
from tsdesktop.exports.writing import not_written, write_json

NOTICE = "Not a medical device: for research and teaching, not for diagnosis or treatment."
# What formats that must name a time are given where the time of a run is not known: the first one of zip files.
UNKNOWN_TIME = datetime(1980, 1, 1, tzinfo=UTC)
_LIBRARIES = (
    "numpy", "scipy", "nibabel", "SimpleITK", "pydicom", "highdicom", "vtk", "manifold3d", "lib3mf", "XlsxWriter",
    "torch", "nnunetv2", "openvino",
)  # fmt: skip
# What a person typed or how files are called may name a patient.
_PRIVATE_OPTIONS = {"series"}
_PRIVATE_ARGUMENTS = {"name"}
_NOT_OF_TOTALSEGMENTATOR = {"instant", "custom", "demo"}
_TOTALSEGMENTATOR = "https://doi.org/10.1148/ryai.230024"
_TOTALSEGMENTATOR_MR = "https://doi.org/10.1148/radiol.241613"
_NNUNET = "https://doi.org/10.1038/s41592-020-01008-z"


@dataclass(frozen=True)
class UsedNetwork:
    """A network that took part: its folder's name, the checksum of its plans (hexadecimal) and the folds used.

    Fold -1 is nnU-Net's "fold_all".
    """

    folder: str
    plans_sha256: str
    folds: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Run:
    """What a manifest tells of a run. `task` and `options` are None for labels that were opened from a file.

    `made_at` is when the labels were computed, None where that is not known; `torch` the version that ran the networks,
    "" where it is the installed one.
    """

    task: Task | None
    options: Options | None
    volume: Volume
    networks: tuple[UsedNetwork, ...]
    device: str
    runtime_seconds: float
    notes: tuple[Note, ...] = ()
    classes: tuple[StructureClass, ...] = ()
    made_at: datetime | None = None
    torch: str = ""

    @property
    def time(self) -> datetime:
        """When the labels were computed, or UNKNOWN_TIME."""
        return self.made_at or UNKNOWN_TIME


def write_manifest(
    path: Path,
    run: Run,
    outputs: Sequence[Path],
    choices: Mapping[str, Any] | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Writes the manifest as JSON; `outputs` are the files that were written, `choices` how, besides the run's options.

    Raises ExportError.
    """
    write_json(manifest_data(run, outputs, path.parent, choices), path, overwrite=overwrite)


def manifest_data(
    run: Run, outputs: Sequence[Path], folder: Path, choices: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The manifest as plain data; outputs are named relative to `folder`. Raises ExportError for an unreadable one."""
    return {
        "program": {"name": "tsdesktop", "version": __version__},
        "notice": NOTICE,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "libraries": library_versions() | ({"torch": run.torch} if run.torch else {}),
        "task": _task(run.task),
        "classes": {str(each.label): each.name for each in run.classes},
        "networks": [
            {"folder": each.folder, "plans_sha256": each.plans_sha256, "folds": list(each.folds)}
            for each in run.networks
        ],
        "options": changed_options(run.options) if run.options else {},
        "export": dict(choices or {}),
        "device": run.device,
        "source": _source(run.volume),
        "made_at": run.made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if run.made_at else None,
        "outputs": [output_data(path, folder) for path in outputs],
        "runtime_seconds": round(run.runtime_seconds, 2),
        "notes": [_note(each) for each in run.notes],
        "cite": citations(run),
    }


def citations(run: Run) -> list[str]:
    """What a publication should cite: the networks' own papers, their training data, and the method."""
    return [] if run.task is None else task_citations(run.task, networks=bool(run.networks))


def task_citations(task: Task, *, networks: bool) -> list[str]:
    """What a publication that uses results of `task` should cite; `networks` took part or not."""
    general = []
    if task.group not in _NOT_OF_TOTALSEGMENTATOR:
        general.append(_TOTALSEGMENTATOR_MR if task.modality == "MR" else _TOTALSEGMENTATOR)
    if networks:
        general.append(_NNUNET)
    return list(dict.fromkeys([*general, *task.papers, *task.credits]))


def library_versions() -> dict[str, str]:
    """The versions of the libraries results depend on, of those that are installed."""
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def changed_options(options: Options) -> dict[str, Any]:
    """The options that differ from their defaults; of those that may name a patient only that they were given."""
    out: dict[str, Any] = {}
    for each in declarations():
        value = getattr(options, each.name)
        if value != each.default:
            out[each.name] = "(given)" if each.name in _PRIVATE_OPTIONS else value
    return out


def _task(task: Task | None) -> dict[str, str] | None:
    if task is None:
        return None
    return {"name": task.name, "title": task.title, "modality": task.modality, "licence": task.licence}


def _source(volume: Volume) -> dict[str, Any]:
    geometry = volume.geometry
    return {
        "format": volume.source.format,
        "modality": volume.modality,
        "shape": list(geometry.shape),
        "spacing_mm": [round(step, 6) for step in geometry.spacing_mm],
        "axes": geometry.axis_codes,
        "affine_ras": geometry.affine.tolist(),
    }


def _note(note: Note) -> dict[str, Any]:
    """A note as data; names of files, folders and series are left out, since they may name the patient."""
    arguments = {key: "..." if key in _PRIVATE_ARGUMENTS else value for key, value in note.arguments.items()}
    return {"id": note.id, "arguments": arguments, "sentence": Note(note.id, arguments).sentence}


def output_data(path: Path, folder: Path) -> dict[str, Any]:
    """Name (relative to `folder`), size and SHA-256 of a written file. Raises ExportError for an unreadable one."""
    name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return {"name": name, "bytes": path.stat().st_size, "sha256": digest}
    except OSError as error:
        raise not_written(path, error) from error
