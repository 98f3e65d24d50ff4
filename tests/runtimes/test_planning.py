"""Which wheels make a set: from Python's index where its build suits, else from torch's own."""

from __future__ import annotations

import pytest

from tests.runtimes.stand_in import HERE, Indexes, Made, wheel
from tsdesktop.core.errors import LibraryError, TsDesktopError
from tsdesktop.core.torch_build import TorchBuild
from tsdesktop.runtimes import pages, planning
from tsdesktop.runtimes.cards import Card, Driver
from tsdesktop.runtimes.planning import make_plan, obstacle
from tsdesktop.weights.connection import Patience
from tsdesktop.weights.stopping import Stop

CUDA = 'cuda-toolkit[cublas,cudart]==13.0.3; platform_system == "Linux"'
TOOLKIT = [
    'nvidia-cublas==13.1.1.*; sys_platform == "linux" and extra == "cublas"',
    'nvidia-cublas==13.1.1.*; sys_platform == "linux" and extra == "all"',
    'nvidia-cuda-runtime==13.0.96.*; extra == "cudart"',
    'nvidia-nvcc==13.0.88.*; extra == "nvcc"',
]
LIBRARIES = (
    wheel("cuda-toolkit", "13.0.3.0", needs=TOOLKIT, tag="py2.py3-none-any"),
    wheel("nvidia-cublas", "13.1.1.3", {"nvidia/lib.so": "blas"}, ["nvidia-cuda-nvrtc"]),
    wheel("nvidia-cublas", "13.2.0.1"),
    wheel("nvidia-cublas", "13.1.1.9", tag="py3-none-win_arm64"),
    wheel("nvidia-cuda-runtime", "13.0.96"),
    wheel("nvidia-cuda-nvrtc", "13.0.88"),
    wheel("nvidia-cuda-nvrtc", "13.1.0rc1"),
)


def torch(*needs: str, version: str = "9.1", tag: str = HERE) -> Made:
    return wheel("torch", version, {"torch/__init__.py": ""}, ["filelock", "sympy>=1.13", *needs], tag)


def plan_names(driver: Driver) -> list[str]:
    return [f"{each.name} {each.version}" for each in make_plan(driver, Stop()).wheels]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_PATIENCE", Patience(tries=1, connect_s=2.0, read_s=2.0))


def test_the_set_is_torch_and_what_its_metadata_asks_for(driver: Driver, indexes: Indexes) -> None:
    """Nothing that comes with the program, no triton, no other extra, no preliminary or foreign version."""
    indexes.publish(torch(CUDA, "triton==3.7.1"), torch(version="9.2"), torch(tag="cp399-cp399-win32"), *LIBRARIES)
    plan = make_plan(driver, Stop())
    assert [f"{each.name} {each.version}" for each in plan.wheels] == [
        "torch 9.1",
        "cuda-toolkit 13.0.3.0",
        "nvidia-cublas 13.1.1.3",
        "nvidia-cuda-runtime 13.0.96",
        "nvidia-cuda-nvrtc 13.0.88",
    ]
    assert plan.build == "cu130"
    assert plan.total_bytes == sum(len(indexes.state.files[each.file_name]) for each in plan.wheels)
    assert all(len(each.sha256) == 64 for each in plan.wheels)
    assert not indexes.asked_files()


def test_what_is_asked_for_late_is_heeded_from_the_beginning(driver: Driver, indexes: Indexes) -> None:
    indexes.publish(torch("nvidia-a", "nvidia-b", "cuda-toolkit==13.0.3"), wheel("cuda-toolkit", "13.0.3"))
    indexes.publish(wheel("nvidia-a", "1"), wheel("nvidia-a", "2", needs=["nvidia-c"]), wheel("nvidia-c", "1"))
    indexes.publish(wheel("nvidia-b", "1", needs=["nvidia-a<2"]))
    assert plan_names(driver) == ["torch 9.1", "nvidia-a 1", "nvidia-b 1", "cuda-toolkit 13.0.3"]


