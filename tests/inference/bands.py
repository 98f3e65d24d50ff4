"""A band table for every network of the catalogue, read from assets/tasks.json by this file's own reader.

All whole-body networks share the intensities above 0, and their parts overlap: a later part claims what an earlier one
also claims. The networks of tasks that crop live below 0, so that one voxel cannot answer for both.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.networks import BandNetwork, CtRange, Spacing, band_centres

_TABLE = Path(__file__).resolve().parents[2] / "assets" / "tasks.json"
# Of the test scans along x, y, z after turning them to RAS: 20 mm and 10 mm are no whole numbers of voxels, and 19 mm,
# 21 mm, 9 mm or rounding instead of truncation give another number of them on some axis.
RAS_SPACING_MM: Spacing = (3.4, 2.4, 1.9)
_WIDTH = 15
# Networks whose plans have another spacing than the one the task resamples to (597) or than the scan's (260).
_OWN_SPACING_MM: dict[str, Spacing] = {"597": (1.9, 1.7, 1.85), "260": (2.3, 2.6, 2.1)}
_TRANSPOSED = {"527": (2, 0, 1), "591": (1, 2, 0), "260": (2, 0, 1), "925": (1, 0, 2)}
# Folds on the disk; the catalogue says "all available" for 315 and 615.
_FOLDS = {"315": (0, 1, 3), "615": (0, 1, 2, 3, 4)}
# Structures with the brightest bands, brightest last: others can then be shown without passing through these.
_BRIGHTEST = {"852": ("liver",), "803": ("vertebrae_C1", "vertebrae_L5")}


@cache
def table() -> dict[str, Any]:
    """assets/tasks.json."""
    content: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return content


@cache
def tasks() -> dict[str, dict[str, Any]]:
    """The tasks that run networks with published weights, by name."""
    return {each["name"]: each for each in table()["tasks"] if each["variants"] and each["group"] != "demo"}


def class_labels(task: str) -> dict[str, int]:
    """Label by structure name."""
    return {name: int(label) for label, name in tasks()[task]["classes"].items()}


def final_labels(part: dict[str, Any]) -> list[int]:
    """The task's label for each label of a part's network, from 1 on."""
    labels: list[int] = part.get("labels") or list(range(1, table()["networks"][part["network"]]["labels"] + 1))
    return labels


@cache
def band_networks() -> dict[str, BandNetwork]:
    """A hand-set network for every network of the catalogue, by key."""
    return {key: _network(key) for key in sorted({part["network"] for _, _, part in _uses()})}


def _uses() -> list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    return [
        (task, variant, part)
        for task in tasks().values()
        for variant in task["variants"].values()
        for part in variant["networks"]
    ]


def _network(key: str) -> BandNetwork:
    facts = table()["networks"][key]
    uses = [use for use in _uses() if use[2]["network"] == key]
    task, variant, part = uses[0]
    number = int(facts["dataset_id"])
    is_mr = any(use[0]["modality"] == "MR" for use in uses)
    labels_before = sum(
        table()["networks"][each["network"]]["labels"]
        for each in variant["networks"][: variant["networks"].index(part)]
    )
    order = _shuffled(facts["labels"], number + (5 if key.endswith("-small") else 0))
    brightest = [class_labels(task["name"])[name] for name in _BRIGHTEST.get(key, ())]
    order = [*(label for label in order if label not in brightest), *brightest]
    centres, ct = _mr_bands(key, order, labels_before), None
    if not is_mr:
        centres, ct = _ct_bands(key, order, labels_before, (task, variant))
    folds = _FOLDS.get(key) or tuple(facts["folds"])
    spacing = _OWN_SPACING_MM.get(key) or variant["spacing_mm"] or RAS_SPACING_MM
    transpose = _TRANSPOSED.get(key, (0, 1, 2))
    z_y_x = tuple(reversed(spacing))
    return BandNetwork(
        folder=facts["folder"],
        centres=tuple(_of_fold(centres, fold) for fold in range(len(folds))) if len(folds) > 1 else (centres,),
        ct=ct,
        spacing_mm=(z_y_x[transpose[0]], z_y_x[transpose[1]], z_y_x[transpose[2]]),
        patch=_patch(variant["spacing_mm"]),
        folds=folds,
        nonlin="ReLU" if number % 2 else "LeakyReLU",
        residual=key.endswith("-small"),
        transpose=transpose,
    )


def _shuffled(count: int, number: int) -> list[int]:
    """The labels 1 to `count` in an order of their own for every dataset."""
    stride = next(n for n in (7, 11, 13, 17, 19) if math.gcd(n, count) == 1)
    return [(n * stride + number) % count + 1 for n in range(count)]


def _ct_bands(
    key: str, order: list[int], labels_before: int, use: tuple[dict[str, Any], dict[str, Any]]
) -> tuple[tuple[float, ...], CtRange]:
    (task, variant), number, count = use, int(key.split("-")[0]), len(order)
    parts = [table()["networks"][part["network"]]["labels"] for part in variant["networks"]]
    width, first = min(101, 800 // max(sum(parts), 12) // 2 * 2 + 1), -900.0
    if task["roi_subset"] or key == "113":
        width = _WIDTH
    if task["crop"] is None or key == "113":
        first = float(width) if task["crop"] is None else -3000.0
    if labels_before:
        # Four units into the half band above the last label of the part before: there the later part has to win.
        first += width * labels_before - 4
    last = first + width * (count - 1)
    outside, high = first - width, last + 2 * width
    if task["crop"] is not None and number % 2 == 0 and len(parts) == 1 and count > 1:
        # Background lies above what the clipping leaves: without clipping, bright voxels would become background.
        outside, high = last + width, last + width // 3
    centres = list(band_centres(order, first, width, count + 1))
    centres[0] = outside
    low = min(outside, first) - 2 * width
    return tuple(centres), CtRange(low, high, first + 0.41 * (last - first) + number % 17, 90.0 + number % 83)


def _mr_bands(key: str, order: list[int], labels_before: int) -> tuple[float, ...]:
    """Bands in units of the z-score; 50 for the whole body, their parts one after the other."""
    count = len(order)
    whole_body = key in ("850", "851", "852", "853")
    width = 0.05 if whole_body else 2.2 / max(count, 5)
    first = -1.15 if whole_body else -width * (count - 1) / 2
    first += width * (labels_before - 0.3 * (labels_before > 0))
    centres = list(band_centres(order, first, width, count + 1))
    centres[0] = first - width
    if key in _BRIGHTEST:
        centres[order[-1]] += 1.6
    return tuple(centres)


def _of_fold(centres: tuple[float, ...], fold: int) -> tuple[float, ...]:
    """The centres of one fold: moved so that neither one fold alone nor the mean centre gives the mean logits."""
    width = float(np.diff(np.sort(centres)).min())
    return tuple(centre + width * 0.45 * math.cos(1.0 + 2.3 * fold + label) for label, centre in enumerate(centres))


def _patch(spacing_mm: list[float] | None) -> tuple[int, int, int]:
    """Windows of which an image needs several along some axes and that are larger than it along others."""
    if spacing_mm is None or min(spacing_mm) > 5.0:
        return (12, 14, 10)
    return (16, 20, 18) if min(spacing_mm) > 2.0 else (32, 28, 36)
