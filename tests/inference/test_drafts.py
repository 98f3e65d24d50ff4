"""Labels shown while a run goes on: where they come from, where they lie, and that the result does not know of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.inference.bands import band_networks, class_labels
from tests.inference.conftest import Runner
from tests.inference.examples import example, oblique_affine
from tests.inference.expected import How
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import Options
from tsdesktop.core.tasks import catalogue
from tsdesktop.inference.drafts import Drafts, on_grid
from tsdesktop.inference.networks import TorchNetworks
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.segment import Engine, Result, Scan, segment
from tsdesktop.jobs.job import Choices
from tsdesktop.jobs.messages import Draft, Message, Progress
from tsdesktop.jobs.plan import make_plan

Array = NDArray[Any]


@dataclass
class Shown:
    """A draft as the other half would read it."""

    labels: Array
    geometry: Geometry
    parts: tuple[int, int]

    def on(self, grid: Geometry) -> Array:
        return on_grid(self.labels, self.geometry, grid)


@dataclass
class Watched:
    """A run in this process with its drafts."""

    folder: Path
    drafts: list[Shown] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    left: float = 1.0

    def hear(self, message: Message) -> None:
        if isinstance(message, Draft):
            labels = np.load(self.folder / message.labels_file)
            geometry = Geometry(message.shape, np.reshape(message.affine, (4, 4)))
            self.drafts.append(Shown(labels, geometry, (message.part, message.parts)))
        if isinstance(message, Progress):
            self.shares.append(message.share)
            if message.tile:
                self.windows.append(message.stage)

    def run(self, scan: Array, options: Options) -> Result:
        plan = make_plan(catalogue().task(options.task), options, catalogue(), drafts=True)
        meter = Meter(self.hear, lambda: False)
        engine = Engine(
            Choices(), TorchNetworks(torch.device("cpu")), meter, self.folder, Drafts(self.folder, meter.show)
        )
        result = segment(Scan(scan, grid_of(scan)), plan, engine)
        self.left = abs(meter.left.windows) + abs(meter.left.around_s)
        return result


def grid_of(scan: Array) -> Geometry:
    return Geometry((scan.shape[0], scan.shape[1], scan.shape[2]), oblique_affine())


@pytest.fixture
def watched(run: Runner, tmp_path: Path) -> Watched:
    """As `run`, with drafts; the networks are those of `run`."""
    return Watched(tmp_path)


@pytest.mark.parametrize("name", ["total", "total_mr", "total_v3", "body"])
def test_quickest_network_first_then_every_finished_part(run: Runner, watched: Watched, name: str) -> None:
    how = How("full")
    scan = example(name, how)
    options = Options(task=name)
    result = watched.run(scan, options)

    np.testing.assert_array_equal(result.labels, run(scan, oblique_affine(), options).labels)
    assert watched.left < 1e-6 and watched.shares == sorted(watched.shares)
    count = len(catalogue().task(name).variants["full"].parts)
    assert [each.parts for each in watched.drafts] == [(n, 0 if n == 0 else count) for n in range(count)]
    coarse = watched.drafts[0]
    assert min(coarse.geometry.spacing_mm) > 5.0 and coarse.labels.any()


def test_coarse_labels_are_those_of_the_quickest_variant(run: Runner, watched: Watched) -> None:
    scan = example("total", How("fastest"))
    watched.run(scan, Options(fast=True))
    quickest = run(scan, oblique_affine(), Options(fastest=True, keep_model_resolution=True))
    assert len(watched.drafts) == 1
    np.testing.assert_array_equal(watched.drafts[0].labels, quickest.labels)
    assert watched.drafts[0].geometry.matches(quickest.geometry)


def test_finished_parts_are_shown_as_they_will_be_and_others_coarse(run: Runner, watched: Watched) -> None:
    scan = example("total", How("fastest"))
    result = watched.run(scan, Options())
    grid = grid_of(scan)
    last = catalogue().task("total").variants["full"].parts[-1].final_labels
    before_last = watched.drafts[-1].on(grid)
    coarse = watched.drafts[0].on(grid)

    finished = ~np.isin(result.labels, [0, *last]) & ~np.isin(before_last, last)
    np.testing.assert_array_equal(before_last[finished], result.labels[finished])
    assert finished.mean() > 0.3
    of_last = np.isin(before_last, last)
    assert of_last.any(), "ribs are there from the beginning"
    assert np.isin(coarse, last)[of_last].mean() > 0.5


def test_the_quickest_variant_has_no_draft(watched: Watched) -> None:
    watched.run(example("total", How("fastest")), Options(fastest=True))
    assert watched.drafts == []


def test_chosen_structures_are_shown_by_the_network_that_looks_for_them(run: Runner, watched: Watched) -> None:
    order = np.argsort(band_networks()["298"].centres[0])
    names = {label: name for name, label in class_labels("total").items()}
    roi = (names[int(order[-1])], names[int(order[-3])])
    scan = example("total", How("full", roi=roi))
    options = Options(roi=roi)
    result = watched.run(scan, options)
    counted = len(watched.windows)

    alone = run(scan, oblique_affine(), options)
    np.testing.assert_array_equal(result.labels, alone.labels)
    assert watched.drafts and watched.left < 1e-6
    assert set(np.unique(watched.drafts[0].labels)) <= {0, *(class_labels("total")[each] for each in roi)}
    assert watched.drafts[0].labels.any()
    assert watched.drafts[0].geometry.shape != scan.shape, "only the region that is computed travels"
    plain = Watched(watched.folder)
    plan = make_plan(catalogue().task("total"), options, catalogue())
    meter = Meter(plain.hear, lambda: False)
    segment(
        Scan(scan, grid_of(scan)), plan, Engine(Choices(), TorchNetworks(torch.device("cpu")), meter, watched.folder)
    )
    assert counted == len(plain.windows), "no network runs twice for it"


def test_chosen_structures_of_another_task_than_the_rough_networks(watched: Watched) -> None:
    rough, known = class_labels("total"), class_labels("total_v3")
    centres = band_networks()["298"].centres[0]
    name = max((each for each in rough if each in known), key=lambda each: centres[rough[each]])
    watched.run(example("total_v3", How("full", roi=(name,))), Options(task="total_v3", roi=(name,)))
    assert set(np.unique(watched.drafts[0].labels)) == {0, known[name]}


def test_networks_that_are_not_here_are_not_needed_for_it(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, all_networks: Path
) -> None:
    network = catalogue().networks["297"]
    place = tmp_path / "only_fast"
    (place / network.folder).parent.mkdir(parents=True)
    (place / network.folder).symlink_to(all_networks / network.folder, target_is_directory=True)
    monkeypatch.setenv("TSDESKTOP_WEIGHTS_DIR", str(place))
    assert watched.run(example("total", How("fastest")), Options(fast=True)).labels.any()
    assert watched.drafts == []


def test_labels_move_between_grids_with_the_same_axes() -> None:
    affine = oblique_affine((2.0, 2.0, 2.0))
    fine = Geometry((9, 7, 5), affine)
    labels = np.random.default_rng(2).integers(0, 9, fine.shape).astype(np.uint8)
    coarse_affine = affine @ np.diag([2.0, 2.0, 2.0, 1.0])
    coarse = Geometry((5, 4, 3), coarse_affine)
    np.testing.assert_array_equal(on_grid(labels, fine, coarse), labels[::2, ::2, ::2])
    moved = affine.copy()
    moved[:3, 3] = fine.world_ras((2, -1, 0))
    beside = on_grid(labels, fine, Geometry((9, 3, 5), moved))
    np.testing.assert_array_equal(beside[:7, 1:], labels[2:, :2])
    assert not beside[7:].any() and not beside[:, 0].any()
