from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tsdesktop.core.printers import PrintLimits, print_limits
from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import LabelMap
from tsdesktop.surfaces.extract import extract_surface
from tsdesktop.surfaces.fixes import MESH_FIXES
from tsdesktop.surfaces.preflight import DEFECTS, ORDER, Finding, preflight
from tsdesktop.surfaces.recipe_fixes import RECIPE_FIXES
from tsdesktop.surfaces.shells import shells

CORNERS = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
CUBE = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ]
)  # fmt: skip
Labelled = Callable[[NDArray[np.bool_]], LabelMap]
MINI = print_limits("prusa_mini")


def block(*sides_mm: float, at: tuple[float, float, float] = (0, 0, 0)) -> SurfaceMesh:
    vertices = (CORNERS * sides_mm + at).astype(np.float32)
    return SurfaceMesh(vertices, CUBE.astype(np.int32), structure_class(1, "liver"))


def together(*meshes: SurfaceMesh) -> SurfaceMesh:
    starts = np.cumsum([0, *(len(each.vertices_ras) for each in meshes)])
    triangles = [each.triangles + start for each, start in zip(meshes, starts, strict=False)]
    vertices = np.concatenate([each.vertices_ras for each in meshes])
    return SurfaceMesh(vertices, np.concatenate(triangles), meshes[0].structure)


def inward(mesh: SurfaceMesh) -> SurfaceMesh:
    return replace(mesh, triangles=mesh.triangles[:, ::-1])


def found(mesh: SurfaceMesh, id: str, limits: PrintLimits = MINI) -> Finding:
    return preflight(mesh, limits)[id]


def test_findings_stand_in_one_order_and_are_all_good_for_a_block() -> None:
    checked = preflight(block(30, 20, 10), MINI)
    assert tuple(each.id for each in checked.findings) == tuple(each for each in ORDER if each != "difference")
    assert checked.light == "good"
    assert checked.is_whole
    assert all(each.sentence and not each.fix for each in checked.findings)
    assert json.loads(json.dumps(checked.to_data()))[0] == {
        "id": "closed", "light": "good", "sentence": "The surface is closed.", "fix": "", "values": {"edges": 0},
    }  # fmt: skip
    with pytest.raises(KeyError):
        checked["difference"]


def test_open_surface() -> None:
    mesh = block(30, 20, 10)
    finding = found(replace(mesh, triangles=mesh.triangles[1:]), "closed")
    assert (finding.light, finding.fix, finding.values) == ("bad", "fill", {"edges": 3})
    assert finding.sentence == "The surface is open at 3 edges."


def test_every_kind_of_defect_is_told_apart() -> None:
    mesh = block(10, 10, 10)
    turned = mesh.triangles.copy()
    turned[3] = turned[3, ::-1]
    cases = {
        "closed": replace(mesh, triangles=mesh.triangles[:-1]),
        "manifold": together(mesh, block(10, 10, 10, at=(10, 10, 0))),
        "outward": replace(mesh, triangles=turned),
        "self-intersections": together(mesh, block(10, 10, 10, at=(5, 4, 3))),
    }
    for id, broken in cases.items():
        checked = preflight(broken, MINI)
        assert [each.id for each in checked.findings if each.id in DEFECTS and each.light != "good"] == [id]
        assert checked.light == "bad"
        assert not checked.is_whole
        assert checked[id].fix in MESH_FIXES
    double = preflight(replace(mesh, triangles=np.concatenate([mesh.triangles, [[1, 1, 2]]])), MINI)
    assert double["degenerate"].values == {"degenerate": 1, "double": 0}
    assert double["closed"].light == "good"
    twice = preflight(replace(mesh, triangles=np.concatenate([mesh.triangles, mesh.triangles[:2, [2, 0, 1]]])), MINI)
    assert twice["degenerate"].values == {"degenerate": 0, "double": 2}


def test_pinched_point_is_not_manifold() -> None:
    finding = found(together(block(10, 10, 10), block(10, 10, 10, at=(10, 10, 10))), "manifold")
    assert finding.values == {"edges": 0, "vertices": 1}


