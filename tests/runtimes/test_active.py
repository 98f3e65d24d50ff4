"""Which torch the inference half takes: the fetched one when its trial went well, else the program's own, and why.

Real processes with stand-ins: a driver, a torch for processors that comes with the program, and a fetched one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtimes.stand_in import wheel
from tsdesktop.core.torch_build import CARD_PROBLEM_VARIABLE, TorchBuild, torch_build
from tsdesktop.jobs.messages import Devices
from tsdesktop.runs.engine import Engine
from tsdesktop.runtimes import active, trial
from tsdesktop.runtimes.active import Active, active_path, find_active
from tsdesktop.runtimes.manifest import (
    Installed,
    Verdict,
    new_manifest,
    read_manifest,
    read_verdict,
    write_manifest,
    write_verdict,
)
from tsdesktop.runtimes.places import runtimes_folder, set_name
from tsdesktop.runtimes.trial import try_out
from tsdesktop.runtimes.wheels import unpack_wheel
from tsdesktop.weights.progress import nobody
from tsdesktop.weights.stopping import Stop

# What `inference.devices` asks of torch; the card computes what the processor does, or {off} more.
TORCH = """
import types
from . import version
__version__ = version.__version__
class device:
    def __init__(self, type, index=0): self.type = type
class Image:
    def __init__(self, value=0.0): self.value = value
    def to(self, place): return Image(self.value + (OFF if place.type == "cuda" else 0.0))
    def cpu(self): return self
    def abs(self): return self
    def max(self): return self
    def std(self): return 1.0
    def __sub__(self, other): return Image(self.value - other.value)
    def __truediv__(self, other): return self.value / other
    def __call__(self, image): return image
    def eval(self): return self
OFF = {off}
def inference_mode(): return lambda call: call
def manual_seed(_): pass
def randn(*_): return Image()
def get_num_threads(): return 1
nn = types.SimpleNamespace(**{{name: (lambda *a, **k: Image()) for name in (
    "Sequential", "Conv3d", "InstanceNorm3d", "LeakyReLU", "ConvTranspose3d")}})
