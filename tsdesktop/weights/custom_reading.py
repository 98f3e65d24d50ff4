"""What a person's own networks are: results folders of nnU-Net v2, and what a person chose for them.

They lie in "custom/DatasetNNN_x/trainer__plans__configuration" of the networks folder, each with a small file of ours
beside its plans that keeps the task's name, its title and colours. Nothing in them is ever run here.
"""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from tsdesktop.core.errors import OptionsError, WeightsError
from tsdesktop.core.structures import Rgb, StructureClass, structure_class
from tsdesktop.core.tasks import nearest
from tsdesktop.core.volume import Modality
from tsdesktop.weights.places import folds_here, own_weights_folder
from tsdesktop.weights.plans import channel_names, read_labels, read_plans

log = logging.getLogger(__name__)
FOLDER = "custom"
KEPT_FILE = "tsdesktop.json"
MOST_LABELS = 255
_UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)
_CT = re.compile(r"(?<![a-z])(cb)?cta?(?![a-z])")
_MR = re.compile(
    r"(?<![a-z])(mri?|mra|t1(ce|c|gd|n|w|wi)?|t2(w|wi|f|star)?|flair|pd|dwi|adc|swi|dce|cine|lge|dixon)(?![a-z])"
)
# Parts of a StructureClass that do not depend on the label's own spelling.
_SPELLING = re.compile(r"[\s\-]+")


@dataclass(frozen=True, eq=False)
class CustomNetwork:
    """One of a person's own networks. `name` is its task's, `folder` where its plans and folds are.

    `channels` are the images it needs at once, `labels` the task's labels by structure, in label order. `regions`,
    where structures may lie in each other, has the label of each of its outputs; empty for ordinary networks.
    `problem` says why it cannot run here, as "it needs 2 images at once (T1, T2)"; empty when it can. `colours` are
    those a person chose. `turned`: it was trained on scans turned to RAS order. `replaced`: it has just taken an
    earlier one's place.
    """

    name: str
    title: str
    folder: Path
    channels: tuple[str, ...]
    labels: Mapping[str, int]
    regions: tuple[int, ...]
    folds: tuple[int, ...]
    problem: str
    colours: Mapping[str, Rgb] = field(default_factory=dict)
    modality: Modality = "MR"
    turned: bool = False
    replaced: bool = False

    @property
    def dataset(self) -> str:
        """The name of its dataset: "DatasetNNN_x"."""
        return self.folder.parent.name

    @property
    def dataset_id(self) -> int:
        """The number in the dataset's name; 0 where it has none."""
        found = re.match(r"Dataset(\d+)", self.dataset)
        return int(found[1]) if found else 0

    @property
    def configuration(self) -> str:
        """nnU-Net's name of its resolution, as "3d_fullres"."""
        return self.folder.name.split("__")[2]

    @cached_property
    def classes(self) -> tuple[StructureClass, ...]:
        """Its structures, in their own colours; a known name brings its colour, codes and place in the body."""
        return tuple(self._structure(name, label) for name, label in self.labels.items())

    def _structure(self, name: str, label: int) -> StructureClass:
        known = structure_class(label, _SPELLING.sub("_", name.lower()))
        return replace(known, name=name, rgb=self.colours.get(name, known.rgb))


def custom_folder() -> Path:
    """Where a person's own networks are kept."""
    return own_weights_folder() / FOLDER


def custom_networks() -> tuple[CustomNetwork, ...]:
    """All of them, by their folders' names. The same tuple as before while nothing has changed on the disk."""
    return _networks_in(tuple((folder, _stamp(folder)) for folder in network_folders(custom_folder())))


def custom_network(name: str) -> CustomNetwork:
    """The one whose task has that name. Raises OptionsError."""
    found = {each.name: each for each in custom_networks()}
    if name not in found:
        raise OptionsError("options.unknown_task", name=name, near=nearest(name, list(found)) if found else "total")
    return found[name]


def network_folders(folder: Path) -> list[Path]:
    """The folders "trainer__plans__configuration" with plans in `folder`: itself, in it, or in datasets in it."""
    places = [folder, *_visible(folder), *(inner for each in _visible(folder) for inner in _visible(each))]
    found = [each for each in places if each.name.count("__") >= 2 and (each / "plans.json").is_file()]
    return sorted(found, key=lambda each: (each.parent.name, not each.name.endswith("__3d_fullres"), each.name))


def read_network(folder: Path, name: str = "", title: str = "") -> CustomNetwork:
    """What the files of a results folder say; `name` and `title` where nothing was kept for it.

    Raises WeightsError for files that are missing or contradict themselves; what is only not run here is a `problem`.
    """
    dataset_name = folder.parent.name
    kept = _kept(folder)
    try:
        dataset = read_json(folder / "dataset.json")
        channels, (labels, regions) = channel_names(dataset), read_labels(dataset)
        problem = _labels_problem(labels, regions)
        plans = read_json(folder / "plans.json")
        normalization, reader = _normalization(folder, plans), str(plans.get("image_reader_writer"))
    except FileNotFoundError as error:
        what = Path(error.filename).name
        raise WeightsError("weights.incomplete", folder=dataset_name, what=what) from error
    except _UNREADABLE as error:
        reason = f"its plans cannot be read ({error})"
        raise WeightsError("weights.broken", folder=dataset_name, reason=reason) from error
    named = _named(labels)
    return CustomNetwork(
        name=str(kept.get("name") or name),
        title=str(kept.get("title") or title),
        folder=folder,
        channels=channels,
        labels=named,
        regions=regions,
        folds=folds_here(folder),
        problem=problem or _problem(folder, plans),
        colours=_colours(kept.get("colours"), named),
        modality=_modality(channels, normalization),
        turned=reader == "NibabelIOWithReorient",
    )


