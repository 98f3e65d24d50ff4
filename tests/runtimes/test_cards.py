"""What the driver's own library tells, and which builds suit."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from tsdesktop.runtimes.builds import BUILDS, build_for_cuda, builds_for, refusal, suits
from tsdesktop.runtimes.cards import Card, Driver, driver_library, read_driver

TURING, PASCAL, BLACKWELL = Card("T4", (7, 5), 16.0), Card("GTX 1080", (6, 1), 8.0), Card("RTX 5090", (12, 0), 32.0)


class FakeDriver:
    """The functions of CUDA's driver, for cards given as (name, capability, bytes)."""

    def __init__(self, version: int, *cards: tuple[str, tuple[int, int], int], init: int = 0) -> None:
        self.version, self.cards, self.init = version, cards, init

    def cuDriverGetVersion(self, out: Any) -> int:
        out._obj.value = self.version
        return 0

    def cuInit(self, flags: int) -> int:
        return self.init

    def cuDeviceGetCount(self, out: Any) -> int:
        out._obj.value = len(self.cards)
        return 0

    def cuDeviceGet(self, out: Any, number: int) -> int:
        out._obj.value = number + 10
        return 0

    def cuDeviceGetName(self, name: Any, length: int, device: ctypes.c_int) -> int:
        name.value = self.cards[device.value - 10][0].encode()
        return 0

    def cuDeviceTotalMem_v2(self, out: Any, device: ctypes.c_int) -> int:
        out._obj.value = self.cards[device.value - 10][2]
        return 0

    def cuDeviceGetAttribute(self, out: Any, which: int, device: ctypes.c_int) -> int:
        out._obj.value = self.cards[device.value - 10][1][which - 75]
        return 0


def test_the_driver_tells_its_cards() -> None:
    library = FakeDriver(12040, ("Quadro P620", (6, 1), 2**31), ("RTX 3090", (8, 6), 24 * 2**30))
    driver = read_driver(library)
    assert driver == Driver((12, 4), (Card("Quadro P620", (6, 1), 2.0), Card("RTX 3090", (8, 6), 24.0)))
    assert driver.best == driver.cards[1]


def test_a_driver_without_a_card_and_a_stub_of_a_driver_are_told_apart() -> None:
    assert read_driver(FakeDriver(13000, init=100)) == Driver((13, 0))
    assert read_driver(FakeDriver(0)) is None


def test_a_mac_has_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert driver_library() is None
    problem = refusal(None)
    assert problem is not None
    assert problem.id == "runtime.mac"


@pytest.mark.parametrize(
    ("cuda", "card", "wanted"),
    [
        ((13, 0), TURING, ["cu132", "cu130", "cu129", "cu128", "cu126"]),
        ((12, 4), TURING, ["cu129", "cu128", "cu126"]),  # one driver of a major version runs all its minor ones
        ((13, 0), PASCAL, ["cu126"]),
        ((13, 1), BLACKWELL, ["cu132", "cu130", "cu129", "cu128"]),
    ],
)
def test_builds_suit_the_driver_and_the_card(cuda: tuple[int, int], card: Card, wanted: list[str]) -> None:
    assert [each.name for each in builds_for(Driver(cuda, (card,)))] == wanted


def test_the_build_that_knows_the_best_card_comes_first() -> None:
    both = Driver((13, 0), (PASCAL, TURING))
    assert builds_for(both)[0].name == "cu132"
    assert suits(BUILDS[-1], both)


def test_a_build_of_a_later_cuda_is_taken_to_be_like_the_newest_known() -> None:
    assert build_for_cuda((13, 4)).name == "cu134"
    assert not build_for_cuda((13, 4)).knows(PASCAL)
    assert build_for_cuda((12, 6)).knows(PASCAL)


@pytest.mark.parametrize(
    ("driver", "id", "words"),
    [
        (None, "runtime.no_driver", "No driver for an NVIDIA graphics card"),
        (Driver((13, 0)), "runtime.no_card", "finds no card"),
        (Driver((12, 0), (Card("Tesla K80", (3, 7), 12.0),)), "runtime.old_card", "Tesla K80 (compute capability 3.7)"),
        (Driver((11, 8), (TURING,)), "runtime.old_driver", "too old (CUDA 11.8)"),
    ],
)
def test_why_nothing_is_offered_is_said_in_one_sentence(
    driver: Driver | None, id: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    problem = refusal(driver)
    assert problem is not None
    assert problem.id == id
    assert words in problem.sentence
