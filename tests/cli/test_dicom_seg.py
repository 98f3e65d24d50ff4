"""DICOM segmentations from the command line: every form that can be asked for, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import highdicom
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.pipeline.test_export_plan import STORED, stored_as
from tests.scans.series import write_series
from tsdesktop.cli.command import run
from tsdesktop.core.options import DicomSegForm
from tsdesktop.exports.dicom import frames
from tsdesktop.scans.labels import read_label_map
from tsdesktop.scans.reader import read_scan


def block_with_bone(x: NDArray[Any], y: NDArray[Any], _: object) -> NDArray[np.float64]:
    """Soft tissue with a bar of bone, in air: Hounsfield units at LPS positions (mm) of one slice."""
    x, y = x - x.min(), y - y.min()
    inside = (x > 6) & (x < 58) & (y > 6) & (y < 66)
    bone = (x > 20) & (x < 34) & (y > 20) & (y < 44)
    return np.where(bone, 800.0, np.where(inside, 40.0, -1000.0))


@pytest.fixture
def series(tmp_path: Path) -> Path:
    heights = [3.0 * n for n in range(16)]
    write_series(tmp_path / "series", heights, Rows=48, Columns=64, field=block_with_bone)
    return tmp_path / "series"


def asked(series: Path, out: Path, *more: str) -> list[str]:
    return ["segment", str(series), "-o", str(out), "--task", "fat_soft_bone", "-q", *more]


@pytest.mark.parametrize("form", [None, *get_args(DicomSegForm)])
def test_each_form_holds_the_labels_of_the_run(series: Path, tmp_path: Path, form: DicomSegForm | None) -> None:
    flags = ["--dicom-seg-form", form] if form else []
    assert run(asked(series, tmp_path / "out", "--label-formats", "nifti", "dicom-seg", *flags)) == 0
    scan = read_scan(series)
    truth = read_label_map(tmp_path / "out" / "fat_soft_bone.nii.gz", scan)
    path = tmp_path / "out" / "fat_soft_bone.seg.dcm"
    assert len(truth.present) > 1
    assert np.array_equal(read_label_map(path, scan).array, truth.array)
    assert stored_as(path) == STORED[form or "binary"]
    found = highdicom.seg.segread(path)
    numbers = {each.SegmentLabel: int(each.SegmentNumber) for each in found.SegmentSequence}
    for each in truth.present:
        space = found.get_volume(
            segment_numbers=[numbers[each.name]], combine_segments=True, relabel=True, allow_missing_positions=True
        )
        assert np.count_nonzero(space.array) == np.count_nonzero(truth.mask(each.name))
    told = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))["options"]
    assert told.get("dicom_seg_form") == (None if form == "binary" else form)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--dicom-seg-form", "labelmap"], "--dicom-seg-form labelmap needs --label-formats dicom-seg."),
        (["--label-formats", "nrrd", "--dicom-seg-form", "deflated"], "needs --label-formats dicom-seg."),
    ],
)
def test_a_form_of_nothing_is_refused_in_one_sentence(
    series: Path, tmp_path: Path, flags: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(asked(series, tmp_path / "out", *flags)) == 2
    said = capsys.readouterr().err
    assert words in said and len(said.splitlines()) <= 2
    assert not (tmp_path / "out").exists()


def test_where_bits_are_too_many_for_a_file_the_label_map_form_is_proposed_and_does(
    series: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "MOST_BYTES", 1000)
    wanted = ["--label-formats", "dicom-seg"]
    assert run(asked(series, tmp_path / "out", *wanted)) == 1
    said = capsys.readouterr().err
    assert "larger than a DICOM file may be" in said and "label map form" in said and len(said.splitlines()) <= 2
    assert run(asked(series, tmp_path / "out", *wanted, "--dicom-seg-form", "labelmap")) == 0
