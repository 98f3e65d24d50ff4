"""DICOM files written again: stored values, bits, rescaling, compression, what cannot be done."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, RLELossless

from tests.scans.series import slice_dataset
from tsdesktop.core.errors import ExportError
from tsdesktop.core.volume import Volume
from tsdesktop.exports.deidentified import Alias, Tally, deidentify
from tsdesktop.exports.dicom_scan import Changed, DicomJob, write_dicom_scan
from tsdesktop.pipeline import read

ALIAS = Alias(b"secret", "study7-003")
TILT = math.tan(math.radians(12))


def write_ct(folder: Path, change: Any = lambda _: None, **tags: Any) -> Path:
    """Ten tilted CT slices, 12 of 16 bits unsigned, slope 2 and intercept -1000; `change` alters each before saving."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(10):
        each = slice_dataset(
            (-20.0, -30.0 + 3.0 * k * tags.get("tilt", 0.0), 3.0 * k),
            SOPInstanceUID=f"1.2.3.4.{k + 1}", PixelRepresentation=0, BitsStored=12, HighBit=11,
            RescaleSlope=2, RescaleIntercept=-1000, InstanceNumber=k + 1,
        )  # fmt: skip
        change(each)
        each.save_as(folder / f"{k:02d}.dcm", enforce_file_format=True)
    return folder


def written(volume: Volume, changed: Changed | None, where: Path) -> tuple[list[Any], Tally]:
    where.mkdir()
    paths, tally = write_dicom_scan(volume.source, changed, where, DicomJob(ALIAS, "changed" if changed else "kept"))
    return [pydicom.dcmread(each) for each in paths], tally


def box_at(volume: Volume, value: int) -> Changed:
    """A box of voxels with another value."""
    mask = np.zeros(volume.geometry.shape, np.bool_)
    mask[8:20, 6:14, 2:6] = True
    array = volume.array.copy()
    array[mask] = value
    return Changed(replace(volume, array=array), mask)