def test_metadata_is_read_out_of_the_wheel_where_it_does_not_lie_beside(driver: Driver, indexes: Indexes) -> None:
    big = wheel("torch", "9.1", {"torch/lib.so": b"\0" * 400_000}, [CUDA])
    indexes.publish(big, *LIBRARIES)
    beside = plan_names(driver)
    indexes.with_metadata = False
    assert plan_names(driver) == beside
    indexes.with_ranges = False
    with pytest.raises(LibraryError) as caught:
        make_plan(driver, Stop())
    assert caught.value.id == "runtime.no_metadata"


def test_a_build_that_the_card_is_too_old_for_comes_from_torchs_own_index(indexes: Indexes, driver: Driver) -> None:
    old = Driver((13, 0), (Card("GTX 1080", (6, 1), 8.0),))
    indexes.publish(torch(CUDA), *LIBRARIES)
    indexes.publish(torch("nvidia-cuda-nvrtc==13.0.88", version="9.1+cu126"), build="cu126")
    plan = make_plan(old, Stop())
    assert plan.build == "cu126"
    assert [f"{each.name} {each.version}" for each in plan.wheels] == ["torch 9.1+cu126", "nvidia-cuda-nvrtc 13.0.88"]
    assert plan.wheels[0].size is not None


def test_where_pythons_index_has_no_build_for_cards_the_newest_that_suits_is_taken(
    driver: Driver, indexes: Indexes
) -> None:
    """As on Windows."""
    indexes.publish(torch())
    indexes.publish(torch(version="9.1+cu128"), build="cu128")
    indexes.publish(torch(version="9.1+cu129"), torch(version="9.0+cu129"), build="cu129")
    indexes.publish(torch(version="9.2+cu130"), build="cu130")
    assert plan_names(driver) == ["torch 9.1+cu129"]


def test_a_missing_wheel_for_this_python_is_said(driver: Driver, indexes: Indexes) -> None:
    indexes.publish(torch(CUDA, tag="cp399-cp399-win32"), *LIBRARIES)
    with pytest.raises(LibraryError) as caught:
        make_plan(driver, Stop())
    assert caught.value.id == "runtime.no_wheel"
    assert "127.0.0.1 (cu132, cu130, cu129, cu128, cu126) has no torch 9.1" in caught.value.sentence


def test_a_missing_library_is_named(driver: Driver, indexes: Indexes) -> None:
    indexes.publish(torch(CUDA), *LIBRARIES[1:])
    with pytest.raises(LibraryError) as caught:
        make_plan(driver, Stop())
    assert caught.value.id == "runtime.no_dependency"
    assert "cuda-toolkit" in caught.value.sentence


def test_what_has_no_published_hash_is_not_fetched(driver: Driver, indexes: Indexes) -> None:
    indexes.publish(torch(CUDA), *LIBRARIES)
    indexes.with_hashes = False
    with pytest.raises(LibraryError) as caught:
        make_plan(driver, Stop())
    assert caught.value.id == "runtime.no_hash"


def test_a_page_for_people_is_no_index(driver: Driver, indexes: Indexes) -> None:
    indexes.pages = True
    with pytest.raises(LibraryError) as caught:
        make_plan(driver, Stop())
    assert caught.value.id == "runtime.no_wheel"


def test_an_index_that_cannot_be_reached_is_said(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSDESKTOP_PACKAGE_INDEX", "http://127.0.0.1:1/simple")
    with pytest.raises(TsDesktopError) as caught:
        make_plan(driver, Stop())
    assert caught.value.id == "weights.unreachable"


def test_a_torch_that_can_use_cards_needs_no_other(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "torch_build", lambda: TorchBuild("9.1+cu130", True))
    problem = obstacle(driver)
    assert problem is not None
    assert problem.id == "runtime.not_needed"


def test_links_that_leave_encryption_are_refused() -> None:
    from tsdesktop.runtimes.index import _Entry, _wheel
    from tsdesktop.runtimes.pages import Page

    page = Page(b"", "text/html", "https://index.example/simple/torch/")
    for link in ("http://files.example/torch-9.1-py3-none-any.whl", "file:///torch-9.1-py3-none-any.whl"):
        with pytest.raises(TsDesktopError):
            _wheel(page, _Entry("torch-9.1-py3-none-any.whl", link))
