"""A graphics card is trusted with a network only after it has computed a window of the scan as the processor does."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.inference.bands import band_networks
from tests.networks import write_band_network
from tsdesktop.core.errors import OutOfMemory
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.notes import Note
from tsdesktop.core.torch_build import CARD_PROBLEM_VARIABLE
from tsdesktop.inference import devices as devices_module
from tsdesktop.inference import worker
from tsdesktop.inference.networks import LoadedNetwork, Way, fresh_network, load_network
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.tiling import busiest_tile, make_tiling
from tsdesktop.inference.torch_windows import tile_logits
from tsdesktop.inference.trust import Memory
from tsdesktop.inference.verify import Verifier, compared
from tsdesktop.jobs.job import SCAN_FILE, Choices, Job
from tsdesktop.jobs.messages import Device, Devices, Message, Noted
from tsdesktop.jobs.plan import NetworkRun, Plan

CARD = torch.device("mps")
Bend = Callable[[torch.Tensor, Way], torch.Tensor]


class Card:
    """A graphics card that computes on the processor and then bends the numbers; counts how often it was asked."""

    def __init__(self, bend: Bend) -> None:
        self.asked: list[Way] = []
        self._bend = bend

    def __call__(self, network: LoadedNetwork, tile: torch.Tensor) -> torch.Tensor:
        here = LoadedNetwork(network.plans, network.folds, torch.device("cpu"))
        logits = tile_logits(here, tile)
        if network.device.type == "cpu":
            return logits
        self.asked.append(network.way)
        return self._bend(logits, network.way)


class Case:
    """One network on a card, an image, and what is said and remembered."""

    def __init__(self, place: Path) -> None:
        given = band_networks()["297"]
        self.folder = write_band_network(place, given)
        self.run = NetworkRun("297", str(self.folder), given.folds, "", ())
        self.image = np.random.default_rng(3).normal(size=(24, 30, 26)).astype(np.float32)
        self.notes: list[Noted] = []
        self.file = place / "checked.json"

    def trusted(self, card: Card) -> LoadedNetwork:
        """A new process comes to this network for the first time."""
        processor = fresh_network(self.run, torch.device("cpu"))
        network = LoadedNetwork(processor.plans, processor.folds, CARD)
        verifier = Verifier(Meter(self._hear, lambda: False), Memory(self.file), card)
        return verifier.trusted(network, self.run, self.image, 0.5)

    def _hear(self, message: Message) -> None:
        if isinstance(message, Noted):
            self.notes.append(message)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def rounded(logits: torch.Tensor, way: Way) -> torch.Tensor:
    return logits.half().float()


def wrong(logits: torch.Tensor, way: Way) -> torch.Tensor:
    return logits.flip(0)


def wrong_in_the_usual_layout(logits: torch.Tensor, way: Way) -> torch.Tensor:
    return logits if way.channels_last else logits.roll(1, -1) * 0.5


def test_a_card_that_rounds_is_trusted_and_asked_once(case: Case) -> None:
    card = Card(rounded)
    assert case.trusted(card).device == CARD
    assert case.trusted(card).device == CARD
    assert card.asked == [Way()] and case.notes == []


def test_a_card_that_is_wrong_in_one_layout_is_used_in_the_other(case: Case) -> None:
    card = Card(wrong_in_the_usual_layout)
    for _ in range(2):
        network = case.trusted(card)
        assert network.device == CARD and network.way.channels_last
        weights = [each for each in network.folds[0].parameters() if each.dim() == 5 and min(each.shape[1:]) > 1]
        assert all(each.is_contiguous(memory_format=torch.channels_last_3d) for each in weights)
    assert card.asked == [Way(), Way(channels_last=True)] and case.notes == []


def test_the_processor_takes_over_from_a_card_that_is_wrong_and_says_so_every_time(case: Case) -> None:
    card = Card(wrong)
    for times in (1, 2):
        network = case.trusted(card)
        assert network.device.type == "cpu" and len(case.notes) == times
    told = Note(case.notes[0].id, case.notes[0].arguments)
    assert told.id == "note.network_on_processor" and "other labels" in told.sentence
    assert len(card.asked) == 2, "what is known is not tried again"


def test_numbers_that_are_none_are_wrong(case: Case) -> None:
    assert case.trusted(Card(lambda logits, way: logits * float("nan"))).device.type == "cpu"


def test_a_card_that_lacks_an_operation_is_replaced_by_the_processor(case: Case) -> None:
    def lacking(logits: torch.Tensor, way: Way) -> torch.Tensor:
        raise NotImplementedError("conv_transpose3d is not implemented for MPS")

    assert case.trusted(Card(lacking)).device.type == "cpu"
    assert "conv_transpose3d" in str(case.notes[0].arguments["reason"])


def test_too_little_memory_on_the_card_is_no_verdict(case: Case) -> None:
    def starved(logits: torch.Tensor, way: Way) -> torch.Tensor:
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        case.trusted(Card(starved))
    assert not case.file.exists()


def test_other_weights_are_checked_anew(case: Case) -> None:
    card = Card(rounded)
    case.trusted(card)
    file = case.folder / "fold_0" / "checkpoint_final.pth"
    os.utime(file, (1.0, 1.0))
    case.trusted(card)
    assert len(card.asked) == 2
    assert len(json.loads(case.file.read_text())) == 2


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"x": 1}', "\x00\xff"])
def test_a_damaged_memory_costs_a_comparison_and_no_run(case: Case, content: str) -> None:
    card = Card(rounded)
    case.file.write_text(content, encoding="utf-8")
    assert case.trusted(card).device == CARD
    assert case.trusted(card).device == CARD
    assert len(card.asked) == 1


def test_an_entry_that_makes_no_sense_is_replaced(case: Case) -> None:
    card = Card(rounded)
    case.trusted(card)
    known = json.loads(case.file.read_text())
    case.file.write_text(json.dumps(dict.fromkeys(known, "yes")))
    assert case.trusted(card).device == CARD
    assert len(card.asked) == 2


def test_a_memory_that_cannot_be_written_costs_no_run(case: Case, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    case.file = blocked / "checked.json"
    assert case.trusted(Card(rounded)).device == CARD


def test_the_processor_itself_is_never_compared(case: Case) -> None:
    network = load_network(case.run, torch.device("cpu"))
    card = Card(wrong)
    verifier = Verifier(Meter(lambda _: None, lambda: False), Memory(case.file), card)
    assert verifier.trusted(network, case.run, case.image, 0.5) is network
    assert card.asked == [] and not case.file.exists()


def test_ties_are_no_other_labels() -> None:
    expected = torch.zeros(3, 8, 8, 8)
    expected[2] = -9.0
    expected += 0.001 * torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    other_way_round = expected[[1, 0, 2]]
    assert compared(other_way_round, expected).is_small
    assert not compared(expected.flip(0), expected).is_small


def test_the_window_with_most_in_it_is_compared(case: Case) -> None:
    image = np.zeros((40, 30, 30), np.float32)
    image[30:, 20:, 20:] = np.random.default_rng(1).normal(size=(10, 10, 10))
    tile = busiest_tile(make_tiling(image, (16, 16, 16), 0.5))
    assert tile.shape == (16, 16, 16) and bool((tile != 0).any())


def test_why_a_card_is_not_used_is_told_in_an_automatic_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    card = Device("gpu:0", "Small Card", 2.0, "it has 2.0 GB of memory, 3 are needed")
    none = Device("gpu:0", "NVIDIA graphics card", 0.0, "no card or no driver was found")
    for cards, told in (((card,), ["note.card_unused"]), ((none,), [])):
        found = Devices((Device("cpu", "processor", 8.0), *cards), "torch")
        monkeypatch.setattr(devices_module, "find_devices", lambda found=found: found)
        device, notes = devices_module.choose_device("auto")
        assert device.type == "cpu" and [each.id for each in notes] == told


@pytest.mark.parametrize(
    ("driver", "problem", "told"),
    [
        (False, "", "no card or no driver was found"),
        (True, "", "this build of torch has no CUDA"),
        (True, "the libraries fetched for it do not work", "the libraries fetched for it do not work"),
    ],
)
def test_a_build_for_processors_tells_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, driver: bool, problem: str, told: str
) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(devices_module, "has_driver", lambda: driver)
    monkeypatch.setenv(CARD_PROBLEM_VARIABLE, problem)
    assert [each.refused for each in devices_module._cuda_devices()] == [told]


def test_a_run_on_a_card_with_too_little_memory_fails_with_words(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starved(*given: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("tsdesktop.inference.torch_windows.run_on", starved)
    scan = np.zeros((20, 20, 20), np.int16)
    np.save(tmp_path / SCAN_FILE, scan)
    plan = Plan("total", (3.0, 3.0, 3.0), 0.8, (case.run,))
    affine = tuple(float(n) for n in np.diag([3.0, 3.0, 3.0, 1.0]).ravel())
    job = Job(str(tmp_path), "total", Geometry((20, 20, 20), np.eye(4)).shape, affine, plan, None, Choices(), "cpu", 1)
    threads = torch.get_num_threads()
    with pytest.raises(OutOfMemory):
        worker.run_job(job, Meter(lambda _: None, lambda: False))
    torch.set_num_threads(threads)
