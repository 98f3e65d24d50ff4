from __future__ import annotations

import gzip
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.exports.nifti import label_map_to_nibabel, write_label_map, write_per_class, write_volume


def by_itk(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Array [i, j, k] and RAS affine as ITK reads them."""
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).T, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def labels_in(content: bytes) -> dict[int, tuple[str, tuple[float, ...]]]:
    """Key -> name and colour of a label table."""
    root = ElementTree.fromstring(content.rstrip(b"\0").strip())
    assert root.tag == "CaretExtension"
    return {
        int(each.attrib["Key"]): (
            each.text or "",
            tuple(float(each.attrib[c]) for c in ("Red", "Green", "Blue", "Alpha")),
        )
        for each in root.findall("VolumeInformation/LabelTable/Label")
    }


def scan_header() -> tuple[Any, bytes]:
    """A header as another program might have written it: scaled floats, big-endian, with traces to keep."""
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(np.float32)
    header.set_data_shape((17, 13, 11))
    header["descrip"], header["cal_max"] = b"by the scanner", 1500.0
    header["scl_slope"], header["scl_inter"], header["vox_offset"] = 2.0, -1024.0, 352
    header["magic"] = b"ni1"
    header.set_xyzt_units("mm", "sec")
    return header, header.binaryblock


@pytest.mark.parametrize("name", ["labels.nii.gz", "labels.nii", "Labels.NII.GZ"])
def test_label_map_reads_back_the_same_in_two_libraries(label_map: LabelMap, tmp_path: Path, name: str) -> None:
    path, _ = write_label_map(label_map, tmp_path / name)
    image = nibabel.load(path)
    assert image.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(image.dataobj), label_map.array)
    np.testing.assert_allclose(image.affine, label_map.affine, atol=1e-4)
    array, affine = by_itk(path)
    np.testing.assert_array_equal(array, label_map.array)
    np.testing.assert_allclose(affine, label_map.affine, atol=1e-4)
    assert image.header.get_xyzt_units()[0] == "mm"
    for stated in (image.get_qform(coded=True), image.get_sform(coded=True)):
        np.testing.assert_allclose(stated[0], label_map.affine, atol=1e-4)
        assert stated[1] == 1


def test_labels_above_255_need_two_bytes(label_map: LabelMap, tmp_path: Path) -> None:
    wide = np.where(label_map.array == 2, 999, label_map.array).astype(np.uint16)
    for array, label, expected in ((wide, 999, np.uint16), (label_map.array.astype(np.uint16), 2, np.uint8)):
        changed = LabelMap(array, label_map.geometry, (structure_class(label, "spleen"),))
        image = label_map_to_nibabel(changed)
        assert image.get_data_dtype() == expected
        np.testing.assert_array_equal(np.asarray(image.dataobj), array)


def test_what_the_input_said_is_kept_and_its_scaling_is_not(label_map: LabelMap, tmp_path: Path) -> None:
    header, _ = scan_header()
    header.set_qform(label_map.affine, code=1)
    header.set_sform(label_map.affine, code=4)
    source = ScanSource("nifti", "scan", nifti_header=header.binaryblock)
    path, _ = write_label_map(label_map, tmp_path / "labels.nii.gz", source)
    written = nibabel.load(path)
    assert written.header["descrip"] == b"by the scanner"
    assert written.header["cal_max"] == 1500.0
    assert (int(written.header["qform_code"]), int(written.header["sform_code"])) == (1, 4)
    assert written.header.get_xyzt_units() == ("mm", "sec")
    assert set(np.unique(written.dataobj)) == {0, 1, 2}
    np.testing.assert_array_equal(by_itk(path)[0], label_map.array)
    assert label_map_to_nibabel(label_map, source).header.get_slope_inter() == (None, None)
    np.testing.assert_array_equal(written.header["srow_x"], header["srow_x"])


def test_header_of_another_grid_does_not_move_the_labels(label_map: LabelMap, tmp_path: Path) -> None:
    header, block = scan_header()  # both codes 0: its place is a guess
    for sform_code in (0, 2):
        header.set_sform(np.diag([2.0, 2, 2, 1]), code=sform_code)
        source = ScanSource("nifti", "scan", nifti_header=header.binaryblock if sform_code else block)
        path, _ = write_label_map(label_map, tmp_path / f"{sform_code}.nii.gz", source)
        np.testing.assert_allclose(nibabel.load(path).affine, label_map.affine, atol=1e-4)
        np.testing.assert_allclose(by_itk(path)[1], label_map.affine, atol=1e-4)


def test_label_table_names_every_class_and_comes_first(label_map: LabelMap, tmp_path: Path) -> None:
    path, _ = write_label_map(label_map, tmp_path / "labels.nii.gz")
    (extension,) = nibabel.load(path).header.extensions
    assert extension.get_code() == 0
    table = labels_in(extension.get_content())
    assert {key: name for key, (name, _) in table.items()} == {1: "liver", 2: "spleen", 52: "aorta"}
    assert table[1][1] == (0.0, 1.0, 0.0, 1.0)
    assert table[52][1] == pytest.approx((1.0, 0.0, 1.0, 1.0))  # 52 modulo 12 is 4: magenta


def test_label_table_survives_odd_names(label_map: LabelMap) -> None:
    odd = LabelMap(label_map.array, label_map.geometry, (StructureClass(1, "a ]]> & <b> é", (1, 2, 3)),))
    content = label_map_to_nibabel(odd).header.extensions[0].get_content()
    assert labels_in(content)[1][0] == "a ]]> & <b> é"


def test_label_table_is_the_one_of_totalsegmentator(data: Path, tmp_path: Path) -> None:
    reference = nibabel.load(data / "ct_abdomen" / "total_fast.nii.gz")
    scan = gzip.decompress((data / "ct_abdomen" / "ct.nii.gz").read_bytes())[:348]
    array = np.asarray(reference.dataobj)
    label_map = LabelMap(array, Geometry(array.shape, reference.affine), catalogue().task("total").classes, "total")
    path, _ = write_label_map(label_map, tmp_path / "x.nii.gz", ScanSource("nifti", "ct", nifti_header=scan))
    ours = nibabel.load(path)
    expected, content = (image.header.extensions[0].get_content() for image in (reference, ours))
    assert content.rstrip() == expected.rstrip(b"\0").rstrip()
    assert len(labels_in(content)) == 117
    np.testing.assert_array_equal(ours.affine, reference.affine)
    np.testing.assert_array_equal(np.asarray(ours.dataobj), array)
    for field in ("qform_code", "sform_code", "xyzt_units", "descrip", "dim", "datatype"):
        np.testing.assert_array_equal(ours.header[field], reference.header[field])


def test_sidecar_tells_what_the_labels_are(label_map: LabelMap, tmp_path: Path) -> None:
    _, sidecar = write_label_map(label_map, tmp_path / "labels.nii.gz")
    assert sidecar == tmp_path / "labels.json"
    described = json.loads(sidecar.read_text(encoding="utf-8"))
    assert described["task"] == "total"
    liver, _, aorta = described["labels"]
    assert (liver["id"], liver["name"], liver["present"]) == (1, "liver", True)
    assert liver["volume_ml"] == pytest.approx(7 * 5 * 5 * 0.7 * 0.9 * 2.5 / 1000.0, abs=1e-6)
    assert liver["codes"]["type"] == {"scheme": "SCT", "value": "10200004", "meaning": "Liver"}
    assert (aorta["id"], aorta["present"]) == (52, False)
    assert "volume_ml" not in aorta


def test_one_file_per_class_also_for_absent_ones(label_map: LabelMap, tmp_path: Path) -> None:
    paths = write_per_class(label_map, tmp_path / "masks")
    assert [path.name for path in paths] == ["liver.nii.gz", "spleen.nii.gz", "aorta.nii.gz"]
    for path, label in zip(paths, (1, 2, 52), strict=True):
        image = nibabel.load(path)
        assert image.get_data_dtype() == np.uint8
        assert image.header.extensions == []
        np.testing.assert_array_equal(np.asarray(image.dataobj), label_map.array == label)
        array, affine = by_itk(path)
        np.testing.assert_array_equal(array, label_map.array == label)
        np.testing.assert_allclose(affine, label_map.affine, atol=1e-4)


def test_large_masks_with_long_runs_of_zeros(tmp_path: Path) -> None:
    array = np.zeros((310, 290, 40), np.uint8, order="F")
    array[5, 7, 3], array[100:200, 50:60, 20:22], array[309, 289, 39] = 1, 2, 3
    classes = tuple(structure_class(n + 1, name) for n, name in enumerate(("liver", "spleen", "aorta")))
    for order in ("C", "F"):
        label_map = LabelMap(np.array(array, order=order), Geometry(array.shape, np.eye(4)), classes)
        for label, path in enumerate(write_per_class(label_map, tmp_path / order), 1):
            np.testing.assert_array_equal(np.asarray(nibabel.load(path).dataobj), array == label)
            np.testing.assert_array_equal(by_itk(path)[0], array == label)
            assert path.stat().st_size < 25_000


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
def test_scan_is_written_with_its_values(volume: Volume, tmp_path: Path, dtype: type[Any]) -> None:
    array = volume.array.astype(dtype) * dtype(1 if dtype == np.int16 else 20)
    scan = Volume(array, volume.geometry, "CT", volume.source)
    write_volume(scan, tmp_path / "scan.nii.gz")
    image = nibabel.load(tmp_path / "scan.nii.gz")
    assert image.get_data_dtype() == dtype
    np.testing.assert_array_equal(np.asarray(image.dataobj), array)
    itk, affine = by_itk(tmp_path / "scan.nii.gz")
    np.testing.assert_array_equal(itk, array)
    np.testing.assert_allclose(affine, volume.affine, atol=1e-4)


def test_written_twice_gives_the_same_bytes(label_map: LabelMap, volume: Volume, tmp_path: Path) -> None:
    every = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write_label_map(label_map, tmp_path / name / "labels.nii.gz")
        write_per_class(label_map, tmp_path / name)
        write_volume(volume, tmp_path / name / "scan.nii.gz")
        every.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert len(every[0]) == 6
    assert every[0] == every[1]
    # No flags, hence no file name, and no time.
    assert all(content[3:8] == bytes(5) for name, content in every[0].items() if name.endswith(".gz"))


def test_nothing_is_overwritten_unasked(label_map: LabelMap, tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text("mine")
    (tmp_path / "aorta.nii.gz").write_text("mine")
    with pytest.raises(ExportError, match=r"labels\.json exists already"):
        write_label_map(label_map, tmp_path / "labels.nii.gz")
    with pytest.raises(ExportError, match=r"aorta\.nii\.gz exists already"):
        write_per_class(label_map, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"labels.json", "aorta.nii.gz"}
    write_label_map(label_map, tmp_path / "labels.nii.gz", overwrite=True)
    write_per_class(label_map, tmp_path, overwrite=True)
    assert json.loads((tmp_path / "labels.json").read_text())["program"] == "tsdesktop"


def test_failures_are_one_sentence_and_leave_nothing(label_map: LabelMap, volume: Volume, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"labels\.mha must end in"):
        write_label_map(label_map, tmp_path / "labels.mha")
    with pytest.raises(ExportError, match=r"scan\.nii\.gz could not be written: No such file"):
        write_volume(volume, tmp_path / "no_folder" / "scan.nii.gz")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ExportError, match="file could not be written"):
        write_per_class(label_map, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
