"""Where the viewer stands: standard views as the field has them, turning, moving, zooming."""

from __future__ import annotations

import numpy as np
import pytest
from pytest import approx

from tsdesktop.gui.scene.camera import FRONT, Camera

SIDES = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}
BOX = np.array([[-100.0, -60.0, 20.0], [140.0, 60.0, 400.0]])


def side_at(camera: Camera, right: float, up: float) -> str:
    """The side of the body at an edge of the screen."""
    way = right * camera.turn[0] + up * camera.turn[1]
    return max(SIDES, key=lambda side: float(np.dot(SIDES[side], way)))


@pytest.mark.parametrize(
    ("letter", "left", "top"),
    [("A", "R", "S"), ("P", "L", "S"), ("L", "A", "S"), ("R", "P", "S"), ("S", "L", "A"), ("I", "R", "A")],
)
def test_standard_views_are_those_of_a_radiologist(letter: str, left: str, top: str) -> None:
    camera = FRONT.looking_from(letter)
    assert side_at(camera, -1, 0) == left
    assert side_at(camera, 0, 1) == top
    assert max(SIDES, key=lambda side: float(np.dot(SIDES[side], camera.turn[2]))) == letter
    assert np.linalg.det(camera.turn) == approx(1.0)


@pytest.mark.parametrize("letter", "APLRSI")
@pytest.mark.parametrize(("width", "height", "foot"), [(700, 500, 0), (300, 900, 0), (700, 500, 40)])
def test_fitted_box_is_in_the_picture_above_its_foot_and_fills_it(
    letter: str, width: int, height: int, foot: int
) -> None:
    camera = FRONT.looking_from(letter).fitted(BOX, width, height, foot)
    corners = np.array(np.meshgrid(*BOX.T, indexing="ij")).reshape(3, -1).T
    x, y, _ = camera.on_screen(corners, width, height).T
    assert x.min() > 0
    assert x.max() < width
    assert y.min() > 0
    assert y.max() < height - foot
    assert max((x.max() - x.min()) / width, (y.max() - y.min()) / height) > 0.6


def test_ray_goes_through_what_stands_at_its_pixel() -> None:
    camera = FRONT.looking_from("L").fitted(BOX, 14, 10).orbited(40, 25).panned(30, -12, 500).zoomed(1.7)
    place = np.array([33.0, -20.0, 150.0])
    x, y, _ = camera.on_screen(place[None], 700, 500)[0]
    eye, direction = camera.ray(x, y, 700, 500)
    off = (place - eye) - ((place - eye) @ direction) * direction
    assert np.linalg.norm(off) == approx(0.0, abs=1e-6)
    row, column = int(y), int(x)
    at_pixel = camera.rays(700, 500)[row, column]
    assert at_pixel @ direction / np.linalg.norm(at_pixel) > np.cos(2.0 / 500)


def test_drag_to_the_right_brings_the_patients_right_side_to_the_viewer() -> None:
    # From the front the patient's right is on the left; the hand that drags takes the near side with it.
    camera = FRONT.orbited(100, 0)
    assert camera.turn[2] @ np.array([1.0, 0, 0]) > 0.3
    assert camera.turn[1] == approx(np.array([0.0, 0.0, 1.0]))


def test_tipping_ends_above_the_head_and_never_turns_the_patient_over() -> None:
    camera = FRONT
    for _ in range(60):
        camera = camera.orbited(3, 20)
        assert camera.turn[1, 2] >= -1e-9
        assert camera.turn @ camera.turn.T == approx(np.eye(3), abs=1e-9)
    assert camera.turn[2] == approx(np.array([0.0, 0.0, 1.0]))
    assert camera.orbited(0, -100).turn[2, 2] < 0.9


def test_pan_takes_what_is_at_the_focus_along() -> None:
    camera = FRONT.fitted(BOX, 14, 10)
    moved = camera.panned(60, 35, 500)
    x, y, _ = moved.on_screen(camera.focus_ras[None], 700, 500)[0]
    assert (x, y) == approx((350 + 60, 250 + 35))


def test_zoom_enlarges_and_stops_somewhere() -> None:
    camera = FRONT.fitted(BOX, 14, 10)
    place = camera.focus_ras + camera.turn[0] * 10
    before = camera.on_screen(place[None], 700, 500)[0, 0] - 350
    after = camera.zoomed(2.0).on_screen(place[None], 700, 500)[0, 0] - 350
    assert after == approx(2 * before)
    for _ in range(200):
        camera = camera.zoomed(1.5)
    assert 0 < camera.height_mm < 10
