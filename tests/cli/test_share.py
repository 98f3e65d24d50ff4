"""`tsdesktop share` as a person types it."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.heads import grid, head_phantom, write_mr_series
from tsdesktop.cli.command import run


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    phantom = head_phantom(grid((3.0, 3.0, 5.0)))
    path = tmp_path_factory.mktemp("head") / "Musterfrau.nii.gz"
    nibabel.Nifti1Image(phantom.volume.array, phantom.volume.affine).to_filename(path)
    return path


def test_a_nifti_is_shared_and_what_was_done_is_said(
    head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["share", str(head), "-o", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "The face was found from the skin of the head" in told.err
    assert "voxels changed" in told.out
    assert str(tmp_path / "scan.nii.gz") in told.out
    before, after = (np.asarray(nibabel.load(each).dataobj) for each in (head, tmp_path / "scan.nii.gz"))
    assert 0.01 < (before != after).mean() < 0.5


def test_dicom_is_shared_under_another_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_mr_series(head_phantom(grid((3.0, 3.0, 8.0))), tmp_path / "source")
    flags = ["--format", "dicom", "--face", "remove", "--patient-id", "study7-003", "-q"]
    assert run(["share", str(tmp_path / "source"), "-o", str(tmp_path / "out"), *flags]) == 0
    assert b"study7-003" in (tmp_path / "out" / "dicom" / "000001.dcm").read_bytes()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--format", "dicom"], 1, "was not read from DICOM files"),
        (["--patient-id", "Erika Musterfrau"], 2, "cannot stand for a patient"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    head: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, words: str
) -> None:
    assert run(["share", str(head), "-o", str(tmp_path), *flags]) == code
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
