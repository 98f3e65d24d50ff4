"""What is downloaded, imported and removed as one: a dataset folder with all networks of the catalogue that lie in it.

Some zips hold two trainings side by side, which the catalogue lists as two networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tsdesktop.core.tasks import Catalogue, Network, Refine, Task, VariantName
from tsdesktop.weights.places import Presence, own_weights_folder, presence


@dataclass(frozen=True)
class Package:
    """A dataset folder "DatasetNNN_name" and its networks, never none of them."""

    folder: str
    networks: tuple[Network, ...]

    @property
    def source(self) -> str:
        """Where it comes from: "release", "licence_server" or "bundled"."""
        return self.networks[0].source

    @property
    def url(self) -> str | None:
        """The address of its zip; None where there is no public one."""
        return self.networks[0].url

    @property
    def zip_bytes(self) -> int | None:
        """Size of its zip as the catalogue knows it; None where nobody says."""
        return self.networks[0].zip_bytes

    @property
    def zip_name(self) -> str:
        """The name of its zip."""
        return f"{self.folder}.zip"

    @property
    def place(self) -> Path:
        """Where it belongs when this program installs it."""
        return own_weights_folder() / self.folder

    @property
    def part(self) -> Path:
        """Where its zip arrives while it is downloaded."""
        return own_weights_folder() / ".downloads" / f"{self.folder}.part"

    def presences(self) -> tuple[Presence, ...]:
        """Where each of its networks is on this computer."""
        return tuple(presence(each) for each in self.networks)

    @property
    def is_here(self) -> bool:
        """Whether all its networks are on this computer, as far as their lists of files tell."""
        return all(each.state == "here" for each in self.presences())


def packages(catalogue: Catalogue) -> tuple[Package, ...]:
    """Every package of the catalogue, in its order."""
    return packages_of(catalogue.networks.values(), catalogue)


def packages_of(networks: Iterable[Network], catalogue: Catalogue) -> tuple[Package, ...]:
    """The packages that hold these networks, each once; a person's own networks are in none."""
    folders = dict.fromkeys(each.dataset_folder for each in networks if each.source != "own")
    return tuple(_package(folder, catalogue) for folder in folders)


def package_named(folder: str, catalogue: Catalogue) -> Package | None:
    """The package with that dataset folder; None where the catalogue has none."""
    package = _package(folder, catalogue)
    return package if package.networks else None


def title_of(package: Package, catalogue: Catalogue) -> str:
    """What people know it by: its task and which part or version of it, as "Whole body: ribs"."""
    folder, titles = package.folder, []
    for task in catalogue.tasks.values():
        for name, variant in task.variants.items():
            for part in variant.parts:
                if part.network.dataset_folder == folder and part.network.source != "own":
                    version = "" if name.startswith("full") else f" ({name.split('_')[0]})"
                    titles.append(task.title + (f": {part.name.replace('_', ' ')}" if part.name else "") + version)
    return titles[0] if titles else folder


def tasks_needing(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """By dataset folder the tasks that may ever load a network of it: in any quality, to look first, or to refine."""
    found: dict[str, list[str]] = {}
    for task in catalogue.tasks.values():
        for network in dict.fromkeys(_needed(task, catalogue)):
            if task.name not in (names := found.setdefault(network.dataset_folder, [])):
                names.append(task.name)
    return {folder: tuple(names) for folder, names in found.items()}


def _needed(task: Task, catalogue: Catalogue) -> Iterator[Network]:
    for name in task.variants:
        yield from _networks(task, name)
    yield from _around(task, catalogue)
    if task.variants and task.crop is None and task.modality == "CT":
        # Where people ask for it, the body is looked for first.
        yield from _networks(catalogue.task("body"), "fast")
    if task.roi_subset:
        rough = catalogue.task("total_mr" if task.modality == "MR" else "total")
        yield from (*_networks(rough, "fast"), *_networks(rough, "fastest"))


def _around(task: Task, catalogue: Catalogue) -> Iterator[Network]:
    """Networks of other tasks that look first where to compute, or refine what was found."""
    rule = task.crop
    if rule is not None:
        other = catalogue.task(rule.task)
        if rule.whole_task:
            yield from (*_networks(other, "full"), *_around(other, catalogue))
        elif rule.robust_variant is not None:
            yield from _networks(other, rule.robust_variant)
        if not rule.whole_task and (rule.robust_variant is None or not rule.robust):
            yield from _networks(other, rule.variant)
    for step in task.postprocess:
        if isinstance(step, Refine):
            yield from _networks(catalogue.task(step.task), step.variant)


def _networks(task: Task, variant: VariantName) -> tuple[Network, ...]:
    return tuple(part.network for part in task.variants[variant].parts)


def _package(folder: str, catalogue: Catalogue) -> Package:
    public = [each for each in catalogue.networks.values() if each.source != "own"]
    return Package(folder, tuple(each for each in public if each.dataset_folder == folder))
