"""Where networks are looked for on this computer. TotalSegmentator's own folders are found and only ever read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tsdesktop.core.assets import assets_folder
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.settings import data_folder, load_settings
from tsdesktop.core.tasks import Network

WEIGHTS_VARIABLE = "TSDESKTOP_WEIGHTS_DIR"
# The number that stands for nnU-Net's "fold_all": one training on all cases.
FOLD_ALL = -1
LICENCE_PAGE = "https://backend.totalsegmentator.com/license-academic/"
State = Literal["here", "incomplete", "missing"]


@dataclass(frozen=True)
class Presence:
    """Whether a network is on this computer: its folder when it is, what lacks when it is incomplete."""

    network: Network
    state: State
    folder: Path | None = None
    lacking: str = ""


def own_weights_folder() -> Path:
    """Where the program keeps networks: TSDESKTOP_WEIGHTS_DIR, the settings, else its data folder."""
    given = os.environ.get(WEIGHTS_VARIABLE) or load_settings().weights_folder
    return Path(given) if given else data_folder() / "weights"


def weights_folders() -> list[Path]:
    """Every folder that may hold "DatasetNNN_..." folders, in the order they are asked."""
    places = [own_weights_folder()]
    if direct := os.environ.get("TOTALSEG_WEIGHTS_PATH"):
        places.append(Path(direct))
    if home := os.environ.get("TOTALSEG_HOME_DIR"):
        places.append(Path(home) / "nnunet" / "results")
    places.append(_totalsegmentator_home() / "nnunet" / "results")
    places.append(assets_folder() / "demo")
    return places


def presence(network: Network) -> Presence:
    """Whether `network` is here and whole as far as its list of files tells."""
    incomplete: Presence | None = None
    for place in weights_folders():
        folder = place / network.folder
        if not folder.is_dir():
            continue
        lacking = lacking_file(folder, network)
        if not lacking:
            return Presence(network, "here", folder)
        incomplete = incomplete or Presence(network, "incomplete", folder, lacking)
    return incomplete or Presence(network, "missing")


def find_network(network: Network) -> Path:
    """The model folder of `network`. Raises WeightsError that names the file, its place and how to get it."""
    found = presence(network)
    if found.folder is not None and found.state == "here":
        return found.folder
    if found.state == "incomplete":
        raise WeightsError("weights.incomplete", folder=network.dataset_folder, what=found.lacking)
    place, command = str(own_weights_folder()), f"tsdesktop weights download {network.dataset_folder}"
    if network.source == "licence_server":
        raise WeightsError(
            "weights.missing_licensed", folder=network.dataset_folder, url=LICENCE_PAGE, place=place, command=command
        )
    zip_name = f"{network.dataset_folder}.zip"
    url = network.url or "the place you got this program from"
    raise WeightsError(
        "weights.missing",
        folder=network.dataset_folder,
        zip_name=zip_name,
        url=url,
        place=place,
        command=command,
    )


def folds_of(network: Network, folder: Path) -> tuple[int, ...]:
    """The folds to run: those of the catalogue, else every one with a checkpoint in `folder`."""
    return network.folds if network.folds is not None else folds_here(folder)


def checkpoint(folder: Path, fold: int) -> Path:
    """The checkpoint file of one fold."""
    return folder / f"fold_{'all' if fold == FOLD_ALL else fold}" / "checkpoint_final.pth"


def folds_here(folder: Path) -> tuple[int, ...]:
    """Every fold_<n> with a checkpoint in `folder`; only without one of these its fold_all."""
    names = [path.parent.name.removeprefix("fold_") for path in folder.glob("fold_*/checkpoint_final.pth")]
    numbers = tuple(sorted(int(name) for name in names if name.isdecimal()))
    return (FOLD_ALL,) if not numbers and "all" in names else numbers


def lacking_file(folder: Path, network: Network) -> str:
    """The first file that `network` needs and its model folder `folder` lacks; "" when all are there."""
    for name in ("plans.json", "dataset.json"):
        if not (folder / name).is_file():
            return name
    if network.folds is None:
        return "" if folds_here(folder) else "fold_0/checkpoint_final.pth"
    missing = [fold for fold in network.folds if not checkpoint(folder, fold).is_file()]
    return f"fold_{missing[0]}/checkpoint_final.pth" if missing else ""


def _totalsegmentator_home() -> Path:
    home = Path.home()
    # Upstream's own rule for containers whose user has no home.
    return Path("/tmp/.totalsegmentator") if home == Path("/") else home / ".totalsegmentator"  # noqa: S108