def name_and_title(folder: Path, others: Iterable[CustomNetwork]) -> tuple[str, str]:
    """A name for the task of a new network that none of `others` has, and a title.

    The dataset's name alone; the configuration is added where that is taken by the same dataset, else a number.
    """
    dataset, configuration = folder.parent.name, folder.name.split("__")[2]
    title = re.sub(r"^Dataset\d+_?", "", dataset).replace("_", " ").strip() or dataset
    known = {each.name: each for each in others}
    name = f"custom_{slug(title)}"
    if name in known and known[name].dataset == dataset:
        name, title = f"{name}_{slug(configuration)}", f"{title} ({configuration})"
    elif name in known:
        title = f"{title} ({dataset.split('_')[0]})"
    base, count = name, 1
    while name in known:
        count += 1
        name = f"{base}_{count}"
    return name, title


def slug(text: str) -> str:
    """`text` in small letters, digits and underscores, to be typed in a command."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "network"


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds a table. Raises OSError, ValueError, RecursionError."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} is not a table")
    return content


@lru_cache(maxsize=4)
def _networks_in(folders: tuple[tuple[Path, str], ...]) -> tuple[CustomNetwork, ...]:
    found: list[CustomNetwork] = []
    for folder, stamp in folders:
        network = _read(folder, stamp)
        if network is None:
            continue
        taken = {each.name for each in found}
        if not network.name or network.name in taken:
            # Put there by hand, or copied with the file of another one.
            name, title = name_and_title(folder, found)
            network = replace(network, name=name, title=network.title or title)
        found.append(network)
    return tuple(found)


@lru_cache(maxsize=256)
def _read(folder: Path, _stamp: str) -> CustomNetwork | None:
    try:
        return read_network(folder)
    except WeightsError as error:
        log.warning("one of your own networks is left out: %s", error.sentence)
        return None


def _stamp(folder: Path) -> str:
    """Changes with every change of the files that are read."""
    parts = []
    for path in (folder, *(folder / each for each in ("plans.json", "dataset.json", KEPT_FILE)), *_visible(folder)):
        try:
            state = path.stat()
            parts.append(f"{state.st_mtime_ns}/{state.st_size}/{state.st_ino}")
        except OSError:
            parts.append("-")
    return " ".join(parts)


def _visible(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
    except OSError:
        return []


def _kept(folder: Path) -> dict[str, Any]:
    try:
        return read_json(folder / KEPT_FILE)
    except FileNotFoundError:
        return {}
    except _UNREADABLE as error:
        log.warning("title and colours of a network cannot be read: %s", type(error).__name__)
        return {}


def _named(labels: Mapping[str, int]) -> dict[str, int]:
    """Labels without background, in label order, their names on one line each."""
    named: dict[str, int] = {}
    for name, label in sorted(labels.items(), key=lambda pair: pair[1]):
        if label > 0:
            shown = " ".join("".join(each if each.isprintable() else " " for each in name).split())
            named[shown if shown and shown not in named else f"{shown} {label}".strip()] = label
    return named


def _colours(kept: Any, labels: Mapping[str, int]) -> dict[str, Rgb]:
    colours: dict[str, Rgb] = {}
    for name, values in kept.items() if isinstance(kept, dict) else ():
        is_colour = isinstance(values, list) and len(values) == 3 and all(isinstance(each, int) for each in values)
        if name in labels and is_colour and all(0 <= each <= 255 for each in values):
            colours[name] = (values[0], values[1], values[2])
    return colours


def _labels_problem(labels: Mapping[str, int], regions: tuple[int, ...]) -> str:
    """Why labels cannot be shown. Raises ValueError for those nnU-Net itself refuses."""
    numbers = list(labels.values())
    if not regions and numbers != list(range(len(numbers))):
        raise ValueError("its labels are not 0, 1, 2 and so on without gaps")
    if regions and (len(set(numbers)) != len(numbers) or min(numbers) < 1):
        raise ValueError("two of its regions have the same label, or one has none")
    if max(numbers, default=0) < 1:
        raise ValueError("it has no labels")
    if max(numbers) > MOST_LABELS:
        return f"its labels go up to {max(numbers)}, and 255 are possible"
    return ""


def _problem(folder: Path, plans: Mapping[str, Any]) -> str:
    if plans.get("label_manager", "LabelManager") != "LabelManager":
        return "its training made labels in a way of its own"
    try:
        read_plans(folder)
    except WeightsError as error:
        if error.id == "weights.unsupported":
            return str(error.arguments["reason"])
        if error.id == "weights.untrusted":
            return f"it asks for {error.arguments['what']}"
        raise
    return ""


def _normalization(folder: Path, plans: Mapping[str, Any]) -> str:
    """The first image's scheme, followed to the configuration it is inherited from."""
    configuration: Any = plans["configurations"][folder.name.split("__")[2]]
    for _ in plans["configurations"]:
        if "normalization_schemes" in configuration:
            return str(configuration["normalization_schemes"][0])
        configuration = plans["configurations"][configuration["inherits_from"]]
    raise ValueError("its configurations inherit from each other")


def _modality(channels: tuple[str, ...], normalization: str) -> Modality:
    first = re.sub(r"[\d_]+$", "", channels[0].lower()) if channels else ""
    if _CT.search(first):
        return "CT"
    if _MR.search(channels[0].lower() if channels else ""):
        return "MR"
    return "CT" if normalization == "CTNormalization" else "MR"
