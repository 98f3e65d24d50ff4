"""Half precision on the processor: used where it was asked for, where the processor has it, and where it is right."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.inference.bands import band_networks
from tests.inference.conftest import Heard
from tests.networks import write_band_network
from tsdesktop.core.settings import data_folder
from tsdesktop.inference import backends, half_precision, openvino_network
from tsdesktop.inference.backends import ProcessorNetworks
from tsdesktop.inference.openvino_network import OpenVinoNetwork
from tsdesktop.inference.predictor import Network, predict_labels
from tsdesktop.inference.progress import Meter
from tsdesktop.jobs.plan import NetworkRun

NOTE = "note.no_half_precision"


class Case:
    def __init__(self, place: Path) -> None:
        given = band_networks()["297"]
        self.run = NetworkRun("297", str(write_band_network(place, given)), given.folds, "", ())
        self.image = np.random.default_rng(3).normal(size=(24, 30, 26)).astype(np.float32)
        self.heard = Heard()
        self.meter = Meter(self.heard.hear, lambda: False)

    def network(self, *, half: bool = True) -> Network:
        openvino_network.LOADED.clear()
        opened = ProcessorNetworks(self.meter, 1, half=half).open(self.run)
        return opened.ready(self.image, 0.5)

    def labels(self, network: Network) -> NDArray[Any]:
        return predict_labels(self.image, network, 0.5, self.meter, (1, 1, ""))

    @property
    def reasons(self) -> list[str]:
        return [str(each.arguments["reason"]) for each in self.heard.notes if each.id == NOTE]


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr(backends, "_CLEARLY_QUICKER", 0.0)
    monkeypatch.setattr(half_precision, "_QUICKER", float("inf"))
    monkeypatch.setattr(openvino_network, "knows_half", lambda: True)
    monkeypatch.delenv(backends.BACKEND_VARIABLE, raising=False)
    return Case(tmp_path)


def is_half(network: Network) -> bool:
    assert isinstance(network, OpenVinoNetwork)
    return network.is_half


def remembered() -> dict[str, Any]:
    known: dict[str, Any] = json.loads((data_folder() / "processor_backends.json").read_text())
    return {key: facts for key, facts in known.items() if key.endswith("bfloat16")}


def test_it_is_used_when_asked_for_and_labels_stay(case: Case) -> None:
    half, single = case.network(), case.network(half=False)
    assert (is_half(half), is_half(single)) == (True, False)
    assert np.mean(case.labels(half) == case.labels(single)) > 0.99
    assert case.reasons == []


def test_nobody_gets_it_unasked(case: Case) -> None:
    case.network(half=False)
    assert remembered() == {}


def test_it_is_compared_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.network()
    monkeypatch.setattr(half_precision, "_compared", lambda *_: pytest.fail("compared again"))
    assert is_half(case.network())
    assert len(remembered()) == 1


def test_a_processor_without_it_says_so(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_network, "knows_half", lambda: False)
    assert not is_half(case.network())
    assert case.reasons == ["this processor has no bfloat16"]


def test_wrong_results_are_refused_and_told_every_time(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    right, outputs = openvino_network.run_window, count()

    def wrong_at_first(request: Any, tile: Any) -> Any:
        output = right(request, tile)
        return output[::-1].copy() if next(outputs) == 0 else output

    # Half precision comes first.
    monkeypatch.setattr(half_precision, "timed", lambda compute: (compute(), 1.0))
    monkeypatch.setattr(half_precision, "run_window", wrong_at_first)
    assert not is_half(case.network())
    assert not is_half(case.network())
    assert len(case.reasons) == 2
    assert all(each.startswith("off by ") for each in case.reasons)


def test_it_is_not_used_where_it_is_no_quicker(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_precision, "_QUICKER", 0.0)
    assert not is_half(case.network())
    assert case.reasons == ["it is no quicker here"]
