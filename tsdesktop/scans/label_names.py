"""What the numbers of a label map stand for: a table in its header (NIfTI, or NRRD as 3D Slicer writes segmentations),
or a JSON file beside it.
"""

from __future__ import annotations

import html
import json
import logging
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib

from tsdesktop.core.errors import ReadError
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.tasks import catalogue
from tsdesktop.scans.content import opened
from tsdesktop.scans.nrrd_segments import HIGHEST_LABEL, segments_of

log = logging.getLogger(__name__)
_LABEL = re.compile(r"<Label\b([^>]*)>(.*?)</Label>", re.DOTALL)
_KEY = re.compile(r'\bKey="(\d+)"')
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)


@dataclass(frozen=True)
class NamedLabels:
    """The structures a file names, and the task it says they come from ("" where it does not)."""

    classes: tuple[StructureClass, ...] = ()
    task: str = ""


def named_labels(path: Path) -> NamedLabels:
    """What `path` or the JSON file beside it says; nothing where neither speaks."""
    return _from_sidecar(path) or _from_segments(path) or NamedLabels(_from_extension(path))


def bare_name(path: Path) -> str:
    """The file's name without its endings: "liver.nii.gz" as "liver"."""
    name = path.name
    for ending in (".gz", ".nii", ".mgz", ".mgh", ".nrrd", ".seg", ".mha", ".mhd"):
        name = name[: -len(ending)] if name.lower().endswith(ending) else name
    return name


def known_names() -> frozenset[str]:
    """The names of all structures of all tasks."""
    return frozenset(each.name for task in catalogue().tasks.values() for each in task.classes)


def task_of(names: Iterable[str]) -> NamedLabels:
    """The task whose structures are exactly `names`, with its labels; nothing where there is none."""
    wanted = sorted(names)
    for task in catalogue().tasks.values():
        if sorted(each.name for each in task.classes) == wanted:
            return NamedLabels(task.classes, task.name)
    return NamedLabels()


def distinct(named: Iterable[StructureClass]) -> tuple[StructureClass, ...]:
    """The structures with each label once and each name once, in label order; a name that comes again gets a number."""
    out: dict[int, StructureClass] = {}
    taken: set[str] = set()
    for each in named:
        name, count = each.name, 1
        while name in taken:
            count += 1
            name = f"{each.name}_{count}"
        if each.label not in out:
            taken.add(name)
            out[each.label] = each if name == each.name else _renamed(each, name)
    return tuple(out[label] for label in sorted(out))


def _renamed(structure: StructureClass, name: str) -> StructureClass:
    """Under a name of its own also in a colour of its own, unless the file gave it one."""
    renamed = structure_class(structure.label, name)
    is_given = structure.rgb != structure_class(structure.label, structure.name).rgb
    return replace(renamed, rgb=structure.rgb) if is_given else renamed


def _from_sidecar(path: Path) -> NamedLabels | None:
    file = path.with_name(bare_name(path) + ".json")
    if not file.is_file():
        return None
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, Mapping) or content.get("program") != "tsdesktop":
            return None
        classes = distinct(_described(each) for each in content["labels"])
        return NamedLabels(classes, str(content.get("task", "")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the JSON file beside a label map could not be used: %s", type(error).__name__)
        return None


def _described(entry: Mapping[str, Any]) -> StructureClass:
    structure = structure_class(int(entry["id"]), str(entry["name"]))
    red, green, blue = (int(value) for value in entry.get("rgb", structure.rgb))
    return replace(structure, rgb=(red, green, blue))


def _from_extension(path: Path) -> tuple[StructureClass, ...]:
    for content in _extensions(path):
        found = [_in_table(attributes, inside) for attributes, inside in _LABEL.findall(content)]
        if any(found):
            return distinct(each for each in found if each is not None)
    return ()


def _in_table(attributes: str, inside: str) -> StructureClass | None:
    key = _KEY.search(attributes)
    parts = _CDATA.findall(inside)
    name = ("".join(parts) if parts else html.unescape(inside)).strip()
    if key is None or not name or not 1 <= int(key.group(1)) <= HIGHEST_LABEL:
        # Label 0 is the background, which other programs list under a name.
        return None
    return structure_class(int(key.group(1)), name)


def _from_segments(path: Path) -> NamedLabels | None:
    found = segments_of(path)
    return NamedLabels(distinct(found.classes), found.task) if found.segments else None


def _extensions(path: Path) -> list[str]:
    """The header extensions of a NIfTI file as text; none for other files."""
    try:
        with opened(path) as file, warnings.catch_warnings():
            # nibabel remarks on extensions of odd sizes, which are readable all the same.
            warnings.simplefilter("ignore")
            size = int.from_bytes(file.read(4), "little")
            file.seek(0)
            kind = nib.Nifti2Header if size == nib.Nifti2Header.sizeof_hdr else nib.Nifti1Header
            header = kind.from_fileobj(file, check=False)
            return [bytes(each.content).decode("utf-8", "replace") for each in header.extensions]
    except (OSError, ValueError, ReadError, nib.wrapstruct.WrapStructError, nib.spatialimages.HeaderDataError):
        return []