class _Card: name, total_memory = "Stand-in card", 16 * 2**30
cuda = types.SimpleNamespace(is_available=lambda: True, device_count=lambda: 1, get_device_properties=lambda n: _Card)
backends = types.SimpleNamespace(mps=types.SimpleNamespace(is_built=lambda: False))
"""
DRIVER = """
#include <string.h>
int cuDriverGetVersion(int *v) { *v = VERSION; return 0; }
int cuInit(unsigned f) { return 0; }
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGet(int *d, int n) { *d = n; return 0; }
int cuDeviceGetName(char *s, int n, int d) { strcpy(s, "Stand-in card"); return 0; }
int cuDeviceTotalMem_v2(size_t *b, int d) { *b = 1ull << 34; return 0; }
int cuDeviceGetAttribute(int *v, int a, int d) { *v = a == 75 ? 8 : 6; return 0; }
"""


class Computer:
    """Processes here find a driver, and a torch for processors in version 9.1."""

    def __init__(self, drivers: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._drivers, self._set = drivers, monkeypatch.setenv
        self._set("PYTHONPATH", str(own))
        self.use_driver(13000)

    def use_driver(self, version: int) -> None:
        """The driver is one for another CUDA from now on."""
        self._set("LD_LIBRARY_PATH", str(self._drivers / str(version)))

    def devices(self) -> Devices:
        """What a new inference process finds."""
        with Engine() as engine:
            return engine.find_devices()


@pytest.fixture(scope="module")
def driver_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("a stand-in for the driver is compiled")
    folder = tmp_path_factory.mktemp("driver")
    (folder / "driver.c").write_text(DRIVER)
    for version in ("13000", "13010"):
        (folder / version).mkdir()
        library = str(folder / version / "libcuda.so.1")
        subprocess.run(
            [compiler, "-shared", "-fPIC", f"-DVERSION={version}", "-o", library, "driver.c"], cwd=folder, check=True
        )
    return folder


@pytest.fixture
def computer(driver_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    own = tmp_path / "own"
    write_torch(own, "9.1+cpu", "None")
    # The other libraries of a trial are not what is tried here.
    (own / "nnunetv2").mkdir()
    (own / "sitecustomize.py").write_text(
        "import sys, types\nsys.modules['tsdesktop.inference.networks'] = types.ModuleType('networks')\n"
    )
    return Computer(driver_folder, own, monkeypatch)


def write_torch(folder: Path, version: str, cuda: str, text: str = TORCH.format(off="0.0")) -> None:
    (folder / "torch").mkdir(parents=True)
    (folder / "torch/__init__.py").write_text(text)
    (folder / "torch/version.py").write_text(f"__version__ = '{version}'\ncuda = {cuda}\nhip = None\n")


def installed(text: str = TORCH.format(off="0.0"), release: str = "9.1") -> Installed:
    """A set in its place that has not been tried."""
    files = {
        "torch/__init__.py": text,
        "torch/version.py": f"__version__ = '{release}+cu130'\ncuda = '13.0'\nhip = None\n",
    }
    place = runtimes_folder() / set_name(release, "cu130")
    packed = runtimes_folder() / "made.whl"
    runtimes_folder().mkdir(parents=True, exist_ok=True)
    packed.write_bytes(wheel("torch", release, files).content)
    facts = unpack_wheel(packed, place, "torch", nobody, Stop())
    packed.unlink()
    write_manifest(place, new_manifest(release, "cu130", [("torch", release, "")], facts), facts)
    manifest = read_manifest(place)
    assert manifest is not None
    return Installed(place, manifest)


def test_the_inference_half_takes_the_fetched_torch_first(computer: Computer) -> None:
    assert computer.devices().library == "torch 9.1+cpu, CUDA not built in"
    made = installed()
    found = computer.devices()
    assert found.library == "torch 9.1+cu130, CUDA 13.0"
    assert [each.name for each in found.devices] == ["gpu:0", "cpu"]
    verdict = read_verdict(made.folder)
    assert verdict is not None
    assert (verdict.works, verdict.card, verdict.driver) == (True, "Stand-in card", "13.0")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise ImportError('libcudart.so.13 is missing')", "ImportError: libcudart.so.13 is missing"),
        ("import os\nos.abort()", "it ended with code -6"),
        (TORCH.format(off="0.5"), "a test network gave wrong results (off by 0.50)"),
    ],
    ids=["does not start", "takes the process down", "computes something else"],
)
def test_a_torch_that_does_not_work_is_not_used_and_the_reason_is_said(
    computer: Computer, text: str, reason: str
) -> None:
    made = installed(text)
    found = computer.devices()
    assert found.library == "torch 9.1+cpu, CUDA not built in"
    card = next(each for each in found.devices if each.name == "gpu:0")
    assert card.refused == f"the libraries fetched for it do not work ({reason})"
    before = read_verdict(made.folder)
    assert before is not None
    # It is remembered, not tried at each start.
    computer.devices()
    assert read_verdict(made.folder) == before


def test_another_driver_is_a_reason_to_try_again(computer: Computer) -> None:
    made = installed()
    write_verdict(made.folder, Verdict(False, "it was bad", "13.0", "", ""))
    assert "it was bad" in computer.devices().devices[1].refused
    computer.use_driver(13010)
    assert computer.devices().library == "torch 9.1+cu130, CUDA 13.0"


# without processes


def good(_: Path) -> Verdict:
    return Verdict(True, "", "13.0", "card", "now")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active, "torch_build", lambda: TorchBuild("9.1+cpu", False))
    monkeypatch.setattr(trial, "driver_version", lambda: (13, 0))


@pytest.mark.usefixtures("here")
def test_a_set_counts_only_whole_tried_and_for_this_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_active() == Active()
    made = installed()
    assert "not been tried" in find_active().problem
    assert active_path() is None
    assert find_active(good).path == made.folder
    write_verdict(made.folder, good(made.folder))
    assert active_path() == made.folder
    monkeypatch.setattr(active, "torch_build", lambda: TorchBuild("9.2+cpu", False))
    assert "another version" in find_active().problem
    monkeypatch.setattr(active, "torch_build", lambda: TorchBuild("9.1+cu126", True))
    assert find_active() == Active()


@pytest.mark.usefixtures("here")
def test_without_a_driver_or_with_a_file_missing_it_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    made = installed()
    write_verdict(made.folder, good(made.folder))
    monkeypatch.setattr(trial, "driver_version", lambda: None)
    assert find_active().problem == "no card or no driver was found"
    monkeypatch.setattr(trial, "driver_version", lambda: (13, 0))
    (made.folder / "torch/version.py").unlink()
    assert "not whole" in find_active().problem


@pytest.mark.usefixtures("here")
def test_a_trial_that_hangs_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    made = installed()
    monkeypatch.setattr(trial, "_LONGEST_S", 0.5)
    verdict = try_out(made.folder, [sys.executable, "-c", "import time; time.sleep(60)"])
    assert verdict.reason == "it did not answer in time"
    assert read_verdict(made.folder) == verdict
    assert "could not be started" in try_out(made.folder, [str(made.folder / "no-program")]).reason


def test_the_build_of_torch_is_known_without_loading_it() -> None:
    build = torch_build()
    assert build is not None
    assert build.version.startswith(f"{build.release}")
    assert "+" not in build.release
    assert CARD_PROBLEM_VARIABLE not in os.environ
