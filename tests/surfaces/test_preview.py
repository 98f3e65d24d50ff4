from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nibabel.affines import from_matvec
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkIOImage import vtkPNGReader

from tsdesktop.core.errors import ExportError
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.surfaces.preview import BACKGROUND, render_preview, without_hidden
from tsdesktop.surfaces.rasterize import Scene, draw

SIZE = (400, 260)
CLASSES = (StructureClass(1, "on_the_right", (230, 30, 30)), StructureClass(2, "on_the_left", (30, 30, 230)))


def scan(affine: NDArray[np.float64], *, balls: bool = True) -> tuple[Volume, LabelMap]:
    """A ball on the patient's right, low, and a smaller one on the left, high and behind, in any grid."""
    geometry = Geometry((48, 44, 52), affine)
    index = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
    world = geometry.world_ras(index) - geometry.world_ras((23.5, 21.5, 25.5))
    labels = np.zeros(geometry.shape, np.uint8)
    if balls:
        labels[np.linalg.norm(world - (20.0, 0.0, -10.0), axis=-1) < 12.0] = 1
        labels[np.linalg.norm(world - (-20.0, -5.0, 15.0), axis=-1) < 9.0] = 2
    array = np.where(labels > 0, 60, -40).astype(np.int16)
    return Volume(array, geometry, "CT"), LabelMap(labels, geometry, CLASSES)


def read_png(path: Path) -> NDArray[np.uint8]:
    reader = vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    width, height, _ = reader.GetOutput().GetDimensions()
    return np.asarray(vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(height, width, 3)[::-1])


def places(picture: NDArray[np.uint8], channel: int) -> NDArray[np.float64]:
    """The middle (row, column) of the pixels in which one colour stands out."""
    others = np.delete(picture.astype(int), channel, axis=2)
    return np.asarray(np.argwhere(picture[..., channel] > others.max(axis=2) + 60).mean(axis=0))


GRIDS = {
    "RAS": np.diag([2.0, 2.0, 2.0, 1.0]),
    "LPS": np.diag([-2.0, -2.0, 2.0, 1.0]),
    "mirrored": np.diag([-2.0, 2.0, 2.0, 1.0]),
    "PIR": from_matvec(np.array([[0.0, 0, 2], [-2, 0, 0], [0, -2, 0]]), [9.0, 8.0, 7.0]),
    "oblique": from_matvec(Rotation.from_euler("xyz", [12, -9, 15], degrees=True).as_matrix() * 2.0, [0.0, 0, 900]),
}


@pytest.mark.parametrize("name", GRIDS)
def test_right_of_the_patient_is_on_the_left_of_both_halves(name: str, tmp_path: Path) -> None:
    path = tmp_path / "preview.png"
    render_preview(*scan(GRIDS[name]), path, SIZE)
    picture = read_png(path)
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    for half in (picture[:, :200], picture[:, 200:]):
        (right_row, right_column), (left_row, left_column) = places(half, 0), places(half, 2)
        assert right_column < 100 < left_column
        assert left_row < right_row  # the left ball lies higher


def test_both_halves_show_a_structure_at_the_same_height(tmp_path: Path) -> None:
    path = tmp_path / "preview.png"
    render_preview(*scan(GRIDS["oblique"]), path, SIZE)
    picture = read_png(path)
    np.testing.assert_allclose(places(picture[:, :200], 0), places(picture[:, 200:], 0), atol=3.0)


def test_letters_stand_at_the_sides_and_the_ground_is_dark(tmp_path: Path) -> None:
    path = tmp_path / "preview.png"
    render_preview(*scan(GRIDS["RAS"]), path, SIZE)
    picture = read_png(path)
    assert tuple(picture[2, 2]) == BACKGROUND
    for half in (picture[:, :200], picture[:, 200:]):
        bright = half[120:140].min(axis=2) > 150
        assert bright[:, :20].any()
        assert bright[:, -20:].any()
        # An R has more ink than an L.
        assert np.count_nonzero(bright[:, :20]) > np.count_nonzero(bright[:, -20:])


def test_scan_without_labels_still_gives_a_slice(tmp_path: Path) -> None:
    path = tmp_path / "preview.png"
    render_preview(*scan(GRIDS["LPS"], balls=False), path, SIZE)
    picture = read_png(path)
    assert (picture[30:60, 40:160] == BACKGROUND).all()
    # -40 HU in a window from -160 to 240.
    assert picture[60, 300].tolist() == pytest.approx([76, 76, 76], abs=2)


def test_labels_without_a_class_have_a_colour_of_their_own_in_both_halves(tmp_path: Path) -> None:
    volume, named = scan(GRIDS["LPS"])
    labels = named.array.astype(np.uint16) * 20_000
    own = tuple(structure_class(label, f"label_{label}") for label in (20_000, 40_000))
    for name, classes in (("none.png", ()), ("own.png", own)):
        render_preview(volume, LabelMap(labels, named.geometry, classes), tmp_path / name, SIZE)
    assert (tmp_path / "none.png").read_bytes() == (tmp_path / "own.png").read_bytes()