def test_one_piece_inside_out_among_others_is_noticed() -> None:
    finding = found(together(block(30, 30, 30), inward(block(5, 5, 5, at=(40, 0, 0)))), "outward")
    assert finding.values == {"edges": 0, "pieces": 1}
    cavity = together(block(30, 30, 30), inward(block(5, 5, 5, at=(10, 10, 10))))
    assert found(cavity, "outward").light == "good"
    assert found(together(block(30, 30, 30), block(5, 5, 5, at=(10, 10, 10))), "outward").values["pieces"] == 1


def test_depth_of_pieces_inside_each_other() -> None:
    nested = together(
        block(50, 50, 50), inward(block(40, 40, 40, at=(5, 5, 5))), block(10, 10, 10, at=(10, 10, 10)),
        inward(block(5, 5, 5, at=(12, 12, 12))), block(9, 9, 9, at=(60, 0, 0)),
    )  # fmt: skip
    turned = nested.with_vertices(Rotation.from_rotvec([0.3, 0.2, 1.0]).apply(nested.vertices_ras).astype(np.float32))
    for mesh in (nested, turned):
        pieces = shells(mesh)
        assert pieces.depths[pieces.numbers[[0, 12, 24, 36, 48]]].tolist() == [0, 1, 2, 3, 0]
        assert not pieces.are_inside_out.any()
        assert sorted(pieces.volumes_mm3.round()) == [-64000, -125, 729, 1000, 125000]


def test_pieces() -> None:
    large, far = block(30, 30, 30), block(30, 30, 30, at=(50, 0, 0))
    speck, cavity = block(2, 2, 2, at=(0, 50, 0)), inward(block(9, 9, 9, at=(5, 5, 5)))
    expected = {
        "": (large, {"pieces": 1, "cavities": 0, "small": 0}),
        "struts": (together(large, far), {"pieces": 2, "cavities": 0, "small": 0}),
        "fill-holes": (together(large, far, cavity), {"pieces": 2, "cavities": 1, "small": 0}),
        "remove-small-pieces": (together(large, far, cavity, speck), {"pieces": 3, "cavities": 1, "small": 1}),
    }
    for fix, (mesh, values) in expected.items():
        finding = found(mesh, "pieces")
        assert (finding.fix, finding.values) == (fix, values)
        assert finding.light == ("warning" if fix else "good")


def test_walls_against_the_process() -> None:
    plate = block(40, 40, 0.6)
    assert found(plate, "walls").light == "bad"
    assert found(plate, "walls").values["wall_mm"] == pytest.approx(0.6, abs=1e-3)
    assert found(plate, "walls").fix == "thicken"
    assert found(plate, "walls", print_limits(process_id="resin")).light == "good"
    fin = together(block(60, 60, 60), block(0.5, 5, 5, at=(80, 0, 0)))
    assert found(fin, "walls").light == "warning"
    place = [float(found(fin, "walls").values[key]) for key in ("x_mm", "y_mm", "z_mm")]
    assert place[0] == pytest.approx(80.25, abs=0.01)


def test_size_against_the_bed() -> None:
    for sides, light, fix in (
        ((170, 180, 20), "good", ""), ((150, 60, 150), "good", ""), ((10, 181, 10), "bad", "fit-to-bed"),
    ):  # fmt: skip
        assert (found(block(*sides), "size").light, found(block(*sides), "size").fix) == (light, fix)
    tall = print_limits("anycubic_photon_m5s")  # 218 x 123 x 200
    assert found(block(120, 210, 190), "size", tall).light == "good"
    assert found(block(150, 130, 215), "size", tall).light == "bad"
    assert (found(block(110, 190, 215), "size", tall).light, found(block(110, 190, 215), "size", tall).fix) == (
        "warning", "lay-flat",
    )  # fmt: skip
    assert "no printer" in found(block(900, 10, 10), "size", print_limits()).sentence
    assert found(block(120, 210, 190), "size", tall).values["x_mm"] == 120.0


