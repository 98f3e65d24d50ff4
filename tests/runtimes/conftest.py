"""A computer with a driver and a card, and with a torch for processors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtimes.stand_in import Indexes
from tsdesktop.core.torch_build import TorchBuild
from tsdesktop.runtimes import active, planning, trial
from tsdesktop.runtimes.cards import Card, Driver

DRIVER = Driver((13, 0), (Card("NVIDIA RTX A4000", (8, 6), 16.0),))


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    """A driver for CUDA 13.0 with a card, and torch 9.1 for processors."""
    build = TorchBuild("9.1+cpu", False)
    monkeypatch.setattr(planning, "torch_build", lambda: build)
    monkeypatch.setattr(active, "torch_build", lambda: build)
    monkeypatch.setattr(trial, "driver_version", lambda: (13, 0))
    monkeypatch.setattr("sys.platform", "linux")
    return DRIVER


@pytest.fixture
def indexes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Indexes]:
    with Indexes() as made:
        made.set_environment(monkeypatch)
        yield made
