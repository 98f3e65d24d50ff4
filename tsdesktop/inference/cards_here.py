"""Whether there may be a graphics card to compute on, found out without loading torch, which takes seconds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tsdesktop.core.torch_build import torch_build

# What the drivers of NVIDIA's and AMD's cards put on a computer; the third is NVIDIA's in Linux on Windows.
_LINUX_DEVICES = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
_WINDOWS_DRIVERS = ("nvcuda.dll", "amdhip64.dll", "amdhip64_6.dll", "amdhip64_7.dll")


def may_have_card() -> bool:
    """False only where torch would find none: it was built without support for any, or no driver is installed."""
    if sys.platform == "darwin":
        return True
    return _torch_knows_cards() and has_driver()


def _torch_knows_cards() -> bool:
    build = torch_build()
    return build is None or build.knows_cards


def has_driver() -> bool:
    """Whether the driver of a card is installed that torch could compute on."""
    if sys.platform == "win32":
        system = Path(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32")
        return any((system / name).exists() for name in _WINDOWS_DRIVERS)
    return any(Path(name).exists() for name in _LINUX_DEVICES)
