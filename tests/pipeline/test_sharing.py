"""A scan is shared without face and patient: what is written, what is not in it, and how it ends."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest

from tests.heads import (
    HIDDEN_NAME,
    INSTANCE,
    NESTED_UID,
    PRIVATE,
    SECRETS,
    Phantom,
    grid,
    head_phantom,
    write_mr_series,
)
from tsdesktop.core.errors import Cancelled, ExportError, OptionsError
from tsdesktop.core.geometry import to_ras_order
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.jobs.messages import Progress
from tsdesktop.pipeline import read, sharing
from tsdesktop.pipeline.sharing import ShareOptions, prepare_share, share, with_other_face, write_share

DICOM = ShareOptions("dicom", "remove", patient_id="study7-003")


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return head_phantom(grid((3.0, 3.0, 6.0)))


@pytest.fixture(scope="module")
def series(phantom: Phantom, tmp_path_factory: pytest.TempPathFactory) -> Volume:
    folder = tmp_path_factory.mktemp("source")
    write_mr_series(phantom, folder)
    return read(folder)


@pytest.fixture(scope="module")
def shared(series: Volume, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The series as DICOM with the face removed."""
    where = tmp_path_factory.mktemp("shared")
    share(series, where, DICOM)
    return where


def values_to_hide() -> Iterator[bytes]:
    words = [*SECRETS.values(), HIDDEN_NAME, PRIVATE, NESTED_UID, INSTANCE.format(number=1), INSTANCE.format(number=12)]
    words += [
        "Musterfrau",
        "Erika",
        "Zwanziger",
        "Egon",
        "Gundula",
        "Hinterdorf",
        "PROC-3321",
        "20230519",
        "HINTERDORF_AE",
    ]
    for word in words:
        yield word.encode().lower()


def test_no_value_that_identifies_is_in_the_bytes_of_any_file(shared: Path) -> None:
    files = [each for each in shared.rglob("*") if each.is_file()]
    assert len(files) > 20
    for path in files:
        data = path.read_bytes().lower() + str(path.relative_to(shared)).encode().lower()
        found = [word for word in values_to_hide() if word in data]
        assert not found, path.name


def test_the_grid_is_the_same_and_so_is_every_voxel_outside_the_face(
    shared: Path, series: Volume, phantom: Phantom
) -> None:
    again = read(shared / "dicom")
    assert again.geometry.matches(series.geometry)
    face = prepare_share(series, DICOM).face
    assert face is not None
    assert np.array_equal(again.array[~face.mask], series.array[~face.mask])
    assert np.unique(again.array[face.mask]).size == 1
    turned = tuple(n for n in range(3) if not _same_order(phantom, series)[n])
    skin, brain = np.flip(phantom.face_skin, turned), np.flip(phantom.brain, turned)
    assert np.array_equal(again.array[brain], series.array[brain])
    assert (again.array[skin] != series.array[skin]).mean() > 0.98


def _same_order(phantom: Phantom, series: Volume) -> list[bool]:
    a, b = phantom.volume.geometry.ras_axes, series.geometry.ras_axes
    return [one == other for one, other in zip(a, b, strict=True)]


def test_references_within_the_export_are_kept_and_identifiers_new(shared: Path, series: Volume) -> None:
    files = [pydicom.dcmread(each) for each in sorted((shared / "dicom").iterdir())]
    first = files[0]
    assert len({str(each.SOPInstanceUID) for each in files}) == len(files)
    assert {str(each.SeriesInstanceUID) for each in files} == {str(first.SeriesInstanceUID)}
    originals = {str(pydicom.dcmread(each).SOPInstanceUID): n for n, each in enumerate(series.source.dicom_files)}
    referred = str(files[-1].ReferencedImageSequence[0].ReferencedSOPInstanceUID)
    assert referred == str(files[originals[INSTANCE.format(number=1)]].SOPInstanceUID)
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID


def test_the_files_say_what_was_done(shared: Path) -> None:
    each = pydicom.dcmread(sorted((shared / "dicom").iterdir())[0])
    assert (each.PatientIdentityRemoved, each.RecognizableVisualFeatures) == ("YES", "NO")
    assert [code.CodeValue for code in each.DeidentificationMethodCodeSequence] == ["113100", "113102"]
    assert (str(each.PatientName), each.PatientID, each.StudyDate) == ("study7-003", "study7-003", "")
    assert (each.Manufacturer, each.SoftwareVersions, each.ReceiveCoilName) == ("ACME", "E11", "")
    assert list(each.ImageType) == ["DERIVED", "PRIMARY", "M"]
    assert (each.BitsStored, each.BitsAllocated) == (12, 16)
    assert not [element for element in each.iterall() if element.tag.is_private]


