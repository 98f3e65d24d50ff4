"""What was written comes back in millimetres and RAS; what is broken is told in one sentence."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tsdesktop.core.errors import ReadError
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.exports.meshes.parts import MeshFrame, WrittenMesh
from tsdesktop.exports.meshes.reading import read_meshes
from tsdesktop.exports.meshes.writing import MESH_FORMATS, MeshPlace, write_meshes

# Half a unit in the last place of single precision at 300 mm, and what is lost by way of metres or decimals.
EXACT = {"stl": 0.0, "stl-ascii": 0.0, "obj": 1e-6, "ply": 0.0, "vtp": 0.0, "glb": 2e-5, "3mf": 4e-5}


def corners(mesh: SurfaceMesh | WrittenMesh) -> NDArray[np.float64]:
    vertices = mesh.vertices_ras if isinstance(mesh, SurfaceMesh) else mesh.vertices
    return vertices[mesh.triangles].astype(float)


@pytest.mark.parametrize("frame", ["LPS", "RAS", "bed"])
@pytest.mark.parametrize("key", MESH_FORMATS)
def test_parts_come_back_as_they_were(meshes: list[SurfaceMesh], tmp_path: Path, key: str, frame: MeshFrame) -> None:
    known = MESH_FORMATS[key]
    paths = write_meshes(meshes, MeshPlace(tmp_path), key, "parts" if known.parts else "per-structure", frame)
    found = [mesh for path in paths if path.suffix != ".mtl" for mesh in read_meshes(path)]
    assert [mesh.name for mesh in found] == ["liver", "spleen"]
    for mesh, truth in zip(found, meshes, strict=True):
        assert mesh.rgb == (truth.structure.rgb if known.colours else None)
        assert len(mesh.vertices) == len(truth.vertices_ras)
        np.testing.assert_allclose(corners(mesh), corners(truth), rtol=0, atol=EXACT[key])


@pytest.mark.parametrize("key", MESH_FORMATS)
def test_a_merged_file_is_one_object(meshes: list[SurfaceMesh], tmp_path: Path, key: str) -> None:
    (found,) = read_meshes(write_meshes(meshes, MeshPlace(tmp_path, "whole"), key, "merged")[0])
    assert found.name == ("2 structures" if key == "stl" else "whole")
    assert found.rgb is None
    expected = np.concatenate([corners(mesh) for mesh in meshes])
    np.testing.assert_allclose(corners(found), expected, rtol=0, atol=EXACT[key])


@pytest.mark.parametrize("key", MESH_FORMATS)
def test_names_of_all_kinds_come_back_where_the_format_can(tmp_path: Path, key: str) -> None:
    vertices = np.array([[0, 0, 0], [6, 0, 0], [0, 5, 0], [0, 0, 4]], np.float32)
    triangles = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
    mesh = SurfaceMesh(vertices, triangles, StructureClass(1, 'Rippe "links" <&> ü', (1, 2, 3)))
    (found,) = read_meshes(write_meshes([mesh], MeshPlace(tmp_path), key)[0])
    plain = dict.fromkeys(("stl", "stl-ascii", "ply"), 'Rippe "links" <&> ?')
    assert found.name == {**plain, "obj": "Rippe__links___&__ü"}.get(key, mesh.name)


def damaged(raw: bytes) -> dict[str, bytes]:
    return {"empty": b"", "cut": raw[: len(raw) * 2 // 3], "short": raw[:40], "noise": bytes(range(256)) * 8}


@pytest.mark.parametrize("kind", ["empty", "cut", "short", "noise"])
@pytest.mark.parametrize("key", MESH_FORMATS)
def test_a_damaged_file_is_one_sentence(meshes: list[SurfaceMesh], tmp_path: Path, key: str, kind: str) -> None:
    path = write_meshes(meshes, MeshPlace(tmp_path), key, "merged")[0]
    path.write_bytes(damaged(path.read_bytes())[kind])
    with pytest.raises(ReadError) as caught:
        read_meshes(path)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path.name} could not be read as a mesh: ") and "\n" not in sentence


@pytest.mark.parametrize("key", ["ply", "glb", "vtp", "stl", "3mf"])
def test_bytes_that_flipped_are_never_a_crash(meshes: list[SurfaceMesh], tmp_path: Path, key: str) -> None:
    path = write_meshes(meshes[1:], MeshPlace(tmp_path), key)[0]
    raw = np.frombuffer(path.read_bytes(), np.uint8)
    random = np.random.default_rng(6)
    for _ in range(40):
        bad = raw.copy()
        bad[random.integers(0, min(len(bad), 1500), 4)] = random.integers(0, 256, 4)
        path.write_bytes(bad.tobytes())
        try:
            read_meshes(path)
        except ReadError:
            continue


def test_what_is_no_mesh_is_refused(tmp_path: Path) -> None:
    for name, words in (("scan.nii", r"only \.stl, .* can be read"), ("nothing.stl", "No such file")):
        with pytest.raises(ReadError, match=words):
            read_meshes(tmp_path / name)
    (tmp_path / "square.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n")
    with pytest.raises(ReadError, match="something else than triangles"):
        read_meshes(tmp_path / "square.obj")
    (tmp_path / "far.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 9\n")
    with pytest.raises(ReadError, match="names a vertex that is not there"):
        read_meshes(tmp_path / "far.obj")


def test_a_glb_that_is_json_but_no_gltf(tmp_path: Path) -> None:
    for text in (
        b'{"asset":[1]}   ',
        b'{"scenes":[{}]} ',
        b"[1, 2]  ",
        b'{"scenes":[{"nodes":[0]}],"nodes":[{"children":[0]}]}   ',
    ):
        sizes = np.array([2, 20 + len(text)], "<u4").tobytes()
        raw = b"glTF" + sizes + np.array(len(text), "<u4").tobytes() + b"JSON" + text
        (tmp_path / "odd.glb").write_bytes(raw)
        with pytest.raises(ReadError, match="could not be read as a mesh"):
            read_meshes(tmp_path / "odd.glb")


def test_lps_is_assumed_where_no_frame_is_stated(tmp_path: Path) -> None:
    (tmp_path / "bone.obj").write_text("v 1 2 3\nv 4 2 3\nv 1 6 3\nf 1 2 3\n")
    (found,) = read_meshes(tmp_path / "bone.obj")
    assert found.name == "bone" and found.rgb is None
    np.testing.assert_array_equal(found.vertices, [[-1, -2, 3], [-4, -2, 3], [-1, -6, 3]])


def test_a_3mf_of_another_program_with_inches_and_a_moved_item(meshes: list[SurfaceMesh], tmp_path: Path) -> None:
    ours = write_meshes(meshes[:1], MeshPlace(tmp_path / "ours"), "3mf", "parts", "RAS")[0]
    with zipfile.ZipFile(ours) as source, zipfile.ZipFile(tmp_path / "other.3mf", "w") as target:
        for name in source.namelist():
            text = source.read(name).decode()
            text = text.replace('unit="millimeter"', 'unit="inch"')
            # A quarter turn about z, then 10 along x.
            text = text.replace('<item objectid="1"', '<item objectid="1" transform="0 1 0 -1 0 0 0 0 1 10 0 0"')
            target.writestr(name, text)
    (found,) = read_meshes(tmp_path / "other.3mf")
    x, y, z = meshes[0].vertices_ras.astype(float).T
    np.testing.assert_allclose(found.vertices, np.column_stack([10 - y, x, z]) * 25.4, atol=2e-3)


def test_a_glb_with_nested_and_moved_nodes(meshes: list[SurfaceMesh], tmp_path: Path) -> None:
    import trimesh

    scene = trimesh.Scene()
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, :3] @= Rotation.from_rotvec([0.1, 0.2, 0.3]).as_matrix()
    matrix[:3, 3] = 5, 6, 7
    mesh = trimesh.Trimesh(meshes[0].vertices_ras, meshes[0].triangles, process=False)
    scene.add_geometry(mesh, node_name="liver", transform=matrix)
    (tmp_path / "other.glb").write_bytes(scene.export(file_type="glb"))  # type: ignore[no-untyped-call]
    (found,) = read_meshes(tmp_path / "other.glb")
    placed = (meshes[0].vertices_ras @ matrix[:3, :3].T + matrix[:3, 3]) * 1000
    np.testing.assert_allclose(found.vertices, placed[:, [0, 2, 1]] * [-1, 1, 1], rtol=1e-4)
