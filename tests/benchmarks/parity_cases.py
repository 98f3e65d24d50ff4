"""What both programs are run on: tasks, options and scans, and why results differ where they are known to.

Scans for the hand-set networks are those of the tests: small, oblique, anisotropic, and chosen so that no label hangs
on rounding. For them the result is also known by arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib
from numpy.typing import NDArray

from tests.benchmarks.parity_scans import (
    bands,
    body,
    brightest,
    fractions,
    long,
    spine,
    straight,
    thick_slices,
    write_dicom,
)
from tests.inference.examples import settled
from tests.inference.expected import How
from tsdesktop.core.options import Options

Array = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """One run of both programs. `scan` makes intensities and affine; or `file` is a scan for the fitted networks.

    `settle` moves single voxels until no label hangs on rounding, and then the result is known by arithmetic.
    """

    name: str
    options: Options
    scan: Callable[[], tuple[Array, Array]] | None = None
    file: str = ""
    settle: How | None = None
    dicom: bool = False
    tents: bool = True
    peer: tuple[str, ...] = ("-ns", "1")
    why: str = ""


def write_scan(case: Case, folder: Path, data: Path) -> tuple[Path, Array | None]:
    """The scan of a case in `folder`, and the labels that arithmetic says it has (None where it does not say)."""
    if case.scan is None:
        return data / case.file, None
    folder.mkdir(parents=True, exist_ok=True)
    (scan, affine), expected, how = case.scan(), None, case.settle
    if how is not None:
        scan, expected, _ = settled(scan, affine, lambda each: each.task(case.options.task, how))
        # The arithmetic knows the new numbers only.
        expected = None if case.options.v1_order else expected
    if case.dicom:
        return write_dicom(scan, affine, folder / "dicom"), None
    path = folder / "scan.nii.gz"
    nib.save(nib.Nifti1Image(scan, affine), path)
    return path, expected


def _of(name: str, options: Options, how: How, *, settle: bool = True, **more: Any) -> Case:
    scan = more.pop("scan", None) or bands(options.task, how)
    return Case(name, options, scan, settle=how if settle else None, **more)


def band_cases() -> list[Case]:
    """Hand-set networks."""
    return [*_whole_body(), *_other_tasks(), *_options(), *_outputs()]


def _whole_body() -> list[Case]:
    wide, narrow = brightest("298"), brightest("297")
    return [
        _of("total", Options(), How()),
        _of("total, fast", Options(fast=True), How("fast")),
        _of("total, fastest", Options(fastest=True), How("fastest")),
        _of("total_mr", Options(task="total_mr"), How()),
        _of("total_mr, fast", Options(task="total_mr", fast=True), How("fast")),
        _of("total_mr, fastest", Options(task="total_mr", fastest=True), How("fastest")),
        _of("total, two structures", Options(roi=wide), How(roi=wide)),
        _of(
            "total, two structures, robust crop",
            Options(roi=narrow, robust_crop=True),
            How(roi=narrow, robust=True),
        ),
        _of("total fast, two structures", Options(roi=wide, fast=True), How("fast", roi=wide)),
        _of("total_mr, liver", Options(task="total_mr", roi=("liver",)), How(roi=("liver",))),
        _of("total fast, body crop", Options(fast=True, body_crop=True), How("fast", body_crop=True)),
    ]


def _other_tasks() -> list[Case]:
    whole = [
        _of(name, Options(task=name), How(), settle=settle)
        for name, settle in (
            ("lung_vessels", False), ("lung_vessels_LEGACY", False), ("liver_segments", True),
            ("liver_segments_mr", True), ("kidney_cysts", True), ("headneck_muscles", True), ("head_muscles", True),
            ("abdominal_muscles", True), ("pleural_pericard_effusion", False), ("vertebrae_body", True),
            ("trunk_cavities", True), ("body_mr", False),
        )
    ]  # fmt: skip
    return [
        Case("body", Options(task="body"), body("299"), settle=How()),
        Case("body, fast", Options(task="body", fast=True), body("300"), settle=How("fast")),
        *whole,
        Case("vertebrae_pp", Options(task="vertebrae_pp"), spine, settle=How()),
        Case("vertebrae_pp_refined", Options(task="vertebrae_pp_refined"), spine, settle=How()),
    ]


def _options() -> list[Case]:
    fast = Options(fast=True)
    return [
        _of("resampling order 3", replace(fast, resampling_order=3), How("fast", order=3)),
        Case(
            "smooth labels (higher order)",
            replace(fast, smooth_labels=True),
            bands("total", How("fast")),
            settle=How("fast", smooth="labels"),
            tents=False,
            why="logits of 118 labels that grow with the square of the intensity",
        ),
        _of(
            "smooth labels, legacy",
            replace(fast, smooth_labels_legacy=True),
            How("fast", smooth="legacy"),
        ),
        Case("force split", replace(fast, force_split=True), long, settle=How("fast", split=True)),
        _of("small pieces removed", replace(fast, remove_small_blobs=200.0), How("fast", blobs_mm3=200.0)),
        Case("thick slices, fast", fast, thick_slices("total", How("fast")), settle=How("fast")),
        Case(
            "thick slices, network's own spacing", Options(task="liver_vessels"), thick_slices("liver_vessels", How())
        ),
    ]


def _outputs() -> list[Case]:
    fast = Options(fast=True)
    per_class = replace(fast, format="per-class")
    return [
        _of("one file per structure", per_class, How("fast"), peer=()),
        _of("one file per structure, body", Options(task="body", format="per-class"), How(), scan=body("299"), peer=()),
        _of("v1 order", replace(fast, v1_order=True), How("fast")),
        _of(
            "model resolution",
            replace(fast, keep_model_resolution=True),
            How("fast", keep_model_resolution=True),
            why="the peer states the nominal spacing, not the true one",
        ),
        Case("DICOM series", fast, straight, dicom=True, settle=How("fast")),
        *_where_upstream_errs(),
    ]


def _where_upstream_errs() -> list[Case]:
    """Known faults of the peer: labels must differ."""
    fast, refined = Options(fast=True), Options(task="vertebrae_pp_refined", format="per-class")
    return [
        Case(
            "vertebrae_pp_refined, one file per structure", refined, spine, peer=(),
            why="several writers of the peer write what was there before the refinement",
        ),
        _of(
            "v1 order, one file per structure", replace(fast, format="per-class", v1_order=True), How("fast"),
            why="the peer cuts files out of the old numbering with the new one's names",
        ),
        Case(
            "MR, intensities from 0 to 1", Options(task="total_mr", fast=True), fractions,
            why="the peer cuts intensities to whole numbers: nothing is left",
        ),
    ]  # fmt: skip


def fitted_cases() -> list[Case]:
    """Fitted networks on real scans, at 3 and 6 mm."""
    abdomen, fast = "ct_abdomen/ct.nii.gz", Options(fast=True)
    return [
        Case("abdomen, fast", fast, file=abdomen),
        Case("abdomen, fastest", Options(fastest=True), file=abdomen),
        Case("abdomen, fast, statistics", replace(fast, statistics=True), file=abdomen),
        Case("abdomen, fastest, statistics", Options(fastest=True, statistics=True), file=abdomen),
        Case("abdomen, fast, per structure", replace(fast, format="per-class"), file=abdomen, peer=()),
        Case("abdomen, fast, spleen", replace(fast, roi=("spleen",)), file=abdomen),
        Case("abdomen, fast, smooth labels", replace(fast, smooth_labels=True), file=abdomen),
        Case("abdomen, fast, force split", replace(fast, force_split=True), file=abdomen),
        Case("slab, fast", fast, file="ct_slab/ct.nii.gz"),
    ]
