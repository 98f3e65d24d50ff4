"""A person's own networks: what is copied and checked, what they are called, and why some cannot run."""

from __future__ import annotations

import json
import os
import pickle
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.networks import BandNetwork, CtRange, write_band_network
from tsdesktop.core.errors import Cancelled, OptionsError, WeightsError
from tsdesktop.core.tasks import catalogue
from tsdesktop.weights.catalogue import full_catalogue, refusal
from tsdesktop.weights.custom import (
    CustomNetwork,
    add_custom,
    custom_folder,
    custom_network,
    custom_networks,
    recolour_custom,
    remove_custom,
    rename_custom,
    replaced_by,
)
from tsdesktop.weights.packages import package_named, packages, packages_of
from tsdesktop.weights.places import FOLD_ALL, find_network, folds_of, presence
from tsdesktop.weights.progress import Progress, nobody
from tsdesktop.weights.stopping import Stop

FOLDER = "Dataset501_LiverTumour/nnUNetTrainer__nnUNetPlans__3d_fullres"
LIVER = BandNetwork(
    FOLDER,
    ((0.0, 40.0, 80.0, 120.0),),
    CtRange(-200, 300, 10, 100),
    (1.5, 2.0, 2.5),
    dataset={"labels": {"background": 0, "Liver": 1, "Tumor größer/2 cm": 2, "portal vein": 3}},
)
Change = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], Any]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A results folder of nnU-Net with more in it than a network needs."""
    folder = write_band_network(tmp_path / "results", LIVER)
    (folder / "fold_0" / "progress.png").write_bytes(b"a picture")
    (folder / "fold_0" / "checkpoint_best.pth").write_bytes(b"an earlier state")
    (folder / "crossval_results_folds_0").mkdir()
    return folder


def add(folder: Path) -> CustomNetwork:
    (added,) = add_custom(folder, nobody, Stop())
    return added


def change(folder: Path, edit: Change) -> None:
    """Edits (plans, the folder's configuration, dataset) in place."""
    plans, dataset = (json.loads((folder / name).read_text()) for name in ("plans.json", "dataset.json"))
    edit(plans, plans["configurations"][folder.name.split("__")[2]], dataset)
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps(dataset))


def leftovers() -> list[str]:
    return [each.name for each in custom_folder().iterdir() if each.name.startswith(".")]


def test_only_what_a_network_needs_is_copied(results: Path, own_data_folder: Path) -> None:
    heard: list[Progress] = []
    (added,) = add_custom(results.parent, heard.append, Stop())
    place = own_data_folder / "weights" / "custom" / FOLDER
    assert added.folder == place and not added.replaced
    files = {str(each.relative_to(place)) for each in place.rglob("*") if each.is_file()}
    assert files == {"plans.json", "dataset.json", "fold_0/checkpoint_final.pth", "tsdesktop.json"}
    assert heard[-1].stage == "checking" and [each.share for each in heard if each.stage == "unpacking"][-1] == 1.0
    assert leftovers() == []


def test_it_is_a_task_like_any_other(results: Path) -> None:
    name = add(results).name
    known = full_catalogue()
    task = known.task("custom_livertumour")
    assert (task.name, task.title, task.group, task.modality) == (name, "Custom: LiverTumour", "custom", "CT")
    assert (task.licence, task.status, task.problem, refusal(task)) == ("open", "public", "", None)
    assert [(each.label, each.name) for each in task.classes] == [
        (1, "Liver"), (2, "Tumor größer/2 cm"), (3, "portal vein"),
    ]  # fmt: skip
    network = task.variants["full"].parts[0].network
    assert presence(network).state == "here" and find_network(network) == custom_folder() / FOLDER
    assert network.dataset_folder == "Dataset501_LiverTumour" and network.dataset_id == 501
    assert known.tasks["total"] is catalogue().tasks["total"]
    assert full_catalogue() is known, "nothing is read again while nothing has changed"


def test_known_structures_bring_colour_and_codes(results: Path) -> None:
    add(results)
    task, total = full_catalogue().task("custom_livertumour"), catalogue().task("total")
    assert task.classes[0].rgb == total.structure("liver").rgb
    assert task.classes[0].codes == total.structure("liver").codes
    assert len({each.rgb for each in task.classes}) == 3


