"""The options of a run: all of TotalSegmentator's are answered, and values that cannot be meant are refused."""

from __future__ import annotations

import pytest

from tsdesktop.core.errors import OptionsError
from tsdesktop.core.options import NOT_OFFERED, Options, declarations
from tsdesktop.core.tasks import catalogue

# Every option of TotalSegmentator 2.18.0's command, short and long names.
UPSTREAM = """
-i
-o
-ot --output_type
-ml --ml
-nr --nr_thr_resamp
-ro --resampling_order
-ns --nr_thr_saving
-f --fast
-ff --fastest
-sl --save_lowres
-t --nora_tag
-p --preview
-ta --task
-ms --model_size
-rs --roi_subset
-rsr --roi_subset_robust
-rc --robust_crop
--higher_order_resampling_LEGACY
-ho --higher_order_resampling
-s --statistics
-r --radiomics
-rp --report
-sii --stats_include_incomplete
-sa --stats_aggregation
-sx --statistics_extra
-cp --crop_path
-bs --body_seg
-fs --force_split
-ss --skip_saving
-ndm --no_derived_masks
-v1o --v1_order
-rmb --remove_small_blobs
-d --device
-q --quiet
-v --verbose
-sp --save_probabilities
--debug
-l --license_number
--test
-lt --list-tasks
-lc --list-classes
--version
""".strip().splitlines()


def test_every_upstream_option_is_offered_or_has_a_reason() -> None:
    offered = {flag for each in declarations() for flag in each.upstream}
    refused = {flag for flags in NOT_OFFERED for flag in flags.split()}
    upstream = {flag for names in UPSTREAM for flag in names.split()}
    assert len(UPSTREAM) == 42
    assert upstream - offered - refused == set(), "neither offered nor explained"
    assert offered & refused == set(), "offered and refused at once"
    assert (offered | refused) - upstream == set(), "not an option of upstream"


def test_the_names_of_one_upstream_option_stay_together() -> None:
    groups = [set(each.upstream) for each in declarations()] + [set(flags.split()) for flags in NOT_OFFERED]
    for names in UPSTREAM:
        assert any(set(names.split()) <= group for group in groups), names


def test_every_declaration_can_stand_in_help_and_docs() -> None:
    flags = [each.flag for each in declarations()]
    assert len(set(flags)) == len(flags)
    for each in declarations():
        assert each.flag.startswith("--"), each.name
        assert each.help, each.name
        assert not each.help.endswith("."), each.name
        assert all(reason for reason in NOT_OFFERED.values())


@pytest.mark.parametrize(
    ("wrong", "flag"),
    [
        ({"resampling_order": 6}, "--resampling-order"),
        ({"threads": -1}, "--threads"),
        ({"remove_small_blobs": -1.0}, "--remove-small-blobs"),
        ({"bone_threshold_hu": 5000.0}, "--bone-threshold-hu"),
        ({"format": "zip"}, "--format"),
        ({"meshes": "blend"}, "--meshes"),
        ({"meshes": ("stl", "dae")}, "--meshes"),
        ({"meshes": ("stl", "stl-ascii")}, "--meshes"),
        ({"meshes": ("3mf", "ply"), "mesh_layout": ("parts",)}, "--mesh-layout parts"),
        ({"mesh_smoothing": "rough"}, "--mesh-smoothing"),
        ({"label_formats": ("nifti", "mgz")}, "--label-formats"),
        ({"mesh_frame": "XYZ"}, "--mesh-frame"),
        ({"label_formats": ("dicom-seg",), "dicom_seg_form": "zip"}, "--dicom-seg-form"),
        ({"dicom_seg_form": "deflated"}, "--dicom-seg-form deflated needs --label-formats dicom-seg"),
        ({"model_size": "medium"}, "--model-size"),
        ({"statistics_average": "mode"}, "--statistics-average"),
        ({"fast": True, "fastest": True}, "--fast"),
        ({"smooth_labels": True, "smooth_labels_legacy": True}, "--smooth-labels"),
        ({"keep_model_resolution": True}, "--keep-model-resolution"),
        ({"keep_model_resolution": True, "fast": True, "roi": ("liver",)}, "--keep-model-resolution"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(wrong: dict[str, object], flag: str) -> None:
    with pytest.raises(OptionsError, match=flag):
        Options(**wrong)  # type: ignore[arg-type]


def test_one_word_stands_for_itself_where_several_may_stand() -> None:
    assert Options(meshes="stl").meshes == ("stl",)  # type: ignore[arg-type]
    assert Options(meshes="").meshes == ()  # type: ignore[arg-type]
    assert Options(roi=["liver", "spleen"]).roi == ("liver", "spleen")  # type: ignore[arg-type]


def test_each_quality_names_its_variant() -> None:
    total = catalogue().task("total")
    assert Options().variant_name(total) == "full"
    assert Options(fast=True).variant_name(total) == "fast"
    assert Options(fastest=True).variant_name(total) == "fastest"
    assert Options(model_size="small", fast=True).variant_name(catalogue().task("total_v3")) == "fast_small"


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("lung_vessels", Options(fast=True)),
        ("total", Options(model_size="small")),
        ("bone", Options(fast=True)),
        ("lung_vessels", Options(roi=("liver",))),
        ("total", Options(roi=("livver",))),
        ("body", Options(v1_order=True)),
    ],
)
def test_what_a_task_cannot_do_is_refused(task: str, options: Options) -> None:
    with pytest.raises(OptionsError):
        options.check_for(catalogue().task(task), ["total"])


def test_what_a_task_can_do_is_accepted() -> None:
    Options(roi=("liver", "spleen"), fast=True, v1_order=True).check_for(catalogue().task("total"), ["total"])
    Options().check_for(catalogue().task("bone"), ["total"])
