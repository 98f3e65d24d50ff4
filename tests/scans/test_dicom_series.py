"""Which slices belong together: folders, archives and media with several series, times and frames of reference."""

from __future__ import annotations

import gc
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import (
    EncapsulatedPDFStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    generate_uid,
)

from tests.scans.series import (
    COLUMNS,
    ROWS,
    TEN,
    assert_shows_field,
    ids,
    save,
    slice_dataset,
    write_series,
)
from tsdesktop.core.errors import GeometryError, ReadError
from tsdesktop.scans.reader import list_series, read_scan


def test_source_points_back_without_the_patient(tmp_path: Path) -> None:
    paths = write_series(tmp_path, TEN)
    source = read_scan(tmp_path).source
    assert source.format == "dicom"
    assert source.name == source.description == "Thorax 3.0"
    assert source.series_instance_uid == "1.2.3.4"
    assert source.window == (40.0, 400.0)
    assert source.dicom_files == tuple(str(path) for path in paths)
    assert "Never" not in repr(source)
    assert "secret" not in repr(source)


def test_copies_of_the_same_object_are_dropped(tmp_path: Path) -> None:
    for path in write_series(tmp_path, TEN):
        (tmp_path / "copy").mkdir(exist_ok=True)
        (tmp_path / "copy" / path.name).write_bytes(path.read_bytes())
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 10
    assert ids(volume) == ["note.duplicate_slices"]


def test_a_repeated_slice_is_told(tmp_path: Path) -> None:
    write_series(tmp_path, [*TEN, 12.0])
    volume = read_scan(tmp_path)
    assert ids(volume) == ["note.duplicate_slices"]
    assert volume.notes[0].arguments["count"] == 1
    assert_shows_field(volume)


def test_two_time_points_are_two_volumes(tmp_path: Path) -> None:
    def later(x: Any, y: Any, z: Any) -> Any:
        return 777.0 + 0 * x

    write_series(tmp_path / "a", TEN, TemporalPositionIdentifier=1)
    write_series(tmp_path / "b", TEN, TemporalPositionIdentifier=2, field=later)
    first = read_scan(tmp_path)
    assert ids(first) == ["note.first_volume"]
    assert_shows_field(first)
    second = read_scan(tmp_path, volume_index=1)
    assert "note.first_volume" not in ids(second)
    assert np.all(second.array == 777)
    assert list_series(tmp_path)[0].volumes == 2
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path, volume_index=2)
    assert caught.value.id == "read.volume_index"


def test_acquisitions_over_each_other_in_part_are_two_series(tmp_path: Path) -> None:
    write_series(tmp_path / "a", [3.0 * n for n in range(12)], AcquisitionNumber=1)
    write_series(tmp_path / "b", [3.0 * n for n in range(6, 14)], AcquisitionNumber=2)
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 12
    assert ids(volume) == ["note.other_series"]
    assert [each.slices for each in list_series(tmp_path)] == [12, 8]


def test_another_frame_of_reference_is_never_dropped_silently(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, each=lambda n: {"FrameOfReferenceUID": "1.2.3.8" if n == 4 else "1.2.3.9"})
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.frames_of_reference"
    assert all(each.problem for each in list_series(tmp_path))


def test_a_part_in_one_frame_of_reference_opens_when_asked_for(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, each=lambda n: {"FrameOfReferenceUID": f"1.2.3.{n // 6}"})
    volume = read_scan(tmp_path, series="1")
    assert volume.array.shape[2] == 6
    assert ids(volume) == ["note.left_out"]
    assert_shows_field(volume)


def other_series(folder: Path, heights: list[float], **tags: Any) -> None:
    write_series(folder, heights, **{"SeriesInstanceUID": generate_uid(), **tags})


def test_the_best_series_is_the_long_original_one(tmp_path: Path) -> None:
    write_series(tmp_path / "a" / "deep", TEN)
    other_series(
        tmp_path / "b",
        TEN[:5],
        SeriesNumber=1,
        SeriesDescription="Topogram",
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    other_series(
        tmp_path / "c",
        [h / 2 for h in range(40)],
        SeriesNumber=9,
        SeriesDescription="MPR",
        ImageType=["DERIVED", "SECONDARY"],
    )
    other_series(tmp_path / "d", TEN[:7], SeriesNumber=5, SeriesDescription="Abdomen 5.0")
    (tmp_path / "readme.txt").write_text("nothing to see")
    (tmp_path / "DICOMDIR").write_bytes(b"x" * 400)
    listed = list_series(tmp_path)
    assert [each.description for each in listed] == ["Topogram", "Thorax 3.0", "Abdomen 5.0", "MPR"]
    assert [each.number for each in listed] == [1, 2, 3, 4]
    assert [each.best for each in listed] == [False, True, False, False]
    assert listed[1].spacing_mm == pytest.approx((1.0, 1.5, 3.0))
    assert (listed[1].rows, listed[1].columns, listed[1].slices, listed[1].modality) == (ROWS, COLUMNS, 10, "CT")
    best = read_scan(tmp_path)
    assert best.source.name == "Thorax 3.0"
    assert ids(best) == ["note.other_series"]
    assert read_scan(tmp_path, series="3").source.name == "Abdomen 5.0"
    assert read_scan(tmp_path, series="abdo").array.shape[2] == 7
    assert read_scan(tmp_path, series=listed[3].uid).source.name == "MPR"
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path, series="brain")
    assert caught.value.id == "read.pick_series"
    assert "Topogram" in caught.value.hint


