"""NVIDIA's cards on this computer as their own driver tells, without torch. No memory of a card is taken for it."""

from __future__ import annotations

import ctypes
import logging
import sys
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)
Capability = tuple[int, int]
_MAJOR, _MINOR = 75, 76
_NAME_BYTES = 256


@dataclass(frozen=True)
class Card:
    """A card: its name, compute capability such as (8, 6), and memory."""

    name: str
    capability: Capability
    memory_gb: float


@dataclass(frozen=True)
class Driver:
    """The driver: the newest CUDA that it knows, such as (13, 0), and its cards; none where it cannot reach any."""

    cuda: Capability
    cards: tuple[Card, ...] = ()

    @property
    def best(self) -> Card | None:
        """The newest card, of equal ones that with most memory."""
        return max(self.cards, key=lambda each: (each.capability, each.memory_gb), default=None)


def find_driver() -> Driver | None:
    """The driver and its cards; None without one. May take a second or two where the driver has to wake."""
    library = driver_library()
    return None if library is None else read_driver(library)


def driver_version() -> Capability | None:
    """The newest CUDA that the driver knows, without waking any card; None without a driver."""
    library = driver_library()
    return None if library is None else _cuda_version(library)


def driver_library() -> Any:
    """The driver's own library; None where it is not installed."""
    if sys.platform == "darwin":
        return None
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def read_driver(library: Any) -> Driver | None:
    """As `find_driver`, from a library with the functions of CUDA's driver."""
    version = _cuda_version(library)
    if version is None:
        return None
    if library.cuInit(0) != 0:
        log.info("the driver finds no card")
        return Driver(version)
    count = ctypes.c_int()
    if library.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return Driver(version)
    cards = (_card(library, number) for number in range(count.value))
    return Driver(version, tuple(each for each in cards if each is not None))


def _cuda_version(library: Any) -> Capability | None:
    told = ctypes.c_int()
    # 12040 is 12.4. Zero is what a stub without a driver tells.
    if library.cuDriverGetVersion(ctypes.byref(told)) != 0 or told.value <= 0:
        return None
    return told.value // 1000, told.value % 1000 // 10


def _card(library: Any, number: int) -> Card | None:
    device = ctypes.c_int()
    if library.cuDeviceGet(ctypes.byref(device), number) != 0:
        return None
    name = ctypes.create_string_buffer(_NAME_BYTES)
    memory = ctypes.c_size_t()
    library.cuDeviceGetName(name, _NAME_BYTES, device)
    library.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    capability = (_attribute(library, _MAJOR, device), _attribute(library, _MINOR, device))
    title = name.value.decode("utf-8", "replace") or "NVIDIA graphics card"
    return Card(title, capability, round(memory.value / 2**30, 1))


def _attribute(library: Any, which: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int()
    library.cuDeviceGetAttribute(ctypes.byref(value), which, device)
    return value.value
