"""Which run made a label file: what the manifest beside it tells, as long as the file is the one it tells of."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsdesktop.pipeline.segmentation import Segmentation

log = logging.getLogger(__name__)
_KEPT = ("program", "task", "networks", "options", "device", "made_at", "cite")


def run_beside(labels: Path) -> dict[str, Any]:
    """Program, task, networks, options, device and time of the run that wrote `labels`, a file or the folder of a run.

    Empty where there is no manifest, or where the labels are not those that it tells of. Raises nothing.
    """
    for manifest in _manifests(labels):
        told = _read(manifest)
        outputs = {str(each["name"]): str(each["sha256"]) for each in told.get("outputs", ())} if told else {}
        if any(_is_same(manifest.parent / name, digest) for name, digest in outputs.items() if _is_asked(labels, name)):
            return {key: told[key] for key in _KEPT if key in told}
    return {}


def run_of_result(result: Segmentation) -> dict[str, Any]:
    """The same of a run of this program, as the manifest of its export tells it."""
    from tsdesktop.exports.manifest import manifest_data
    from tsdesktop.pipeline.exporting import run_of

    told = manifest_data(run_of(result), (), Path())
    return {key: told[key] for key in _KEPT}


def _manifests(labels: Path) -> Iterator[Path]:
    """Where a manifest may lie: in the folder, above a folder of masks, or beside a file."""
    folders = (labels, labels.parent) if labels.is_dir() else (labels.parent,)
    for folder in folders:
        yield from sorted(folder.glob("*manifest*.json"))


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        ours = isinstance(told, Mapping) and told.get("program", {}).get("name") == "tsdesktop"
        return dict(told) if ours and all({"name", "sha256"} <= set(each) for each in told["outputs"]) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.info("a manifest beside labels could not be read: %s", type(error).__name__)
        return {}


def _is_asked(labels: Path, name: str) -> bool:
    """Whether an output may be the labels: the file itself, or label files where a folder was named."""
    if labels.is_dir():
        return name.lower().endswith((".nii.gz", ".nii", ".seg.nrrd"))
    return Path(name).name == labels.name


def _is_same(path: Path, digest: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False
