"""Room for large arrays: in main memory while there is enough of it, else in a file that the system pages in and out.

So a scan that is too large for the computer takes longer instead of failing, and its labels are the same.
"""

from __future__ import annotations

import logging
import tempfile
from math import prod

import numpy as np
import psutil
import torch

log = logging.getLogger(__name__)
# Left for the networks' own activations and everything else on the computer.
_SHARE_OF_FREE = 0.6
_FLOAT_BYTES = 4


def zeros(shape: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """A float32 tensor of zeros on `device`; where the device or main memory is too small, in main memory or in a file.

    Raises OSError when the disk is too small as well.
    """
    if device.type != "cpu":
        try:
            return torch.zeros(shape, dtype=torch.float32, device=device)
        except torch.OutOfMemoryError:
            log.info("the graphics card is too small for %s values; main memory is used", prod(shape))
    if prod(shape) * _FLOAT_BYTES <= _SHARE_OF_FREE * free_bytes():
        return torch.zeros(shape, dtype=torch.float32)
    return torch.from_numpy(_in_a_file(shape))


def free_bytes() -> int:
    """Main memory that is free now, in bytes."""
    return int(psutil.virtual_memory().available)


def _in_a_file(shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.float32]]:
    """Zeros in an unnamed temporary file, gone with the array."""
    log.info("memory is too small for %s values; a file is used", prod(shape))
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=shape)
