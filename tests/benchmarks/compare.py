"""How far two results agree: voxels, Dice per structure, the grid, and statistics files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LEAST_VOXELS = 100


@dataclass(frozen=True)
class Agreement:
    """`grid` is "same", "turned" (same place, axes in another order), "moved" or "shape".

    `dice` holds every structure that either result shows, `voxels` the larger of its two counts.
    """

    grid: str
    differing: int
    total: int
    dice: dict[str, float] = field(default_factory=dict)
    voxels: dict[str, int] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)

    @property
    def share_equal(self) -> float:
        """Of all voxels."""
        return 1.0 - self.differing / max(self.total, 1)

    @property
    def worst(self) -> tuple[str, float]:
        """The structure over 100 voxels with the lowest Dice; those of at least one voxel where none is that large."""
        large = {name: self.dice[name] for name in self.dice if self.voxels[name] > LEAST_VOXELS}
        return min((large or self.dice or {"": 1.0}).items(), key=lambda each: each[1])


def compare_label_maps(ours: Path, peers: Path, names: dict[int, str]) -> Agreement:
    """Two files of all labels."""
    grid, one, other = _on_one_grid(nib.load(ours), nib.load(peers))
    if grid == "shape":
        return Agreement(grid, max(one.size, other.size), max(one.size, other.size))
    counts = np.bincount(one.ravel().astype(np.int64) * 256 + other.ravel(), minlength=65536).reshape(256, 256)
    both, first, second = np.diag(counts), counts.sum(1), counts.sum(0)
    present = [int(label) for label in np.flatnonzero(first + second) if label]
    return Agreement(
        grid,
        int(counts.sum() - both.sum()),
        int(counts.sum()),
        {names.get(n, str(n)): float(2 * both[n] / (first[n] + second[n])) for n in present},
        {names.get(n, str(n)): int(max(first[n], second[n])) for n in present},
    )


def compare_class_files(ours: Path, peers: Path) -> Agreement:
    """Two folders with one file per structure. A voxel differs where any structure does."""
    one, other = ({path.name: path for path in folder.glob("*.nii.gz")} for folder in (ours, peers))
    grids, dice, voxels, differs = set(), {}, {}, np.zeros(1, bool)
    for name in sorted(set(one) & set(other)):
        grid, first, second = _on_one_grid(nib.load(one[name]), nib.load(other[name]))
        grids.add(grid)
        if grid == "shape":
            continue
        differs = differs | ((first > 0) != (second > 0))
        if first.any() or second.any():
            structure = name.removesuffix(".nii.gz")
            sizes = int((first > 0).sum()), int((second > 0).sum())
            dice[structure], voxels[structure] = float(2 * (first & second).sum() / sum(sizes)), max(sizes)
    worst = next((each for each in ("shape", "moved", "turned") if each in grids), "same")
    return Agreement(worst, int(differs.sum()), differs.size, dice, voxels, sorted(set(one) ^ set(other)))


def compare_arrays(file: Path, expected: Array) -> int:
    """How many voxels of a label file are not as expected."""
    found = np.asarray(nib.load(file).dataobj)
    return int((found != expected).sum()) if found.shape == expected.shape else found.size


def compare_statistics(ours: Path, peers: Path) -> dict[str, Any]:
    """Names, and the largest relative difference of every value of two statistics.json."""
    one, other = (json.loads(path.read_text()) for path in (ours, peers))
    worst: dict[str, Any] = {"same_names": list(one) == list(other), "structures": len(one)}
    for value in ("volume", "intensity"):
        off = {
            name: abs(one[name][value] - other[name][value]) / max(abs(other[name][value]), 1.0)
            for name in one
            if name in other
        }
        name = max(off, key=lambda each: off[each], default="")
        worst[value] = {"largest": off.get(name, 0.0), "in": name, "differing": sum(v > 1e-4 for v in off.values())}
    return worst


def _on_one_grid(one: Any, other: Any) -> tuple[str, Array, Array]:
    """Both arrays in RAS order, and how their grids compare."""
    turned = [nib.as_closest_canonical(each) for each in (one, other)]
    first, second = (np.asarray(each.dataobj).astype(np.uint8) for each in turned)
    if first.shape != second.shape:
        return "shape", first, second
    if not np.allclose(turned[0].affine, turned[1].affine, atol=1e-3):
        return "moved", first, second
    same = one.shape == other.shape and np.allclose(one.affine, other.affine, atol=1e-3)
    return "same" if same else "turned", first, second
