"""Layouts, names, refusals and bytes that all formats share."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tsdesktop.core.errors import ExportError
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.exports.meshes.glb import linear, screen_colour
from tsdesktop.exports.meshes.reading import read_meshes
from tsdesktop.exports.meshes.writing import (
    MESH_FORMATS,
    Layout,
    MeshPlace,
    planned_mesh_files,
    write_mesh_file,
    write_meshes,
)


def tetrahedron(name: str, x: float = 0.0) -> SurfaceMesh:
    vertices = np.array([[0, 0, 0], [6, 0, 0], [0, 5, 0], [0, 0, 4]], np.float32) + np.array([x, 20, 300], np.float32)
    triangles = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
    return SurfaceMesh(vertices, triangles, StructureClass(1, name, (200, 120, 40)))


@contextmanager
def disk_for(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes, as if the disk were full."""
    resource = pytest.importorskip("resource", reason="Windows limits no file's size")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("key", MESH_FORMATS)
def test_written_twice_gives_the_same_bytes(meshes: list[SurfaceMesh], tmp_path: Path, key: str) -> None:
    layout: Layout = "parts" if MESH_FORMATS[key].parts else "merged"
    first = write_meshes(meshes, MeshPlace(tmp_path / "a"), key, layout)
    again = write_meshes([replace(mesh) for mesh in meshes], MeshPlace(tmp_path / "b"), key, layout)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


@pytest.mark.parametrize("key", MESH_FORMATS)
@pytest.mark.parametrize("layout", ["per-structure", "merged", "parts"])
def test_the_files_are_those_that_were_planned(tmp_path: Path, key: str, layout: Layout) -> None:
    names = ["liver", "a/b", "A:b", "con", "naïve plate", "liver"]
    meshes = [tetrahedron(name, 10.0 * n) for n, name in enumerate(names)]
    place = MeshPlace(tmp_path / "new", "all of it")
    if layout == "parts" and not MESH_FORMATS[key].parts:
        with pytest.raises(ExportError, match="holds one object only"):
            write_meshes(meshes, place, key, layout)
        assert not place.folder.exists()
        return
    planned = planned_mesh_files(names, place, key, layout)
    assert write_meshes(meshes, place, key, layout) == planned
    assert sorted(place.folder.iterdir()) == sorted(planned)
    stems = [path.stem for path in planned if path.suffix == MESH_FORMATS[key].ending]
    one_each = ["liver", "a_b", "A_b_2", "con_", "naïve plate", "liver_2"]
    assert stems == (one_each if layout == "per-structure" else ["all of it"])
    found = [mesh for path in planned if path.suffix != ".mtl" for mesh in read_meshes(path)]
    assert len(found) == (1 if layout == "merged" else 6)
    assert sum(len(mesh.triangles) for mesh in found) == 24


def test_materials_are_found_by_a_plain_name(tmp_path: Path) -> None:
    meshes = [tetrahedron(name) for name in ("liver", "naïve", "na_ve", "left lung")]
    paths = write_meshes(meshes, MeshPlace(tmp_path), "obj")
    for path, beside in zip(paths[:4], paths[4:], strict=True):
        lines = path.read_text("utf-8").splitlines()
        assert lines[0] == "# tsdesktop SPACE=LPS UNIT=mm"
        assert lines[1] == f"mtllib {beside.name}"
        assert beside.name.isascii() and " " not in beside.name
    assert len({path.name for path in paths}) == 8
    assert paths[4].name == "liver.mtl"


@pytest.mark.parametrize("key", MESH_FORMATS)
def test_nothing_is_overwritten_unasked(tmp_path: Path, key: str) -> None:
    meshes = [tetrahedron("spleen"), tetrahedron("liver")]
    taken = planned_mesh_files(["spleen", "liver"], MeshPlace(tmp_path), key)[-1]
    taken.write_text("mine")
    with pytest.raises(ExportError, match=rf"{taken.name} exists already"):
        write_meshes(meshes, MeshPlace(tmp_path), key)
    assert [path.name for path in tmp_path.iterdir()] == [taken.name]
    assert taken.read_text() == "mine"
    write_meshes(meshes, MeshPlace(tmp_path), key, overwrite=True)
    assert len(read_meshes(tmp_path / f"liver{MESH_FORMATS[key].ending}")[0].triangles) == 4