def test_own_networks_are_no_packages_to_download(results: Path) -> None:
    add(results)
    known = full_catalogue()
    assert packages(known) == packages(catalogue())
    assert package_named("Dataset501_LiverTumour", known) is None
    assert packages_of([known.networks["custom_livertumour"]], known) == ()


def test_title_and_colours_are_kept(results: Path) -> None:
    name = add(results).name
    rename_custom(name, "  Liver and\ttumours ")
    recolour_custom(name, "Tumor größer/2 cm", (1, 200, 30))
    task = full_catalogue().task(name)
    assert task.title == "Custom: Liver and tumours"
    assert task.structure("Tumor größer/2 cm").rgb == (1, 200, 30)
    again = add(results)
    assert again.replaced and again.title == "Liver and tumours"
    assert again.colours == {"Tumor größer/2 cm": (1, 200, 30)}


@pytest.mark.parametrize("edit", [
    lambda: rename_custom("custom_livertumour", " "),
    lambda: rename_custom("custom_livr", "a"),
    lambda: recolour_custom("custom_livertumour", "Livr", (1, 2, 3)),
    lambda: recolour_custom("custom_livertumour", "Liver", (1, 2, 300)),
    lambda: remove_custom("custom_kidney"),
])  # fmt: skip
def test_wrong_names_titles_and_colours_are_refused(results: Path, edit: Callable[[], Any]) -> None:
    add(results)
    with pytest.raises(OptionsError):
        edit()
    assert custom_network("custom_livertumour").title == "LiverTumour"


def test_a_removed_one_is_gone(results: Path) -> None:
    name = add(results).name
    size = sum(each.stat().st_size for each in (custom_folder() / FOLDER).rglob("*") if each.is_file())
    assert remove_custom(name) == size
    assert list(custom_folder().iterdir()) == [] and name not in full_catalogue().tasks


def test_the_same_folders_replace_and_others_get_names_of_their_own(results: Path, tmp_path: Path) -> None:
    first = add(results)
    low = write_band_network(tmp_path, replace(LIVER, folder=FOLDER.replace("3d_fullres", "3d_lowres")))
    other = write_band_network(tmp_path, replace(LIVER, folder=FOLDER.replace("501", "502")))
    assert [each.name for each in replaced_by(results.parent)] == [first.name]
    assert replaced_by(low) == replaced_by(other) == ()
    added = [add(low), add(other), add(results)]
    assert [(each.name, each.title, each.replaced) for each in added] == [
        ("custom_livertumour_3d_lowres", "LiverTumour (3d_lowres)", False),
        ("custom_livertumour_2", "LiverTumour (Dataset502)", False),
        ("custom_livertumour", "LiverTumour", True),
    ]
    assert len(custom_networks()) == 3


def test_every_configuration_of_a_dataset_is_a_task(results: Path) -> None:
    for configuration in ("2d", "3d_cascade_fullres", "3d_lowres"):
        write_band_network(results.parents[1], replace(LIVER, folder=FOLDER.replace("3d_fullres", configuration)))
    change(results.parent / "nnUNetTrainer__nnUNetPlans__2d", lambda plans, own, data: own.update(patch_size=[64, 64]))
    change(
        results.parent / "nnUNetTrainer__nnUNetPlans__3d_cascade_fullres",
        lambda plans, own, data: own.update(previous_stage="3d_lowres"),
    )
    added = {each.name: each.problem for each in add_custom(results.parents[1], nobody, Stop())}
    assert added == {
        "custom_livertumour": "",
        "custom_livertumour_2d": "it is a network for single slices (2D)",
        "custom_livertumour_3d_cascade_fullres": "it is the second stage of a cascade",
        "custom_livertumour_3d_lowres": "",
    }


def two_images(plans: dict[str, Any], own: dict[str, Any], dataset: dict[str, Any]) -> None:
    own["normalization_schemes"] = ["ZScoreNormalization"] * 2
    dataset["channel_names"] = {"1": "T2", "0": "T1"}


def own(**values: Any) -> Change:
    return lambda plans, own, dataset: own.update(values)


def arch(**values: Any) -> Change:
    return lambda plans, own, dataset: own["architecture"].update(values)


def labels(numbers: dict[str, Any], **more: Any) -> Change:
    return lambda plans, own, dataset: dataset.update(labels=numbers, **more)


