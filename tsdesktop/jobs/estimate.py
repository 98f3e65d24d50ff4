"""How much work a plan is: window voxels of its networks, the unit of prices, and seconds of everything around them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path

from tsdesktop.core.geometry import Geometry, Shape
from tsdesktop.core.resampling import resampled_shape
from tsdesktop.core.tasks import Spacing
from tsdesktop.jobs.plan import NetworkRun, Plan
from tsdesktop.jobs.tiles import tile_count
from tsdesktop.weights.plans import NetworkPlans, read_plans

# Seconds per voxel on one ordinary processor core, measured on scans of 80 million voxels: turning and resampling the
# scan (by its own voxels and by those of the model's grid), normalising for one network, finding the best of one
# network's labels, one correction, enlarging and writing the labels, and bringing one class's logits back.
_READ_S, _RESAMPLE_S, _NORMALISE_S, _BEST_S = 4e-9, 25e-9, 2e-9, 4e-9
_CORRECT_S, _RESTORE_S, _BACK_S = 20e-9, 2e-9, 15e-9
_LOAD_NETWORK_S = 0.3
# Before the crop is known. A wrong guess is put right as soon as the small network has looked.
_GUESSED_CROP = 0.4


@dataclass(frozen=True)
class Work:
    """Work to do: window voxels of networks, and seconds of everything else on an ordinary computer."""

    windows: int = 0
    around_s: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(self.windows + other.windows, self.around_s + other.around_s)

    def times(self, share: float) -> Work:
        """This share of the work."""
        return Work(round(self.windows * share), self.around_s * share)


def network_work(network: NetworkRun, shape_ras: Shape, spacing_ras: Spacing, step: float) -> int:
    """Window voxels of one network on a RAS image of `shape_ras` at `spacing_ras` mm, all folds counted."""
    plans = _plans(network.folder)
    tiles = tile_count(_network_shape(plans, shape_ras, spacing_ras), plans.patch_shape, step)
    return tiles * prod(plans.patch_shape) * max(1, len(network.folds))


def own_windows(plan: Plan, geometry: Geometry) -> int:
    """Window voxels of the plan's own networks on a scan with this grid."""
    shape, spacing = model_grid(plan, geometry)
    return sum(network_work(each, shape, spacing, plan.step_size) for each in plan.networks)


def total_work(plan: Plan, geometry: Geometry) -> int:
    """Window voxels of the plan with its crop and refinement; the crop's effect is not known yet and not counted."""
    before = total_work(plan.crop.plan, geometry) if plan.crop else 0
    after = total_work(plan.refine.plan, geometry) if plan.refine else 0
    return before + own_windows(plan, geometry) + after


def whole_run(plan: Plan, geometry: Geometry) -> Work:
    """Everything a run of `plan` on a scan does, with crop, draft and refinement; the crop's effect is guessed."""
    before = whole_run(plan.crop.plan, geometry) if plan.crop else Work()
    draft = whole_run(plan.draft.plan, geometry) if plan.draft and plan.draft.plan else Work()
    after = whole_run(plan.refine.plan, geometry) if plan.refine else Work()
    own = guessed_after_crop(plan, geometry) if plan.crop else own_work(plan, geometry)
    return before + draft + own + after


def guessed_after_crop(plan: Plan, geometry: Geometry) -> Work:
    """What the plan's own networks may have to do while nobody knows how much its crop leaves of the scan."""
    return own_work(plan, geometry).times(_GUESSED_CROP)


def own_work(plan: Plan, geometry: Geometry) -> Work:
    """What the plan does on a grid that is already cropped, without crop, draft and refinement."""
    around_s = preparing_s(plan, geometry) + finishing_s(plan, geometry)
    around_s += sum(network_s(each, plan, geometry) for each in plan.networks)
    return Work(own_windows(plan, geometry), around_s)


def preparing_s(plan: Plan, geometry: Geometry) -> float:
    """Seconds to turn and resample the scan."""
    if plan.spacing_mm is None:
        return prod(geometry.shape) * _READ_S
    return prod(geometry.shape) * _READ_S + prod(model_grid(plan, geometry)[0]) * _RESAMPLE_S


def network_s(network: NetworkRun, plan: Plan, geometry: Geometry) -> float:
    """Seconds to load one network and to normalise its input."""
    return _LOAD_NETWORK_S + prod(model_grid(plan, geometry)[0]) * _NORMALISE_S + back_s(network, plan, geometry)


def back_s(network: NetworkRun, plan: Plan, geometry: Geometry) -> float:
    """Seconds to bring the logits of a network with a grid of its own back, class by class."""
    plans = _plans(network.folder)
    shape, spacing = model_grid(plan, geometry)
    if sorted(_network_shape(plans, shape, spacing)) == sorted(shape):
        return 0.0
    return prod(shape) * plans.outputs * _BACK_S


def finishing_s(plan: Plan, geometry: Geometry) -> float:
    """Seconds to find the last window's labels, correct all and bring them to the scan's grid."""
    shape = model_grid(plan, geometry)[0]
    best = max((_last_window_sums(each, shape) for each in plan.networks), default=0) * _BEST_S
    return best + prod(shape) * _CORRECT_S * len(plan.steps) + prod(geometry.shape) * _RESTORE_S


def _last_window_sums(network: NetworkRun, shape: Shape) -> int:
    """Values that are left to compare when the last window is done: all labels in the rows of one window."""
    plans = _plans(network.folder)
    a, b, _ = sorted(max(n, window) for n, window in zip(sorted(shape), sorted(plans.patch_shape), strict=True))
    return plans.outputs * a * b * max(plans.patch_shape)


def model_grid(plan: Plan, geometry: Geometry) -> tuple[Shape, Spacing]:
    """Shape and spacing in mm of the image, turned as they want it, that the plan's networks are given."""
    turned = plan.order(geometry).apply_geometry(geometry)
    if plan.spacing_mm is None:
        return turned.shape, turned.spacing_mm
    return resampled_shape(turned, plan.spacing_mm), plan.spacing_mm


def _network_shape(plans: NetworkPlans, shape_ras: Shape, spacing_ras: Spacing) -> Shape:
    """Size of the image in the network's own axis order and spacing."""
    size, spacing = tuple(reversed(shape_ras)), tuple(reversed(spacing_ras))
    size = tuple(size[n] for n in plans.transpose_forward)
    spacing = tuple(spacing[n] for n in plans.transpose_forward)
    a, b, c = (max(1, round(n * mm / new)) for n, mm, new in zip(size, spacing, plans.spacing_mm, strict=True))
    return a, b, c


def _plans(folder: str) -> NetworkPlans:
    return _plans_as_of(folder, *(_changed_ns(Path(folder, name)) for name in ("plans.json", "dataset.json")))


@lru_cache(maxsize=256)
def _plans_as_of(folder: str, _plans_ns: int, _dataset_ns: int) -> NetworkPlans:
    return read_plans(Path(folder))


def _changed_ns(path: Path) -> int:
    """When the file was last changed: a network may be replaced while the program runs."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
