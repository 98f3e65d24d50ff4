"""Window and level: which intensities become which grey. Presets as radiologists know them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.volume import Volume

_SAMPLE = 200_000


@dataclass(frozen=True)
class Window:
    """Grey from black at level - width / 2 to white at level + width / 2, in the scan's unit. Width is at least 1."""

    level: float
    width: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", max(1.0, float(self.width)))

    @property
    def low(self) -> float:
        """The intensity that is black."""
        return self.level - self.width / 2

    def table(self) -> NDArray[np.uint8]:
        """Grey 0 to 255 for every int16 value, indexed by the value's bits read as uint16."""
        values = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.float32)
        grey: NDArray[np.uint8] = np.clip((values - self.low) * (255.0 / self.width) + 0.5, 0, 255).astype(np.uint8)
        return grey


# (name, window); key 1 is the first.
CT_PRESETS: tuple[tuple[str, Window], ...] = (
    ("Soft tissue", Window(40, 400)),
    ("Lung", Window(-600, 1500)),
    ("Liver", Window(90, 150)),
    ("Bone", Window(350, 2000)),
    ("Brain", Window(40, 80)),
    ("Angio", Window(160, 650)),
)


def first_window(volume: Volume) -> Window:
    """The window a scan is opened with: the file's own, else soft tissue for CT, else the middle 99.8 % of values."""
    stated = volume.source.window
    if stated is not None and stated[1] >= 1:
        return Window(*stated)
    return CT_PRESETS[0][1] if volume.modality == "CT" else auto_window(volume.array)


def auto_window(values: NDArray[np.generic]) -> Window:
    """From the 0.1st to the 99.9th percentile of a sample of `values`."""
    flat = values.reshape(-1)[:: max(1, values.size // _SAMPLE)] if values.flags.c_contiguous else _sampled(values)
    low, high = np.percentile(flat.astype(np.float32), [0.1, 99.9])
    return Window(float(low + high) / 2, float(high - low))


def _sampled(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """A regular sample of an array of any memory order, without copying it."""
    step = max(1, round((values.size / _SAMPLE) ** (1 / max(1, values.ndim))))
    return values[tuple(slice(None, None, step) for _ in range(values.ndim))].ravel()