PROBLEMS: dict[str, tuple[Change, str]] = {
    "two images": (two_images, "it needs 2 images at once (T1, T2)"),
    "network": (
        arch(network_class_name="dynamic_network_architectures.architectures.primus.Primus"),
        "it asks for the network class dynamic_network_architectures.architectures.primus.Primus",
    ),
    "operation": (
        lambda plans, own, dataset: own["architecture"]["arch_kwargs"].update(norm_op="mine.Norm"),
        "it asks for the operation mine.Norm",
    ),
    "normalisation": (
        own(normalization_schemes=["RGBTo01Normalization"]),
        "it asks for the normalization RGBTo01Normalization",
    ),
    "resampling": (
        own(resampling_fn_data="no_resampling_data_or_seg_to_shape"),
        "it asks for the resampling no_resampling_data_or_seg_to_shape",
    ),
    "labels made in another way": (
        lambda plans, own, dataset: plans.update(label_manager="MyLabels"),
        "its training made labels in a way of its own",
    ),
    "many labels": (
        labels({"background": 0, **{f"s{n}": n for n in range(1, 301)}}),
        "its labels go up to 300, and 255 are possible",
    ),
}


@pytest.mark.parametrize("what", PROBLEMS)
def test_what_cannot_run_is_listed_with_its_reason(what: str, results: Path) -> None:
    edit, reason = PROBLEMS[what]
    change(results, edit)
    added = add(results)
    task = full_catalogue().task(added.name)
    assert (added.problem, task.problem) == (reason, reason)
    refused = refusal(task)
    assert refused is not None and refused.id == "weights.unsupported"
    assert refused.sentence == f"The network LiverTumour cannot be run here: {reason}."


