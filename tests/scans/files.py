"""Writes small scan files whose content and place in the world are known, and names what comes of reading them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray

from tests.scans.series import world_grid
from tsdesktop.core.errors import ReadError
from tsdesktop.core.volume import Volume
from tsdesktop.scans.reader import read_scan

SHAPE = (13, 11, 9)


def ids(volume: Volume) -> list[str]:
    return [each.id for each in volume.notes]


def field(world_ras: NDArray[np.float64]) -> NDArray[np.float64]:
    """A world image without any symmetry, -1000 in the air and soft tissue elsewhere, steep in every direction."""
    value = 4.0 * world_ras[..., 0] + 7.0 * world_ras[..., 1] - 3.0 * world_ras[..., 2] + 30.0
    return np.where(world_ras[..., 2] > 30, -1000.0, value)


def oriented(codes: str) -> NDArray[np.float64]:
    """A grid whose axes run along `codes`, spacing 2 x 3 x 4 mm along i, j, k, around a place off the origin."""
    affine = np.zeros((4, 4))
    for voxel, code in enumerate(codes):
        world = next(n for n, pair in enumerate(("LR", "PA", "IS")) if code in pair)
        affine[world, voxel] = (2.0, 3.0, 4.0)[voxel] * (1 if code in "RAS" else -1)
    middle = affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    affine[:3, 3] = np.array([10.0, -15.0, 20.0]) - middle
    affine[3, 3] = 1
    return affine


def written(
    path: Path, array: NDArray[Any], affine: NDArray[np.float64], dtype: Any = np.int16, kind: Any = nib.Nifti1Image
) -> Path:
    image = kind(array.astype(dtype), affine, dtype=dtype)
    image.header.set_data_dtype(dtype)
    nib.save(image, path)
    return path


def world_image(affine: NDArray[np.float64], shape: tuple[int, ...] = SHAPE) -> NDArray[np.float64]:
    return np.rint(field(world_grid(shape, affine)))


def refusal(path: Path) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read_scan(path)
    assert caught.value.sentence.count("\n") == 0
    return caught.value


def itk_image(values: NDArray[Any], affine: NDArray[np.float64]) -> Any:
    """The same grid for ITK, in LPS, worked out here by hand."""
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(values.T))
    lps = np.diag([-1.0, -1, 1, 1]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image
