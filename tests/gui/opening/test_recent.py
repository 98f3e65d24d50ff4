"""The list of recent scans survives everything and never grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tsdesktop.core.settings import data_folder
from tsdesktop.gui.opening.recent import MOST, RecentScan, forget, recent_scans, remember


def scan(path: Path, series: str = "") -> RecentScan:
    return RecentScan(path, path.stem, (10, 20, 30), (0.7, 0.7, 1.5), "CT", "2025-03-04T10:00:00+00:00", series)


def test_the_latest_is_first_and_stands_once(tmp_path: Path) -> None:
    for name in ("a", "b", "a"):
        remember(scan(tmp_path / name))
    assert [each.name for each in recent_scans()] == ["a", "b"]
    assert recent_scans()[0] == scan(tmp_path / "a")


def test_series_of_one_folder_are_two_entries(tmp_path: Path) -> None:
    remember(scan(tmp_path, "1"))
    remember(scan(tmp_path, "2"))
    assert [each.series for each in recent_scans()] == ["2", "1"]


def test_the_oldest_leave_with_their_pictures(tmp_path: Path) -> None:
    first = scan(tmp_path / "0")
    first.thumbnail.parent.mkdir(parents=True)
    first.thumbnail.write_bytes(b"png")
    for n in range(MOST + 1):
        remember(scan(tmp_path / str(n)))
    assert len(recent_scans()) == MOST and not first.thumbnail.exists()


def test_forgetting_leaves_the_scan_alone(tmp_path: Path) -> None:
    file = tmp_path / "scan.nii"
    file.write_text("scan")
    remember(scan(file))
    forget(scan(file))
    assert recent_scans() == [] and file.exists()


def test_a_missing_scan_is_known_as_missing(tmp_path: Path) -> None:
    assert not scan(tmp_path / "gone").is_there
    assert scan(tmp_path).is_there


@pytest.mark.parametrize("content", ["", "{}", '{"scans": [{"path": 3}]}', '{"scans": 7}', "\x00\x01"])
def test_a_damaged_list_starts_anew(content: str, caplog: pytest.LogCaptureFixture) -> None:
    (data_folder() / "recent.json").write_text(content)
    assert recent_scans() == []
    assert "recent scans" in caplog.text


def test_names_of_pictures_tell_nothing() -> None:
    assert "Meier" not in scan(Path("/scans/Meier_Anna.nii")).thumbnail.name
