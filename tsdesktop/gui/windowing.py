"""Window and level: which intensities become which grey. Presets as radiologists know them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.volume import Volume

_SAMPLE = 200_000
_NARROWEST = 1e-6
_CT_PER_PIXEL = 4.0
# A drag over this many pixels goes through the values of a scan that is not CT.
_PIXELS_FOR_ALL = 1024.0


@dataclass(frozen=True)
class Window:
    """Grey from black at level - width / 2 to white at level + width / 2, in the scan's unit. Width is above 0."""

    level: float
    width: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", max(_NARROWEST, float(self.width)))

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
    """From the 0.1st to the 99.9th percentile of a sample of `values`; one unit wide where all are equal."""
    flat = values.reshape(-1)[:: max(1, values.size // _SAMPLE)] if values.flags.c_contiguous else _sampled(values)
    low, high = np.percentile(flat.astype(np.float32), [0.1, 99.9])
    width = float(high - low) if high > low else 1.0
    return Window(float(low + high) / 2, max(width, _narrowest(values.dtype)))


def preset(volume: Volume, number: int) -> Window | None:
    """What the key `number` (from 1 on) stands for: a preset of CT_PRESETS; None beyond them, and for other scans."""
    known = volume.modality == "CT" and 1 <= number <= len(CT_PRESETS)
    return CT_PRESETS[number - 1][1] if known else None


def per_pixel(volume: Volume) -> float:
    """How much a drag of the window changes it with every pixel, in the scan's unit."""
    return _CT_PER_PIXEL if volume.modality == "CT" else auto_window(volume.array).width / _PIXELS_FOR_ALL


def dragged(window: Window, right: float, down: float, step: float, narrowest: float = 1.0) -> Window:
    """The window after a drag of so many pixels: to the right widens it, down raises its level (darker)."""
    return Window(window.level + down * step, max(narrowest, window.width + right * step))


def narrowest_window(volume: Volume) -> float:
    """The smallest width a drag may reach: one unit, or a thousandth of the values where they are fractions."""
    return _narrowest(volume.array.dtype) or min(1.0, per_pixel(volume))


def _narrowest(dtype: np.dtype[np.generic]) -> float:
    return 1.0 if np.issubdtype(dtype, np.integer) else 0.0


def _sampled(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """A regular sample of an array of any memory order, without copying it."""
    step = max(1, round((values.size / _SAMPLE) ** (1 / max(1, values.ndim))))
    return values[tuple(slice(None, None, step) for _ in range(values.ndim))].ravel()
