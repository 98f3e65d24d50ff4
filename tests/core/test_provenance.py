"""Identifiers and times of exports are the run's own, and the same every time."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.provenance import Provenance, provenance_of
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap

NOON = datetime(2026, 3, 4, 12, 0, 5, tzinfo=UTC)


@pytest.fixture
def labels() -> LabelMap:
    array = np.zeros((4, 5, 6), np.uint8)
    array[1:3, 1:3, 1:3] = 5
    return LabelMap(array, Geometry(array.shape, np.eye(4)), (structure_class(5, "liver"),), "total")


def test_same_labels_same_identifiers(labels: LabelMap) -> None:
    again = replace(labels, array=np.asfortranarray(labels.array.astype(np.uint16)))
    assert provenance_of(labels, NOON) == provenance_of(again, NOON)
    assert provenance_of(labels, NOON).uid("segmentation", "1") == provenance_of(again, NOON).uid("segmentation", "1")


def test_one_voxel_another_task_or_another_place_is_another_seed(labels: LabelMap) -> None:
    array = labels.array.copy()
    array[0, 0, 0] = 5
    moved = np.eye(4)
    moved[0, 3] = 1.0
    others = [
        labels.with_array(array),
        replace(labels, task="total_mr"),
        replace(labels, geometry=Geometry(array.shape, moved)),
    ]
    seeds = {provenance_of(each, NOON).seed for each in [labels, *others]}
    assert len(seeds) == 4


def test_uid_is_a_uuid_under_2_25(labels: LabelMap) -> None:
    uid = provenance_of(labels, NOON).uid("series")
    root, number = uid.rsplit(".", 1)
    assert root == "2.25" and len(uid) <= 64
    assert uuid.UUID(int=int(number)).version == 8
    assert uid != provenance_of(labels, NOON).uid("instance")


def test_time_is_kept_in_utc_and_whole_seconds() -> None:
    berlin = timezone(timedelta(hours=1))
    assert Provenance(datetime(2026, 3, 4, 13, 0, 5, 123, berlin), "ab").made_at == NOON


@pytest.mark.parametrize("made_at, seed", [(datetime(2026, 3, 4), "ab"), (NOON, "not hex")])
def test_refuses_what_would_not_be_reproducible(made_at: datetime, seed: str) -> None:
    with pytest.raises(ValueError):
        Provenance(made_at, seed)
