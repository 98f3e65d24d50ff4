"""Every format as independent readers see it: trimesh, meshio, lib3mf, VTK and assimp."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.exports.meshes.writing import MESH_FORMATS, Layout, MeshPlace, write_meshes

Array = NDArray[Any]
# Where a vertex (R, A, S) in mm stands in the file, and how exactly in mm.
PLACES = {key: np.array([[-1.0, 0, 0], [0, -1, 0], [0, 0, 1]]) for key in MESH_FORMATS}
PLACES["glb"] = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]]) / 1000
EXACT_MM = 1e-4


def write(meshes: Sequence[SurfaceMesh], folder: Path, key: str, layout: Layout = "parts") -> Path:
    return write_meshes(meshes, MeshPlace(folder, "both"), key, layout)[0]


def volume(vertices: Array, triangles: Array) -> float:
    """Positive where triangles face outward in a right-handed frame."""
    a, b, c = (vertices[triangles[:, n]].astype(float) for n in range(3))
    return float(np.einsum("ij,ij->", a - vertices[0], np.cross(b - vertices[0], c - vertices[0])) / 6)


def open_edges(vertices: Array, triangles: Array) -> int:
    """Edges that have not exactly two triangles, after merging vertices at equal places."""
    _, numbers = np.unique(vertices, axis=0, return_inverse=True)
    corners = numbers.reshape(-1)[triangles]
    edges = np.sort(np.concatenate([corners[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1)
    return int((np.unique(edges, axis=0, return_counts=True)[1] != 2).sum())


def check(key: str, expected: Sequence[SurfaceMesh], vertices: Array, triangles: Array) -> None:
    """Each vertex is where it belongs, nothing is mirrored, inside out, lost or open."""
    per_mm = 0.001 if key == "glb" else 1.0
    places = np.concatenate([mesh.vertices_ras.astype(float) @ PLACES[key].T for mesh in expected])
    assert len(triangles) == sum(len(mesh.triangles) for mesh in expected)
    assert cKDTree(places).query(vertices)[0].max() < EXACT_MM * per_mm
    assert cKDTree(vertices).query(places)[0].max() < EXACT_MM * per_mm
    truth = sum(mesh.volume_ml for mesh in expected) * 1000 * per_mm**3
    assert volume(vertices, triangles) == pytest.approx(truth, rel=1e-4)
    assert open_edges(vertices, triangles) == 0


@pytest.mark.parametrize("key", ["stl-ascii", "3mf", "obj", "glb"])
def test_trimesh_finds_the_parts(meshes: list[SurfaceMesh], tmp_path: Path, key: str) -> None:
    import trimesh

    scene = trimesh.load_scene(write(meshes, tmp_path, key), process=False)
    assert len(scene.geometry) == 2
    for mesh in meshes:
        (found,) = (each for name, each in scene.geometry.items() if name.split(" ")[0] == mesh.name)
        check(key, [mesh], np.asarray(found.vertices), np.asarray(found.faces))
        found.merge_vertices(merge_tex=True, merge_norm=True)
        assert found.is_watertight
    assert scene.units == {"3mf": "millimeter", "glb": "meters"}.get(key)


@pytest.mark.parametrize("key", sorted(MESH_FORMATS.keys() - {"vtp"}))
def test_trimesh_finds_everything_in_the_merged_file(meshes: list[SurfaceMesh], tmp_path: Path, key: str) -> None:
    import trimesh

    found = trimesh.load_scene(write(meshes, tmp_path, key, "merged"), process=False).to_mesh()
    check(key, meshes, np.asarray(found.vertices), np.asarray(found.faces))


def test_trimesh_sees_the_colours(meshes: list[SurfaceMesh], tmp_path: Path) -> None:
    import trimesh

    obj = trimesh.load_scene(write(meshes, tmp_path, "obj"), process=False).geometry
    glb = trimesh.load_scene(write(meshes, tmp_path, "glb"), process=False).geometry
    for mesh in meshes:
        assert tuple(obj[mesh.name].visual.material.diffuse[:3]) == mesh.structure.rgb
        assert glb[mesh.name].visual.material.name == mesh.name
        # glTF states light, not screen values: 214 of 255 on the screen is 0.672 of the light.
        light = [((value / 255 + 0.055) / 1.055) ** 2.4 for value in mesh.structure.rgb]
        np.testing.assert_allclose(glb[mesh.name].visual.material.baseColorFactor[:3] / 255, light, atol=1 / 255)
    ply = trimesh.load_mesh(write(meshes, tmp_path, "ply", "merged"), process=False)
    assert isinstance(ply.visual, trimesh.visual.ColorVisuals)
    colours = np.asarray(ply.visual.vertex_colors)[:, :3]
    first = len(meshes[0].vertices_ras)
    assert (colours[:first] == meshes[0].structure.rgb).all()
    assert (colours[first:] == meshes[1].structure.rgb).all()


# meshio multiplies the number of triangles in four bytes before it looks whether the STL is text.
@pytest.mark.filterwarnings("ignore:overflow encountered in scalar multiply:RuntimeWarning")
@pytest.mark.parametrize("key", ["stl", "stl-ascii", "obj", "ply"])
def test_meshio_agrees(meshes: list[SurfaceMesh], tmp_path: Path, key: str) -> None:
    import meshio

    found = meshio.read(write(meshes, tmp_path, key, "merged"))
    check(key, meshes, found.points, np.concatenate([cells.data for cells in found.cells if cells.type == "triangle"]))


def test_lib3mf_finds_names_colours_millimetres_and_one_assembly(meshes: list[SurfaceMesh], tmp_path: Path) -> None:
    import lib3mf
    from lib3mf.Lib3MF import ModelUnit

    model = lib3mf.get_wrapper().CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    reader.ReadFromFile(str(write(meshes, tmp_path, "3mf")))
    assert reader.GetWarningCount() == 0
    assert model.GetUnit() == ModelUnit.MilliMeter
    items = model.GetBuildItems()
    assert items.Count() == 1 and items.MoveNext()
    whole = items.GetCurrent().GetObjectResource()
    assert whole.GetComponentCount() == 2
    for number, mesh in enumerate(meshes):
        part = whole.GetComponent(number).GetObjectResource()
        assert part.GetName() == mesh.name
        assert part.IsManifoldAndOriented()
        vertices = np.array([list(each.Coordinates) for each in part.GetVertices()])
        check("3mf", [mesh], vertices, np.array([list(each.Indices) for each in part.GetTriangleIndices()]))
        group, index, _ = part.GetObjectLevelProperty()
        colour = model.GetColorGroupByID(group).GetColor(index)
        assert (colour.Red, colour.Green, colour.Blue, colour.Alpha) == (*mesh.structure.rgb, 255)
    words = model.GetMetaDataGroup()
    stated = {words.GetMetaData(n).GetName(): words.GetMetaData(n).GetValue() for n in range(words.GetMetaDataCount())}
    assert stated["Title"] == "2 structures" and stated["Application"].startswith("tsdesktop ")
    assert "SPACE=LPS" in stated["Description"]


def test_lib3mf_finds_a_colour_for_each_triangle_of_a_merged_object(meshes: list[SurfaceMesh], tmp_path: Path) -> None:
    import lib3mf

    model = lib3mf.get_wrapper().CreateModel()
    model.QueryReader("3mf").ReadFromFile(str(write(meshes, tmp_path, "3mf", "merged")))
    objects = model.GetMeshObjects()
    assert objects.Count() == 1 and objects.MoveNext()
    rows = objects.GetCurrentMeshObject().GetAllTriangleProperties()
    for row, mesh in ((rows[0], meshes[0]), (rows[-1], meshes[1])):
        colour = model.GetColorGroupByID(row.ResourceID).GetColor(row.PropertyIDs[0])
        assert (colour.Red, colour.Green, colour.Blue) == mesh.structure.rgb
    assert len({row.ResourceID for row in rows}) == 2


def test_vtk_finds_structures_colours_and_the_frame_that_slicer_reads(
    meshes: list[SurfaceMesh], tmp_path: Path
) -> None:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(write(meshes, tmp_path, "vtp")))
    reader.Update()
    found = reader.GetOutput()
    triangles = vtk_to_numpy(found.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    vertices = vtk_to_numpy(found.GetPoints().GetData())
    check("vtp", meshes, vertices, triangles)
    numbers = vtk_to_numpy(found.GetCellData().GetArray("structure"))
    colours = vtk_to_numpy(found.GetCellData().GetScalars())
    names = found.GetFieldData().GetAbstractArray("structure_names")
    assert found.GetFieldData().GetAbstractArray("SPACE").GetValue(0) == "LPS"
    for number, mesh in enumerate(meshes):
        assert names.GetValue(number) == mesh.name
        assert (colours[numbers == number] == mesh.structure.rgb).all()
        assert volume(vertices, triangles[numbers == number]) == pytest.approx(mesh.volume_ml * 1000, rel=1e-4)


@pytest.mark.parametrize("key", sorted(MESH_FORMATS.keys() - {"vtp"}))
def test_assimp_counts_and_bounds(meshes: list[SurfaceMesh], tmp_path: Path, key: str) -> None:
    if not shutil.which("assimp"):
        pytest.skip("no assimp here (Debian's assimp-utils)")
    path = write(meshes, tmp_path, key, "parts" if MESH_FORMATS[key].parts else "merged")
    told = subprocess.run(["assimp", "info", str(path)], capture_output=True, check=True).stdout.decode()
    places = np.concatenate([mesh.vertices_ras.astype(float) @ PLACES[key].T for mesh in meshes])
    assert f"{sum(len(mesh.triangles) for mesh in meshes)}" in re.findall(r"Faces: +(\d+)", told)
    for words, expected in (("Minimum", places.min(axis=0)), ("Maximum", places.max(axis=0))):
        (point,) = re.findall(words + r" point +\(([^)]+)\)", told)
        np.testing.assert_allclose(np.array(point.split(), float), expected, atol=2e-6 if key == "glb" else 1e-3)
    if key in {"stl-ascii", "obj", "glb"}:
        assert all(f"({mesh.name})" in told for mesh in meshes)


def test_assimp_turns_no_glb_inside_out(meshes: list[SurfaceMesh], tmp_path: Path) -> None:
    if not shutil.which("assimp"):
        pytest.skip("no assimp here (Debian's assimp-utils)")
    turned = tmp_path / "turned.ply"
    command = ["assimp", "export", str(write(meshes, tmp_path, "glb")), str(turned)]
    subprocess.run(command, capture_output=True, check=True)
    import trimesh

    found = trimesh.load_mesh(turned, process=False)
    check("glb", meshes, np.asarray(found.vertices), np.asarray(found.faces))
