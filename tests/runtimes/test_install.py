"""A set is fetched, checked and put in its place, or nothing of it counts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.runtimes.stand_in import Indexes, Made, wheel
from tsdesktop.core.errors import Cancelled, LibraryError, TsDesktopError
from tsdesktop.core.torch_build import TorchBuild
from tsdesktop.runtimes import planning
from tsdesktop.runtimes.cards import Driver
from tsdesktop.runtimes.install import forget_partial, install, partial_bytes, remove, verify
from tsdesktop.runtimes.manifest import Installed, installed_sets, lacking_file
from tsdesktop.runtimes.places import runtimes_folder
from tsdesktop.runtimes.planning import Plan, make_plan
from tsdesktop.weights import parts
from tsdesktop.weights.connection import Patience
from tsdesktop.weights.progress import Progress, nobody
from tsdesktop.weights.stopping import Stop

QUICK = Patience(tries=2, first_wait_s=0.01, most_wait_s=0.02, whole_again=1)
BIG = bytes(range(256)) * 8000
LIBRARY = wheel("nvidia-cublas", "13.1.1.3", {"nvidia/__init__.py": "", "nvidia/blas/lib/blas.so": BIG})
RUNTIME = wheel("nvidia-cuda-runtime", "13.0.96", {"nvidia/__init__.py": "", "nvidia/rt/lib/rt.so": "rt"})
NEEDS = ["nvidia-cublas", "nvidia-cuda-runtime==13.0.96"]
FILES = {
    "torch/__init__.py": "",
    "torch/version.py": "__version__ = '9.1+cu130'\ncuda = '13.0'\n",
    "torch-9.1.data/purelib/functorch/__init__.py": "",
    "torch-9.1.data/scripts/torchrun": "#!python",
}

FILES_OF_NEXT = {"torch/__init__.py": "", "torch/version.py": "__version__ = '9.2+cu130'\ncuda = '13.0'\n"}


def torch(files: dict[str, str | bytes] | None = None, record: dict[str, str] | None = None) -> Made:
    return wheel("torch", "9.1", {**FILES, **(files or {})}, NEEDS, record=record)


class Bench(NamedTuple):
    indexes: Indexes
    driver: Driver

    def plan(self, made: Made | None = None) -> Plan:
        self.indexes.publish(made or torch(), LIBRARY, RUNTIME)
        return make_plan(self.driver, Stop())


@pytest.fixture
def bench(driver: Driver, indexes: Indexes) -> Bench:
    return Bench(indexes, driver)


def fetched(plan: Plan, stop: Stop | None = None) -> Installed:
    return install(plan, nobody, stop or Stop(), QUICK)


def leftovers() -> list[str]:
    """What lies in the folder besides sets in their place."""
    return sorted(
        each.name for each in runtimes_folder().iterdir() if each.name not in (".records", ".lock", ".partial")
    )


def test_a_set_is_one_folder_of_packages(bench: Bench) -> None:
    plan, told = bench.plan(), list[Progress]()
    installed = install(plan, told.append, Stop(), QUICK)
    assert leftovers() == [plan.name]
    for name in ("torch/version.py", "functorch/__init__.py", "nvidia/blas/lib/blas.so", "nvidia/rt/lib/rt.so"):
        assert (installed.folder / name).is_file()
    assert not list(installed.folder.glob("*.data"))
    assert [name for name, _, _ in installed.manifest.wheels] == ["torch", "nvidia-cublas", "nvidia-cuda-runtime"]
    assert installed.manifest.bytes == sum(
        each.stat().st_size
        for each in installed.folder.rglob("*")
        if each.is_file() and not each.name.startswith("tsdesktop-")
    )
    assert partial_bytes() == 0
    downloading = [each for each in told if each.stage == "downloading"]
    assert {each.total_bytes for each in downloading} == {plan.total_bytes}
    assert downloading[-1].done_bytes == plan.total_bytes


def test_headers_are_left_out_and_a_set_of_an_earlier_version_is_replaced(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = fetched(bench.plan(torch({"torch/include/header.h": "int x;"})))
    assert not (earlier.folder / "torch/include").exists()
    verify(earlier, nobody, Stop())
    monkeypatch.setattr(planning, "torch_build", lambda: TorchBuild("9.2+cpu", False))
    bench.indexes.publish(wheel("torch", "9.2", FILES_OF_NEXT, NEEDS))
    later = fetched(make_plan(bench.driver, Stop()))
    assert installed_sets() == (later,)


def test_what_is_here_is_not_fetched_again(bench: Bench) -> None:
    plan = bench.plan()
    fetched(plan)
    before = len(bench.indexes.asked)
    fetched(plan)
    assert len(bench.indexes.asked) == before


def test_fetching_goes_on_where_the_connection_broke(bench: Bench) -> None:
    plan = bench.plan()
    bench.indexes.cut_after = len(BIG) // 3
    installed = fetched(plan)
    tries = bench.indexes.asked_files().count(LIBRARY.file_name)
    assert 3 <= tries <= 5
    assert (installed.folder / "nvidia/blas/lib/blas.so").read_bytes() == BIG


def test_what_was_stopped_is_kept_and_gone_on_with(bench: Bench) -> None:
    plan, stop = bench.plan(), Stop()

    def stop_at_the_library(told: Progress) -> None:
        if told.stage == "downloading" and told.done_bytes > len(torch().content) + 1000:
            stop.set()

    with pytest.raises(Cancelled):
        install(plan, stop_at_the_library, stop, QUICK)
    assert partial_bytes() > len(torch().content)
    assert plan.needed_bytes < plan.total_bytes
    assert not installed_sets()
    before = len(bench.indexes.asked_files())
    fetched(plan)
    assert torch().file_name not in bench.indexes.asked_files()[before:]


def test_bytes_that_are_not_what_was_published_are_not_installed(bench: Bench) -> None:
    plan = bench.plan()
    bench.indexes.damage(LIBRARY)
    with pytest.raises(LibraryError) as caught:
        fetched(plan)
    assert caught.value.id == "runtime.wrong_bytes"
    assert LIBRARY.file_name in caught.value.sentence
    assert not installed_sets()
    assert leftovers() == []


@pytest.mark.parametrize(
    "record",
    [
        {"torch/version.py": "sha256=AAAA"},
        {"torch/lib/absent.so": "sha256=AAAA"},
        {"torch/version.py": ""},
    ],
    ids=["another hash", "a file that is not there", "no hash"],
)
def test_a_wheel_that_differs_from_its_own_list_is_refused(bench: Bench, record: dict[str, str]) -> None:
    with pytest.raises(LibraryError) as caught:
        fetched(bench.plan(torch(record=record)))
    assert caught.value.id == "runtime.damaged"
    assert not installed_sets()
    assert leftovers() == []


def test_a_file_that_is_not_in_the_list_is_refused(bench: Bench) -> None:
    made = torch({"torch/smuggled.py": "x"}, record={"torch/smuggled.py": "md5=00"})
    with pytest.raises(LibraryError, match=r"smuggled"):
        fetched(bench.plan(made))


@pytest.mark.parametrize("path", ["../outside.py", "/absolute.py", "torch/../../outside.py", "C:/outside.py"])
def test_paths_that_lead_outside_are_refused(bench: Bench, path: str, own_data_folder: Path) -> None:
    with pytest.raises(TsDesktopError) as caught:
        fetched(bench.plan(torch({path: "x"})))
    assert caught.value.id.startswith("weights.archive_")
    assert not installed_sets()
    assert not list(own_data_folder.rglob("outside.py"))


def test_a_wheel_whose_own_metadata_asks_for_more_than_was_planned_is_refused(bench: Bench) -> None:
    plan = bench.plan()
    made = wheel("torch", "9.1", FILES, [*NEEDS, "nvidia-new"])
    bench.indexes.state.files[made.file_name] = made.content
    wheels = list(plan.wheels)
    wheels[0] = type(wheels[0])(**{**vars(wheels[0]), "sha256": made.sha256, "size": len(made.content)})
    with pytest.raises(LibraryError) as caught:
        fetched(Plan(plan.name, plan.release, plan.build, plan.host, tuple(wheels)))
    assert caught.value.id == "runtime.incomplete"
    assert "nvidia-new" in caught.value.sentence


def test_too_small_a_disk_is_said_before_anything_is_fetched(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = bench.plan()
    usage = shutil.disk_usage(runtimes_folder().parent)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=plan.space_bytes - 1))
    with pytest.raises(LibraryError) as caught:
        fetched(plan)
    assert caught.value.id == "runtime.disk_space"
    assert not bench.indexes.asked_files()


def test_a_disk_that_fills_while_fetching_keeps_what_has_arrived(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = bench.plan()
    append = parts.Part.append

    def full_later(self: parts.Part, file: object, data: bytes) -> None:
        if self.length > len(BIG) // 2:
            with parts.writing(self.path.parent):
                raise OSError(28, "No space left on device")
        append(self, file, data)  # type: ignore[arg-type]

    monkeypatch.setattr(parts.Part, "append", full_later)
    with pytest.raises(LibraryError) as caught:
        fetched(plan)
    assert caught.value.id == "runtime.disk_full"
    assert partial_bytes() > 0
    monkeypatch.setattr(parts.Part, "append", append)
    assert not lacking_file(fetched(plan))


def test_verifying_names_the_file_that_changed_and_removing_frees_it(bench: Bench) -> None:
    installed = fetched(bench.plan())
    verify(installed, nobody, Stop())
    library = installed.folder / "nvidia/blas/lib/blas.so"
    library.write_bytes(BIG[:-1] + b"x")
    with pytest.raises(LibraryError, match=r"blas\.so"):
        verify(installed, nobody, Stop())
    assert not lacking_file(installed)
    library.write_bytes(BIG[:-1])
    assert lacking_file(installed) == "nvidia/blas/lib/blas.so"
    assert remove(installed) == installed.manifest.bytes
    assert leftovers() == []
    assert not installed_sets()


def test_a_broken_set_is_replaced_by_fetching_again(bench: Bench) -> None:
    plan = bench.plan()
    (fetched(plan).folder / "torch/version.py").unlink()
    assert not lacking_file(fetched(plan))


def test_what_a_cancelled_fetching_left_is_removed(bench: Bench) -> None:
    forget_partial()
    stop = Stop()

    def stop_soon(told: Progress) -> None:
        if told.stage == "downloading":
            stop.set()

    with pytest.raises(Cancelled):
        install(bench.plan(), stop_soon, stop, QUICK)
    assert partial_bytes() > 0
    forget_partial()
    assert partial_bytes() == 0
