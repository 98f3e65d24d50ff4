"""How much work a plan is, in window voxels: the unit progress and time estimates count in."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tsdesktop.core.geometry import Geometry, Shape, to_ras_order
from tsdesktop.core.resampling import resampled_shape
from tsdesktop.jobs.plan import NetworkRun, Plan
from tsdesktop.jobs.tiles import tile_count
from tsdesktop.weights.plans import NetworkPlans, read_plans


def network_work(network: NetworkRun, shape_ras: Shape, spacing_ras: tuple[float, float, float], step: float) -> int:
    """Window voxels of one network on a RAS image of `shape_ras` at `spacing_ras` mm, all folds counted."""
    plans = _plans(network.folder)
    size, spacing = tuple(reversed(shape_ras)), tuple(reversed(spacing_ras))
    size = tuple(size[n] for n in plans.transpose_forward)
    spacing = tuple(spacing[n] for n in plans.transpose_forward)
    a, b, c = (max(1, round(n * mm / new)) for n, mm, new in zip(size, spacing, plans.spacing_mm, strict=True))
    tiles = tile_count((a, b, c), plans.patch_shape, step)
    i, j, k = plans.patch_shape
    return tiles * i * j * k * max(1, len(network.folds))


def own_work(plan: Plan, geometry: Geometry) -> int:
    """Window voxels of the plan's own networks on a scan with this grid."""
    turned = to_ras_order(geometry).apply_geometry(geometry)
    spacing = plan.spacing_mm or turned.spacing_mm
    shape = turned.shape if plan.spacing_mm is None else resampled_shape(turned, spacing)
    return sum(network_work(each, shape, spacing, plan.step_size) for each in plan.networks)


def total_work(plan: Plan, geometry: Geometry) -> int:
    """Window voxels of the plan with its crop and refinement; the crop's effect is not known yet and not counted."""
    before = total_work(plan.crop.plan, geometry) if plan.crop else 0
    after = total_work(plan.refine.plan, geometry) if plan.refine else 0
    return before + own_work(plan, geometry) + after


@cache
def _plans(folder: str) -> NetworkPlans:
    return read_plans(Path(folder))
