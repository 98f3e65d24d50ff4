"""Small scans on which the hand-set networks find something: oblique, anisotropic, and far from RAS order.

A scan is blocks of intensities from the middle of the task's bands. Where a task looks first, a bright blob in a corner
is what its rough network looks for; everything else would get labels too, were it not cropped away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tests.inference.bands import RAS_SPACING_MM, band_networks, class_labels, table, tasks
from tests.inference.expected import Expectation, How
from tests.networks import BandNetwork

Array = NDArray[Any]
Compute = Callable[[Expectation], Array]
_BLOB = (slice(0, 5), slice(30, 34), slice(8, 11))
_SECOND_BLOB = (slice(0, 5), slice(30, 34), slice(11, 14))
_TEETH_BLOB = (slice(5, 9), slice(26, 30), slice(8, 11))
_SMALL: dict[str, tuple[int, int, int]] = {
    "brain_aneurysm": (10, 7, 9),
    "pulmonary_artery_landmarks": (14, 16, 9),
    "aorta_annulus": (14, 16, 9),
    "aortic_dissection": (14, 16, 9),
}


def oblique_affine(spacing_ras_mm: tuple[float, float, float] = RAS_SPACING_MM) -> NDArray[np.float64]:
    """Voxel axes i, j, k run towards P, S and L, turned by up to 17 degrees; spacings given along x, y, z."""
    turn = Rotation.from_euler("zyx", [12.0, -9.0, 17.0], degrees=True).as_matrix()
    x, y, z = spacing_ras_mm
    axes = np.array([[0.0, 0.0, -x], [-y, 0.0, 0.0], [0.0, z, 0.0]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ axes
    affine[:3, 3] = [31.7, -112.4, 803.9]
    return affine


def example(name: str, how: How) -> Array:
    """Intensities (i, j, k) for a task: its bands all over, and a blob where it is to look first."""
    task = tasks()[name]
    rng = np.random.default_rng(sum(name.encode()) + 2 + len(how.variant))
    networks = [band_networks()[part["network"]] for part in task["variants"][how.variant]["networks"]]
    blobs = _blob_levels(task, how)
    shape = (30, 34, 20) if blobs else _SMALL.get(name, (24, 26, 16))
    block = (2, 2, 2) if name == "teeth" else (3, 3, 2)
    if how.variant == "fastest" and not blobs:
        shape, block = (36, 40, 26), (4, 4, 3)
    if networks[0].ct is None:
        scan = blocks(shape, block, list(range(100, 900, 7)), rng)
    else:
        levels = sorted({round(level) for each in networks for level in each.centres[0]})
        if len(networks[0].folds) > 1:
            # Everywhere, not only where all folds agree.
            levels = list(range(min(levels) - 20, max(levels) + 20, 7))
        if how.roi:
            levels = [level for level in levels if level < min(blobs) - 60]
        scan = blocks(shape, block, levels, rng)
    for blob, level in zip((_BLOB, _SECOND_BLOB), blobs, strict=False):
        scan[blob] = level
    if name == "teeth":
        scan[_TEETH_BLOB] = level_of("115", class_labels("craniofacial_structures")["teeth_lower"])
    if name == "total_mr" and how.variant == "fast" and not blobs:
        scan[12:16, 3:9, 4:8] = 2900
    if how.body_crop:
        air = np.ones(scan.shape, bool)
        air[6:19, 8:22, 4:13] = False
        scan[air] = -120
    return scan + rng.integers(-2, 3, scan.shape).astype(np.int16)


def blocks(shape: tuple[int, int, int], block: tuple[int, int, int], levels: list[int], rng: Any) -> Array:
    """Blocks of constant intensity, every level about equally often, at places drawn by chance."""
    counts = [-(-size // edge) for size, edge in zip(shape, block, strict=True)]
    drawn = rng.permutation(np.resize(levels, int(np.prod(counts)))).reshape(counts)
    whole = drawn.repeat(block[0], 0).repeat(block[1], 1).repeat(block[2], 2)
    cut: Array = whole[: shape[0], : shape[1], : shape[2]].astype(np.int16)
    return cut


def level_of(key: str, label: int) -> int:
    """The middle of a label's band in a network for CT."""
    return round(band_networks()[key].centres[0][label])


def settled(scan: Array, affine: NDArray[np.float64], compute: Compute) -> tuple[Array, Array, Expectation]:
    """The scan with some voxels moved by a few units so that no label hangs on rounding, and what `compute` expects."""
    rng = np.random.default_rng(7)
    for _ in range(25):
        expectation = Expectation(nib.Nifti1Image(scan, affine))
        labels = compute(expectation)
        close = np.concatenate([*expectation.close, np.zeros((0, 3), int)]).astype(int)
        if not len(close):
            return scan, labels, expectation
        scan = scan.copy()
        scan[tuple(np.unique(close, axis=0).T)] += rng.choice([-3, -2, 2, 3], len(np.unique(close, axis=0)))
    raise AssertionError(f"{len(close)} voxels still lie too near to the edge of a band")


def _blob_levels(task: dict[str, Any], how: How) -> list[int]:
    """Intensities the first look finds: the first and last of the wanted structures; none where there is no look."""
    crop = task["crop"]
    if crop is not None and crop.get("whole_task"):
        return [level_of("297" if how.robust else "298", class_labels("total")["skull"])]
    if crop is not None:
        variant = crop.get("robust_variant") if crop["robust"] or how.robust else None
        return _levels(crop["task"], variant or crop["variant"], crop["classes"])
    if how.roi:
        names = ["vertebrae_S1" if each == "vertebrae_L6" else each for each in how.roi]
        if task["modality"] == "MR":
            return _levels("total_mr", "fast", names)
        return _levels("total", "fast" if how.robust else "fastest", names)
    return []


def _levels(name: str, variant: str, wanted: list[str]) -> list[int]:
    key = tasks()[name]["variants"][variant]["networks"][0]["network"]
    if band_networks()[key].ct is None:
        return [2900]
    ends = dict.fromkeys([wanted[0], wanted[-1]])
    return [level_of(key, class_labels(name)[each]) for each in ends]


def written_networks(place: Any, write: Callable[[Any, BandNetwork], Any]) -> None:
    """Writes every network of the catalogue under `place`, and folds that must be left alone."""
    for key, network in band_networks().items():
        folder = write(place, network)
        if table()["networks"][key]["folds"] == "all_available":
            (folder / "fold_all").mkdir()
            (folder / "fold_all" / "checkpoint_final.pth").write_bytes(b"not a checkpoint")
            (folder / "fold_2_old").mkdir()
