"""From labels on disk to files that were read back: what is read, written, recorded, and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import trimesh
from scipy.spatial.transform import Rotation

from tsdesktop.cli.command import make_parser
from tsdesktop.cli.recipes import recipe_of
from tsdesktop.core.errors import ExportError, OptionsError, ReadError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.printing import Cut, KeepLargest, LayFlat, Merge, Plate, PrintRecipe, Scale, recipe_from_json
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, ScanSource
from tsdesktop.exports.nifti import write_label_map, write_per_class
from tsdesktop.pipeline import printing
from tsdesktop.pipeline.printing import (
    PrintPlace,
    look_at,
    place_within,
    prepare_print,
    print_parts,
    read_for_print,
    write_print,
)
from tsdesktop.surfaces.preflight import Finding

SPACING = (1.2, 1.5, 2.0)
CENTRES = {"liver": (14.0, 0.0, 0.0), "spleen": (-16.0, 4.0, 5.0)}
RADII = {"liver": 12.0, "spleen": 8.0}
FAR = np.array([120.0, -60.0, -1300.0])


@pytest.fixture(scope="module")
def two_balls() -> LabelMap:
    """A liver of 7.24 ml and a spleen of 2.14 ml on an oblique, anisotropic, mirrored grid far from the origin."""
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", [15, -10, 25], degrees=True).as_matrix() @ np.diag([-1.2, 1.5, 2.0])
    shape = (60, 44, 34)
    affine[:3, 3] = FAR - affine[:3, :3] @ ((np.array(shape) - 1) / 2.0)
    geometry = Geometry(shape, affine)
    places = geometry.world_ras(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)) - FAR
    array = np.zeros(shape, np.uint8)
    classes = (structure_class(1, "spleen"), structure_class(5, "liver"), structure_class(7, "stomach"))
    for each in classes[:2]:
        array[np.linalg.norm(places - CENTRES[each.name], axis=-1) <= RADII[each.name]] = each.label
    return LabelMap(array, geometry, classes)


def load(path: Path) -> Any:
    """The mesh of a file as an independent reader sees it."""
    return trimesh.load(path)


def truth_ml(name: str) -> float:
    return float(4.0 / 3.0 * np.pi * RADII[name] ** 3 / 1000.0)


@pytest.fixture
def place(tmp_path: Path) -> PrintPlace:
    return PrintPlace(tmp_path / "out")


def names(files: tuple[Path, ...]) -> list[str]:
    return [path.name for path in files]


def test_without_steps_there_is_one_file_per_structure(two_balls: LabelMap, place: PrintPlace) -> None:
    printed = print_parts(two_balls, PrintRecipe(), place)
    assert names(printed.files) == ["spleen.stl", "liver.stl", "recipe.json", "print_manifest.json"]
    for path in printed.files[:2]:
        mesh = load(path)
        assert mesh.is_watertight
        assert mesh.volume / 1000.0 == pytest.approx(truth_ml(path.stem), rel=0.02)
        # LPS: left and posterior are positive.
        middle = (FAR + CENTRES[path.stem]) * (-1, -1, 1)
        assert mesh.center_mass == pytest.approx(middle, abs=0.2)


def test_in_ras_nothing_is_turned(two_balls: LabelMap, place: PrintPlace) -> None:
    printed = print_parts(two_balls, PrintRecipe(("liver",)), replace(place, frame="RAS"))
    assert load(printed.files[0]).center_mass == pytest.approx(FAR + CENTRES["liver"], abs=0.2)


def test_parts_on_the_bed_are_written_as_they_lie(two_balls: LabelMap, place: PrintPlace) -> None:
    printed = print_parts(two_balls, PrintRecipe(("liver",), steps=(Scale(50.0),)), place)
    mesh = load(printed.files[0])
    assert mesh.bounds[0][2] == 0.0
    assert mesh.volume / 1000.0 == pytest.approx(truth_ml("liver") / 8.0, rel=0.02)
    assert mesh.extents == pytest.approx([12, 12, 12], abs=0.4)
    assert json.loads((place.folder / "print_manifest.json").read_text("utf-8"))["frame"] == "bed"


@pytest.mark.parametrize("format", ["stl", "stl-ascii", "3mf", "obj", "ply", "glb", "vtp"])
def test_every_format_is_read_back_after_writing(two_balls: LabelMap, place: PrintPlace, format: str) -> None:
    printed = print_parts(two_balls, PrintRecipe(("liver",)), replace(place, format=format))
    assert printed.files[0].stat().st_size > 0
    assert names(printed.files)[-2:] == ["recipe.json", "print_manifest.json"]


@pytest.mark.parametrize("layout", ["per-structure", "merged", "parts"])
def test_layouts(two_balls: LabelMap, place: PrintPlace, layout: str) -> None:
    chosen = replace(place, format="3mf", layout=layout)  # type: ignore[arg-type]
    files = print_parts(two_balls, PrintRecipe(), chosen).files
    assert len(files) == (4 if layout == "per-structure" else 3)


def test_the_same_print_gives_the_same_bytes(two_balls: LabelMap, tmp_path: Path) -> None:
    recipe = PrintRecipe(steps=(Plate(2.0, 3.0),))
    files = [print_parts(two_balls, recipe, PrintPlace(tmp_path / n, "3mf")).files for n in "ab"]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_the_recipe_beside_the_parts_repeats_the_print(two_balls: LabelMap, tmp_path: Path) -> None:
    recipe = PrintRecipe(("liver", "spleen"), "smooth", steps=(Merge("both"), Plate(2.0, 3.0, "ellipse")))
    first = print_parts(two_balls, recipe, PrintPlace(tmp_path / "a"))
    again = recipe_from_json((tmp_path / "a" / "recipe.json").read_text("utf-8"))
    assert again == recipe
    second = print_parts(two_balls, again, PrintPlace(tmp_path / "b"))
    assert names(first.files)[0] == "both.stl"
    assert first.files[0].read_bytes() == second.files[0].read_bytes()


def test_the_manifest_says_what_was_made_from_what(two_balls: LabelMap, place: PrintPlace) -> None:
    labels = replace(two_balls, task="total")
    print_parts(labels, PrintRecipe(("liver",), bed="prusa_mk4"), place)
    told = json.loads((place.folder / "print_manifest.json").read_text("utf-8"))
    assert told["program"]["name"] == "tsdesktop" and "manifold3d" in told["libraries"]
    assert told["recipe"]["structures"] == ["liver"] and told["recipe"]["bed"] == "prusa_mk4"
    assert told["source"]["spacing_mm"] == pytest.approx(SPACING)
    assert told["source"]["structures"] == ["spleen", "liver"]
    assert len(told["source"]["labels_sha256"]) == 64
    assert [each["name"] for each in told["outputs"]] == ["liver.stl", "recipe.json"]
    (part,) = told["parts"]
    assert part["volume_ml"] == pytest.approx(truth_ml("liver"), rel=0.02)
    found = {each["id"]: each for each in part["preflight"]}
    assert found["closed"]["light"] == "good" and found["size"]["values"]["bed"] == "prusa_mk4"
    assert abs(found["difference"]["values"]["volume_percent"]) < 1.0
    assert any("10.1148/ryai.230024" in each for each in told["cite"])


def test_what_a_step_has_changed_is_not_compared_with_the_labels(two_balls: LabelMap) -> None:
    def ids(*steps: object) -> list[str]:
        made = prepare_print(two_balls, PrintRecipe(("liver",), steps=steps))  # type: ignore[arg-type]
        return [each.id for each in made.preflights[0].findings]

    assert "difference" in ids(KeepLargest())
    assert "difference" not in ids(Scale(50.0)) and "difference" not in ids(Merge())


def test_nothing_is_written_when_a_part_is_open(
    two_balls: LabelMap, place: PrintPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare_print(two_balls, PrintRecipe(("liver",)))
    (found,) = prepared.preflights
    opened = Finding("closed", "bad", found["closed"].note, {"edges": 3})
    broken = replace(prepared, preflights=(replace(found, findings=(opened, *found.findings[1:])),))
    with pytest.raises(ExportError, match="liver would not print"):
        write_print(broken, place)
    assert not place.folder.exists()


@pytest.mark.parametrize("defect", ["self-intersections", "degenerate", "manifold"])
def test_nothing_is_written_when_a_part_has_any_defect(two_balls: LabelMap, place: PrintPlace, defect: str) -> None:
    prepared = prepare_print(two_balls, PrintRecipe(("liver",)))
    findings = tuple(
        replace(each, light="bad") if each.id == defect else each for each in prepared.preflights[0].findings
    )
    broken = replace(prepared, preflights=(replace(prepared.preflights[0], findings=findings),))
    with pytest.raises(ExportError, match=r"liver would not print: .*Nothing was written"):
        write_print(broken, place)
    assert not place.folder.exists()


def test_defects_are_mended_and_that_is_said(
    two_balls: LabelMap, place: PrintPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = PrintRecipe(("liver",))
    whole = prepare_print(two_balls, recipe)
    assert whole.mended() is whole
    (part,) = whole.parts
    torn = replace(part, triangles=np.concatenate([part.triangles[3:], part.triangles[40:41]]))
    broken = replace(whole, parts=(torn,), preflights=look_at(two_balls, recipe, [torn], "RAS"))
    assert broken.unprintable == (torn,)
    better = broken.mended()
    assert not better.unprintable and [each.id for each in better.notes] == ["note.part_mended"]
    assert better.parts[0].volume_ml == pytest.approx(part.volume_ml, rel=1e-3)
    files = write_print(better, place)
    assert load(files[0]).is_watertight
    assert "was mended" in json.loads(files[-1].read_text("utf-8"))["notes"][0]["sentence"]


def test_a_file_that_differs_from_its_part_is_removed(
    two_balls: LabelMap, place: PrintPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsdesktop.exports.meshes import writing

    def damaged(*arguments: object, **more: object) -> list[Path]:
        paths = original(*arguments, **more)  # type: ignore[arg-type]
        content = bytearray(paths[0].read_bytes())
        content[84 + 50 * 7 + 12 : 84 + 50 * 7 + 16] = np.float32(5000.0).tobytes()
        paths[0].write_bytes(content)
        return paths

    original = writing.write_meshes
    monkeypatch.setattr(writing, "write_meshes", damaged)
    with pytest.raises(ExportError, match=r"liver\.stl is not what was to be written"):
        print_parts(two_balls, PrintRecipe(("liver",)), place)
    assert list(place.folder.iterdir()) == []


def test_files_in_the_way_are_seen_before_work_begins(
    two_balls: LabelMap, place: PrintPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    print_parts(two_balls, PrintRecipe(("liver",)), place)
    monkeypatch.setattr(printing, "prepare_print", lambda *_: pytest.fail("work began"))
    with pytest.raises(ExportError, match="exists already"):
        print_parts(two_balls, PrintRecipe(("liver",)), place)


def test_with_overwriting_files_are_replaced(two_balls: LabelMap, place: PrintPlace) -> None:
    print_parts(two_balls, PrintRecipe(("liver",)), place)
    again = replace(place, overwrite=True)
    printed = print_parts(two_balls, PrintRecipe(("liver",), steps=(Scale(50.0),)), again)
    assert load(printed.files[0]).extents == pytest.approx([12, 12, 12], abs=0.4)


def test_halves_of_a_cut_lie_beside_each_other(two_balls: LabelMap, place: PrintPlace) -> None:
    middle = place_within(two_balls, ("liver",), 0, 0.5)
    cut = Cut((middle, 0.0, 0.0), (1.0, 0.0, 0.0))
    printed = print_parts(two_balls, PrintRecipe(("liver",), steps=(cut, LayFlat())), place)
    halves = [load(path) for path in printed.files if path.suffix == ".stl"]
    assert len(halves) == 2
    for half in halves:
        assert half.volume / 1000.0 == pytest.approx(truth_ml("liver") / 2.0, rel=0.03)
        assert half.extents[2] == pytest.approx(12.0, abs=0.4)


def test_absent_structures_are_told_and_unknown_ones_refused(two_balls: LabelMap) -> None:
    made = prepare_print(two_balls, PrintRecipe(("liver", "kidney_left")))
    assert [each.id for each in made.notes] == ["note.solid_absent"]
    with pytest.raises(OptionsError, match="no structure named livre"):
        prepare_print(two_balls, PrintRecipe(("livre",)))
    with pytest.raises(ExportError):
        prepare_print(two_balls, PrintRecipe(("kidney_left",)))


def test_shares_of_the_extent_are_places(two_balls: LabelMap) -> None:
    low, middle, high = (place_within(two_balls, ("liver",), 2, share) for share in (0.0, 0.5, 1.0))
    assert middle == pytest.approx(FAR[2] + CENTRES["liver"][2], abs=0.3)
    assert high - low == pytest.approx(24.0, abs=1.0)


def test_labels_are_read_on_their_own_grid(two_balls: LabelMap, tmp_path: Path) -> None:
    path = tmp_path / "labels.nii.gz"
    write_label_map(two_balls, path, ScanSource("memory", "labels"))
    read = read_for_print(path)
    assert read.geometry.affine == pytest.approx(two_balls.affine, abs=1e-3)
    assert np.array_equal(read.array, two_balls.array)
    assert [each.name for each in read.present] == ["spleen", "liver"]


def test_a_folder_of_masks_is_read(two_balls: LabelMap, tmp_path: Path) -> None:
    write_per_class(two_balls, tmp_path / "masks", ScanSource("memory", "labels"))
    read = read_for_print(tmp_path / "masks")
    assert {each.name for each in read.present} == {"liver", "spleen"}
    assert read.volume_ml("liver") == pytest.approx(two_balls.volume_ml("liver"))


def test_the_folder_of_a_run_is_read_beside_its_scan_and_tables(two_balls: LabelMap, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    write_label_map(replace(two_balls, task="total"), run / "total.nii.gz", ScanSource("memory", "labels"))
    scan = nib.Nifti1Image(np.random.default_rng(1).normal(0, 100, two_balls.array.shape).astype(np.float32), np.eye(4))
    nib.save(scan, run / "scan.nii.gz")
    (run / "manifest.json").write_text(json.dumps({"task": {"name": "total"}}), "utf-8")
    read = read_for_print(run)
    assert read.task == "total" and np.array_equal(read.array, two_balls.array)


def test_labels_in_nrrd_are_read_with_their_names(two_balls: LabelMap, tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(two_balls.array.transpose(2, 1, 0))
    lps = np.diag([-1.0, -1.0, 1.0]) @ two_balls.affine[:3]
    image.SetSpacing(two_balls.spacing_mm)
    image.SetDirection((lps[:, :3] / two_balls.spacing_mm).ravel().tolist())
    image.SetOrigin(lps[:, 3].tolist())
    for n, each in enumerate(two_balls.classes[:2]):
        image.SetMetaData(f"Segment{n}_Name", each.name)
        image.SetMetaData(f"Segment{n}_LabelValue", str(each.label))
        image.SetMetaData(f"Segment{n}_Color", "0.5 0.5 0.5")
    path = tmp_path / "labels.seg.nrrd"
    sitk.WriteImage(image, str(path), useCompression=True)
    read = read_for_print(path)
    assert read.geometry.affine == pytest.approx(two_balls.affine, abs=1e-6)
    assert [each.name for each in read.present] == ["spleen", "liver"]


def test_a_sheared_grid_becomes_upright(tmp_path: Path) -> None:
    affine = np.array([[1.0, 0.0, 0.3, -20.0], [0.0, 1.0, 0.0, -20.0], [0.0, 0.0, 1.0, -20.0], [0.0, 0.0, 0.0, 1.0]])
    shape = (60, 40, 40)
    places = Geometry(shape, affine).world_ras(np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1))
    ball = (np.linalg.norm(places - (10.0, 0.0, 0.0), axis=-1) <= 12.0).astype(np.uint8)
    nib.save(nib.Nifti1Image(ball, affine), tmp_path / "liver.nii.gz")
    read = read_for_print(tmp_path / "liver.nii.gz")
    assert read.geometry.is_orthogonal
    assert read.volume_ml("liver") == pytest.approx(truth_ml("liver"), rel=0.02)


def test_a_run_that_wrote_a_segmentation_for_slicer_is_read(two_balls: LabelMap, tmp_path: Path) -> None:
    from tsdesktop.exports.nrrd import write_nrrd

    write_nrrd(two_balls, tmp_path / "total.seg.nrrd")
    (tmp_path / "manifest.json").write_text(json.dumps({"task": {"name": "total"}}), "utf-8")
    assert [each.name for each in read_for_print(tmp_path).present] == ["spleen", "liver"]


def test_a_dicom_segmentation_is_printed_without_its_scan(data: Path, tmp_path: Path) -> None:
    path = data / "dicom_derived" / "seg_image_ct_binary_overlap.dcm"
    read = read_for_print(path)
    ds = pydicom.dcmread(path)
    measures = ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert read.geometry.spacing_mm[:2] == pytest.approx([float(each) for each in measures.PixelSpacing])
    # Two segments on four planes each.
    assert np.count_nonzero(read.array) == np.count_nonzero(ds.pixel_array.reshape(2, 4, -1).any(axis=0))
    assert print_parts(path, PrintRecipe(), PrintPlace(tmp_path / "out")).files


def test_contours_on_slices_of_a_scan_are_told(data: Path) -> None:
    folder = data / "dicom_rt"
    path = next(each for each in sorted(folder.rglob("*.dcm")) if b"RTSTRUCT" in each.read_bytes()[:4000])
    with pytest.raises(ReadError, match="is a structure set"):
        read_for_print(path)


def test_a_merged_part_has_no_cavity_where_holes_are_filled(tmp_path: Path) -> None:
    """Two halves of a hollow box: only together they enclose what is between them."""
    array = np.zeros((24, 16, 16), np.uint8)
    array[2:12, 2:14, 2:14], array[12:22, 2:14, 2:14] = 1, 5
    array[8:16, 5:11, 5:11] = 0
    classes = (structure_class(1, "spleen"), structure_class(5, "liver"))
    halves = LabelMap(array, Geometry(array.shape, np.diag([2.0, 2.0, 2.0, 1.0])), classes)
    given = make_parser().parse_args(["print", "x", "-o", "y", "--fill-holes", "--merge", "both"])
    (part,) = prepare_print(halves, recipe_of(given, lambda _axis, _share: 0.0)).parts
    assert part.volume_ml == pytest.approx(20 * 12 * 12 * 8 / 1000.0, rel=0.02)


@pytest.mark.parametrize("what", ["missing", "empty folder", "empty labels", "scan", "text"])
def test_what_holds_no_labels_is_refused_in_one_sentence(tmp_path: Path, what: str) -> None:
    path = tmp_path / "labels.nii.gz"
    if what == "empty folder":
        path.mkdir()
    elif what == "empty labels":
        nib.save(nib.Nifti1Image(np.zeros((8, 8, 8), np.uint8), np.eye(4)), path)
    elif what == "scan":
        nib.save(nib.Nifti1Image(np.linspace(0, 1, 512, dtype=np.float32).reshape(8, 8, 8), np.eye(4)), path)
    elif what == "text":
        path.write_text("no labels")
    with pytest.raises(ReadError):
        read_for_print(path)
