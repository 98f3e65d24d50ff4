"""What the window of networks shows, read in the background: which networks there are, what needs them, disk space."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tsdesktop.core.errors import TsDesktopError
from tsdesktop.core.settings import Settings
from tsdesktop.core.tasks import Catalogue, Task
from tsdesktop.weights.catalogue import full_catalogue
from tsdesktop.weights.custom import CustomNetwork
from tsdesktop.weights.inventory import Entry, inventory
from tsdesktop.weights.licence import stored_licence
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.plans import read_plans
from tsdesktop.weights.terms import tasks_with_terms

log = logging.getLogger(__name__)
Spacing = tuple[float, float, float]


@dataclass(frozen=True)
class Holdings:
    """All networks of this computer and the catalogue, with what the disk has room for.

    `spacings_mm` by the name of a person's own network: the voxel size it works at. `terms` by folder: the tasks whose
    terms of use are accepted before it is downloaded.
    """

    catalogue: Catalogue
    entries: tuple[Entry, ...] = ()
    used_bytes: int = 0
    free_bytes: int | None = None
    has_licence: bool = False
    spacings_mm: Mapping[str, Spacing] = field(default_factory=dict)
    terms: Mapping[str, tuple[Task, ...]] = field(default_factory=dict)

    def needed_for(self, tasks: Iterable[str]) -> tuple[Entry, ...]:
        """Every network that these tasks may ever load: in any quality, as a crop, to refine."""
        wanted = set(tasks)
        return tuple(each for each in self.entries if wanted.intersection(each.tasks))

    def entry(self, folder: str) -> Entry | None:
        """The entry of a package's folder."""
        return next((each for each in self.entries if each.custom is None and each.folder == folder), None)


def read_holdings(updates: Mapping[str, str] | None = None) -> Holdings:
    """Looks at the folders of networks; slow where they are many or far away. `updates` as `find_updates` gave them."""
    catalogue = full_catalogue()
    entries = inventory(catalogue, updates=updates)
    own = [each for each in entries if each.ours]
    customs = [each.custom for each in entries if each.custom is not None]
    return Holdings(
        catalogue,
        entries,
        sum(each.bytes_here for each in own) + sum(each.partial_bytes for each in entries),
        free_bytes(own_weights_folder()),
        bool(stored_licence()),
        {each.name: spacing for each in customs if (spacing := _spacing_mm(each)) is not None},
        # By settings in which nothing was accepted: whoever asks knows those in force.
        {each.folder: tasks_with_terms(each.folder, catalogue, Settings()) for each in entries},
    )


def free_bytes(folder: Path) -> int | None:
    """The room on the disk of a folder that need not exist yet; None where nobody says."""
    try:
        nearest = next(each for each in (folder, *folder.parents) if each.exists())
        return shutil.disk_usage(nearest).free
    except (OSError, StopIteration):
        return None


def _spacing_mm(custom: CustomNetwork) -> Spacing | None:
    """Voxel size the network works at, x, y and z of the RAS image."""
    try:
        plans = read_plans(custom.folder)
    except TsDesktopError as error:
        log.debug("the plans of a network of one's own cannot be read: %s", error)
        return None
    x, y, z = (plans.spacing_mm[plans.transpose_backward[axis]] for axis in (2, 1, 0))
    return x, y, z