@pytest.mark.parametrize("key", MESH_FORMATS)
def test_a_full_disk_is_one_sentence_and_no_file(meshes: list[SurfaceMesh], tmp_path: Path, key: str) -> None:
    name = f"both{MESH_FORMATS[key].ending}"
    with disk_for(1000), pytest.raises(ExportError, match=rf"^{name} could not be written: File too large\.$"):
        write_meshes(meshes, MeshPlace(tmp_path, "both"), key, "merged")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="nothing to write"):
        write_meshes([], MeshPlace(tmp_path))
    with pytest.raises(ExportError, match="stp is not a value of the mesh format"):
        write_meshes([tetrahedron("liver")], MeshPlace(tmp_path), "stp")
    empty = SurfaceMesh(np.zeros((3, 3), np.float32), np.zeros((0, 3), np.int32), StructureClass(1, "dust", (0, 0, 0)))
    with pytest.raises(ExportError, match="dust has no surface"):
        write_mesh_file([tetrahedron("liver"), empty], tmp_path / "both.glb", "glb")
    with pytest.raises(ExportError, match="holds one object only"):
        write_mesh_file([tetrahedron("liver"), tetrahedron("spleen")], tmp_path / "both.stl", "stl")
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="file could not be written"):
        write_meshes([tetrahedron("liver")], MeshPlace(tmp_path / "file"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_text_formats_stay_whole_with_names_of_several_lines(tmp_path: Path) -> None:
    for key in ("stl-ascii", "obj", "ply", "vtp"):
        (path, *_) = write_meshes([tetrahedron("a\nf 1 2 3\nend_header <&>")], MeshPlace(tmp_path, key), key, "merged")
        assert len(read_meshes(path)[0].triangles) == 4


def test_glb_is_laid_out_as_gltf_says(meshes: Sequence[SurfaceMesh], tmp_path: Path) -> None:
    (path,) = write_meshes(meshes, MeshPlace(tmp_path), "glb", "parts")
    raw = path.read_bytes()
    size = int.from_bytes(raw[12:16], "little")
    document = json.loads(raw[20 : 20 + size])
    assert raw[:8] == b"glTF\2\0\0\0" and len(raw) % 4 == 0 and size % 4 == 0
    assert document["asset"]["extras"] == {
        "frame": "RAS", "axes": "x left, y superior, z anterior", "unit": "m", "millimetres": "1000 per metre",
    }  # fmt: skip
    assert document["buffers"][0]["byteLength"] == len(raw) - 28 - size
    primitive = document["meshes"][0]["primitives"][0]
    view = document["bufferViews"][document["accessors"][primitive["attributes"]["NORMAL"]]["bufferView"]]
    start = 28 + size + view["byteOffset"]
    normals = np.frombuffer(raw[start : start + view["byteLength"]], "<f4").reshape(-1, 3)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    # A box's corners look away from its middle.
    vertices = meshes[0].vertices_ras - meshes[0].bounds_mm.mean(axis=0)
    assert (np.einsum("ij,ij->i", normals, vertices @ np.array([[-1, 0, 0], [0, 0, 1], [0, 1, 0]]).T) > 0).mean() > 0.99


def test_colours_of_gltf_come_back() -> None:
    assert all(screen_colour(linear((value, 255 - value, 7))) == (value, 255 - value, 7) for value in range(256))
    assert linear((0, 128, 255)) == [0.0, pytest.approx(0.2159, abs=1e-4), 1.0]


def test_a_package_over_4_gb_keeps_the_headers_for_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsdesktop.exports.meshes.package._TOO_LARGE", 1000)
    (path,) = write_meshes([tetrahedron("liver")], MeshPlace(tmp_path), "3mf")
    with zipfile.ZipFile(path) as package:
        assert package.getinfo("3D/3dmodel.model").extract_version == 45
    assert len(read_meshes(path)[0].triangles) == 4


def test_3mf_is_a_plain_zip_without_a_time(tmp_path: Path) -> None:
    (path,) = write_meshes([tetrahedron("liver")], MeshPlace(tmp_path), "3mf")
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        assert package.namelist()[0] == "[Content_Types].xml"
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert all(entry.extract_version == 20 and not entry.extra for entry in package.infolist())
