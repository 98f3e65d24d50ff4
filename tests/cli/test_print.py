"""`tsdesktop print` as a person types it: what is written, what is said, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from tsdesktop.cli.command import make_parser, run
from tsdesktop.cli.recipes import recipe_of
from tsdesktop.core.errors import ExportError, OptionsError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.printing import (
    Cut,
    FillHoles,
    FitToBed,
    Hollow,
    KeepLargest,
    Label,
    LayFlat,
    Merge,
    Plate,
    PrintRecipe,
    RemoveIslands,
    Scale,
    Stand,
    Struts,
    Thicken,
    recipe_json,
)
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, ScanSource
from tsdesktop.exports.nifti import write_label_map
from tsdesktop.surfaces.recipe_fixes import STEP_ORDER

ALL = (
    "--keep-largest --remove-islands 50 --fill-holes --merge both --struts 3 --strut-length 30 --thicken 1.5 "
    "--hollow 2 --drains 3 --drain-mm 5 --pins 2 --pin-mm 4 --clearance-mm 0.3 --cut x@-12 --plate 4 --plate-margin 6 "
    "--plate-shape ellipse --label-mm 5 --label-depth 0.5 --label-raised --scale 80 --lay-flat --fit-to-bed"
)


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A liver of 40 x 30 x 20 mm and a spleen of 10 x 20 x 20 mm, 10 mm apart."""
    array = np.zeros((50, 30, 20), np.uint8)
    array[5:25, 5:20, 5:15], array[30:35, 5:15, 5:15] = 5, 1
    affine = np.array([[2.0, 0, 0, -50], [0, 2.0, 0, -100], [0, 0, 2.0, 30], [0, 0, 0, 1]])
    classes = (structure_class(1, "spleen"), structure_class(5, "liver"))
    path = tmp_path / "labels.nii.gz"
    label_map = LabelMap(array, Geometry((50, 30, 20), affine), classes)
    write_label_map(label_map, path, ScanSource("memory", "labels"))
    return path


def load(path: Path) -> Any:
    """The mesh of a file as an independent reader sees it."""
    return trimesh.load(path)


def recipe(*flags: str, extent: float = 7.0) -> PrintRecipe:
    given = make_parser("print").parse_args(["print", "labels.nii.gz", "-o", "out", *flags])
    return recipe_of(given, lambda _axis, share: extent * share)


