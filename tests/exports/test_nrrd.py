"""Segmentations for 3D Slicer: read back by SimpleITK, by a parser of the header written here, and by this program."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from tsdesktop.core.errors import ExportError, ReadError
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.exports.nrrd import write_nrrd
from tsdesktop.scans.labels import content_of, read_label_map

LIVER_ENTRY = (
    "Segmentation category and type - DICOM master list~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^"
    "~Anatomic codes - DICOM master list~^^~^^"
)


def parsed(path: Path) -> tuple[dict[str, str], dict[str, str], bytes]:
    """Fields, keys and unpacked voxels of a NRRD file, after the format's own description."""
    head, _, packed = path.read_bytes().partition(b"\n\n")
    magic, *lines = head.decode("utf-8").split("\n")
    assert magic == "NRRD0004"
    fields = dict(line.split(": ", 1) for line in lines if ":=" not in line)
    keys = dict(line.split(":=", 1) for line in lines if ":=" in line)
    return fields, keys, gzip.decompress(packed)


@pytest.fixture
def written(tmp_path: Path, label_map: LabelMap) -> Path:
    write_nrrd(label_map, tmp_path / "total.seg.nrrd")
    return tmp_path / "total.seg.nrrd"


def test_simpleitk_finds_every_label_where_it_lies(written: Path, label_map: LabelMap) -> None:
    image = SimpleITK.ReadImage(str(written))
    assert image.GetPixelIDTypeAsString() == "8-bit unsigned integer"
    assert np.array_equal(SimpleITK.GetArrayFromImage(image), label_map.array.T)
    for index in ((0, 0, 0), (16, 0, 0), (0, 12, 0), (0, 0, 10), (16, 12, 10)):
        place_lps = label_map.geometry.world_ras(index) * [-1, -1, 1]
        assert image.TransformIndexToPhysicalPoint(index) == pytest.approx(tuple(place_lps), abs=1e-9)


def test_the_header_has_what_3d_slicer_looks_for(written: Path, label_map: LabelMap) -> None:
    fields, keys, voxels = parsed(written)
    assert fields["space"] == "left-posterior-superior"
    assert (fields["sizes"], fields["kinds"]) == ("17 13 11", "domain domain domain")
    assert (fields["type"], fields["encoding"]) == ("unsigned char", "gzip")
    assert voxels == label_map.array.tobytes(order="F")
    assert keys["Segmentation_ContainedRepresentationNames"] == "Binary labelmap|"
    assert keys["Segmentation_ReferenceImageExtentOffset"] == "0 0 0"
    liver = {key.removeprefix("Segment0_"): value for key, value in keys.items() if key.startswith("Segment0_")}
    assert (liver["Name"], liver["LabelValue"], liver["Layer"], liver["ID"]) == ("liver", "1", "0", "Segment_1")
    assert liver["Extent"] == "2 8 3 7 2 6"
    assert [round(255 * float(n)) for n in liver["Color"].split()] == list(label_map.structure("liver").rgb)
    assert liver["Tags"] == f"TerminologyEntry:{LIVER_ENTRY}|"
    assert keys["Segment1_Name"] == "spleen"
    assert "Segment2_Name" not in keys, "the aorta has no voxel"


def test_codes_have_side_and_structures_without_codes_have_no_entry(tmp_path: Path, label_map: LabelMap) -> None:
    classes = (structure_class(1, "kidney_left"), structure_class(2, "skin"))
    write_nrrd(replace(label_map, classes=classes), tmp_path / "x.seg.nrrd")
    keys = parsed(tmp_path / "x.seg.nrrd")[1]
    assert "~SCT^64033007^Kidney~SCT^7771000^Left~" in keys["Segment0_Tags"]
    assert "Segment1_Tags" not in keys


def test_two_exports_are_the_same_bytes(written: Path, tmp_path: Path, label_map: LabelMap) -> None:
    turned = label_map.with_array(label_map.array.copy(order="C"))
    write_nrrd(turned, tmp_path / "again.seg.nrrd")
    assert (tmp_path / "again.seg.nrrd").read_bytes() == written.read_bytes()