def test_the_report_names_attributes_but_no_value(shared: Path) -> None:
    report = json.loads((shared / "share_report.json").read_text())
    deeds = report["attributes"]["deeds"]
    assert {"private attributes", "overlays", "RequestAttributesSequence"} <= set(deeds["removed"]["names"])
    assert {"StudyDate", "ReceiveCoilName", "PatientBirthDate"} <= set(deeds["emptied"]["names"])
    assert {"SOPInstanceUID", "ReferencedSOPInstanceUID"} <= set(deeds["new identifier"]["names"])
    assert report["face"]["found_by"] == "found_skin"
    assert report["face"]["voxels"] > 10_000
    text = (shared / "share_report.txt").read_text()
    assert "set to air" in text
    assert "Text in the pixels was not looked for." in text


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian's dicom3tools) is not installed")
def test_dciodvfy_finds_no_new_error(shared: Path, series: Volume) -> None:
    def errors(path: str | Path) -> set[str]:
        told = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
        return {line for line in told.stderr.splitlines() if line.startswith("Error")}

    assert errors(sorted((shared / "dicom").iterdir())[0]) <= errors(series.source.dicom_files[0])


def test_the_same_secret_gives_the_same_bytes_and_another_one_other_identifiers(series: Volume, tmp_path: Path) -> None:
    prepared = prepare_share(series, DICOM)
    for name, secret in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        write_share(prepared, tmp_path / name, DICOM, secret=secret)
    a, b, c = ((tmp_path / name / "dicom" / "000003.dcm").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_shifted_dates_keep_their_distances(series: Volume, tmp_path: Path) -> None:
    share(series, tmp_path, ShareOptions("dicom", "keep", "shift"))
    each = pydicom.dcmread(tmp_path / "dicom" / "000001.dcm")
    days = [
        pydicom.valuerep.DA(str(value)[:8]) for value in (each.StudyDate, each.SeriesDate, each.AcquisitionDateTime)
    ]
    assert (days[1] - days[0]).days == 1
    assert (days[2] - days[0]).days == 2
    assert days[0].year < 2023
    assert not each.PatientBirthDate
    assert each.StudyTime == "101112"
    assert each.LongitudinalTemporalInformationModified == "MODIFIED"
    assert re.fullmatch(r"shared-[0-9a-f]{10}", each.PatientID)
    assert each.RecognizableVisualFeatures == "YES"


def test_nifti_takes_over_the_grid_and_nothing_else(phantom: Phantom, tmp_path: Path) -> None:
    source = tmp_path / "Musterfrau.nii.gz"
    image = nibabel.Nifti1Image(phantom.volume.array, phantom.volume.affine)
    image.header["descrip"], image.header["db_name"], image.header["aux_file"] = "Erika 1964", "Musterfrau", "geheim"
    image.header["intent_name"] = "Zwanziger"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, b"Musterfrau"))
    image.to_filename(source)
    share(read(source), tmp_path / "out", ShareOptions())
    again = nibabel.load(tmp_path / "out" / "scan.nii.gz")
    assert np.allclose(again.affine, phantom.volume.affine, atol=1e-4)
    header = again.header.binaryblock.lower()
    assert not [word for word in (b"erika", b"musterfrau", b"geheim", b"zwanziger") if word in header]
    assert not again.header.extensions
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        "scan.nii.gz", "share_report.json", "share_report.txt",
    ]  # fmt: skip


def test_open_labels_of_the_face_are_used(series: Volume, phantom: Phantom) -> None:
    labels = np.zeros(series.geometry.shape, np.uint8)
    labels[30:40, 30:40, 20:25] = 1
    label_map = LabelMap(labels, series.geometry, (structure_class(1, "face"),), "face_mr")
    prepared = prepare_share(series, ShareOptions(), label_map=label_map)
    assert prepared.found.id == "share.found_labels"
    assert prepared.face is not None
    assert prepared.face.mask[labels == 1].all()