def test_without_options_one_file_per_structure(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["print", str(labels), "-o", str(out)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sorted(path.name for path in out.iterdir()) == [
        "liver.stl", "print_manifest.json", "recipe.json", "spleen.stl"
    ]  # fmt: skip
    assert load(out / "liver.stl").volume / 1000.0 == pytest.approx(24.0, rel=0.01)
    assert said[0].split()[:2] == ["part", "size"]
    assert next(line for line in said if line.startswith("liver ")).endswith("good")
    assert [Path(line).name for line in said[-4:]] == ["spleen.stl", "liver.stl", "recipe.json", "print_manifest.json"]


def test_quiet_says_nothing(labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["print", str(labels), "-o", str(tmp_path / "out"), "--structures", "liver", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_files_are_replaced_only_when_asked(labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["print", str(labels), "-o", str(tmp_path / "out"), "--structures", "liver", "-q"]
    assert [run(asked), run(asked), run([*asked, "--overwrite"])] == [0, 1, 0]
    assert "exists already" in capsys.readouterr().err


def test_a_spine_of_blocks_becomes_one_solid_on_a_labelled_plate(labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    flags = ["--struts", "4", "--plate", "3", "--label", "Übung 1", "--format", "3mf", "--bed", "250x210x220"]
    assert run(["print", str(labels), "-o", str(out), *flags, "-q"]) == 0
    told = json.loads((out / "print_manifest.json").read_text("utf-8"))
    (part,) = told["parts"]
    found = {each["id"]: each for each in part["preflight"]}
    assert told["frame"] == "bed" and found["closed"]["light"] == "good"
    assert found["pieces"]["values"] == {"pieces": 1, "cavities": 0, "small": 0}
    # Both blocks, the plate under them (70 x 50 mm before the label), a strut.
    assert part["volume_ml"] > 24.0 + 4.0 + 9.0


def test_a_recipe_is_repeated_on_other_labels(labels: Path, tmp_path: Path) -> None:
    asked = ["--structures", "liver", "--scale", "50", "-q"]
    assert run(["print", str(labels), "-o", str(tmp_path / "a"), *asked]) == 0
    stored = str(tmp_path / "a" / "recipe.json")
    assert run(["print", str(labels), "-o", str(tmp_path / "b"), "--recipe", stored, "-q"]) == 0
    one, other = (tmp_path / name / "liver.stl" for name in "ab")
    assert one.read_bytes() == other.read_bytes()
    assert load(one).extents == pytest.approx([20, 15, 10], abs=0.5)


def test_a_share_of_the_extent_cuts_in_the_middle(labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(["print", str(labels), "-o", str(out), "--structures", "liver", "--cut", "x@50%", "-q"]) == 0
    volumes = [load(path).volume / 1000.0 for path in out.glob("*.stl")]
    assert volumes == pytest.approx([12.0, 12.0], rel=0.02)


def test_an_open_part_ends_with_exit_code_1_and_no_files(
    labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tsdesktop.surfaces.preflight import Preflight

    monkeypatch.setattr(Preflight, "is_whole", property(lambda _: False))
    assert run(["print", str(labels), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert "would not print" in said.err and "preflight" in said.out
    assert not (tmp_path / "out").exists()


def test_printers_are_listed_without_labels(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["print", "--list-beds"]) == 0
    said = capsys.readouterr().out
    assert "Prusa MK4" in said and "250 x 210 x 220" in said and "fdm_0.4" in said


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        ([], 2, "not said what to print"),
        (["-o", "OUT", "--pins", "2"], 2, "--pins needs --cut"),
        (["-o", "OUT", "--label-mm", "5"], 2, "--label-mm needs --label"),
        (["-o", "OUT", "--hollow", "-1"], 2, "wall_mm must be"),
        (["-o", "OUT", "--scale", "nan"], 2, "percent must be"),
        (["-o", "OUT", "--cut", "w@3"], 2, "is no plane"),
        (["-o", "OUT", "--bed", "nowhere"], 2, "nowhere is not a value of bed"),
        (["-o", "OUT", "--plate", "--stand"], 2, "cannot be used together"),
        (["-o", "OUT", "--structures", "livre"], 2, "Did you mean liver"),
        (["-o", "OUT", "--fit-to-bed"], 2, "how large the bed is"),
        (["-o", "OUT", "--recipe", "none.json"], 1, "none.json does not exist"),
        (["-o", "OUT", "--label", "肝"], 2, "肝"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int, words: str
) -> None:
    out = str(tmp_path / "out")
    assert run(["print", str(labels), *(out if flag == "OUT" else flag for flag in flags)]) == code
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_flags_become_steps_in_a_fixed_order() -> None:
    made = recipe(
        *ALL.split(), "--label", r"L1\nleft", "--label", "{name}", "--bed", "200x100x50.5", "--process", "resin"
    )
    ranks = [STEP_ORDER.index(type(each)) for each in made.steps]
    assert ranks == sorted(ranks)
    assert made.steps == (
        KeepLargest(), RemoveIslands(50.0), Merge("both"), FillHoles(), Struts(3.0, 30.0), Thicken(1.5),
        Hollow(2.0, 3, 5.0), Cut((-12.0, 0.0, 0.0), (1.0, 0.0, 0.0), 2, 4.0, 0.3), Scale(80.0),
        Plate(4.0, 6.0, "ellipse"), Label("L1\nleft", 5.0, 0.5, True, "plate"),
        Label("{name}", 5.0, 0.5, True, "plate"),
        LayFlat(), FitToBed(),
    )  # fmt: skip
    assert made.custom_bed_mm == (200.0, 100.0, 50.5) and made.process == "resin"


def test_values_that_are_not_given_are_those_of_the_steps() -> None:
    made = recipe("--merge", "--hollow", "2", "--stand", "--label", "L1", "--cut=-1,2,3,0,0,1", "--cut", "z@50%")
    assert made.steps == (
        Merge(), Hollow(2.0), Cut((-1.0, 2.0, 3.0), (0.0, 0.0, 1.0)), Cut((0.0, 0.0, 3.5), (0.0, 0.0, 1.0)),
        Stand(15.0), Label("L1", face="plate"),
    )  # fmt: skip
    assert recipe("--label", "L1").steps == (Label("L1", face="bottom"),)


def test_a_stored_recipe_takes_another_bed_but_no_other_steps(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(recipe_json(PrintRecipe(("liver",), "smooth", steps=(Scale(50.0),), bed="prusa_mk4")), "utf-8")
    made = recipe("--recipe", str(path), "--bed", "100x100x100", "--structures", "spleen")
    assert made == PrintRecipe(("spleen",), "smooth", steps=(Scale(50.0),), custom_bed_mm=(100.0, 100.0, 100.0))
    with pytest.raises(OptionsError, match="--recipe and --scale"):
        recipe("--recipe", str(path), "--scale", "20")


def test_formats_are_those_of_the_exports() -> None:
    from tsdesktop.cli.print import FORMATS, LAYOUTS
    from tsdesktop.exports.meshes.writing import MESH_FORMATS, planned_mesh_files
    from tsdesktop.exports.meshes.writing import MeshPlace as Place

    assert tuple(MESH_FORMATS) == FORMATS
    for layout in LAYOUTS:
        assert planned_mesh_files(["liver"], Place(Path()), "3mf", layout)  # type: ignore[arg-type]
    with pytest.raises(ExportError):
        planned_mesh_files(["a", "b"], Place(Path()), "stl", "parts")
