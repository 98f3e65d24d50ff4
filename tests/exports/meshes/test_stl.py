from __future__ import annotations

import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap
from tsdesktop.exports.meshes.writing import MeshPlace, write_mesh_file, write_meshes
from tsdesktop.surfaces.extract import extract_surfaces


def parsed(path: Path) -> tuple[bytes, NDArray[np.float32], NDArray[np.float32]]:
    """Header, normals (n, 3) and corners (n, 3, 3) of a binary STL file."""
    raw = path.read_bytes()
    (count,) = struct.unpack("<I", raw[80:84])
    assert len(raw) == 84 + 50 * count
    facets = np.array([struct.unpack("<12f", raw[84 + 50 * n : 132 + 50 * n]) for n in range(count)], np.float32)
    return raw[:80], facets[:, :3], facets[:, 3:].reshape(-1, 3, 3)


def defects(corners: NDArray[np.float32]) -> tuple[int, int]:
    """Edges with one triangle and with more than two, after merging corners at equal places."""
    _, numbers = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    triangles = numbers.reshape(-1, 3)
    edges = np.sort(np.concatenate([triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    return int((counts == 1).sum()), int((counts > 2).sum())


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


def test_all_structures_of_a_real_result_are_closed_as_written(data: Path, tmp_path: Path) -> None:
    image = nibabel.load(data / "ct_abdomen" / "total_fast.nii.gz")
    array = np.asarray(image.dataobj)
    label_map = LabelMap(array, Geometry(array.shape, image.affine), catalogue().task("total").classes, "total")
    meshes = list(extract_surfaces(label_map))
    paths = write_meshes(meshes, MeshPlace(tmp_path))
    assert len(paths) == 61
    for path, mesh in zip(paths, meshes, strict=True):
        _, _, corners = parsed(path)
        assert defects(corners) == (0, 0), path.name
        voxels = np.count_nonzero(array == mesh.structure.label)
        assert volume_mm3(corners) == pytest.approx(voxels * 27.0, rel=0.01 if voxels >= 500 else 0.03), path.name
    # The liver lies on the patient's right: negative x in LPS.
    assert parsed(tmp_path / "liver.stl")[2][..., 0].mean() < parsed(tmp_path / "spleen.stl")[2][..., 0].mean()
