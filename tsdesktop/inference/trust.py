"""What came out when a card's numbers were compared with the processor's, kept in the data folder.

A verdict holds for one state of a network's files, one card, one driver and one version of torch.
"""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from tsdesktop.core.settings import data_folder
from tsdesktop.inference.networks import Way
from tsdesktop.inference.remembered import Remembered
from tsdesktop.jobs.plan import NetworkRun
from tsdesktop.weights.places import checkpoint

_FILE = "checked_devices.json"


@dataclass(frozen=True)
class Verdict:
    """The way in which a card computes a network rightly, or why it must not be used (`refused`)."""

    way: Way = Way()
    refused: str = ""


class Memory:
    """Verdicts by key. A file that cannot be read or written costs a comparison, never a run."""

    def __init__(self, path: Path | None = None) -> None:
        self._facts = Remembered(path or data_folder() / _FILE)

    def verdict(self, key: str) -> Verdict | None:
        """What is known of `key`."""
        found = self._facts.get(key)
        try:
            return Verdict(Way(bool(found["half"]), bool(found["channels_last"])), str(found["refused"]))
        except KeyError:
            return None

    def keep(self, key: str, verdict: Verdict) -> None:
        """Remembers a verdict, in place of an earlier one."""
        self._facts.keep(key, {**asdict(verdict.way), "refused": verdict.refused})


def key_of(run: NetworkRun, device: torch.device) -> str:
    """One state of a network's files, one card, one driver, one version of torch."""
    files = [checkpoint(Path(run.folder), fold).stat() for fold in run.folds]
    state = " ".join(f"{file.st_size}/{file.st_mtime_ns}" for file in files)
    return " | ".join([run.folder, state, card_name(device), driver_version(device), f"torch {torch.__version__}"])


def card_name(device: torch.device) -> str:
    """The card's own name."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return "Apple graphics" if device.type == "mps" else device.type


def driver_version(device: torch.device) -> str:
    """The version of what stands between torch and the card."""
    if device.type == "cuda":
        # torch has no public question for it; the library's own version moves with the driver's less often.
        ask = getattr(torch._C, "_cuda_getDriverVersion", None)
        cudnn: Any = torch.backends.cudnn.version
        driver = ask() if ask is not None else "unknown"
        return f"driver {driver}, CUDA {torch.version.cuda}, cuDNN {cudnn()}"
    return f"macOS {platform.mac_ver()[0]}" if device.type == "mps" else ""
