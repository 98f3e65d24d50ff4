from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.structures import structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.preflight import compare

OCTAHEDRON = np.array([(0, 2, 4), (2, 1, 4), (1, 3, 4), (3, 0, 4), (2, 0, 5), (1, 2, 5), (3, 1, 5), (0, 3, 5)])


@dataclass(frozen=True)
class Read:
    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]


def mesh(radius: float = 12.0, at: tuple[float, float, float] = (120.0, -230.0, -1500.0)) -> SurfaceMesh:
    places = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]) * radius + at
    return SurfaceMesh(places.astype(np.float32), OCTAHEDRON.astype(np.int32), structure_class(1, "liver"))


def read(surface: SurfaceMesh) -> Read:
    """As an STL file gives it: three corners of its own for each triangle, in another order."""
    corners = surface.vertices_ras[surface.triangles[::-1]].astype(np.float64).reshape(-1, 3)
    return Read(corners, np.arange(len(corners)).reshape(-1, 3))


def in_one(*each: Read) -> Read:
    starts = np.cumsum([0, *(len(one.vertices) for one in each)])
    triangles = [one.triangles + start for one, start in zip(each, starts, strict=False)]
    return Read(np.concatenate([one.vertices for one in each]), np.concatenate(triangles))


def test_what_was_written_is_what_was_made() -> None:
    assert compare([read(mesh())], [mesh()]) == ""
    assert compare([read(mesh()), read(mesh(3.0))], [mesh(), mesh(3.0)]) == ""


def test_one_object_may_hold_all() -> None:
    one, other = read(mesh()), read(mesh(3.0))
    assert compare([in_one(one, other)], [mesh(), mesh(3.0)]) == ""
    assert compare([one, other], [mesh()]) == "it holds 2 objects instead of 1"
    assert compare([], [mesh()]) == "it holds 0 objects instead of 1"


def test_neighbours_in_one_object_may_touch_where_decimals_are_rounded() -> None:
    """Corners of two surfaces, less than a millionth of a mm apart, fall together in a file with six decimals."""
    meshes = [mesh(12.0, (0.0, 0.0, 0.0)), mesh(12.0, (2e-7, 2e-7, 2e-7))]
    rounded = [Read(np.round(each.vertices, 6), each.triangles) for each in map(read, meshes)]
    assert compare([in_one(*rounded)], meshes) == ""


def test_each_mesh_of_one_object_is_looked_at() -> None:
    meshes = [mesh(), mesh(3.0)]
    whole = in_one(*map(read, meshes))
    assert compare([Read(whole.vertices, whole.triangles[1:])], meshes) == "it holds 15 triangles instead of 16"
    cracked = whole.vertices.copy()
    cracked[-1] += 1e-4
    assert compare([Read(cracked, whole.triangles)], meshes) == "it has 4 open edges instead of 0"
    turned = in_one(read(meshes[0]), Read(read(meshes[1]).vertices, read(meshes[1]).triangles[:, ::-1]))
    assert compare([turned], meshes) == "it encloses -0.036 ml instead of 0.036 ml"


def test_metres_in_single_precision_are_no_difference() -> None:
    far = read(mesh(0.9))
    metres = (far.vertices / 1000.0).astype(np.float32).astype(np.float64) * 1000.0
    assert compare([Read(metres, far.triangles)], [mesh(0.9)]) == ""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda v, t: (v, t[1:]), "it holds 7 triangles instead of 8"),
        (lambda v, t: (v + 0.002, t), "elsewhere"),
        (lambda v, t: (v * (-1, -1, 1), t), "elsewhere"),
        (lambda v, t: (np.where(v == v.max(), v + 0.01, v), t), "elsewhere"),
        (lambda v, t: (v, t[:, ::-1]), "it encloses -2.304 ml instead of 2.304 ml"),
        (lambda v, t: (np.where(np.arange(len(v))[:, None] == 0, v + 1e-4, v), t), "it has 4 open edges instead of 0"),
        (lambda v, t: (np.where(np.arange(len(v))[:, None] == 5, np.nan, v), t), "no numbers"),
    ],
)
def test_each_difference_is_named(change: object, reason: str) -> None:
    surface = read(mesh(12.0, (20.0, -30.0, -40.0)))
    changed = Read(*change(surface.vertices, surface.triangles))  # type: ignore[operator]
    assert reason in compare([changed], [mesh(12.0, (20.0, -30.0, -40.0))])


def test_moved_corner_is_noticed_though_size_volume_and_edges_are_the_same() -> None:
    surface = read(mesh(12.0, (0.0, 0.0, 0.0)))
    moved = surface.vertices.copy()
    moved[np.all(surface.vertices == (0, 12.0, 0), axis=1)] = (0.0, 12.0, 0.5)
    assert compare([Read(moved, surface.triangles)], [mesh(12.0, (0.0, 0.0, 0.0))]) == "it lies 0.5 mm elsewhere"
