"""Tasks that need no network: bone, skin, lungs and tissue classes from the Hounsfield units of a CT, in seconds.

They decide in blocks of about 3 mm (instant_grid) what a region is, and voxel by voxel where it ends.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tsdesktop.core.tasks import Instant
from tsdesktop.inference.instant_body import Body, Say, find_body
from tsdesktop.inference.instant_bone import find_bones
from tsdesktop.inference.instant_grid import Blocks, Floats, Hu, Mask, Spacing, mean_hu
from tsdesktop.inference.instant_lungs import find_lungs

Labels = NDArray[np.uint8]

# Adipose tissue is -190 to -30 HU and lean soft tissue begins at -29 HU (Mitsiopoulos et al., J Appl Physiol 1998;
# 85:115-122, the ranges of most work on body composition). What is lighter than fat is air or lung.
FAT_HU, SOFT_HU = -190.0, -29.0
# Smoothing of thin voxels before classes are given, so that noise does not speckle them.
DENOISE_MM, DENOISE_BELOW_MM = 0.8, 1.5
SKIN_RIM_MM = 2.0
DEFAULT_BONE_HU = 200.0


def unheard(_share: float) -> None:
    """Progress that nobody listens to."""


def segment_instantly(
    method: Instant,
    hu: NDArray[np.int16] | NDArray[np.float32],
    spacing_mm: Spacing,
    *,
    bone_threshold_hu: float = DEFAULT_BONE_HU,
    say: Say = unheard,
) -> Labels:
    """Labels [i, j, k] of the instant task `method`, numbered as in its task.

    `hu` is a CT in RAS+ order (i to the patient's right, j to the front, k to the head), `spacing_mm` its voxel size.
    `say` hears the share done, 0 to 1; whatever it raises ends the work. Raises ValueError for a shape that is not 3D
    or a spacing that is not positive.
    """
    if hu.ndim != 3 or min(hu.shape) < 1:
        raise ValueError(f"hu must be a volume [i, j, k], got shape {hu.shape}")
    if len(spacing_mm) != 3 or not all(0.0 < step < np.inf for step in spacing_mm):
        raise ValueError(f"spacing must be three positive lengths in mm, got {spacing_mm}")
    say(0.0)
    blocks = Blocks.of_scan((hu.shape[0], hu.shape[1], hu.shape[2]), spacing_mm)
    mean = mean_hu(blocks, hu)
    say(0.15)
    body = find_body(mean, blocks)
    say(0.25)
    labels = _labels(method, hu, mean, body, bone_threshold_hu, say)
    say(1.0)
    return labels


def _labels(method: Instant, hu: Hu, mean: Floats, body: Body, threshold_hu: float, say: Say) -> Labels:
    match method:
        case "bone":
            return _bone(hu, mean, body, threshold_hu, say)
        case "skin":
            return _by_plane(hu, body, lambda _plane, inside, _k: inside, _from(0.25, say))
        case "lungs":
            return _lungs(hu, mean, body, say)
        case "fat_soft_bone":
            classes = _tissue_of(body, threshold_hu)
            return _by_plane(hu, body, classes, _from(0.25, say))


def _by_plane(hu: Hu, body: Body, value: Callable[[Hu, Mask, int], NDArray[np.generic]], say: Say) -> Labels:
    """Labels slice by slice from its HU, the body in it and its index."""
    labels = np.zeros(hu.shape, np.uint8, order="F")
    for k, plane, inside in body.planes(hu, say):
        labels[:, :, k] = value(plane, inside, k)
    return labels


def _from(start: float, say: Say) -> Say:
    """`say` for the rest of the work from `start` on."""
    return lambda share: say(start + share * (1.0 - start))


def _bone(hu: Hu, mean: Floats, body: Body, threshold_hu: float, say: Say) -> Labels:
    share = body.blocks.mean(hu, lambda slab: np.asarray(slab >= threshold_hu, np.float32))
    say(0.4)
    bones = find_bones(mean, share, body, threshold_hu)
    return _by_plane(hu, body, lambda plane, inside, k: bones.plane(plane, k) & inside, _from(0.6, say))


def _lungs(hu: Hu, mean: Floats, body: Body, say: Say) -> Labels:
    lungs = find_lungs(mean, body)
    if lungs is None:
        return np.zeros(hu.shape, np.uint8, order="F")
    return _by_plane(hu, body, lambda plane, inside, k: lungs.plane(plane, k) * inside, _from(0.6, say))


def _tissue_of(body: Body, bone_hu: float) -> Callable[[Hu, Mask, int], Labels]:
    """Classes of the voxels of a slice: 1 air, 2 fat, 3 soft tissue, 4 from `bone_hu` on; 0 outside the body."""
    steps = [step / factor for step, factor in zip(body.blocks.spacing_mm, body.blocks.factors, strict=True)]
    sigma = [DENOISE_MM / step if step < DENOISE_BELOW_MM else 0.0 for step in steps[:2]]
    rim_layers = max(1, round(SKIN_RIM_MM / min(steps[:2])))

    def classes(plane: Hu, inside: Mask, _k: int) -> Labels:
        smooth = ndimage.gaussian_filter(plane.astype(np.float32), sigma, truncate=2.0) if any(sigma) else plane
        tissue = np.uint8(1) + (smooth >= FAT_HU) + (smooth >= SOFT_HU) + (smooth >= bone_hu)
        # The outermost voxels are skin mixed with the air around it.
        rim = inside & ~ndimage.binary_erosion(inside, iterations=rim_layers, border_value=1)
        tissue[(tissue == 1) & rim] = 3
        return np.where(inside, tissue, 0).astype(np.uint8)

    return classes