def as_segmentation(**tags: Any) -> Dataset:
    return slice_dataset((0, 0, 0), SOPClassUID=SegmentationStorage, Modality="SEG", **tags)


def test_other_objects_in_the_folder_do_not_disturb(tmp_path: Path) -> None:
    write_series(tmp_path / "scan", TEN)
    save(as_segmentation(SeriesInstanceUID="1.2.3.4.5"), tmp_path / "seg.dcm")
    report = slice_dataset((0, 0, 0), SOPClassUID=EncapsulatedPDFStorage, Modality="DOC", Rows=ROWS)
    save(report, tmp_path / "report.dcm")
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 10
    assert ids(volume) == []


def test_a_folder_of_other_objects_says_so(tmp_path: Path) -> None:
    save(as_segmentation(), tmp_path / "seg.dcm")
    capture = slice_dataset((0, 0, 0), SOPClassUID=SecondaryCaptureImageStorage, Modality="OT")
    save(capture, tmp_path / "picture.dcm")
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "read.no_scan_inside"
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path / "seg.dcm")
    assert caught.value.id == "read.labels_first"
    assert "segmentation" in caught.value.sentence


def test_one_file_among_two_series_opens_its_own(tmp_path: Path) -> None:
    write_series(tmp_path / "x", TEN)
    for path in (tmp_path / "x").iterdir():
        path.rename(tmp_path / f"a{path.name}")
    other_series(tmp_path / "y", [3.0 * n for n in range(30)], SeriesDescription="other")
    for path in (tmp_path / "y").iterdir():
        path.rename(tmp_path / f"b{path.name}")
    volume = read_scan(next(iter(sorted(tmp_path.glob("a*")))))
    assert volume.array.shape[2] == 10
    assert volume.source.name == "Thorax 3.0"
    assert ids(volume) == []


def write_medium(paths: list[Path], folder: Path) -> None:
    medium = FileSet()
    for path in paths:
        ds = dcmread(path)
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20200101", "000000", "", "1"
        medium.add(ds)
    medium.write(folder)
    with warnings.catch_warnings():
        # pydicom leaves the removal of its working folder to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        del medium, ds
        gc.collect()


def test_a_dicomdir_stands_for_its_medium(tmp_path: Path) -> None:
    write_medium(write_series(tmp_path / "in", TEN), tmp_path / "disc")
    assert_shows_field(read_scan(tmp_path / "disc" / "DICOMDIR"))
    assert_shows_field(read_scan(tmp_path / "disc"))


def test_a_zip_is_read_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_series(tmp_path / "in", TEN)
    archive = tmp_path / "scan.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in paths:
            out.write(path, f"study/../../../series/{path.name}")
        out.writestr("/etc/evil.txt", "evil")
        out.writestr("__MACOSX/._x", "rubbish")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    volume = read_scan(archive)
    assert_shows_field(volume)
    assert volume.source.path == str(archive)
    # What exports look up again in the archive itself.
    assert volume.source.dicom_files == tuple(f"../../series/{path.name}" for path in paths)
    assert list(temporary.iterdir()) == []
    assert len(list_series(archive)[0].files) == 10


def test_a_damaged_zip_says_so(tmp_path: Path) -> None:
    paths = write_series(tmp_path / "in", TEN)
    archive = tmp_path / "scan.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in paths:
            out.write(path, path.name)
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(ReadError) as caught:
        read_scan(archive)
    assert caught.value.id == "read.bad_zip"


def test_a_zip_that_fills_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "scan.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.dcm", bytes(1000))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100})())
    with pytest.raises(ReadError) as caught:
        read_scan(archive)
    assert caught.value.id == "read.zip_too_large"


def test_series_without_uid_are_grouped_by_number_and_folder(tmp_path: Path) -> None:
    write_series(tmp_path / "a", TEN, SeriesInstanceUID=None)
    write_series(tmp_path / "b", TEN[:6], SeriesInstanceUID=None)
    assert [each.slices for each in list_series(tmp_path)] == [10, 6]
