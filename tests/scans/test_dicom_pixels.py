"""What slices hold: rescaling, types, padding, compression and damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    RLELossless,
)

from tests.scans.series import (
    TEN,
    assert_shows_field,
    field_ras,
    ids,
    save,
    slice_dataset,
    world_grid,
    write_series,
)
from tsdesktop.core.errors import ReadError
from tsdesktop.scans import dicom_parallel, dicom_pixels
from tsdesktop.scans.reader import read_scan


def test_slope_and_intercept_of_each_slice_count(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, each=lambda n: {"RescaleSlope": 1 + 0.25 * n, "RescaleIntercept": -500 - 10 * n})
    volume = read_scan(tmp_path)
    assert volume.array.dtype == np.float32
    assert_shows_field(volume, tolerance=2.0)


def test_whole_slopes_stay_integers(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, each=lambda n: {"RescaleSlope": 2, "RescaleIntercept": -1000 - n})
    volume = read_scan(tmp_path)
    assert volume.array.dtype == np.int16
    assert_shows_field(volume, tolerance=1.01)


def test_unsigned_values_beyond_int16_become_int32(tmp_path: Path) -> None:
    def bright(x: Any, y: Any, z: Any) -> Any:
        return 40000.0 + 0 * x

    write_series(tmp_path, TEN, each=lambda n: {"PixelRepresentation": 0, **({"field": bright} if n == 7 else {})})
    volume = read_scan(tmp_path)
    assert volume.array.dtype == np.int32
    assert volume.array[:, :, 7].max() == 40000
    dark = volume.array[:, :, :7]
    np.testing.assert_array_equal(dark, np.rint(field_ras(world_grid(volume.array.shape, volume.affine)))[:, :, :7])


def test_padding_of_ct_becomes_air(tmp_path: Path) -> None:
    def padded(x: Any, y: Any, z: Any) -> Any:
        return np.where(x < -10, -32768.0, 30.0)

    write_series(tmp_path, TEN, field=padded, RescaleIntercept=0, PixelPaddingValue=-32768)
    volume = read_scan(tmp_path)
    assert set(np.unique(volume.array)) == {-1024, 30}


def test_without_stated_padding_nothing_is_changed(tmp_path: Path) -> None:
    def padded(x: Any, y: Any, z: Any) -> Any:
        return np.where(x < -10, -2000.0, 30.0)

    write_series(tmp_path, TEN, field=padded, RescaleIntercept=0)
    assert set(np.unique(read_scan(tmp_path).array)) == {-2000, 30}


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("by_itk", [False, True], ids=["imagecodecs", "itk"])
def test_compressed_slices_come_in_order(
    tmp_path: Path, threads: int, by_itk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: threads)
    module, name = (dicom_pixels, "_picture_by_itk") if by_itk else (dicom_parallel, "_decode")
    decode, decoded = getattr(module, name), list[Any]()

    def counted(*arguments: Any) -> Any:
        decoded.append(arguments)
        return decode(*arguments)

    monkeypatch.setattr(module, name, counted)
    if by_itk:
        monkeypatch.setattr(dicom_parallel, "_jpeg2000", lambda: None)
    for n in range(40):
        ds = slice_dataset((-20.0, -30.0, 40.0 + n), Rows=64, Columns=64)
        ds.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
        save(ds, tmp_path / str(99 - n))
    volume = read_scan(tmp_path)
    assert volume.array.dtype == np.int16
    assert_shows_field(volume)
    # ITK is tried on two slices first.
    assert len(decoded) == (42 if by_itk else 40)


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "jpeg2000"])
@pytest.mark.parametrize(
    "tags",
    [
        {"RescaleIntercept": 0},
        {"PixelRepresentation": 0, "BitsStored": 12, "HighBit": 11},
        {"PixelRepresentation": 1, "BitsStored": 12, "HighBit": 11, "RescaleIntercept": 0},
        {"RescaleSlope": 3, "RescaleIntercept": -700},
        {"RescaleSlope": -2, "RescaleIntercept": 1000},
        {"RescaleIntercept": 0, "PixelPaddingValue": -1040, "PixelPaddingRangeLimit": -1020},
        {"Modality": "MR", "SOPClassUID": MRImageStorage, "PixelPaddingValue": -1040},
    ],
    ids=["as stored", "unsigned 12 bits", "signed 12 bits", "slope", "falling slope", "padding", "mr"],
)
def test_all_at_once_gives_what_one_after_the_other_gives(
    tmp_path: Path, tags: dict[str, Any], compressed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def field(x: Any, y: Any, z: Any) -> Any:
        return np.round(2.0 * x + 3.0 * y - 5.0 * z) - 900 + (x * y) % 7

    for n in range(8):
        ds = slice_dataset((-20.0, -30.0, 40.0 + n), field=field, Rows=64, Columns=64, **tags)
        if compressed:
            ds.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
        save(ds, tmp_path / str(n))
    at_once, calls = dicom_parallel.volume_at_once, list[Any]()

    def heard(*arguments: Any) -> Any:
        calls.append(at_once(*arguments))
        return calls[-1]

    monkeypatch.setattr(dicom_pixels, "volume_at_once", heard)
    fast = read_scan(tmp_path)
    monkeypatch.setattr(dicom_pixels, "volume_at_once", lambda *_: None)
    slow = read_scan(tmp_path)
    assert len(calls) == 1 and calls[0] is not None
    assert fast.array.dtype == slow.array.dtype == np.int16
    np.testing.assert_array_equal(fast.array, slow.array)


def test_what_no_longer_fits_16_bits_is_read_the_slow_way(tmp_path: Path) -> None:
    def field(x: Any, y: Any, z: Any) -> Any:
        return 60_000 + 2 * x if np.max(z) > 48 else 2 * x

    write_series(tmp_path, TEN, field=field, each=lambda n: {"RescaleIntercept": 0 if n < 9 else 60_000})
    volume = read_scan(tmp_path)
    assert volume.array.dtype == np.int32
    assert (volume.array[..., :9].max(), volume.array[..., 9].min()) == (22, 59_960)


def test_a_slice_whose_pixels_are_cut_off_is_told(tmp_path: Path) -> None:
    paths = write_series(tmp_path, TEN)
    paths[7].write_bytes(paths[7].read_bytes()[:-40])
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "read.truncated"


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless], ids=["implicit", "big", "rle"]
)
def test_transfer_syntaxes(tmp_path: Path, syntax: UID) -> None:
    for n, height in enumerate(TEN):
        ds = slice_dataset((-20.0, -30.0, 40.0 + height))
        if syntax == RLELossless:
            ds.compress(RLELossless, generate_instance_uid=False)
        else:
            ds.file_meta.TransferSyntaxUID = syntax
            if syntax == ExplicitVRBigEndian:
                ds.PixelData = np.frombuffer(ds.PixelData, "<i2").astype(">i2").tobytes()
        save(rewritten(ds), tmp_path / str(n))
    assert_shows_field(read_scan(tmp_path))


def rewritten(ds: Any) -> Dataset:
    """The same elements without the byte order they were made in."""
    fresh = Dataset()
    fresh.update({element.tag: element for element in ds})
    fresh.file_meta = ds.file_meta
    return fresh


@pytest.mark.parametrize("implicit", [True, False])
def test_files_without_preamble(tmp_path: Path, implicit: bool) -> None:
    for n, height in enumerate(TEN):
        ds = slice_dataset((-20.0, -30.0, 40.0 + height))
        bare = rewritten(ds)
        del bare.file_meta
        bare.save_as(tmp_path / f"{n}.ima", implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    assert_shows_field(read_scan(tmp_path))


def test_unknown_compression_is_named(tmp_path: Path) -> None:
    for n, height in enumerate(TEN):
        ds = slice_dataset((-20.0, -30.0, 40.0 + height))
        ds.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.53")
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        ds.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00abcd"
        save(ds, tmp_path / str(n))
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "read.compression"


def test_a_truncated_slice_is_named(tmp_path: Path) -> None:
    paths = write_series(tmp_path, TEN)
    paths[4].write_bytes(paths[4].read_bytes()[:-300])
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "read.truncated"
    assert paths[4].name in caught.value.sentence


def test_a_slice_without_its_header_is_told(tmp_path: Path) -> None:
    write_series(tmp_path, TEN)
    (tmp_path / "broken").write_bytes(bytes(128) + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff1.2")
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 10
    assert [each.sentence for each in volume.notes] == [
        f"Files of {tmp_path.name} were left out (1): they are damaged."
    ]


def test_colours_by_palette_are_no_scan(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(ReadError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "read.colour"


def test_mr_is_mr(tmp_path: Path) -> None:
    write_series(tmp_path, TEN, Modality="MR", SOPClassUID=MRImageStorage)
    assert read_scan(tmp_path).modality == "MR"


def test_progress_grows_to_one(tmp_path: Path) -> None:
    write_series(tmp_path, [float(n) for n in range(120)])
    heard: list[float] = []
    read_scan(tmp_path, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


def test_intensities_that_cannot_be_hounsfield_units(tmp_path: Path) -> None:
    def counts(x: Any, y: Any, z: Any) -> Any:
        return 1000.0 + x

    write_series(tmp_path, TEN, field=counts)
    assert ids(read_scan(tmp_path)) == ["note.not_hounsfield"]
