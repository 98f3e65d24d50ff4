"""Headers read from a file's first bytes say what pydicom's say, or nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from tests.scans.series import save, slice_dataset
from tsdesktop.core.errors import ReadError
from tsdesktop.scans.dicom_headers import OtherObject, Slice, described
from tsdesktop.scans.dicom_quick import Unusual, quick_header
from tsdesktop.scans.dicom_tags import TAGS


def said(path: Path, ds: Any) -> object:
    """What a header says, comparable; where the pixels lie is left out."""
    try:
        found = described(path, ds)
    except ReadError as error:
        return error.id, error.arguments
    if isinstance(found, OtherObject):
        return found
    return [(vars(replace(each.file, pixels=None)), {**vars(each), "file": None}) for each in found]


def by_pydicom(path: Path) -> Any:
    return pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS, force=True)


def nested(undefined: bool) -> Sequence:
    inner = Dataset()
    inner.CodeValue = "1"
    inner.RescaleSlope = "77"
    outer = Dataset()
    outer.PurposeOfReferenceCodeSequence = Sequence([inner, inner])
    sequence = Sequence([outer, Dataset()])
    for each in (inner, outer):
        each.is_undefined_length_sequence_item = undefined
    sequence.is_undefined_length = undefined
    outer["PurposeOfReferenceCodeSequence"].is_undefined_length = undefined
    return sequence


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "M\xfcller"},
        {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -1500},
        {"ImageType": "ORIGINAL", "WindowCenter": 40, "WindowWidth": 400},
        {"SeriesNumber": None, "SeriesDescription": "", "AcquisitionNumber": None},
        {"EchoTime": "12.5", "DiffusionBValue": 800.0, "DiffusionGradientOrientation": [0.0, 0.6, 0.8]},
        {"NumberOfFrames": "1", "TriggerTime": "1e2", "SliceThickness": " 2.50 "},
    ],
)
@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
def test_quick_headers_say_what_pydicoms_say(
    tmp_path: Path, tags: dict[str, Any], implicit: bool, undefined: bool
) -> None:
    ds = slice_dataset((1.0, 2.0, 3.0), **tags)
    ds.ReferencedImageSequence = nested(undefined)
    ds["ReferencedImageSequence"].is_undefined_length = undefined
    # Longer than what is looked at first.
    block = ds.private_block(0x0029, "A maker", create=True)
    block.add_new(0x10, "OB", bytes(40_000))
    if implicit:
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    path = tmp_path / "slice"
    save(ds, path)
    header = quick_header(path)
    assert said(path, header) == said(path, by_pydicom(path))
    pixels = path.read_bytes()[header.pixels.offset :]
    assert header.pixels.length == len(pixels) and pixels == ds.PixelData


@pytest.mark.parametrize(
    "unusual",
    [
        {"syntax": ExplicitVRBigEndian},
        {"SpecificCharacterSet": "ISO_IR 192", "SeriesDescription": "Sch\xe4del"},
        {"NumberOfFrames": "3"},
        {"ModalityLUTSequence": Sequence([Dataset()])},
        {"cut": 500},
        {"cut": 100},
        {"preamble": False},
    ],
    ids=["big endian", "characters", "frames", "table", "cut off", "next to nothing", "no preamble"],
)
def test_the_unusual_is_left_to_pydicom(tmp_path: Path, unusual: dict[str, Any]) -> None:
    syntax, cut, preamble = unusual.pop("syntax", None), unusual.pop("cut", None), unusual.pop("preamble", True)
    ds = slice_dataset((1.0, 2.0, 3.0), **unusual)
    path = tmp_path / "slice"
    if syntax is not None:
        ds.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(path, ds, implicit_vr=False, little_endian=False, force_encoding=True)
    else:
        save(ds, path)
    content = path.read_bytes()[0 if preamble else 132 :]
    path.write_bytes(content if cut is None else content[:cut])
    with pytest.raises(Unusual):
        quick_header(path)


def test_compressed_pixels_have_no_length(tmp_path: Path) -> None:
    ds = slice_dataset((1.0, 2.0, 3.0))
    ds.compress(RLELossless, generate_instance_uid=False)
    save(ds, tmp_path / "slice")
    header = quick_header(tmp_path / "slice")
    assert header.pixels.length == 0xFFFFFFFF
    assert said(tmp_path, header) == said(tmp_path, by_pydicom(tmp_path / "slice"))


def test_real_headers_of_every_make(data: Path) -> None:
    quick, slices = 0, list[Slice]()
    for path in sorted(each for each in data.glob("dicom*/**/*") if each.is_file()):
        try:
            header = quick_header(path)
        except Unusual:
            continue
        quick += 1
        assert said(path, header) == said(path, by_pydicom(path)), path.name
        found = described(path, header)
        slices += found if isinstance(found, list) else []
    assert quick > 60 and len(slices) > 60