@pytest.mark.parametrize("compressed", [False, True])
def test_only_the_masked_pixels_are_written_anew_and_rescaled(tmp_path: Path, compressed: bool) -> None:
    def compress(each: Any) -> None:
        if compressed:
            each.compress(RLELossless)

    volume = read(write_ct(tmp_path / "source", compress))
    changed = box_at(volume, 346)
    files, _ = written(volume, changed, tmp_path / "out")
    again = read(tmp_path / "out")
    assert again.geometry.matches(volume.geometry)
    assert np.array_equal(again.array, changed.volume.array)
    inside = changed.mask[:, :, 3].T
    for each, name in ((files[3], volume.source.dicom_files[3]),):
        before = pydicom.dcmread(name).pixel_array
        assert np.array_equal(each.pixel_array[~inside], before[~inside])
        assert set(each.pixel_array[inside]) == {(346 + 1000) // 2}
        assert (each.BitsStored, each.RescaleSlope, each.RescaleIntercept) == (12, 2, -1000)


def test_values_beyond_the_stored_bits_are_cut_to_them(tmp_path: Path) -> None:
    volume = read(write_ct(tmp_path / "source", lambda each: setattr(each, "ImageType", "ORIGINAL")))
    files, _ = written(volume, box_at(volume, -3000), tmp_path / "out")
    assert files[3].pixel_array.min() == 0
    assert files[3].ImageType == "DERIVED"


def test_slices_of_a_tilted_gantry_stay_tilted_and_lose_the_box(tmp_path: Path) -> None:
    volume = read(write_ct(tmp_path / "source", tilt=TILT))
    assert [each.id for each in volume.notes if each.id == "note.tilt"]
    changed = box_at(volume, -1000)
    files, _ = written(volume, changed, tmp_path / "out")
    for each, name in zip(files, volume.source.dicom_files, strict=True):
        before = pydicom.dcmread(name)
        assert each.ImagePositionPatient == before.ImagePositionPatient
        different = each.pixel_array != before.pixel_array
        assert set(each.pixel_array[different]) <= {0}
    # 12 x 8 pixels in each of four slices, up to the rims that the tilt shifts.
    counts = [int(np.count_nonzero(each.pixel_array == 0)) for each in files]
    assert counts[2:6] == [pytest.approx(96, abs=14)] * 4
    assert counts[:2] + counts[6:] == [0] * 6


def test_overlays_in_spare_bits_are_cleared(tmp_path: Path) -> None:
    def hide(each: Any) -> None:
        pixels = np.frombuffer(each.PixelData, "<u2").copy()
        pixels[::3] |= 0x8000
        each.PixelData = pixels.tobytes()

    volume = read(write_ct(tmp_path / "source", hide))
    files, _ = written(volume, None, tmp_path / "out")
    assert not np.frombuffer(files[0].PixelData, "<u2").max() & 0xF000


def test_big_endian_files_become_little_endian(tmp_path: Path) -> None:
    def swap(each: Any) -> None:
        each.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        each.PixelData = np.frombuffer(each.PixelData, "<u2").astype(">u2").tobytes()
        each.set_original_encoding(False, False)

    plain, swapped = read(write_ct(tmp_path / "plain")), read(write_ct(tmp_path / "swapped", swap))
    assert np.array_equal(plain.array, swapped.array)
    written(swapped, None, tmp_path / "out")
    assert np.array_equal(read(tmp_path / "out").array, plain.array)


def test_a_lookup_table_is_refused_in_a_sentence(tmp_path: Path) -> None:
    def add_table(each: Any) -> None:
        table = Dataset()
        table.LUTDescriptor, table.ModalityLUTType = [4096, 0, 16], "HU"
        table.add_new(0x00283006, "OW", np.arange(4096, dtype="<u2").tobytes())
        each.ModalityLUTSequence = Sequence([table])
        del each.RescaleSlope, each.RescaleIntercept

    volume = read(write_ct(tmp_path / "source", add_table))
    with pytest.raises(ExportError) as refused:
        written(volume, box_at(volume, 0), tmp_path / "out")
    assert refused.value.id == "share.lookup_table"


def test_files_that_have_gone_are_told(tmp_path: Path) -> None:
    volume = read(write_ct(tmp_path / "source"))
    Path(volume.source.dicom_files[4]).unlink()
    with pytest.raises(ExportError) as refused:
        written(volume, None, tmp_path / "out")
    assert refused.value.id == "export.dicom_source_gone"


def data_set(**tags: Any) -> Dataset:
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID, made.Modality = CTImageStorage, "1.2.3.4.5", "CT"
    for key, value in tags.items():
        setattr(made, key, value)
    return made


def test_every_depth_is_cleaned_alike() -> None:
    inner = data_set(PatientName="Doe^Jane", SOPInstanceUID="1.2.3.4.5", StudyDate="20200101")
    middle = data_set(ReferencedImageSequence=Sequence([inner]))
    outer = data_set(ReferencedImageSequence=Sequence([middle]), PatientName="Doe^Jane")
    deidentify(outer, ALIAS, Tally())
    nested = outer.ReferencedImageSequence[0].ReferencedImageSequence[0]
    assert not nested.PatientName
    assert not nested.StudyDate
    assert nested.SOPInstanceUID == outer.SOPInstanceUID == ALIAS.uid("1.2.3.4.5")
    assert outer.SOPClassUID == CTImageStorage


def test_what_the_table_does_not_know_is_treated_by_its_kind() -> None:
    made = data_set(RescaleType="HU", KVP="120")
    made.add_new(0x00111010, "LO", "private")
    made.add_new(0x00189999, "LO", "unknown attribute")
    tally = Tally()
    deidentify(made, ALIAS, tally)
    assert (made.RescaleType, str(made.KVP)) == ("HU", "120")
    assert not {0x00111010, 0x00189999} & {int(tag) for tag in made.keys()}  # noqa: SIM118
    assert tally.deeds["removed"]["private attributes"] == 1


def test_multi_frame_images_get_values_where_they_need_them() -> None:
    tags = {"ContentDate": "20200101", "DeviceSerialNumber": "SN-1", "AcquisitionDateTime": "20200101101112"}
    plain = data_set(**tags)
    frames = data_set(**tags, SharedFunctionalGroupsSequence=Sequence([Dataset()]))
    for each in (plain, frames):
        deidentify(each, ALIAS, Tally())
    assert not plain.ContentDate
    assert "DeviceSerialNumber" not in plain
    assert (frames.ContentDate, frames.DeviceSerialNumber) == ("19000101", "REMOVED")


def test_identifiers_follow_from_the_secret_and_have_the_form_of_the_standard() -> None:
    uid = ALIAS.uid("1.2.840.113619.2.1")
    assert uid == ALIAS.uid("1.2.840.113619.2.1")
    assert uid != Alias(b"another", "x").uid("1.2.840.113619.2.1")
    assert pydicom.uid.UID(uid).is_valid
    assert len(uid) <= 64
    assert -3650 <= ALIAS.days <= -365
    assert Alias(b"s", "x", "shift").shifted("not a date") == ""
