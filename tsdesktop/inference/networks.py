"""Turns a model folder into networks ready to run, without executing anything from it.

Checkpoints are unpickled with torch's weights_only reader, which builds tensors and plain values and refuses the rest;
plans.json goes through the lists of `weights.plans`.
"""

from __future__ import annotations

import collections
import pickle
import zipfile
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from numpy.typing import NDArray

from tsdesktop.core.errors import WeightsError
from tsdesktop.inference.image import Image
from tsdesktop.inference.predictor import Network, Networks, Opened
from tsdesktop.inference.tiling import Tiling
from tsdesktop.inference.torch_windows import TorchWindows
from tsdesktop.jobs.plan import NetworkRun
from tsdesktop.weights.places import checkpoint
from tsdesktop.weights.plans import NetworkPlans, read_plans

if TYPE_CHECKING:
    from tsdesktop.inference.verify import Verifier

# Checkpoints of real trainings carry their loss curves as numpy numbers, under numpy 1's or 2's module name.
_HARMLESS: list[Any] = [
    np.dtype,
    np.ndarray,
    np.dtypes.Float64DType,
    np.dtypes.Float32DType,
    np.dtypes.Int64DType,
    np.dtypes.BoolDType,
    collections.OrderedDict,
    torch.device,
    (np._core.multiarray.scalar, "numpy.core.multiarray.scalar"),  # type: ignore[attr-defined]
    (np._core.multiarray.scalar, "numpy._core.multiarray.scalar"),  # type: ignore[attr-defined]
    (np._core.multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),  # type: ignore[attr-defined]
    (np._core.multiarray._reconstruct, "numpy._core.multiarray._reconstruct"),  # type: ignore[attr-defined]
]


@dataclass(frozen=True)
class Way:
    """How a graphics card computes: in half precision where it can, and with which layout of arrays in memory."""

    half: bool = True
    channels_last: bool = False


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """The folds of one network, in evaluation mode on `device`, with their plans."""

    plans: NetworkPlans
    folds: tuple[torch.nn.Module, ...]
    device: torch.device
    way: Way = Way()

    @property
    def fold_count(self) -> int:
        """How many folds it has."""
        return len(self.folds)

    def windows(self, tiling: Tiling, table: NDArray[np.uint8] | None) -> TorchWindows:
        """See `predictor.Network`."""
        return TorchWindows(self, tiling, table)

    def in_another_way(self, way: Way) -> LoadedNetwork:
        """The same network, computed in another way."""
        layout = torch.channels_last_3d if way.channels_last else torch.contiguous_format
        return replace(self, folds=tuple(_laid_out(each, layout) for each in self.folds), way=way)


@dataclass(frozen=True, eq=False)
class TorchNetworks:
    """Networks run by torch on `device`.

    With `verifier` a card is compared with the processor before it is trusted; `instead` runs networks that it computes
    wrongly.
    """

    device: torch.device
    verifier: Verifier | None = None
    instead: Networks | None = None

    def expect(self, run: NetworkRun) -> None:
        """See `predictor.Networks`. torch is not asked to load in one thread and compute in another."""

    def open(self, run: NetworkRun) -> Opened:
        """See `predictor.Networks`."""
        network = load_network(run, self.device)

        def ready(image: Image, step: float) -> Network:
            trusted = network if self.verifier is None else self.verifier.trusted(network, run, image, step)
            if self.instead is None or trusted.device == self.device:
                return trusted
            return self.instead.open(run).ready(image, step)

        return Opened(network.plans, ready)


def load_network(run: NetworkRun, device: torch.device) -> LoadedNetwork:
    """As `fresh_network`; the last few stay loaded for the next run, until their files change."""
    folder = Path(run.folder)
    files = (folder / "plans.json", folder / "dataset.json", *(checkpoint(folder, fold) for fold in run.folds))
    return _kept(run, device, " ".join(_state(each) for each in files))


def _state(path: Path) -> str:
    try:
        state = path.stat()
    except OSError:
        return "-"
    return f"{state.st_mtime_ns}/{state.st_size}/{state.st_ino}"


@lru_cache(maxsize=6)
def _kept(run: NetworkRun, device: torch.device, _state_of_files: str) -> LoadedNetwork:
    return fresh_network(run, device)


def fresh_network(run: NetworkRun, device: torch.device) -> LoadedNetwork:
    """The network of `run` on `device`, read from its files.

    Raises WeightsError when a file is missing, broken, does not fit its plans, or asks for code to be run.
    """
    folder = Path(run.folder)
    states = [_read_checkpoint(checkpoint(folder, fold)) for fold in run.folds]
    # nnU-Net goes by the configuration the checkpoint names, not by the folder's name.
    arguments = states[0].get("init_args")
    plans = read_plans(folder, arguments.get("configuration") if isinstance(arguments, dict) else None)
    folds = tuple(_build(plans, state, folder).to(device) for state in states)
    return LoadedNetwork(plans, folds, device)


def _read_checkpoint(path: Path) -> dict[str, Any]:
    name = path.parts[-4]
    try:
        with torch.serialization.safe_globals(_HARMLESS):
            state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except FileNotFoundError as error:
        raise WeightsError("weights.incomplete", folder=name, what=f"{path.parent.name}/{path.name}") from error
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error):
            raise WeightsError("weights.untrusted", folder=name, what="code to be run while loading") from error
        raise WeightsError("weights.broken", folder=name, reason="its checkpoint is damaged") from error
    except MemoryError:
        raise
    except Exception as error:
        # What a damaged file ends in depends on its bytes: anything from an IndexError to a struct.error.
        raise WeightsError("weights.broken", folder=name, reason="its checkpoint is damaged") from error
    if not isinstance(state, dict) or not isinstance(state.get("network_weights"), dict):
        raise WeightsError("weights.broken", folder=name, reason="its checkpoint holds no network")
    return state


def _build(plans: NetworkPlans, state: dict[str, Any], folder: Path) -> torch.nn.Module:
    try:
        network: torch.nn.Module = get_network_from_plans(
            plans.architecture,
            dict(plans.architecture_arguments),
            [key for key in ("conv_op", "norm_op", "dropout_op", "nonlin") if key in plans.architecture_arguments],
            1,
            plans.outputs,
            allow_init=False,
            deep_supervision=False,
        )
        weights = {_plain_key(key): value for key, value in state["network_weights"].items()}
        network.load_state_dict(weights)
    except (RuntimeError, TypeError, ValueError, KeyError, AssertionError, IndexError, AttributeError) as error:
        reason = "its checkpoint does not fit its plans"
        raise WeightsError("weights.broken", folder=folder.parent.name, reason=reason) from error
    return network.eval()


def _laid_out(fold: torch.nn.Module, layout: torch.memory_format) -> torch.nn.Module:
    """The fold with its weights in this layout (in place: the values are the same)."""
    for values in (*fold.parameters(), *fold.buffers()):
        # Only arrays of five axes have a layout to choose.
        if values.dim() == 5:
            values.data = values.data.contiguous(memory_format=layout)
    return fold


def _plain_key(key: str) -> str:
    """Parameter names without the prefixes that training on several cards or compiled networks left in them."""
    return key.removeprefix("module.").removeprefix("_orig_mod.")
