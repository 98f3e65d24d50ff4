from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.exports.meshes.reading import read_meshes
from tsdesktop.exports.meshes.stl import joined
from tsdesktop.exports.meshes.writing import MeshPlace, write_mesh_file, write_meshes


def parsed(path: Path) -> tuple[bytes, NDArray[np.float32], NDArray[np.float32]]:
    """Header, normals (n, 3) and corners (n, 3, 3) of a binary STL file."""
    raw = path.read_bytes()
    (count,) = struct.unpack("<I", raw[80:84])
    assert len(raw) == 84 + 50 * count
    facets = np.array([struct.unpack("<12f", raw[84 + 50 * n : 132 + 50 * n]) for n in range(count)], np.float32)
    return raw[:80], facets[:, :3], facets[:, 3:].reshape(-1, 3, 3)


def volume_mm3(corners: NDArray[np.float32]) -> float:
    a, b, c = (corners[:, n].astype(float) for n in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def tetrahedron(structure: StructureClass, x: float = 0.0) -> SurfaceMesh:
    vertices = np.array([[0, 0, 0], [6, 0, 0], [0, 5, 0], [0, 0, 4]], np.float32) + np.array([x, 20, 300], np.float32)
    return SurfaceMesh(vertices, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32), structure)


def test_lps_is_the_default_and_stands_in_the_header(tmp_path: Path) -> None:
    mesh = tetrahedron(structure_class(5, "liver"))
    write_mesh_file([mesh], tmp_path / "liver.stl", "stl")
    header, normals, corners = parsed(tmp_path / "liver.stl")
    assert b"SPACE=LPS" in header
    assert not header.lower().startswith(b"solid")
    np.testing.assert_array_equal(corners, (mesh.vertices_ras * [-1, -1, 1])[mesh.triangles].astype(np.float32))
    assert volume_mm3(corners) == pytest.approx(20.0)
    outward = np.einsum("ij,ij->i", normals, corners.mean(axis=1) - corners.reshape(-1, 3).mean(axis=0))
    assert (outward > 0).all()
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, rtol=1e-6)


def test_ras_on_request(tmp_path: Path) -> None:
    mesh = tetrahedron(structure_class(5, "liver"))
    write_mesh_file([mesh], tmp_path / "liver.stl", "stl", "RAS")
    header, _, corners = parsed(tmp_path / "liver.stl")
    assert b"SPACE=RAS" in header
    np.testing.assert_array_equal(corners, mesh.vertices_ras[mesh.triangles])
    assert volume_mm3(corners) == pytest.approx(20.0)


def test_merged_file_holds_all_structures(tmp_path: Path) -> None:
    meshes = [tetrahedron(structure_class(1, "spleen")), tetrahedron(structure_class(5, "liver"), 30.0)]
    write_mesh_file(meshes, tmp_path / "all.stl", "stl", merged=True)
    header, _, corners = parsed(tmp_path / "all.stl")
    assert b"2 structures" in header
    assert len(corners) == 8
    assert volume_mm3(corners) == pytest.approx(40.0)


def test_names_are_safe_everywhere_and_none_is_lost(tmp_path: Path) -> None:
    names = ["a/b", "A:b", "con", "liver.", "..", "spleen", "naïve"]
    meshes = [tetrahedron(StructureClass(n + 1, name, (0, 0, 0))) for n, name in enumerate(names)]
    paths = write_meshes(meshes, MeshPlace(tmp_path / "new"))
    assert [path.name for path in paths] == [
        "a_b.stl", "A_b_2.stl", "con_.stl", "liver.stl", "structure.stl", "spleen.stl", "naïve.stl",
    ]  # fmt: skip
    assert all(path.stat().st_size == 84 + 4 * 50 for path in paths)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="nothing to write"):
        write_mesh_file([], tmp_path / "all.stl", "stl")
    mesh = tetrahedron(structure_class(5, "liver"))
    (tmp_path / "liver.stl").write_text("mine")
    with pytest.raises(ExportError, match=r"liver\.stl exists already"):
        write_meshes([tetrahedron(structure_class(1, "spleen")), mesh], MeshPlace(tmp_path))
    assert not (tmp_path / "spleen.stl").exists()
    write_mesh_file([mesh], tmp_path / "liver.stl", "stl", overwrite=True)
    assert len(parsed(tmp_path / "liver.stl")[2]) == 4


def test_text_holds_a_solid_for_each_structure_and_exact_numbers(tmp_path: Path) -> None:
    mesh = tetrahedron(structure_class(5, "liver"), 1 / 3)
    write_mesh_file([mesh, tetrahedron(structure_class(1, "spleen"), 30.0)], tmp_path / "all.stl", "stl-ascii")
    lines = (tmp_path / "all.stl").read_text("ascii").splitlines()
    assert [line for line in lines if "solid" in line] == [
        "solid liver SPACE=LPS UNIT=mm", "endsolid liver", "solid spleen SPACE=LPS UNIT=mm", "endsolid spleen",
    ]  # fmt: skip
    places = np.array([line.split()[1:] for line in lines if line.strip().startswith("vertex")], np.float32)
    expected = (mesh.vertices_ras * [-1, -1, 1])[mesh.triangles].astype(np.float32)
    np.testing.assert_array_equal(places[:12].reshape(-1, 3, 3), expected)
    # The face of the corner at the front, seen from outside: RAS (0, -1, 0) is LPS (0, 1, 0).
    assert lines[1].split() == ["facet", "normal", "0", "0", "-1"]
    assert lines[8].split() == ["facet", "normal", "0", "1", "0"]


def test_text_of_other_programs(tmp_path: Path) -> None:
    words = "  facet normal 0 0 1\r\n outer loop\r\n  vertex 1e0 2 3\r\n  vertex 4 2 3\r\n  vertex 1 6 3\r\n"
    text = f"solid\r\n{words} endloop\r\n endfacet\r\nendsolid\r\n"
    (tmp_path / "bone.stl").write_bytes(text.encode())
    (found,) = read_meshes(tmp_path / "bone.stl")
    assert found.name == "bone"
    assert sorted(found.vertices[found.triangles[0]].tolist()) == [[-4, -2, 3], [-1, -6, 3], [-1, -2, 3]]


def test_places_are_joined_exactly_and_no_others() -> None:
    random = np.random.default_rng(0)
    places = random.integers(-3, 4, (3000, 3)).astype(np.float32) / 3
    corners = np.asarray(places[random.integers(0, 3000, (5000, 3))], np.float32)
    found = joined("a", corners, "SPACE=RAS")
    np.testing.assert_array_equal(found.vertices[found.triangles], corners)
    assert len(np.unique(found.vertices, axis=0)) == len(found.vertices)
