"""Plans of exports name the files that the writers make, and exports of one run are the same bytes."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pydicom
import pytest

from tests.scans.series import TEN, write_series
from tsdesktop.core.errors import ExportError, OptionsError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.options import DicomSegForm, MeshFormatName, MeshLayout, Options
from tsdesktop.core.structures import structure_class
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.exports.meshes.writing import MESH_FORMATS, MeshPlace, planned_mesh_files
from tsdesktop.pipeline import ExportChoice, Segmentation, check_outputs, export, read, write_chosen
from tsdesktop.pipeline.export_plan import LABEL_ENDINGS, TABLE_NAMES, ExportPlan, MeshPlan
from tsdesktop.scans.labels import content_of, read_label_map

SHAPE = (26, 24, 22)
AFFINE = np.array([[-1.5, 0, 0, 20], [0, 1.4, 0.2, -10], [0, -0.2, 1.4, 100], [0, 0, 0, 1.0]])


@pytest.fixture
def result() -> Segmentation:
    """A finished run on a scan with a name in its source, on a tilted grid."""
    array = np.random.default_rng(1).integers(-100, 200, SHAPE).astype(np.int16)
    source = ScanSource("nifti", "DOE^JANE.nii.gz", "/scans/DOE^JANE.nii.gz")
    volume = Volume(array, Geometry(SHAPE, AFFINE), "CT", source)
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:12, 5:18, 6:18], labels[15:22, 8:16, 8:16] = 5, 1
    task = catalogue().task("total")
    label_map = LabelMap(labels, volume.geometry, task.classes, "total")
    return Segmentation(
        volume,
        label_map,
        task,
        Options(fast=True),
        (),
        "cpu",
        3.0,
        (),
        made_at=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC),
    )


def content(folder: Path) -> dict[str, bytes]:
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize("layout", get_args(MeshLayout))
@pytest.mark.parametrize("key", get_args(MeshFormatName))
def test_planned_surfaces_are_those_that_the_writer_plans(
    result: Segmentation, tmp_path: Path, key: MeshFormatName, layout: MeshLayout
) -> None:
    if layout == "parts" and not MESH_FORMATS[key].parts:
        return
    plan = MeshPlan(tmp_path / "meshes", tmp_path, (key,), (layout,), prefix="x_")
    odd = (structure_class(7, "Leber, links"), structure_class(8, "größe/1"), structure_class(9, "GRÖSSE_1"))
    present = (*result.label_map.present, *odd)
    place = MeshPlace(tmp_path / "meshes") if layout == "per-structure" else MeshPlace(tmp_path, plan.stem(layout))
    planned = planned_mesh_files([each.name for each in present], place, key, layout)
    assert list(plan.files(present)) == planned


def test_every_format_of_meshes_can_be_asked_for() -> None:
    assert set(get_args(MeshFormatName)) == set(MESH_FORMATS)


def test_two_exports_of_a_run_are_the_same_bytes(result: Segmentation, tmp_path: Path) -> None:
    options = replace(
        result.options,
        statistics=True,
        meshes=("stl", "3mf", "obj", "glb", "vtp"),
        mesh_layout=("per-structure", "merged"),
        label_formats=("nifti", "nrrd"),
        preview=True,
    )
    for name in ("one", "two"):
        export(replace(result, options=options), tmp_path / name)
    first, second = content(tmp_path / "one"), content(tmp_path / "two")
    assert sorted(first) == sorted(second) and len(first) == 2 + 1 + 6 * 3 + 4 + 1 + 1
    assert [name for name in first if first[name] != second[name]] == []


def test_dicom_results_of_a_run_are_the_same_bytes_at_any_time(result: Segmentation, tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    write_series(tmp_path / "series", TEN)
    volume = read(tmp_path / "series")
    array = np.zeros(volume.geometry.shape, np.uint8)
    array[4:12, 5:18, 2:8], array[15:22, 8:16, 3:7] = 5, 1
    run = replace(result, volume=volume, label_map=LabelMap(array, volume.geometry, result.task.classes, "total"))
    choice = ExportChoice(tmp_path, labels=("dicom-seg", "rtstruct"), tables=("dicom-sr", "xlsx"))
    for name in ("one", "two"):
        written = write_chosen(replace(choice, folder=tmp_path / name), volume, run.label_map, result=run).files
        assert [each.name for each in written] == [
            "total.seg.dcm", "total.rtstruct.dcm", "statistics.sr.dcm", "statistics.xlsx", "manifest.json",
        ]  # fmt: skip
        # Into another second.
        time.sleep(1.1 if name == "one" else 0.0)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    report = pydicom.dcmread(tmp_path / "one" / "statistics.sr.dcm")
    segmentation = pydicom.dcmread(tmp_path / "one" / "total.seg.dcm")
    assert report.StudyInstanceUID == segmentation.StudyInstanceUID == "1.2.3"
    assert (segmentation.ContentDate, segmentation.ContentTime[:6]) == ("20260504", "030201")


def stored_as(path: Path) -> tuple[str, str]:
    """The transfer syntax and the type of a DICOM segmentation."""
    ds = pydicom.dcmread(path)
    return ds.file_meta.TransferSyntaxUID, ds.SegmentationType


STORED = {
    "binary": ("1.2.840.10008.1.2.1", "BINARY"),
    "deflated": ("1.2.840.10008.1.2.1.99", "BINARY"),
    "labelmap": ("1.2.840.10008.1.2.5", "LABELMAP"),
}


@pytest.mark.parametrize("form", get_args(DicomSegForm))
def test_every_form_of_dicom_segmentations_is_written_named_and_referred_to(
    result: Segmentation, tmp_path: Path, form: DicomSegForm
) -> None:
    write_series(tmp_path / "series", TEN)
    volume = read(tmp_path / "series")
    array = np.zeros(volume.geometry.shape, np.uint8)
    array[4:12, 5:18, 2:8], array[15:22, 8:16, 3:7] = 5, 1
    label_map = LabelMap(array, volume.geometry, result.task.classes, "total")
    asked: Any = {"dicom_sr": True, "report": True, "label_formats": ("dicom-seg",), "dicom_seg_form": form}
    run = replace(result, volume=volume, label_map=label_map, options=Options(fast=True, **asked))
    export(run, tmp_path / "run")
    choice = ExportChoice(tmp_path / "chosen", labels=("dicom-seg",), tables=("dicom-sr",), dicom_seg_form=form)
    write_chosen(choice, volume, label_map, result=run)
    for name in ("run", "chosen"):
        path = tmp_path / name / "total.seg.dcm"
        assert stored_as(path) == STORED[form]
        assert np.array_equal(read_label_map(path, volume).array, array)
        evidence = pydicom.dcmread(tmp_path / name / "statistics.sr.dcm").CurrentRequestedProcedureEvidenceSequence
        named = {
            one.ReferencedSOPInstanceUID
            for each in evidence[0].ReferencedSeriesSequence
            for one in each.ReferencedSOPSequence
        }
        assert pydicom.dcmread(path).SOPInstanceUID in named
        told = json.loads((tmp_path / name / "manifest.json").read_text(encoding="utf-8"))
        assert told["options"].get("dicom_seg_form", "binary") == form
    assert told["export"]["dicom_seg_form"] == form


def test_a_series_without_identifiers_is_refused_before_anything_is_written(
    result: Segmentation, tmp_path: Path
) -> None:
    write_series(tmp_path, TEN, StudyInstanceUID="")
    volume = read(tmp_path)
    label_map = replace(result.label_map, array=np.ones(volume.geometry.shape, np.uint8), geometry=volume.geometry)
    choice = ExportChoice(tmp_path / "out", labels=("nifti", "dicom-seg"), preview=True)
    with pytest.raises(ExportError) as caught:
        write_chosen(choice, volume, label_map)
    assert caught.value.id == "export.dicom_identifiers"
    assert not choice.folder.exists()


def test_a_result_that_was_kept_is_exported_as_when_it_was_computed(result: Segmentation, tmp_path: Path) -> None:
    from tsdesktop.core.notes import note

    computed = replace(result, computing_seconds=3.0, seconds=9.0)
    kept = replace(result, computing_seconds=3.0, seconds=0.1, notes=(note("note.earlier_result"),))
    for name, each in (("one", computed), ("two", kept)):
        export(each, tmp_path / name)
    assert content(tmp_path / "one") == content(tmp_path / "two")


def test_the_windows_export_tells_the_run_and_names_nobody(result: Segmentation, tmp_path: Path) -> None:
    choice = ExportChoice(tmp_path, labels=("nrrd",), tables=("xlsx",), meshes=("ply",))
    write_chosen(choice, result.volume, result.label_map, result=result)
    told = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert told["made_at"] == "2026-05-04T03:02:01Z" and told["options"] == {"fast": True}
    assert told["task"]["name"] == "total" and told["cite"]
    assert told["export"]["mesh_formats"] == ["ply"] and told["export"]["structures"] == "all"
    assert {each["name"] for each in told["outputs"]} == set(content(tmp_path)) - {"manifest.json"}
    assert not any(b"DOE" in each or b"JANE" in each for each in content(tmp_path).values())


def test_labels_from_a_file_have_a_manifest_without_a_run(result: Segmentation, tmp_path: Path) -> None:
    own = replace(result.label_map, task="")
    for name in ("one", "two"):
        write_chosen(ExportChoice(tmp_path / name, labels=("nifti",), tables=("xlsx",)), result.volume, own)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    told = json.loads((tmp_path / "one" / "manifest.json").read_text(encoding="utf-8"))
    assert (told["task"], told["made_at"], told["networks"], told["options"]) == (None, None, [], {})
    assert told["source"]["shape"] == list(SHAPE)


@pytest.mark.parametrize("name", ["liver.stl", "Labels.SEG.NRRD", "x.dcm", "all.xlsx"])
def test_a_folder_is_not_named_like_a_file(tmp_path: Path, name: str) -> None:
    task = catalogue().task("total")
    with pytest.raises(OptionsError, match="is not a value of -o") as caught:
        check_outputs(tmp_path / name, task, Options())
    assert name in caught.value.sentence and "a folder" in caught.value.hint
    for other in ("patient 1.v2", "labels.nii", "labels.NII.GZ"):
        check_outputs(tmp_path / other, task, Options())
    (tmp_path / name).mkdir()
    check_outputs(tmp_path / name, task, Options())


@pytest.mark.parametrize("form", ["nifti", "nrrd", "masks"])
def test_every_form_of_labels_opens_again(
    result: Segmentation, tmp_path: Path, form: Literal["nifti", "nrrd", "masks"]
) -> None:
    labels = () if form == "masks" else (form,)
    files = write_chosen(
        ExportChoice(tmp_path, labels=labels, masks=form == "masks"), result.volume, result.label_map
    ).files
    path = files[0].parent if form == "masks" else files[0]
    assert content_of(path) == "labels"
    read = read_label_map(path, result.volume)
    for each in result.label_map.present:
        assert np.array_equal(read.mask(each.name), result.label_map.mask(each.name))


@pytest.mark.parametrize("key", ["dicom-seg", "rtstruct", "dicom-sr"])
def test_dicom_needs_a_scan_from_dicom(result: Segmentation, tmp_path: Path, key: str) -> None:
    labels = {one: tmp_path / f"x{ending}" for one, ending in LABEL_ENDINGS.items() if one == key}
    tables = {one: tmp_path / name for one, name in TABLE_NAMES.items() if one == key}
    plan = ExportPlan(labels=labels, tables=tables)
    with pytest.raises(ExportError, match="was not read from DICOM"):
        plan.check_source(result.volume.source)
    plan.check_source(replace(result.volume.source, format="dicom", dicom_files=("a.dcm",)))