def test_it_opens_again_with_names_colours_and_task(written: Path, label_map: LabelMap, volume: Volume) -> None:
    read = read_label_map(written, volume)
    assert content_of(written) == "labels"
    assert np.array_equal(read.array, label_map.array)
    assert (read.classes, read.task) == (label_map.present, "total")


def test_odd_names_and_high_labels_survive(tmp_path: Path, label_map: LabelMap, volume: Volume) -> None:
    array = label_map.array.astype(np.uint16) * 300
    odd = StructureClass(300, "a\\n:= b\nÄ", (1, 2, 254))
    write_nrrd(replace(label_map, array=array, classes=(odd,)), tmp_path / "x.seg.nrrd")
    read = read_label_map(tmp_path / "x.seg.nrrd", volume)
    assert read.array.dtype == np.uint16 and np.array_equal(read.array, array)
    assert [(each.label, each.name) for each in read.classes] == [(300, odd.name), (600, "label_600")]
    assert read.classes[0].rgb == odd.rgb


def layered(path: Path, volume: Volume, second_value: int) -> Path:
    """A kidney with a cyst inside, in two layers, as 3D Slicer writes overlapping segments."""
    layers = np.zeros((2, *volume.geometry.shape), np.uint8)
    layers[0, 2:9, 3:8, 2:7], layers[1, 4:6, 4:6, 3:5] = 1, second_value
    affine = np.diag([-1, -1, 1, 1]) @ volume.affine
    vectors = ["(" + ",".join(map(str, affine[:3, n])) + ")" for n in range(4)]
    head = [
        "NRRD0004", "type: unsigned char", "dimension: 4", "space: left-posterior-superior",
        "sizes: 2 " + " ".join(map(str, volume.geometry.shape)), "space directions: none " + " ".join(vectors[:3]),
        "kinds: list domain domain domain", "encoding: raw", f"space origin: {vectors[3]}",
        "Segment0_Name:=kidney", "Segment0_LabelValue:=1", "Segment0_Layer:=0", "Segment0_Color:=1 0 0",
        "Segment1_Name:=kidney", f"Segment1_LabelValue:={second_value}", "Segment1_Layer:=1", "Segment1_Color:=0 1 0",
    ]  # fmt: skip
    path.write_bytes("\n".join([*head, "", ""]).encode() + layers.tobytes(order="F"))
    return path


@pytest.mark.parametrize("value", [1, 7])
def test_segments_that_overlap_keep_the_smaller_one(tmp_path: Path, volume: Volume, value: int) -> None:
    path = layered(tmp_path / "x.seg.nrrd", volume, value)
    read = read_label_map(path, volume)
    assert content_of(path) == "labels"
    assert [(each.name, each.rgb) for each in read.classes] == [("kidney", (255, 0, 0)), ("kidney_2", (0, 255, 0))]
    assert np.count_nonzero(read.mask("kidney_2")) == 2 * 2 * 2
    assert np.count_nonzero(read.mask("kidney")) == 7 * 5 * 5 - 8
    assert read.mask("kidney_2")[4, 4, 3]


def test_a_segment_in_a_layer_that_is_not_there_is_refused(tmp_path: Path, volume: Volume) -> None:
    path = layered(tmp_path / "x.seg.nrrd", volume, 1)
    path.write_bytes(path.read_bytes().replace(b"Segment1_Layer:=1", b"Segment1_Layer:=5"))
    with pytest.raises(ReadError, match="layers it does not have"):
        read_label_map(path, volume)


def test_another_ending_and_a_file_in_the_way_are_refused(written: Path, tmp_path: Path, label_map: LabelMap) -> None:
    before = written.read_bytes()
    with pytest.raises(ExportError, match="exists already"):
        write_nrrd(label_map, written)
    with pytest.raises(ExportError, match=r"must end in \.seg\.nrrd"):
        write_nrrd(label_map, tmp_path / "x.nrrd")
    assert written.read_bytes() == before
