"""The hand-set networks of the whole catalogue, written once per test session, and a way to run plans on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.inference.examples import written_networks
from tests.networks import write_band_network
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.inference.networks import TorchNetworks
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.segment import Engine, Result, Scan, segment
from tsdesktop.jobs.job import Choices
from tsdesktop.jobs.messages import Message, Noted, Progress
from tsdesktop.jobs.plan import make_plan


@dataclass
class Heard:
    """What a run said."""

    notes: list[Noted] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    def hear(self, message: Message) -> None:
        if isinstance(message, Noted):
            self.notes.append(message)
        if isinstance(message, Progress):
            self.shares.append(message.share)


@dataclass
class Runner:
    """Runs a task of the program on an array, in this process."""

    folder: Path
    heard: Heard = field(default_factory=Heard)
    meter: Meter = field(default_factory=lambda: Meter(lambda _: None, lambda: False))

    def __call__(self, scan: NDArray[Any], affine: NDArray[np.float64], options: Options) -> Result:
        plan = make_plan(catalogue().task(options.task), options, catalogue())
        choices = Choices(
            options.resampling_order,
            options.smooth_labels,
            options.smooth_labels_legacy,
            options.force_split,
            options.remove_small_blobs,
            options.keep_model_resolution,
            options.probabilities,
        )
        self.heard = Heard()
        self.meter = Meter(self.heard.hear, lambda: False)
        engine = Engine(choices, TorchNetworks(torch.device("cpu")), self.meter, self.folder)
        shape = (scan.shape[0], scan.shape[1], scan.shape[2])
        return segment(Scan(scan, Geometry(shape, affine)), plan, engine)


@pytest.fixture(scope="session")
def all_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("networks")
    written_networks(place, write_band_network)
    return place


@pytest.fixture
def run(all_networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(all_networks))
    # Tiles this small are computed faster by one thread than by several that wait for each other.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Runner(tmp_path)
    torch.set_num_threads(threads)
