"""The studio: recipes from label maps to parts, remembered steps, the same bytes each time."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tsdesktop.core.errors import Cancelled, ExportError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.printing import (
    STEP_KINDS,
    Cut,
    FillHoles,
    Hollow,
    KeepLargest,
    Merge,
    PrintRecipe,
    RemoveIslands,
    Scale,
    Step,
    Struts,
    Thicken,
    recipe_from_json,
    recipe_json,
)
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.extract import extract_surface
from tsdesktop.surfaces.self_intersections import self_intersections
from tsdesktop.surfaces.solids import studio as studio_module
from tsdesktop.surfaces.solids.studio import SOLID_STEPS, PrintResult, PrintStudio

SHAPE = (56, 44, 40)
MIDDLE = (27.5, 21.5, 19.5)


def ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
    indices = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), axis=-1)
    return np.asarray((((indices - centre) / np.array(radii)) ** 2).sum(axis=-1) <= 1.0)


@pytest.fixture(scope="module")
def label_map() -> LabelMap:
    """A liver with a cavity and an island, a spleen that touches it, a heart apart, far away on an oblique grid."""
    array = np.zeros(SHAPE, np.uint8)
    array[ellipsoid((18, 21, 19), (15, 14, 13))] = 1
    array[ellipsoid((18, 21, 19), (3, 3, 3))] = 0
    array[2:4, 2:4, 2:4] = 1
    array[ellipsoid((36, 21, 19), (7, 9, 8)) & (array == 0)] = 2
    array[ellipsoid((50, 21, 19), (4, 5, 5))] = 3
    affine = np.eye(4)
    turn = Rotation.from_euler("xyz", [8, -5, 12], degrees=True).as_matrix()
    affine[:3, :3] = turn @ np.diag([-1.5, 1.5, 1.5])
    affine[:3, 3] = np.array([80.0, -120.0, -1500.0])
    classes = tuple(structure_class(n, name) for n, name in enumerate(("liver", "spleen", "heart", "aorta"), 1))
    return LabelMap(array, Geometry(SHAPE, affine), classes)


@pytest.fixture
def studio(label_map: LabelMap) -> PrintStudio:
    return PrintStudio(label_map)


def made(studio: PrintStudio, *steps: Step, **more: Any) -> PrintResult:
    return studio.parts(PrintRecipe(steps=steps, **more))


def names(result: PrintResult) -> list[str]:
    return [part.name for part in result.parts]


def ids(result: PrintResult) -> list[str]:
    return [each.id for each in result.notes]


def shells(result: PrintResult) -> list[int]:
    return [check_mesh(part).shells for part in result.parts]


def digest(result: PrintResult) -> str:
    hashed = hashlib.sha256()
    for part in result.parts:
        hashed.update(part.name.encode() + part.vertices_ras.tobytes() + part.triangles.tobytes())
    return hashed.hexdigest()


def test_without_steps_every_structure_is_its_own_surface(studio: PrintStudio, label_map: LabelMap) -> None:
    result = made(studio)
    assert names(result) == ["liver", "spleen", "heart"] and result.frame == "RAS" and not result.notes
    for label, part in enumerate(result.parts, 1):
        alone = extract_surface(label_map, label)
        assert alone is not None
        assert np.array_equal(alone.vertices_ras, part.vertices_ras)
        assert part.structure == label_map.structure(label)


def test_structures_come_in_the_order_asked_for_and_absent_ones_are_told(studio: PrintStudio) -> None:
    result = made(studio, structures=("heart", "aorta", "liver", "heart", "no_such"))
    assert names(result) == ["heart", "liver"]
    assert ids(result) == ["note.solid_absent"] * 2
    with pytest.raises(ExportError, match="nothing to write"):
        made(studio, structures=("aorta",))


def test_voxel_steps_and_a_union_leave_one_shell_for_each_piece(studio: PrintStudio, label_map: LabelMap) -> None:
    merged = made(studio, KeepLargest(), FillHoles(), Merge("trunk"))
    # Liver and spleen touch; the heart is another shell.
    assert names(merged) == ["trunk"] and shells(merged) == [2]
    voxels = np.count_nonzero(label_map.array) - 8 + int(ellipsoid((18, 21, 19), (3, 3, 3)).sum())
    truth = voxels * label_map.geometry.voxel_volume_mm3 / 1000.0
    assert merged.parts[0].volume_ml == pytest.approx(truth, rel=0.005)


def test_rods_need_no_union_first_where_structures_touch(studio: PrintStudio) -> None:
    result = made(studio, KeepLargest(), FillHoles(), Struts(4.0, 15.0))
    assert names(result) == ["merged"] and shells(result) == [1] and not result.notes
    apart = made(studio, KeepLargest(), FillHoles(), Struts(4.0, 2.0))
    assert names(apart) == ["merged", "heart"] and ids(apart) == ["note.solid_apart"]


def test_thickening_before_a_union_leaves_no_gap(studio: PrintStudio) -> None:
    thick, plain = (
        made(studio, KeepLargest(), FillHoles(), *step, Merge(), structures=("liver", "spleen"))
        for step in ([Thicken(18.0)], [])
    )
    assert shells(thick) == shells(plain) == [1]
    assert thick.parts[0].volume_ml > plain.parts[0].volume_ml * 1.002


def test_islands_removed_after_thickening_go_with_what_thickened_them(studio: PrintStudio) -> None:
    late = made(studio, Thicken(4.0), RemoveIslands(500.0), FillHoles(), structures=("liver",))
    assert shells(late) == [1]
    assert late.parts[0].bounds_mm == pytest.approx(made(studio, KeepLargest()).parts[0].bounds_mm, abs=0.05)


def test_a_recipe_of_many_steps_gives_sound_parts(studio: PrintStudio, label_map: LabelMap) -> None:
    centre = tuple(float(each) for each in label_map.geometry.world_ras(MIDDLE))
    cut = Cut((centre[0], centre[1], centre[2]), (0.1, 0.0, 1.0), 2, 5.0)
    whole = made(studio, KeepLargest(), FillHoles(), Merge("trunk"), Struts(6.0, 15.0))
    result = made(studio, KeepLargest(), FillHoles(), Merge("trunk"), Struts(6.0, 15.0), cut)
    assert names(result) == ["trunk A", "trunk B"] and not result.notes
    # Sockets are wider than pins.
    lost = whole.parts[0].volume_ml - sum(part.volume_ml for part in result.parts)
    assert 0.0 < lost < 2 * 0.05
    for part in result.parts:
        assert check_mesh(part).is_sound and self_intersections(part).count == 0


def test_the_same_recipe_gives_the_same_bytes_however_it_was_reached(label_map: LabelMap) -> None:
    steps = KeepLargest(), Merge(), Struts(4.0, 15.0), Hollow(3.0, 1, 4.0), Scale(50.0)
    recipe = PrintRecipe(steps=steps)
    at_once = PrintStudio(label_map).parts(recipe)
    one_by_one = PrintStudio(label_map)
    for n in range(len(steps) + 1):
        last = one_by_one.parts(replace(recipe, steps=steps[:n]))
    assert (
        digest(last) == digest(at_once) == digest(PrintStudio(label_map).parts(recipe_from_json(recipe_json(recipe))))
    )
    assert (last.frame, at_once.frame) == ("bed", "bed")


def test_undo_and_redo_compute_nothing_again(studio: PrintStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    first, both = made(studio, KeepLargest(), structures=("heart",)), (KeepLargest(), Hollow(2.0, 0))
    hollow = made(studio, *both, structures=("heart",))

    def never(*_: Any) -> Any:
        raise AssertionError("computed again")

    for kind in STEP_KINDS:
        monkeypatch.setitem(SOLID_STEPS, kind, never)
    monkeypatch.setattr(studio_module, "extract_surface", never)
    assert made(studio, KeepLargest(), structures=("heart",)).parts[0] is first.parts[0]
    assert made(studio, *both, structures=("heart",)).parts[0] is hollow.parts[0]
    # Another printer changes nothing before something is fitted to it.
    assert made(studio, *both, structures=("heart",), bed="other").parts[0] is hollow.parts[0]


def test_another_choice_of_structures_keeps_the_surfaces_there_are(studio: PrintStudio) -> None:
    all_three, one = made(studio), made(studio, structures=("spleen",))
    assert one.parts[0] is all_three.parts[1]


def test_few_results_are_remembered(studio: PrintStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_module, "_MOST_BYTES", 1)
    made(studio, KeepLargest(), Merge())
    assert len(studio._stages) == 1


def test_notes_of_earlier_steps_stay(studio: PrintStudio) -> None:
    result = made(studio, RemoveIslands(5000.0), KeepLargest(), Hollow(30.0), structures=("liver", "heart", "aorta"))
    assert ids(result) == ["note.solid_absent", "note.solid_vanished", "note.solid_too_thin"]
    with pytest.raises(ExportError, match="Nothing is left"):
        made(studio, RemoveIslands(1e6))


def test_progress_grows_to_the_end_and_names_what_is_done(studio: PrintStudio) -> None:
    told: list[tuple[str, float]] = []
    recipe = PrintRecipe(steps=(KeepLargest(), Hollow(3.0, 0), Merge()))
    studio.parts(recipe, listen=lambda what, share: told.append((what, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert {"liver", "hollow"} <= {what for what, _ in told}


@pytest.mark.parametrize("asked", [0, 1, 3])
def test_a_recipe_nobody_wants_any_more_stops_and_can_be_made_later(studio: PrintStudio, asked: int) -> None:
    answers = iter([True] * asked)
    recipe = PrintRecipe(steps=(Hollow(3.0, 0), Merge()))
    with pytest.raises(Cancelled):
        studio.parts(recipe, wanted=lambda: next(answers, False))
    assert names(studio.parts(recipe)) == ["merged"]


def test_smoothing_and_saved_triangles_are_as_the_recipe_says(studio: PrintStudio) -> None:
    faithful, none = made(studio, structures=("heart",)), made(studio, structures=("heart",), smoothing_mm=0.0)
    fewer = made(studio, structures=("heart",), largest_error_mm=0.3)
    assert digest(faithful) != digest(none)
    assert len(fewer.parts[0].triangles) < 0.8 * len(faithful.parts[0].triangles)
    assert fewer.parts[0].volume_ml == pytest.approx(faithful.parts[0].volume_ml, rel=0.006)


def test_a_label_without_a_name_is_printed_too(label_map: LabelMap) -> None:
    unnamed = PrintStudio(replace(label_map, classes=label_map.classes[:2]))
    assert names(made(unnamed)) == ["liver", "spleen", "label_3"]