BROKEN: dict[str, Change] = {
    "gaps": labels({"background": 0, "liver": 2}),
    "no background": labels({"liver": 1, "tumour": 2}),
    "the same number twice": labels({"background": 0, "liver": 1, "tumour": 1}),
    "background alone": labels({"background": 0}),
    "regions without order": labels({"background": 0, "whole": [1, 2], "core": 2}),
    "regions of one label": labels({"background": 0, "whole": [1, 2], "core": 2}, regions_class_order=[1, 1]),
    "a label that is no number": labels({"background": 0, "liver": "one"}),
    "no channels": lambda plans, own, dataset: dataset.pop("channel_names"),
    "no such configuration": lambda plans, own, dataset: plans.update(configurations={"3d_lowres": own}),
    "configurations that inherit from each other": lambda plans, own, dataset: (
        own.pop("normalization_schemes"),
        own.update(inherits_from="3d_fullres"),
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_contradicts_itself_is_refused(what: str, results: Path) -> None:
    change(results, BROKEN[what])
    with pytest.raises(WeightsError) as caught:
        add(results)
    assert caught.value.id == "weights.broken" and "LiverTumour" in caught.value.sentence
    assert leftovers() == [] and custom_networks() == ()


def lose_checkpoint(folder: Path) -> None:
    (folder / "fold_0" / "checkpoint_final.pth").unlink()


def damage_checkpoint(folder: Path) -> None:
    path = folder / "fold_0" / "checkpoint_final.pth"
    path.write_bytes(path.read_bytes()[:-900])


class Hostile:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/tsdesktop-was-here",)


def poison_checkpoint(folder: Path) -> None:
    with zipfile.ZipFile(folder / "fold_0" / "checkpoint_final.pth", "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps({"network_weights": Hostile()}))
        file.writestr("archive/version", "3")


@pytest.mark.parametrize(
    ("spoil", "id"),
    [
        (lose_checkpoint, "weights.incomplete"),
        (lambda folder: (folder / "dataset.json").unlink(), "weights.incomplete"),
        (lambda folder: (folder / "plans.json").write_text("{"), "weights.broken"),
        (lambda folder: (folder / "plans.json").write_text("[" * 9000), "weights.broken"),
        (lambda folder: (folder / "dataset.json").write_text("[]"), "weights.broken"),
        (damage_checkpoint, "weights.broken"),
        (poison_checkpoint, "weights.untrusted"),
        (lambda folder: change(folder, labels({"background": 0, "liver": 1})), "weights.broken"),
        (lambda folder: (folder / "plans.json").unlink(), "weights.no_network"),
    ],
)
def test_what_is_not_whole_changes_nothing(spoil: Callable[[Path], Any], id: str, results: Path) -> None:
    before = add(results)
    spoil(results)
    with pytest.raises(WeightsError) as caught:
        add(results)
    assert caught.value.id == id
    assert custom_networks() == (custom_network(before.name),) and leftovers() == []
    assert presence(full_catalogue().networks[before.name]).state == "here"
    assert not Path("/tmp/tsdesktop-was-here").exists()


def test_stopping_leaves_nothing(results: Path) -> None:
    stop = Stop()
    with pytest.raises(Cancelled):
        add_custom(results, lambda _: stop.set(), stop)
    assert custom_networks() == () and leftovers() == []


def test_a_folder_alone_belongs_to_the_dataset_of_its_plans(results: Path, tmp_path: Path) -> None:
    alone = results.rename(tmp_path / results.name)
    assert add(alone).dataset == "Dataset501_LiverTumour"
    change(alone, lambda plans, own, dataset: plans.update(dataset_name="../../etc"))
    assert add(alone).dataset.startswith("Dataset000_")
    assert {each.parent.name for each in custom_folder().glob("*/*")} == {
        "Dataset501_LiverTumour", custom_networks()[0].dataset,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("folds", "found"),
    [((0, 2, 4), (0, 2, 4)), (("all",), (FOLD_ALL,)), ((1, "all"), (1,))],
)
def test_all_folds_are_taken(folds: tuple[Any, ...], found: tuple[int, ...], tmp_path: Path) -> None:
    folder = write_band_network(tmp_path, LIVER)
    original = folder / "fold_0"
    for fold in folds[::-1]:
        if fold != 0:
            (folder / f"fold_{fold}").mkdir()
            (folder / f"fold_{fold}" / "checkpoint_final.pth").write_bytes(
                (original / "checkpoint_final.pth").read_bytes()
            )
    if 0 not in folds:
        (original / "checkpoint_final.pth").unlink()
    added = add(folder)
    network = full_catalogue().networks[added.name]
    assert (added.folds, folds_of(network, find_network(network))) == (found, found)


@pytest.mark.parametrize(
    ("channel", "ct", "modality"),
    [
        ("CT", False, "CT"), ("ct", True, "CT"), ("CT1", False, "CT"), ("noncontrast CT", False, "CT"),
        ("CBCT", False, "CT"), ("CTA", True, "CT"), ("MRI", True, "MR"), ("T1", True, "MR"), ("t2_flair", True, "MR"),
        ("ADC", False, "MR"), ("image", True, "CT"), ("image", False, "MR"), ("noNorm", False, "MR"),
        ("direct", False, "MR"),
    ],
)  # fmt: skip
def test_the_modality_is_that_of_the_image(channel: str, ct: bool, modality: str, tmp_path: Path) -> None:
    network = LIVER if ct else replace(LIVER, ct=None)
    folder = write_band_network(tmp_path, network)
    change(folder, lambda plans, own, dataset: dataset.update(channel_names={"0": channel}))
    assert add(folder).modality == modality


def test_what_was_put_there_by_hand_is_found_and_what_is_broken_left_out(
    results: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = custom_folder() / FOLDER
    place.parent.mkdir(parents=True)
    results.rename(place)
    assert custom_networks()[0].name == "custom_livertumour"
    (place / "tsdesktop.json").write_text('{"title": "Mine", "colours": {"Liver": [1, 2], "x": [1, 2, 3]}}')
    assert [(each.title, each.colours) for each in custom_networks()] == [("Mine", {})]
    (place / "dataset.json").write_text("{}")
    assert custom_networks() == () and full_catalogue() is catalogue()
    assert "left out" in caplog.text


def test_a_change_by_another_program_is_seen(results: Path) -> None:
    name = add(results).name
    before = full_catalogue()
    kept = custom_folder() / FOLDER / "tsdesktop.json"
    facts = json.loads(kept.read_text())
    kept.write_text(json.dumps(facts | {"title": "Renamed elsewhere"}))
    assert full_catalogue().task(name).title == "Custom: Renamed elsewhere"
    assert full_catalogue() is not before


def test_what_an_ended_program_left_is_cleared_when_it_is_old(results: Path) -> None:
    old, new = custom_folder() / ".adding-old", custom_folder() / ".adding-new"
    for each in (old, new):
        (each / "new").mkdir(parents=True)
    os.utime(old, (time.time() - 90_000,) * 2)
    add(results)
    assert leftovers() == [".adding-new"]
    assert len(custom_networks()) == 1
