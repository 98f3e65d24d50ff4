"""From a RAS image to what a network wants to see: nnU-Net's preprocessing, in its order, without its float64 copies.

transpose, crop to the box of non-zero voxels, normalise, resample to the plans' spacing. Arrays here are [z, y, x] of
the RAS image (the network's own order after `transpose_forward`), not the [i, j, k] of the other rooms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.geometry import Box, Geometry, Shape, bounding_box
from tsdesktop.core.volume import Intensities
from tsdesktop.inference.image import CtImage, Image, ct_normalised
from tsdesktop.weights.plans import NetworkPlans, Resampling


@dataclass(frozen=True, eq=False)
class NetworkInput:
    """A normalised image in the network's axis order, and what is needed to bring its labels back.

    `box` is the part of the transposed image that was kept, `box_shape` its size before resampling to `spacing_mm`.
    """

    image: Image
    full_shape: Shape
    box: Box
    old_spacing_mm: tuple[float, float, float]
    new_spacing_mm: tuple[float, float, float]

    @property
    def is_resampled(self) -> bool:
        """Whether the network sees another grid than the image's."""
        return self.image.shape != self.box.shape


def network_input(
    intensities: Intensities, spacing_ras_mm: tuple[float, float, float], plans: NetworkPlans
) -> NetworkInput:
    """Intensities [i, j, k] in RAS order, preprocessed as the network was trained."""
    turned = intensities.transpose(2, 1, 0).transpose(plans.transpose_forward)
    spacing = tuple(reversed(spacing_ras_mm))
    a, b, c = (spacing[n] for n in plans.transpose_forward)
    box = nonzero_box(turned)
    i, j, k = turned.shape
    shape = _network_shape(box.shape, (a, b, c), plans.spacing_mm)
    if shape == box.shape and plans.normalization == "CTNormalization":
        seen = CtImage(turned[box.slices], plans)
        return NetworkInput(seen, (i, j, k), box, (a, b, c), plans.spacing_mm)
    image = _normalised(np.array(turned[box.slices], np.float32, order="C"), plans)
    if shape != box.shape:
        image = resample_like_nnunet(image[None], shape, (a, b, c), plans.spacing_mm, plans.resampling_data)[0]
    return NetworkInput(np.ascontiguousarray(image, np.float32), (i, j, k), box, (a, b, c), plans.spacing_mm)


def network_geometry(geometry: Geometry, given: NetworkInput, plans: NetworkPlans) -> Geometry:
    """The grid [i, j, k] of the network's image of a RAS image on `geometry`: its box, its spacing.

    nnU-Net's resampling keeps the outer faces of the first and last voxels where they were.
    """
    turn = [plans.transpose_backward[axis] for axis in (2, 1, 0)]
    start_i, start_j, start_k = (given.box.start[axis] for axis in turn)
    stop_i, stop_j, stop_k = (given.box.stop[axis] for axis in turn)
    i, j, k = (given.image.shape[axis] for axis in turn)
    part = geometry.cropped(Box((start_i, start_j, start_k), (stop_i, stop_j, stop_k)))
    scale = np.array(part.shape) / np.array((i, j, k))
    affine = np.array(part.affine)
    affine[:3, 3] += affine[:3, :3] @ ((scale - 1.0) / 2.0)
    affine[:3, :3] *= scale
    return Geometry((i, j, k), affine)


def nonzero_box(array: NDArray[Any]) -> Box:
    """The box of non-zero voxels; the whole array when there are none. (Filling holes, as nnU-Net does, keeps it.)"""
    i, j, k = array.shape
    whole = Box((0, 0, 0), (i, j, k))
    faces = all(array.take(at, axis=axis).any() for axis in range(3) for at in (0, -1))
    return whole if faces else bounding_box(array != 0) or whole


def resample_like_nnunet(
    data: NDArray[np.float32],
    shape: Shape,
    old_mm: tuple[float, float, float],
    new_mm: tuple[float, float, float],
    how: Resampling,
) -> NDArray[np.float32]:
    """Channels [c, z, y, x] on a grid of `shape`, by nnU-Net's own functions."""
    if how.by == "torch":
        return _resampled_by_torch(data, shape, old_mm, new_mm, how)
    # Imported here: most tasks never need it, and it takes a second.
    from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg_to_shape

    out: NDArray[np.float32] = resample_data_or_seg_to_shape(
        data,
        shape,
        old_mm,
        new_mm,
        is_seg=False,
        order=how.order,
        order_z=how.order_z,
        force_separate_z=how.force_separate_z,
    )
    return out.astype(np.float32, copy=False)


def _resampled_by_torch(
    data: NDArray[np.float32],
    shape: Shape,
    old_mm: tuple[float, float, float],
    new_mm: tuple[float, float, float],
    how: Resampling,
) -> NDArray[np.float32]:
    import torch
    from nnunetv2.preprocessing.resampling.resample_torch import resample_torch_fornnunet

    out: NDArray[np.float32] = resample_torch_fornnunet(
        data,
        shape,
        old_mm,
        new_mm,
        is_seg=False,
        num_threads=torch.get_num_threads(),
        force_separate_z=how.force_separate_z,
    )
    return out


def _network_shape(shape: Shape, old_mm: tuple[float, float, float], new_mm: tuple[float, float, float]) -> Shape:
    i, j, k = (round(old / new * n) for n, old, new in zip(shape, old_mm, new_mm, strict=True))
    return i, j, k


def _normalised(image: NDArray[np.float32], plans: NetworkPlans) -> NDArray[np.float32]:
    """Normalises in place and returns `image`."""
    match plans.normalization:
        case "CTNormalization":
            return ct_normalised(image, plans)
        case "ZScoreNormalization" if plans.use_mask_for_norm:
            return _zscore_inside(image)
        case "ZScoreNormalization":
            return _zscore(image)
        case "RescaleTo01Normalization":
            image -= image.min()
            image /= max(float(image.max()), 1e-8)
            return image
        case _:
            return image


def _zscore_inside(image: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy import ndimage  # only here: networks for CT do without, and it is slow to load

    inside = ndimage.binary_fill_holes(image != 0)
    image[inside] = _zscore(image[inside])
    return image


def _zscore(values: NDArray[np.float32]) -> NDArray[np.float32]:
    values -= values.mean()
    values /= max(float(values.std()), 1e-8)
    return values