def test_material_file_and_unit() -> None:
    mesh = block(100, 50, 20)
    limits = print_limits(process_id="sls")
    assert found(mesh, "material", limits).sentence == "100 ml, 101 g of PA12 when it is printed solid."
    assert found(replace(mesh, triangles=mesh.triangles[1:]), "material").light == "warning"
    assert found(mesh, "file").values == {"triangles": 12, "size_mb": 0.001}
    assert found(mesh, "unit").light == "good"
    assert found(block(0.3, 0.1, 0.1), "unit").light == "warning"
    assert found(block(1500, 100, 100), "unit").light == "warning"


def test_difference_to_the_labels(labelled: Labelled) -> None:
    mask = np.zeros((34, 30, 16), bool)
    mask[3:31, 3:27, 3:13] = True
    label_map = labelled(mask)
    mesh = extract_surface(label_map, 1)
    assert mesh is not None
    checked = preflight(mesh, MINI, (label_map, 1))
    assert checked["difference"].light == "good"
    assert checked["difference"].values["voxels"] == mask.sum()
    middle = mesh.vertices_ras.mean(axis=0)
    for scale, light in ((1.01, "warning"), (1.2, "bad")):
        other = mesh.with_vertices((mesh.vertices_ras - middle) * np.float32(scale) + middle)
        assert preflight(other, MINI, (label_map, 1))["difference"].light == light
    moved = mesh.with_vertices(mesh.vertices_ras + np.array([0, 0, 5.0], np.float32))
    assert preflight(moved, MINI, (label_map, 1))["difference"].light == "bad"
    with pytest.raises(KeyError):
        preflight(mesh, MINI, (label_map, 7))


def test_nothing_is_one_finding() -> None:
    empty = SurfaceMesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), structure_class(1, "liver"))
    checked = preflight(empty, MINI)
    assert [(each.id, each.light, each.sentence) for each in checked.findings] == [
        ("closed", "bad", "There are no triangles.")
    ]
    assert not checked.is_whole


def test_broken_input_is_told_not_raised() -> None:
    rng = np.random.default_rng(4)
    soup = rng.normal(size=(90, 3)).astype(np.float32) * 20
    point = np.zeros((3, 3), np.float32)
    liver = structure_class(1, "liver")
    for mesh in (
        SurfaceMesh(soup, rng.integers(0, 90, (400, 3)).astype(np.int32), liver),
        SurfaceMesh(point, np.array([[0, 1, 2]], np.int32), liver),
        SurfaceMesh(soup[:3], np.array([[0, 1, 2], [0, 1, 2], [2, 1, 0]], np.int32), liver),
        SurfaceMesh(soup[:2], np.array([[0, 1, 1]], np.int32), liver),
    ):
        checked = preflight(mesh, MINI)
        assert checked.light == "bad"
        assert all(each.fix in ("", *MESH_FIXES, *RECIPE_FIXES) for each in checked.findings)


PHANTOMS: dict[str, Callable[[NDArray[Any]], NDArray[np.bool_]]] = {
    "at the border": lambda p: np.asarray(p[0] < 8),
    "meeting at an edge": lambda p: np.asarray(((p[0] < 8) & (p[1] < 8)) | ((p[0] >= 8) & (p[1] >= 8))),
    "meeting at a corner": lambda p: np.asarray(np.all(p < 8, axis=0) | np.all(p >= 8, axis=0)),
    "thin plate": lambda p: np.asarray(p[2] == 7),
    "hollow": lambda p: np.asarray(np.abs(np.linalg.norm(p - 7.5, axis=0) - 5.5) < 1.2),
    "noise": lambda p: np.asarray(np.random.default_rng(3).random(p.shape[1:]) < 0.4),
}


@pytest.mark.parametrize("name", PHANTOMS)
def test_default_surfaces_of_awkward_labels_are_whole(labelled: Labelled, name: str) -> None:
    label_map = labelled(PHANTOMS[name](np.stack(np.meshgrid(*[np.arange(16)] * 3, indexing="ij"))))
    mesh = extract_surface(label_map, 1)
    assert mesh is not None
    checked = preflight(mesh, MINI, (label_map, 1))
    assert [each.sentence for each in checked.findings if each.id in DEFECTS and each.light != "good"] == []
