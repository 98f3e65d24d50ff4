"""Which networks a run needs: compared with a record of TotalSegmentator's tables if one is here, and by examples."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest

from tests import conftest
from tsdesktop.core.errors import OptionsError
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import Network, catalogue
from tsdesktop.jobs.needs import networks_for_offline, networks_of_run

_RECORD = conftest.test_data().parent / "spec" / "tasks.json"
_RECORDED: dict[str, Any] = json.loads(_RECORD.read_text(encoding="utf-8")) if _RECORD.is_file() else {}
_OFFERED = {
    name: entry["dataset_ids_needed_offline"]
    for name, entry in _RECORDED.get("tasks", {}).items()
    if entry["status"] != "internal_unavailable"
}
_SIZES: dict[str, Literal["big", "small"]] = {"default_small": "small", "fast_small": "small"}
recorded = pytest.mark.skipif(not _RECORDED, reason="no record of TotalSegmentator's tables here")


def ids(networks: tuple[Network, ...]) -> list[int]:
    return [each.dataset_id for each in networks]


def needed(**options: Any) -> list[int]:
    chosen = Options(**options)
    return ids(networks_of_run(catalogue().task(chosen.task), chosen, catalogue()))


@recorded
@pytest.mark.parametrize("name", _OFFERED)
def test_every_version_loads_what_the_record_says(name: str) -> None:
    for key, wanted in _OFFERED[name].items():
        size = _SIZES.get(key, "big")
        found = needed(task=name, fast=key in ("fast", "fast_small"), fastest=key == "fastest", model_size=size)
        assert sorted(found) == sorted(wanted), key


@recorded
@pytest.mark.parametrize("name", _OFFERED)
def test_what_is_kept_for_offline_use_suffices_for_every_version(name: str) -> None:
    kept = set(ids(networks_for_offline(catalogue().task(name), catalogue())))
    assert kept >= {each for wanted in _OFFERED[name].values() for each in wanted}
    # What upstream's own download of the task fetches is never less than what a person gets here.
    assert kept >= set(_RECORDED["download_sets"].get(name, []))


@recorded
def test_nothing_is_fetched_for_offline_use_that_no_run_loads() -> None:
    for name in _OFFERED:
        task = catalogue().task(name)
        qualities: list[dict[str, Any]] = [{}, {"fast": True}, {"fastest": True}, {"model_size": "small"}]
        qualities.append({"fast": True, "model_size": "small"})
        rois: list[tuple[str, ...]] = [(), *([(task.classes[0].name,)] if task.roi_subset else [])]
        loaded: set[int] = set()
        for quality in qualities:
            for how in ({}, {"robust_crop": True}, {"body_crop": True}):
                for roi in rois:
                    try:
                        loaded |= set(needed(task=name, roi=roi, **how, **quality))
                    except OptionsError:
                        continue
        assert set(ids(networks_for_offline(task, catalogue()))) == loaded, name


def test_networks_of_a_run_by_example() -> None:
    assert needed(task="total") == [291, 292, 293, 294, 295]
    assert needed(task="total", fast=True) == [297]
    assert needed(task="bone") == []
    # The network that finds the region comes first, and only the parts that hold a chosen structure follow.
    assert needed(task="total", roi=("liver", "spleen")) == [298, 291]
    assert needed(task="total", roi=("liver", "rib_left_1"), robust_crop=True) == [297, 291, 295]
    assert needed(task="total", body_crop=True) == [300, 291, 292, 293, 294, 295]
    assert needed(task="total_mr", fast=True, roi=("liver",)) == [852]
    assert needed(task="liver_segments") == [298, 570]
    assert needed(task="liver_segments", robust_crop=True) == [297, 570]
    assert needed(task="vertebrae_pp_refined")[-1] == 305


def test_a_version_the_task_does_not_have_is_refused() -> None:
    with pytest.raises(OptionsError, match="lung_vessels has no fast version"):
        needed(task="lung_vessels", fast=True)


def test_offline_use_by_example() -> None:
    total = networks_for_offline(catalogue().task("total"), catalogue())
    assert sorted(ids(total)) == [291, 292, 293, 294, 295, 297, 298, 300]
    assert networks_for_offline(catalogue().task("bone"), catalogue()) == ()
    both_sizes = networks_for_offline(catalogue().task("total_v3"), catalogue())
    assert {each.key for each in both_sizes} >= {"831", "831-small", "836", "836-small", "837"}
