"""Which devices networks can run on here, checked by running a small network and comparing it with the processor."""

from __future__ import annotations

import os
import re
import sys
from functools import cache

import psutil
import torch

from tsdesktop.core.errors import OptionsError
from tsdesktop.core.notes import Note, note
from tsdesktop.core.torch_build import CARD_PROBLEM_VARIABLE
from tsdesktop.inference.cards_here import has_driver
from tsdesktop.jobs.messages import Device, Devices

# Largest difference a device may show to the processor, relative to the spread of the probe's output. Half precision
# arithmetic stays ten times below; the wrong results seen from graphics drivers were of the order of the spread itself.
_TOLERANCE = 0.05
# Below this a card cannot hold a network and one tile.
_LEAST_MEMORY_GB = 3.0
_NO_CARD = "no card or no driver was found"


@cache
def find_devices() -> Devices:
    """Every device found, those that may be used first; the processor is always the last that may."""
    found = [*_cuda_devices(), *_mps_devices()]
    usable = [each for each in found if not each.refused]
    refused = [each for each in found if each.refused]
    build = f"torch {torch.__version__}, CUDA {torch.version.cuda or 'not built in'}"
    return Devices((*usable, _processor(), *refused), build)


def choose_device(asked: str) -> tuple[torch.device, tuple[Note, ...]]:
    """The device for `asked` (auto, cpu, gpu, gpu:N, mps), and notes when it is another than asked for.

    Raises OptionsError for anything else.
    """
    if asked == "cpu":
        return torch.device("cpu"), ()
    if asked != "auto" and asked != "mps" and not re.fullmatch(r"gpu(:\d+)?", asked):
        raise OptionsError("options.unknown_device", name=asked)
    found = find_devices().devices
    wanted = {"auto": None, "gpu": "gpu:0"}.get(asked, asked)
    for each in found:
        if not each.refused and wanted in (None, each.name):
            return _torch_device(each.name), _unused_cards(found) if each.name == "cpu" else ()
    reason = next((each.refused for each in found if each.name == wanted), "there is none")
    return torch.device("cpu"), (note("note.device", asked=asked, used="the processor", reason=reason),)


def _unused_cards(found: tuple[Device, ...]) -> tuple[Note, ...]:
    """Why the processor is taken although there are cards; nothing where there is none."""
    cards = [each for each in found if each.refused and each.memory_gb > 0]
    return tuple(note("note.card_unused", card=each.title, reason=each.refused) for each in cards)


def _torch_device(name: str) -> torch.device:
    return torch.device(name.replace("gpu", "cuda"))


def _processor() -> Device:
    threads = torch.get_num_threads()
    return Device("cpu", f"processor, {threads} threads of {os.cpu_count() or threads} cores", _memory_gb())


def _memory_gb() -> float:
    return round(float(psutil.virtual_memory().total) / 2**30, 1)


def _cuda_devices() -> list[Device]:
    if sys.platform == "darwin":
        return []
    # AMD's build answers to the same name.
    if torch.version.cuda is None and torch.version.hip is None:
        problem = "this build of torch has no CUDA" if has_driver() else _NO_CARD
        return [Device("gpu:0", "NVIDIA graphics card", 0.0, os.environ.get(CARD_PROBLEM_VARIABLE) or problem)]
    if not torch.cuda.is_available():
        return [Device("gpu:0", "NVIDIA graphics card", 0.0, _NO_CARD)]
    return [_cuda_device(number) for number in range(torch.cuda.device_count())]


def _cuda_device(number: int) -> Device:
    facts = torch.cuda.get_device_properties(number)
    memory_gb = round(facts.total_memory / 2**30, 1)
    refused = _refusal(torch.device("cuda", number))
    if not refused and memory_gb < _LEAST_MEMORY_GB:
        refused = f"it has {memory_gb} GB of memory, {_LEAST_MEMORY_GB:.0f} are needed"
    return Device(f"gpu:{number}", facts.name, memory_gb, refused)


def _mps_devices() -> list[Device]:
    if not torch.backends.mps.is_built():
        return []
    if not torch.backends.mps.is_available():
        return [Device("mps", "Apple graphics", 0.0, "not available on this system")]
    return [Device("mps", "Apple graphics", _memory_gb(), _refusal(torch.device("mps")))]


def _refusal(device: torch.device) -> str:
    """Why `device` must not be used; empty when it computes what the processor computes."""
    try:
        difference = _probe_difference(device)
    except RuntimeError as error:
        return f"a test network did not run ({str(error).splitlines()[0][:80]})"
    return "" if difference <= _TOLERANCE else f"a test network gave wrong results (off by {difference:.2f})"


@torch.inference_mode()
def _probe_difference(device: torch.device) -> float:
    """Largest difference to the processor of a small network of the layers in use, in units of the output's spread."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Conv3d(1, 16, 3, padding=1),
        torch.nn.InstanceNorm3d(16, affine=True),
        torch.nn.LeakyReLU(),
        torch.nn.Conv3d(16, 32, 3, stride=2, padding=1),
        torch.nn.InstanceNorm3d(32, affine=True),
        torch.nn.LeakyReLU(),
        torch.nn.ConvTranspose3d(32, 16, 2, stride=2),
        torch.nn.Conv3d(16, 8, 1),
    ).eval()
    image = torch.randn(1, 1, 32, 32, 32)
    expected = layers(image)
    got = layers.to(device)(image.to(device)).cpu()
    return float((got - expected).abs().max() / expected.std())
