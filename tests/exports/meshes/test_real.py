"""Every structure of a real result, written and read back in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap
from tsdesktop.exports.meshes.reading import read_meshes
from tsdesktop.exports.meshes.writing import MESH_FORMATS, Layout, MeshPlace, write_meshes
from tsdesktop.surfaces.extract import extract_surfaces


def open_edges(vertices: NDArray[Any], triangles: NDArray[Any]) -> int:
    """Edges that have not exactly two triangles, after merging vertices at equal places."""
    # One number for each place: sorting these is much faster than sorting the places.
    _, numbers = np.unique(vertices @ np.array([1.0, np.e * 1e3, np.pi * 1e6]), return_inverse=True)
    corners = numbers[triangles]
    edges = np.sort(np.concatenate([corners[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1)
    keys = edges[:, 0].astype(np.int64) * len(vertices) + edges[:, 1]
    return int((np.unique(keys, return_counts=True)[1] != 2).sum())


def volume_mm3(vertices: NDArray[np.float64], triangles: NDArray[np.int32]) -> float:
    a, b, c = (vertices[triangles[:, n]] - vertices[0] for n in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_all_structures_come_back_closed_from_every_format(data: Path, tmp_path: Path) -> None:
    image = nibabel.load(data / "ct_abdomen" / "total_fast.nii.gz")
    array = np.asarray(image.dataobj)
    label_map = LabelMap(array, Geometry(array.shape, image.affine), catalogue().task("total").classes, "total")
    meshes = list(extract_surfaces(label_map))
    voxels = np.bincount(array.ravel().astype(int))
    for key in MESH_FORMATS.keys() - {"stl-ascii"}:
        layout: Layout = "parts" if MESH_FORMATS[key].parts else "per-structure"
        paths = write_meshes(meshes, MeshPlace(tmp_path / key), key, layout)
        found = [mesh for path in paths if path.suffix != ".mtl" for mesh in read_meshes(path)]
        assert [mesh.name for mesh in found] == [mesh.name for mesh in meshes], key
        assert len(found) == 61
        for mesh, truth in zip(found, meshes, strict=True):
            assert open_edges(mesh.vertices, mesh.triangles) == 0, (key, mesh.name)
            count = voxels[truth.structure.label]
            expected = pytest.approx(count * 27.0, rel=0.01 if count >= 500 else 0.03)
            assert volume_mm3(mesh.vertices, mesh.triangles) == expected, (key, mesh.name)
        places = {mesh.name: mesh.vertices.mean(axis=0) for mesh in found}
        assert places["liver"][0] > places["spleen"][0], "the liver lies on the patient's right"
