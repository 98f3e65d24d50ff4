"""Memory of large arrays and mapped files goes back to the system, and what they hold stays as it should be."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from tsdesktop.inference import room

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory of this process")
SHAPE = (40, 70, 90, 5)


def resident_mb(of: str = "Rss") -> float:
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{of}:")) / 1024


@pytest.mark.parametrize("large", [0, 1 << 40], ids=["given back", "kept"])
def test_cleared_parts_are_zero_and_the_rest_stays(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_LARGE_BYTES", large)
    slab = room.Slab(SHAPE)
    assert not slab.array.any()
    slab.array[...] = np.random.default_rng(1).random(SHAPE, np.float32) + 1
    expected = slab.array.copy()
    for part in ((slice(3, 7),), (20, slice(11, 33)), (21, slice(0, 1)), (slice(38, 40),)):
        slab.clear(slab.array[part])
        expected[part] = 0
    np.testing.assert_array_equal(slab.array, expected)


@on_linux
def test_a_limit_of_the_process_is_told_as_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters set such limits: more memory is free than this process may have."""
    import resource  # which Windows does not have

    monkeypatch.setattr(room, "free_bytes", lambda: 1 << 50)
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, before[1]))
    try:
        with pytest.raises(MemoryError):
            room.Slab((1 << 32,))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@on_linux
def test_memory_of_cleared_parts_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_LARGE_BYTES", 0)
    slab = room.Slab((64, 1 << 18))
    slab.array[...] = 1
    full = resident_mb()
    slab.clear(slab.array[:32])
    assert full - resident_mb() > 28


@on_linux
def test_memory_of_a_mapped_file_goes_back_and_its_content_stays(tmp_path: Path) -> None:
    path = tmp_path / "weights of a network.bin"
    path.write_bytes(bytes(range(256)) * (1 << 17))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        content = bytes(mapped)
        full = resident_mb()
        room.give_back_file(path)
        assert full - resident_mb() > 28
        assert bytes(mapped) == content


@on_linux
@pytest.mark.parametrize("name", ["two  spaces.bin", "gr\udcfc\udcdfe.bin", "by a link"])
def test_a_mapped_file_is_found_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    """Names that are no UTF-8 (here Latin-1) are allowed, and a folder may be reached through a link."""
    path = tmp_path / "real" / name
    path.parent.mkdir()
    path.write_bytes(bytes(32 << 20))
    (tmp_path / "linked").symlink_to(path.parent)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert not any(mapped[:: mmap.PAGESIZE])
        full = resident_mb()
        room.give_back_file(tmp_path / "linked" / name if name == "by a link" else path)
        assert full - resident_mb() > 28


@on_linux
def test_a_mapping_that_may_have_been_written_to_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "own.bin"
    path.write_bytes(bytes(1 << 20))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE) as mapped:
        mapped[:] = b"x" * len(mapped)
        room.give_back_file(path)
        assert mapped[:] == b"x" * len(mapped)
