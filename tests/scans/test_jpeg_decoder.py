"""JPEG of every kind that DICOM names, by a decoder under a permissive licence."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder, pixel_array

from tsdesktop.scans import dicom_pixels as dicom_pixels
from tsdesktop.scans import jpeg_decoder


def test_it_is_known_to_pydicom() -> None:
    for syntax in jpeg_decoder.DECODER_DEPENDENCIES:
        assert jpeg_decoder.NAME in get_decoder(syntax).available_plugins
    jpeg_decoder.register()
    assert get_decoder(uid.JPEGLossless).available_plugins.count(jpeg_decoder.NAME) == 1


def textured(bits: int) -> NDArray[np.uint16]:
    i, j = np.meshgrid(np.arange(40), np.arange(56), indexing="ij")
    waves: NDArray[np.uint16] = ((np.sin(i / 7) * np.cos(j / 9) + 1) / 2 * (2**bits - 1)).astype(np.uint16)
    return waves


def compressed(picture: NDArray[np.uint16], bits: int, syntax: uid.UID, *, lossless: bool) -> pydicom.Dataset:
    stored = picture.astype(np.uint8) if bits == 8 else picture
    data = imagecodecs.jpeg8_encode(stored, level=None if lossless else 98, lossless=lossless, bitspersample=bits)
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.Rows, ds.Columns = picture.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = (8 if bits == 8 else 16), bits, bits - 1
    ds.PixelData = encapsulate([data])
    ds["PixelData"].VR = "OB"
    return ds


@pytest.mark.parametrize(
    ("bits", "syntax", "lossless"),
    [
        (8, uid.JPEGBaseline8Bit, False),
        (12, uid.JPEGExtended12Bit, False),
        (12, uid.JPEGLosslessSV1, True),
        (16, uid.JPEGLosslessSV1, True),
    ],
)
def test_pictures_come_back(bits: int, syntax: uid.UID, lossless: bool) -> None:
    picture = textured(bits)
    ds = compressed(picture, bits, syntax, lossless=lossless)
    got = pixel_array(ds, decoding_plugin=jpeg_decoder.NAME)
    if lossless:
        np.testing.assert_array_equal(got, picture)
    else:
        assert np.abs(got.astype(int) - picture).max() <= 2**bits // 64


def test_real_lossless_pictures_hold_the_uncompressed_numbers(data: Path) -> None:
    folder = data / "dicom_transfer_syntaxes"
    files = {each.name.removesuffix(".dcm").split("_")[-1]: each for each in folder.rglob("*_1.2.840.*.dcm")}
    expected = pixel_array(files[uid.ExplicitVRLittleEndian])
    for syntax in (uid.JPEGLossless, uid.JPEGLosslessSV1):
        np.testing.assert_array_equal(pixel_array(files[syntax], decoding_plugin=jpeg_decoder.NAME), expected)