def test_picture_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        render_preview(*scan(GRIDS["oblique"]), tmp_path / name, SIZE)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_graphics_driver_is_touched(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np, pathlib\n"
        "from tsdesktop.core.geometry import Geometry\n"
        "from tsdesktop.core.volume import LabelMap, Volume\n"
        "from tsdesktop.surfaces.preview import render_preview\n"
        "g = Geometry((9, 9, 9), np.eye(4)); a = np.zeros(g.shape, np.uint8); a[3:6, 3:6, 3:6] = 1\n"
        "render_preview(Volume(a.astype(np.int16), g), LabelMap(a, g, ()), pathlib.Path(sys.argv[1]), (200, 100))\n"
        "print([name for name in sys.modules if 'OpenGL' in name or 'pyvista' in name])\n"
    )
    hidden = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    root = Path(__file__).resolve().parents[2]
    environment = {**hidden, "__EGL_VENDOR_LIBRARY_FILENAMES": "/none", "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", code, str(tmp_path / "p.png")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")
    assert read_png(tmp_path / "p.png").shape == (100, 200, 3)


def test_unwritable_place_and_existing_file_are_told(tmp_path: Path) -> None:
    volume, label_map = scan(GRIDS["RAS"])
    with pytest.raises(ExportError, match=r"preview\.png could not be written"):
        render_preview(volume, label_map, tmp_path / "no_folder" / "preview.png", SIZE)
    existing = tmp_path / "preview.png"
    existing.write_bytes(b"mine")
    with pytest.raises(ExportError, match="exists already"):
        render_preview(volume, label_map, existing, SIZE)
    assert existing.read_bytes() == b"mine"
    render_preview(volume, label_map, existing, SIZE, overwrite=True)
    assert read_png(existing).shape == (260, 400, 3)


def test_too_small_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least"):
        render_preview(*scan(GRIDS["RAS"]), tmp_path / "p.png", (20, 20))


def test_nearer_triangles_hide_farther_ones_and_insides_are_not_drawn() -> None:
    corners = np.array([[2, 2], [2, 38], [38, 2]], np.float32)
    vertices = np.concatenate([np.column_stack([corners, np.full(3, depth)]) for depth in (1.0, 9.0, 20.0)])
    triangles = np.array([[0, 1, 2], [3, 4, 5], [8, 7, 6]])
    normals = np.tile(np.array([0.0, 0.0, 1.0], np.float32), (9, 1))
    colours = np.eye(3, dtype=np.float32)
    picture = draw(Scene(vertices.astype(np.float32), normals, triangles, colours), 40, 40, np.zeros(3, np.float32))
    assert picture[8, 8].argmax() == 1
    covered = picture.max(axis=2) > 0
    rows, columns = np.mgrid[:40, :40] + 0.5
    np.testing.assert_array_equal(covered, (rows > 2) & (columns > 2) & (rows + columns < 40))
    # From behind there is nothing to see, and nothing outside the picture is drawn.
    away = Scene(vertices.astype(np.float32), normals, triangles[:, ::-1][:2], colours[:2])
    assert not draw(away, 40, 40, np.zeros(3, np.float32)).any()
    outside = Scene(vertices.astype(np.float32) + np.float32(100.0), normals, triangles, colours)
    assert not draw(outside, 40, 40, np.zeros(3, np.float32)).any()


def plate_and_balls(affine: NDArray[np.float64]) -> LabelMap:
    """A plate in front, a ball 3 mm behind it, and one 50 mm behind it."""
    geometry = Geometry((48, 48, 48), affine)
    index = np.stack(np.meshgrid(*map(np.arange, geometry.shape), indexing="ij"), axis=-1)
    world = geometry.world_ras(index) - geometry.world_ras((23.5, 23.5, 23.5))
    labels = np.zeros(geometry.shape, np.uint8)
    labels[np.linalg.norm(world - (0.0, -25.0, 0.0), axis=-1) < 8.0] = 3
    labels[np.linalg.norm(world - (0.0, 27.0, 0.0), axis=-1) < 4.0] = 2
    labels[(np.abs(world[..., 1] - 37.0) < 3.0) & (np.abs(world[..., [0, 2]]).max(axis=-1) < 30.0)] = 1
    return LabelMap(labels, geometry, CLASSES)


@pytest.mark.parametrize("grid", ["RAS", "LPS", "mirrored", "PIR"])
def test_only_what_is_well_behind_others_is_not_drawn(grid: str) -> None:
    whole = plate_and_balls(GRIDS[grid])
    seen = without_hidden(whole)
    assert set(seen.boxes) == {1, 2} and set(whole.boxes) == {1, 2, 3}
    for label in (1, 2):
        np.testing.assert_array_equal(seen.array == label, whole.array == label)


def test_what_stands_beside_or_lies_across_is_drawn() -> None:
    _, balls = scan(GRIDS["LPS"])
    np.testing.assert_array_equal(without_hidden(balls).array, balls.array)
    oblique = plate_and_balls(GRIDS["oblique"])
    assert without_hidden(oblique) is oblique


def test_what_is_hidden_does_not_change_the_picture(tmp_path: Path) -> None:
    whole = plate_and_balls(GRIDS["LPS"])
    front = LabelMap(np.where(whole.array == 3, 0, whole.array).astype(np.uint8), whole.geometry, CLASSES)
    volume = Volume(np.zeros(whole.geometry.shape, np.int16), whole.geometry, "CT")
    pictures: dict[str, NDArray[np.uint8]] = {}
    for name, labels in (("whole", whole), ("front", front)):
        render_preview(volume, labels, tmp_path / f"{name}.png", SIZE)
        pictures[name] = read_png(tmp_path / f"{name}.png")[:, : SIZE[0] // 2]
    np.testing.assert_array_equal(pictures["whole"], pictures["front"])
