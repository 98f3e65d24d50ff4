"""OpenVINO computes on the processor where it gives torch's labels; what is known about that is kept and used."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.inference.bands import band_networks
from tests.inference.conftest import Heard
from tests.inference.test_windows import unet
from tests.networks import BandNetwork, write_band_network
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.notes import Note
from tsdesktop.core.settings import cache_folder, data_folder
from tsdesktop.inference import backends, cards_here, conversion, converted, openvino_network, room
from tsdesktop.inference.backends import ProcessorNetworks
from tsdesktop.inference.networks import LoadedNetwork, TorchNetworks, fresh_network
from tsdesktop.inference.openvino_network import OpenVinoNetwork
from tsdesktop.inference.predictor import Network, predict_labels, predict_logits
from tsdesktop.inference.progress import Meter
from tsdesktop.inference.torch_windows import Outputs
from tsdesktop.inference.worker import Worker
from tsdesktop.jobs.job import SCAN_FILE, Choices, Job, write_job
from tsdesktop.jobs.messages import Warm
from tsdesktop.jobs.plan import NetworkRun, Plan

Array = NDArray[Any]
PART = (1, 1, "")


class Case:
    """One network, an image for it, and what is said."""

    def __init__(self, place: Path, given: BandNetwork | None = None) -> None:
        self.given = given or band_networks()["297"]
        self.folder = write_band_network(place, self.given)
        self.run = NetworkRun("297", str(self.folder), self.given.folds, "", ())
        self.image = np.random.default_rng(3).normal(size=(24, 30, 26)).astype(np.float32)
        self.heard = Heard()
        self.meter = Meter(self.heard.hear, lambda: False)

    def network(self) -> Network:
        """As a new process gets it."""
        openvino_network.LOADED.clear()
        opened = ProcessorNetworks(self.meter, 1).open(self.run)
        return opened.ready(self.image, 0.5)

    def labels(self, network: Network) -> Array:
        return predict_labels(self.image, network, 0.5, self.meter, PART)

    def by_torch(self) -> LoadedNetwork:
        return fresh_network(self.run, torch.device("cpu"))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


@pytest.fixture(autouse=True)
def quick_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks this small are computed as fast by torch: here labels alone decide."""
    monkeypatch.setattr(backends, "_CLEARLY_QUICKER", 0.0)
    monkeypatch.delenv(backends.BACKEND_VARIABLE, raising=False)


def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """How often a network was loaded, asked again and again; asking counts as well."""
    times, load = count(), openvino_network._compiled

    def loaded(*given: Any) -> Any:
        next(times)
        return load(*given)

    monkeypatch.setattr(openvino_network, "_compiled", loaded)
    return times


def kept() -> list[str]:
    return sorted(each.name for each in converted.networks_folder().iterdir())


def remembered() -> list[dict[str, Any]]:
    return list(json.loads((data_folder() / "processor_backends.json").read_text()).values())


NETWORKS: dict[str, Callable[[], BandNetwork]] = {
    "one fold": lambda: band_networks()["297"],
    "several folds": lambda: band_networks()["315"],
    "residual, axes turned": lambda: band_networks()["527"],
    "few labels": lambda: replace(band_networks()["297"], centres=((-0.5, 0.5),)),
    "regions": lambda: replace(
        band_networks()["297"],
        regions=(-0.6, 0.0, 0.7),
        dataset={"labels": {"background": 0, "a": [1, 2, 3], "b": [2, 3], "c": 3}, "regions_class_order": [1, 2, 3]},
        plans={"label_manager": "LabelManager"},
    ),
}


@pytest.mark.parametrize("which", list(NETWORKS))
def test_labels_and_logits_are_torchs(tmp_path: Path, which: str) -> None:
    case = Case(tmp_path, NETWORKS[which]())
    network, reference = case.network(), case.by_torch()
    assert isinstance(network, OpenVinoNetwork)
    np.testing.assert_array_equal(case.labels(network), case.labels(reference))
    for image in (case.image, case.image[:9, :8, :7]):
        got = predict_logits(image, network, 0.5, case.meter, PART)
        expected = predict_logits(image, reference, 0.5, case.meter, PART)
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3 * expected.std())


