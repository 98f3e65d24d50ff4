"""The table of tasks says what TotalSegmentator's own tables say: compared with a record of them, where one is here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import conftest
from tsdesktop.core.tasks import (
    KeepLargest,
    NumberVertebrae,
    Refine,
    RemoveOutside,
    RemoveUpTo,
    Step,
    Task,
    Variant,
    catalogue,
)

_RECORD = conftest.test_data().parent / "spec" / "tasks.json"
_RECORDED: dict[str, Any] = json.loads(_RECORD.read_text(encoding="utf-8")) if _RECORD.is_file() else {}
_OFFERED = {
    name: entry for name, entry in _RECORDED.get("tasks", {}).items() if entry["status"] != "internal_unavailable"
}
_LICENCES = {"open": "open", "license_required": "licensed", "non_commercial": "non_commercial"}
_VARIANTS = {"default": "full", "default_small": "full_small"}
pytestmark = pytest.mark.skipif(not _RECORDED, reason="no record of TotalSegmentator's tables here")


def ours() -> dict[str, Task]:
    return {name: task for name, task in catalogue().tasks.items() if task.variants and task.group != "demo"}


def test_offered_tasks() -> None:
    assert set(ours()) == set(_OFFERED)
    assert len(_OFFERED) == _RECORDED["counts"]["tasks"] - 2
    public = [name for name, task in ours().items() if task.status == "public"]
    assert public == [name for name, entry in _OFFERED.items() if entry["status"] == "public"]
    runnable = [name for name, entry in _OFFERED.items() if entry["status"] != "internal_report_model"]
    assert len(runnable) == _RECORDED["counts"]["public_runnable"]


@pytest.mark.parametrize("name", _OFFERED)
def test_classes_licence_and_papers(name: str) -> None:
    task, entry = ours()[name], _OFFERED[name]
    assert [(each.label, each.name) for each in task.classes] == [(one["id"], one["name"]) for one in entry["classes"]]
    assert len(task.classes) == entry["num_classes"]
    assert task.modality == entry["modality"]
    assert task.licence == _LICENCES[entry["license_class"]]
    assert task.small_dataset == entry["small_dataset_star"]
    assert task.roi_subset == entry["roi_subset_supported"]
    assert task.step_size == entry["step_size"]
    assert set(entry.get("references", {}).get("papers", [])) <= set(task.papers)
    assert list(task.derived) == [each["name"] for each in entry.get("derived_masks", [])]


@pytest.mark.parametrize("name", _OFFERED)
def test_variants_and_networks(name: str) -> None:
    task, entry = ours()[name], _OFFERED[name]
    assert list(task.variants) == [_VARIANTS.get(each, each) for each in entry["variants"]]
    for key, recorded in entry["variants"].items():
        compare_variant(task.variants[_VARIANTS.get(key, key)], recorded)


def compare_variant(variant: Variant, recorded: dict[str, Any]) -> None:
    spacing = recorded["resample_mm"]
    assert variant.spacing_mm == (None if spacing is None else tuple(spacing))
    assert len(variant.parts) == len(recorded["models"])
    for part, model in zip(variant.parts, recorded["models"], strict=True):
        network = part.network
        assert (network.dataset_id, network.folder) == (model["dataset_id"], model["model_folder"])
        assert model["checkpoint"] == "checkpoint_final.pth"
        assert network.folds == (None if model["folds"] == "all_available" else tuple(model["folds"]))
        assert part.name == model.get("part", "")
        kept = {each["model_label"]: each["final_label"] for each in model["label_map"]}
        dropped = {each["model_label"]: 0 for each in model.get("dropped_model_labels", [])}
        assert dict(enumerate(part.final_labels, 1)) == kept | dropped
        source = _RECORDED["weights"][str(model["dataset_id"])]
        assert network.url == source["url"]
        assert network.zip_bytes == source["zip_size_bytes"]
        assert (network.source == "licence_server") == (source["source"] == "license_server")
        assert network.licence_server_task == source.get("license_server_task")


@pytest.mark.parametrize("name", _OFFERED)
def test_crop(name: str) -> None:
    crop, recorded = ours()[name].crop, _OFFERED[name]["crop"]
    if crop is None or recorded is None:
        assert crop is recorded
        return
    assert list(crop.classes) == recorded["classes"]
    assert [crop.margin_mm] * 3 == recorded["margin_mm_effective"]
    assert [crop.configured_margin_mm] * 3 == recorded["margin_mm_configured"]
    assert crop.robust == recorded["robust_by_default"]
    model = recorded["model"]
    assert crop.whole_task == (model["kind"] == "task")
    if crop.whole_task:
        assert crop.task == model["task"]
        return
    other = ours()[crop.task]
    assert crop.task == model["class_map"]
    assert other.step_size == model["step_size"]
    usual = (crop.robust and crop.robust_variant) or crop.variant
    assert network_of(other, usual) == (model["dataset_id"], [model["spacing_mm"]] * 3, model["folds"])
    if model["robust_alternative"] is not None:
        finer = model["robust_alternative"]
        assert crop.robust_variant is not None
        assert network_of(other, crop.robust_variant)[:2] == (finer["dataset_id"], [finer["spacing_mm"]] * 3)


def network_of(task: Task, variant: str) -> tuple[int, list[float], list[int]]:
    found = task.variants[variant]  # type: ignore[index]
    network = found.parts[0].network
    return network.dataset_id, list(found.spacing_mm or ()), list(network.folds or ())


@pytest.mark.parametrize("name", _OFFERED)
def test_corrections(name: str) -> None:
    task = ours()[name]
    names = {each.label: each.name for each in task.classes}
    # Dropped labels stand in the label tables, which are compared above.
    recorded = [each for each in _OFFERED[name]["postprocessing"] if each["op"] != "drop_labels"]
    wanted = [step for each in recorded for step in as_steps(each, _OFFERED[name])]
    assert [described(step, names) for step in task.postprocess] == wanted


def described(step: Step, names: dict[int, str]) -> tuple[Any, ...]:
    match step:
        case KeepLargest(labels):
            return "keep_largest", [names[label] for label in labels]
        case RemoveUpTo(labels, mm3):
            return "remove_up_to", [names[label] for label in labels], mm3
        case NumberVertebrae(component_mm3, dilate_mm):
            return "number_vertebrae", component_mm3, dilate_mm
        case Refine(task, variant, label, dilate_mm):
            return "refine", network_of(ours()[task], variant)[:2], label, dilate_mm
        case RemoveOutside(classes, dilate_mm):
            return "remove_outside", list(classes), dilate_mm


def as_steps(recorded: dict[str, Any], entry: dict[str, Any]) -> list[tuple[Any, ...]]:
    match recorded["op"]:
        case "keep_largest_component":
            return [("keep_largest", recorded["classes"])]
        case "remove_components":
            return [("remove_up_to", recorded["classes"], recorded["min_size_mm3"])]
        case "vertebrae_relabel_and_dilate":
            return [("number_vertebrae", recorded["min_component_mm3"], recorded["dilation_mm"])]
        case "refine_with_vertebrae_body":
            model = (recorded["model"]["dataset_id"], recorded["model"]["resample_mm"])
            return [("refine", model, recorded["clip_to_label"], recorded["dilation_mm"])]
        case "remove_outside_of_dilated_mask":
            rule = entry["remove_outside"]
            return [("remove_outside", rule["classes"], rule["dilation_mm"])]
        case unknown:
            raise AssertionError(f"a correction this test does not know: {unknown}")


def test_networks_needed_offline() -> None:
    for name, entry in _OFFERED.items():
        for key, ids in entry["dataset_ids_needed_offline"].items():
            task = ours()[name]
            variant = task.variants[_VARIANTS.get(key, key)]
            used = {part.network.dataset_id for part in variant.parts} | looked_at_first(task)
            refining = [step for step in task.postprocess if isinstance(step, Refine)]
            used |= {network_of(ours()[step.task], step.variant)[0] for step in refining}
            assert used == set(ids), f"{name} {key}"


def looked_at_first(task: Task) -> set[int]:
    if task.crop is None:
        return set()
    other = ours()[task.crop.task]
    variant = (task.crop.robust and task.crop.robust_variant) or task.crop.variant
    inner = looked_at_first(other) if task.crop.whole_task else set()
    return {network_of(other, variant)[0]} | inner


def test_counts_orders_and_groups() -> None:
    names = [each.name for task in ours().values() for each in task.classes]
    unavailable = [entry for name, entry in _RECORDED["tasks"].items() if name not in _OFFERED]
    assert len(names) + sum(entry["num_classes"] for entry in unavailable) == _RECORDED["counts"]["classes_total"]
    others = {each["name"] for entry in unavailable for each in entry["classes"]}
    assert len(set(names) | others) == _RECORDED["counts"]["classes_unique"]
    assert {str(label): name for label, name in catalogue().v1_order.items()} == _RECORDED["legacy_label_order_v1"]
    assert {key: list(value) for key, value in catalogue().groups.items()} == _RECORDED["mask_groups"]
    assert list(catalogue().obsolete_folders) == _RECORDED["obsolete_weight_folders_deleted_on_download"]