def test_the_network_is_asked_first_and_the_skin_where_it_finds_nothing(
    series: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.zeros(series.geometry.shape, np.bool_)
    asked: list[str] = []

    def by_task(_volume: Volume, task: str, *_: object) -> Any:
        asked.append(task)
        return labels

    monkeypatch.setattr(sharing, "_by_task", by_task)
    assert prepare_share(series, ShareOptions()).found.id == "share.found_skin_after"
    labels[30:40, 30:40, 20:25] = True
    prepared = prepare_share(series, ShareOptions())
    assert prepared.found.sentence == "The face was found by the network of the task face_mr."
    assert prepared.face is not None
    assert prepared.face.mask[labels].all()
    assert asked == ["face_mr", "face_mr"]


def test_a_zip_of_dicom_files_is_shared_too(series: Volume, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "Musterfrau.zip", "w") as archive:
        for each in series.source.dicom_files:
            archive.write(each, Path(each).name)
    volume = read(tmp_path / "Musterfrau.zip")
    share(volume, tmp_path / "out", DICOM)
    assert read(tmp_path / "out" / "dicom").geometry.matches(series.geometry)


def test_the_choice_can_change_without_looking_again(series: Volume) -> None:
    prepared = prepare_share(series, ShareOptions())
    removed = with_other_face(prepared, ShareOptions(face="remove"))
    assert removed.face is prepared.face
    assert not np.array_equal(removed.after.array, prepared.after.array)
    assert with_other_face(prepared, ShareOptions(face="keep")).after is series


def test_nothing_is_left_behind_when_it_is_stopped(series: Volume, tmp_path: Path) -> None:
    def stop(told: Progress) -> None:
        if told.stage == "writing the scan" and told.share > 0.8:
            raise Cancelled

    with pytest.raises(Cancelled):
        share(series, tmp_path / "out", DICOM, listen=stop)
    assert not list((tmp_path / "out").iterdir())


def test_what_is_there_is_not_overwritten_unasked(shared: Path, series: Volume) -> None:
    with pytest.raises(ExportError) as refused:
        share(series, shared, DICOM)
    assert refused.value.id == "export.exists"


def test_a_patients_name_in_the_picture_is_refused(phantom: Phantom, tmp_path: Path) -> None:
    write_mr_series(phantom, tmp_path / "source", BurnedInAnnotation="YES")
    with pytest.raises(ExportError) as refused:
        share(read(tmp_path / "source"), tmp_path / "out", ShareOptions())
    assert refused.value.id == "share.burned_in"
    assert not (tmp_path / "out").exists()


def test_a_scan_that_is_not_dicom_cannot_become_one(phantom: Phantom, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as refused:
        share(phantom.volume, tmp_path, DICOM)
    assert refused.value.id == "share.not_dicom"


@pytest.mark.parametrize("value", ["Erika Musterfrau", "a/b", "x" * 65])
def test_a_name_for_the_patient_has_plain_characters(value: str) -> None:
    with pytest.raises(OptionsError):
        ShareOptions(patient_id=value)


def test_compressed_and_rescaled_files_of_a_real_scanner_keep_their_values(data: Path, tmp_path: Path) -> None:
    for name in ("generic/compressed_rle", "generic/compressed_jpegls", "siemens_multiframe", "hitachi"):
        volume = read(data / "dicom_odd" / name)
        share(volume, tmp_path / name, ShareOptions("dicom", "keep"))
        again = read(tmp_path / name / "dicom")
        assert again.geometry.matches(volume.geometry)
        assert np.array_equal(again.array, volume.array)
        header: Any = pydicom.dcmread(next((tmp_path / name / "dicom").iterdir()))
        assert header.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian


def test_real_heads_lose_their_face(data: Path) -> None:
    volume = read(data / "mr_head" / "chris_t1.nii.gz")
    prepared = prepare_share(volume, ShareOptions(face="remove"))
    assert prepared.face is not None
    # What is left of the nose and the air before it go; the frontal pole of the brain and the cerebellum stay.
    for voxel, goes in (((94, 244, 20), True), ((94, 254, 20), True), ((94, 210, 95), False), ((94, 60, 40), False)):
        assert bool(prepared.face.mask[voxel]) == goes, voxel


def test_a_real_ct_head_loses_its_face_by_the_outline_of_the_instant_task(data: Path) -> None:
    volume = read(data / "ct_head_float64" / "ct_head.nii.gz")
    prepared = prepare_share(volume, ShareOptions(face="remove"))
    assert prepared.found.id == "share.found_skin"
    assert prepared.face is not None
    order = to_ras_order(volume.geometry)
    before, after, mask = order.apply(volume.array), order.apply(prepared.after.array), order.apply(prepared.face.mask)
    # Between brow and chin the head ends at least 2 cm farther back than before.
    levels, middle = slice(25, 60), slice(90, 100)
    fronts = [np.max(np.argwhere((each[middle, :, levels] > -300).any(axis=(0, 2)))) for each in (before, after)]
    assert (fronts[0] - fronts[1]) * 1.01 > 20
    # Inside the skull nothing changes.
    assert not mask[60:130, 60:150, 62:85].any()
