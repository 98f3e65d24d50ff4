"""The face that a clip plane cuts, known areas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest import approx

from tests.gui.scene.conftest import BACK_BOX, BLUE, FRONT_BOX, GREEN, LEFT_BOX, RED, boxes_map, middle_of
from tsdesktop.gui.scene.content import Body, Clip, Picture
from tsdesktop.gui.scene.cut import cut_face
from tsdesktop.surfaces.display import display_surfaces

COLOURS = {FRONT_BOX: RED, BACK_BOX: GREEN, LEFT_BOX: BLUE}
AXIAL = Clip(middle_of(BACK_BOX), np.array([0.0, 0.0, 1.0]))


def bodies(**opacity: float) -> list[Body]:
    made = display_surfaces(boxes_map())
    return [Body(each, COLOURS[each.label], opacity.get(f"box_{each.label}", 1.0)) for each in made]


def area_mm2(face: Picture, rgb: tuple[int, int, int]) -> float:
    rows, columns = face.rgba.shape[:2]
    across, down = (np.linalg.norm(face.corners_ras[n] - face.corners_ras[0]) for n in (1, 3))
    hue = int(np.argmax(rgb))
    seen = (face.rgba[:, :, 3] == 255) & (np.argmax(face.rgba[:, :, :3], axis=2) == hue)
    return float(np.count_nonzero(seen) * across / columns * down / rows)


def normalised(*direction: float) -> NDArray[np.float64]:
    return np.asarray(np.array(direction) / np.linalg.norm(direction))


@pytest.mark.parametrize("coarse", [False, True])
def test_each_structure_is_filled_with_its_colour_and_area(coarse: bool) -> None:
    face = cut_face(bodies(), AXIAL, coarse=coarse)
    assert face is not None
    tolerance = 0.2 if coarse else 0.08
    assert area_mm2(face, RED) == approx(40 * 16, rel=tolerance)
    assert area_mm2(face, GREEN) == approx(24 * 20, rel=tolerance)
    assert area_mm2(face, BLUE) == approx(28 * 40, rel=tolerance)


def test_face_lies_in_the_plane() -> None:
    clip = Clip(middle_of(FRONT_BOX), normalised(0.3, 0.5, -0.8))
    face = cut_face(bodies(), clip, coarse=False)
    assert face is not None
    assert (face.corners_ras - clip.point_ras) @ clip.normal == approx(np.full(4, -0.2), abs=1e-6)
    # Three corners span what the fourth closes, so that a texture is not sheared.
    assert face.corners_ras[1] + face.corners_ras[3] == approx(face.corners_ras[0] + face.corners_ras[2])


def test_translucent_bodies_stay_open() -> None:
    face = cut_face(bodies(box_1=0.5), AXIAL, coarse=False)
    assert face is not None
    assert area_mm2(face, RED) == 0.0
    assert area_mm2(face, BLUE) > 0.0


def test_plane_beside_everything_cuts_nothing() -> None:
    assert cut_face(bodies(), Clip(np.array([0.0, 0.0, 500.0]), np.array([0.0, 0.0, 1.0])), coarse=False) is None
    assert cut_face([], AXIAL, coarse=False) is None
