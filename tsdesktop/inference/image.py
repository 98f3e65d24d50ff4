"""What a network sees of a scan, normalised as it was trained: an array, or a view normalised where it is read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Shape
from tsdesktop.core.volume import Intensities
from tsdesktop.weights.plans import NetworkPlans


class CtImage:
    """A CT [z, y, x] whose parts are normalised as float32 when they are read, so that no second copy of it is kept."""

    def __init__(self, intensities: Intensities, plans: NetworkPlans) -> None:
        """Raises ValueError where the plans have no statistics of intensities."""
        self._intensities, self._plans = intensities, plans
        if plans.intensity is None:
            raise ValueError("plans with CT normalization have intensity statistics")

    @property
    def shape(self) -> Shape:
        """Its size along z, y and x."""
        i, j, k = self._intensities.shape
        return i, j, k

    def __getitem__(self, where: tuple[slice, slice, slice]) -> NDArray[np.float32]:
        """A part of it."""
        return ct_normalised(np.array(self._intensities[where], np.float32, order="C"), self._plans)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All of it."""
        whole = self[:, :, :]
        return whole if dtype is None else whole.astype(dtype, copy=False)


Image = NDArray[np.float32] | CtImage


def ct_normalised(image: NDArray[np.float32], plans: NetworkPlans) -> NDArray[np.float32]:
    """nnU-Net's CTNormalization, in place; returns `image`. Raises ValueError where the plans lack the statistics."""
    known = plans.intensity
    if known is None:
        raise ValueError("plans with CT normalization have intensity statistics")
    np.clip(image, known.percentile_00_5, known.percentile_99_5, out=image)
    image -= np.float32(known.mean)
    image /= np.float32(max(known.std, 1e-8))
    return image