@pytest.mark.parametrize("shape", [(44, 26, 30), (26, 44, 30), (30, 26, 44)], ids=str)
def test_what_is_finished_ahead_is_the_same(
    case: Case, shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rolling along each axis, with memory given back between windows as for large scans."""
    network, reference = case.network(), case.by_torch()
    ahead: list[int] = []
    clear = room.Slab.clear

    def told(slab: room.Slab, part: Array) -> None:
        ahead.append(part.ndim)
        clear(slab, part)

    monkeypatch.setattr(room, "_LARGE_BYTES", 1)
    monkeypatch.setattr(room.Slab, "clear", told)
    image = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    np.testing.assert_array_equal(
        predict_labels(image, network, 0.5, case.meter, PART), predict_labels(image, reference, 0.5, case.meter, PART)
    )
    # Parts of planes are finished ahead, whole planes are moved up.
    assert {3, 4} == set(ahead)
    expected = predict_logits(image, reference, 0.5, case.meter, PART)
    got = predict_logits(image, network, 0.5, case.meter, PART)
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3 * expected.std())


@pytest.mark.parametrize("kind", ["PlainConvUNet", "ResidualEncoderUNet"])
@pytest.mark.parametrize(("outputs", "folds"), [(9, 1), (9, 2), (9, 3), (3, 1)])
def test_networks_with_all_their_layers_are_converted(case: Case, kind: str, outputs: int, folds: int) -> None:
    """The hand-set networks do not normalise; these do, with strides that differ by axis."""
    networks = tuple(unet(outputs, 4, seed, kind) for seed in range(folds))
    strides = {"strides": [[1, 1, 1], [2, 2, 2], [1, 2, 2]]}
    labels = {f"label {n}": n for n in range(outputs)}
    plans = replace(case.by_torch().plans, patch_shape=(8, 12, 16), architecture_arguments=strides, labels=labels)
    network = LoadedNetwork(plans, networks, torch.device("cpu"))
    conversion.convert(network, "Dataset1-x")
    folder = converted.networks_folder() / "Dataset1-x"
    ready = OpenVinoNetwork(converted.Converted(folder, plans, folds, Outputs(networks).head), 1)
    got = predict_logits(case.image, ready, 0.5, case.meter, PART)
    expected = predict_logits(case.image, network, 0.5, case.meter, PART)
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_a_network_is_converted_and_compared_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    first = case.labels(case.network())
    assert [each["backend"] for each in remembered()] == ["openvino"] and len(kept()) == 1

    def never(*given: object) -> None:
        raise AssertionError("torch's network is not needed any more")

    monkeypatch.setattr(ProcessorNetworks, "_fresh", never)
    np.testing.assert_array_equal(case.labels(case.network()), first)
    assert case.heard.notes == []


def test_a_network_that_is_expected_is_loaded_once(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.network()
    openvino_network.LOADED.clear()
    times = counted(monkeypatch)
    networks = ProcessorNetworks(case.meter, 1)
    networks._load_ahead(case.run)
    assert next(times) == 1
    networks.expect(case.run)
    networks.open(case.run).ready(case.image, 0.5)
    assert next(times) == 2


@pytest.mark.parametrize(("device", "is_loaded"), [("cpu", True), ("auto", True), ("cuda", False)])
def test_a_warm_process_has_loaded_the_network_it_was_told_of(
    case: Case, monkeypatch: pytest.MonkeyPatch, device: str, is_loaded: bool
) -> None:
    case.network()
    openvino_network.LOADED.clear()
    times = counted(monkeypatch)
    monkeypatch.setattr(cards_here, "may_have_card", lambda: False)
    monkeypatch.setattr(ProcessorNetworks, "expect", ProcessorNetworks._load_ahead)
    Worker(io.StringIO(), io.StringIO())._load_ahead(Warm(case.run, device, 1))
    assert next(times) == int(is_loaded)


@pytest.mark.parametrize("backend", ["", "torch"])
def test_expecting_an_unknown_network_does_nothing(case: Case, monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setenv(backends.BACKEND_VARIABLE, backend)
    openvino_network.LOADED.clear()
    times = counted(monkeypatch)
    networks = ProcessorNetworks(case.meter, 1)
    networks._load_ahead(case.run)
    networks._load_ahead(replace(case.run, folder="nowhere"))
    assert next(times) == 0


def test_a_large_network_leaves_no_room_for_others(case: Case) -> None:
    ready = case.network()
    assert isinstance(ready, OpenVinoNetwork)
    folder = ready._converted.folder
    size = (folder / converted.WEIGHTS).stat().st_size
    roomy, narrow = openvino_network.Loaded(2 * size), openvino_network.Loaded(size)
    one, other = roomy.get(folder, 1), roomy.get(folder, 2)
    assert roomy.get(folder, 1) is one
    assert roomy.get(folder, 2) is other
    one, other = narrow.get(folder, 1), narrow.get(folder, 2)
    assert narrow.get(folder, 2) is other
    assert narrow.get(folder, 1) is not one


def test_wrong_labels_are_not_used_and_told_every_time(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    right = openvino_network.run_window
    monkeypatch.setattr(openvino_network, "run_window", lambda *given: -right(*given))
    for times in (1, 2):
        network = case.network()
        assert isinstance(network, LoadedNetwork) and len(case.heard.notes) == times
    told = Note(case.heard.notes[0].id, case.heard.notes[0].arguments)
    assert told.id == "note.network_by_torch" and "other labels" in told.sentence
    assert kept() == [], "what is not used is not kept"


def test_numbers_that_are_none_are_wrong(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    right = openvino_network.run_window
    monkeypatch.setattr(openvino_network, "run_window", lambda *given: right(*given) * np.float32("nan"))
    assert isinstance(case.network(), LoadedNetwork) and remembered()[0]["wrong"]


def test_the_quicker_one_is_used(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_CLEARLY_QUICKER", 1e9)
    for _ in range(2):
        assert isinstance(case.network(), LoadedNetwork)
    assert case.heard.notes == [] and kept() == [] and remembered()[0]["wrong"] == ""


def test_what_cannot_be_converted_is_computed_by_torch(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def unknown_layer(*given: object) -> None:
        tried.append(given)
        raise RuntimeError("No conversion rule found for operations: aten::new")

    monkeypatch.setattr(conversion, "convert", unknown_layer)
    for _ in range(2):
        assert isinstance(case.network(), LoadedNetwork)
    assert len(tried) == 1 and case.heard.notes == []


def test_without_openvino_torch_computes(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ImportError("libopenvino.so.2641: cannot open shared object file")

    monkeypatch.setattr(openvino_network, "library", missing)
    backends._has_openvino.cache_clear()
    assert isinstance(case.network(), LoadedNetwork)
    backends._has_openvino.cache_clear()


@pytest.mark.parametrize(("name", "expected"), [("torch", LoadedNetwork), ("openvino", OpenVinoNetwork)])
def test_one_can_be_forced(case: Case, monkeypatch: pytest.MonkeyPatch, name: str, expected: type) -> None:
    monkeypatch.setenv(backends.BACKEND_VARIABLE, name)
    for _ in range(2):
        assert isinstance(case.network(), expected)
    assert not (data_folder() / "processor_backends.json").exists(), "nothing was compared"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def scramble(path: Path) -> None:
    path.write_bytes(b"x" * path.stat().st_size)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("network.bin", truncate),
        ("network.bin", Path.unlink),
        ("network.xml", scramble),
        ("facts.json", truncate),
        ("facts.json", scramble),
        ("facts.json", lambda path: path.write_text("[]")),
        ("facts.json", Path.unlink),
        ("head.npy", scramble),
    ],
)
def test_a_damaged_conversion_is_made_again(tmp_path: Path, name: str, damage: Callable[[Path], object]) -> None:
    case = Case(tmp_path)
    first = case.labels(case.network())
    damage(converted.networks_folder() / kept()[0] / name)
    for _ in range(2):
        network = case.network()
        assert isinstance(network, OpenVinoNetwork)
        np.testing.assert_array_equal(case.labels(network), first)
    assert len(kept()) == 1


def test_of_two_processes_the_quicker_one_keeps_its_conversion(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = case.by_torch().plans
    converted.store("Dataset1-x", plans, None, write_a_thousand_bytes)
    monkeypatch.setattr(shutil, "rmtree", lambda *given, **named: None)
    converted.store("Dataset1-x", plans, None, write_a_thousand_bytes)
    assert converted.find(case.run, "Dataset1-x") is not None


def test_a_network_that_a_card_computes_wrongly_runs_by_openvino(case: Case) -> None:
    processor = case.by_torch()

    class Distrust:
        def trusted(self, *given: object) -> LoadedNetwork:
            return processor

    networks = TorchNetworks(torch.device("meta"), Distrust(), ProcessorNetworks(case.meter, 1))  # type: ignore[arg-type]
    assert isinstance(networks.open(case.run).ready(case.image, 0.5), OpenVinoNetwork)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("cuda: Optional[str] = None\nhip: Optional[str] = None\n", False),
        ("cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", True),
        ("cuda = None\nhip = '6.2.41133'\n", True),
        ("__version__ = '9'\n", True),
    ],
)
def test_builds_of_torch_without_cards_are_known_without_loading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, known: bool
) -> None:
    package = tmp_path / "torch"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('loaded')")
    (package / "version.py").write_text(text)
    spec = importlib.util.spec_from_file_location("torch", package / "__init__.py")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(cards_here, "has_driver", lambda: True)
    monkeypatch.setattr(sys, "platform", "linux")
    assert cards_here.may_have_card() == known
    monkeypatch.setattr(cards_here, "has_driver", lambda: False)
    assert not cards_here.may_have_card()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cards_here.may_have_card()


def test_other_weights_are_converted_anew_wherever_they_lie(case: Case, tmp_path: Path) -> None:
    case.network()
    moved = tmp_path / "elsewhere" / case.folder.parent.name / case.folder.name
    shutil.copytree(case.folder, moved)
    case.run = replace(case.run, folder=str(moved))
    case.network()
    assert len(kept()) == 1
    os.utime(moved / "fold_0" / "checkpoint_final.pth", (1.0, 1.0))
    case.network()
    assert len(kept()) == 2


def test_a_cache_that_cannot_be_written_costs_no_run(case: Case) -> None:
    cache_folder().mkdir(parents=True)
    converted.networks_folder().write_text("a file is in the way")
    assert isinstance(case.network(), LoadedNetwork)
    converted.networks_folder().unlink()
    assert isinstance(case.network(), OpenVinoNetwork), "a full disk is no verdict"


def write_a_thousand_bytes(folder: Path) -> None:
    (folder / "network.bin").write_bytes(bytes(1000))


def test_conversions_used_longest_ago_go_first(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = case.by_torch().plans
    monkeypatch.setattr(converted, "_MOST_BYTES", 3500)
    for n, name in enumerate(("first", "second", "third", "fourth")):
        converted.store(name, plans, None, write_a_thousand_bytes)
        os.utime(converted.networks_folder() / name, (n, n))
        if n == 2:
            assert converted.find(case.run, "first") is not None, "this marks it as used"
    assert kept() == ["first", "fourth", "third"]


def test_remains_of_interrupted_conversions_are_removed(case: Case) -> None:
    old, new = (converted.networks_folder() / name for name in (".making-old", ".making-new"))
    for each in (old, new):
        each.mkdir(parents=True)
    os.utime(old, (1.0, 1.0))
    case.network()
    assert not old.exists() and new.exists()


def test_a_missing_checkpoint_is_named(case: Case) -> None:
    (case.folder / "fold_0" / "checkpoint_final.pth").unlink()
    with pytest.raises(WeightsError) as caught:
        case.network()
    assert caught.value.id == "weights.incomplete"


def test_nothing_is_sent(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object, **named: object) -> None:
        raise AssertionError("somebody opened a connection")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refused)
    assert isinstance(case.network(), OpenVinoNetwork)
    assert sys.modules["openvino_telemetry"] is None, "it cannot be imported, installed or not"


_JOB = """
import sys
from pathlib import Path
from tsdesktop.inference import worker
from tsdesktop.inference.progress import Meter
from tsdesktop.jobs.job import read_job
worker.run_job(read_job(Path(sys.argv[1])), Meter(lambda _: None, lambda: False))
print(" ".join(sorted({name.split(".")[0] for name in sys.modules})))
"""


def process(job: Path, *, alone: bool = False) -> subprocess.CompletedProcess[str]:
    """A job in a process of its own; `alone` in a network namespace that reaches nobody."""
    before = ["unshare", "--map-root-user", "--net"] if alone else []
    command = [*before, sys.executable, "-c", _JOB, str(job)]
    environment = os.environ | {backends.BACKEND_VARIABLE: "openvino"}
    top = Path(__file__).resolve().parents[2]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=top)


@pytest.fixture
def job(case: Case, tmp_path: Path) -> Path:
    scan = np.random.default_rng(1).integers(-900, 900, (20, 21, 22)).astype(np.int16)
    np.save(tmp_path / SCAN_FILE, scan)
    run = replace(case.run, final_labels=tuple(range(1, case.given.outputs)))
    affine = tuple(float(n) for n in np.diag([3.0, 3.0, 3.0, 1.0]).ravel())
    plan = Plan("total", (3.0, 3.0, 3.0), 0.8, (run,))
    return write_job(Job(str(tmp_path), "total", (20, 21, 22), affine, plan, None, Choices(), "cpu", 1))


def test_a_known_network_runs_without_torch(job: Path) -> None:
    """The first process converts; the second starts in a fraction of the time, without any of the slow libraries."""
    first = process(job)
    assert first.returncode == 0 and "torch" in first.stdout.split(), first.stderr
    labels = np.load(job.parent / "labels.npy")
    second = process(job)
    loaded = set(second.stdout.split())
    assert second.returncode == 0 and "openvino" in loaded, second.stderr
    assert not loaded & {"torch", "nnunetv2", "scipy", "SimpleITK", "nibabel", "skimage", "pandas", "sklearn"}
    np.testing.assert_array_equal(np.load(job.parent / "labels.npy"), labels)


def test_conversion_and_run_work_where_nobody_can_be_reached(job: Path) -> None:
    if not shutil.which("unshare") or subprocess.run(["unshare", "--map-root-user", "--net", "true"]).returncode:
        pytest.skip("no network namespaces here")
    for _ in range(2):
        done = process(job, alone=True)
        assert done.returncode == 0, done.stderr
