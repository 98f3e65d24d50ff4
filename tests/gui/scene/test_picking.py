"""The structure that is picked is the one whose voxels lie on the ray nearest to the viewer."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gui.scene.conftest import BACK_BOX, BLUE, FRONT_BOX, GREEN, LEFT_BOX, RED, boxes_map, middle_of
from tsdesktop.gui.scene.camera import FRONT, Camera
from tsdesktop.gui.scene.content import Clip
from tsdesktop.gui.scene.picking import pick
from tsdesktop.gui.session import Look

LOOKS = {FRONT_BOX: Look(RED), BACK_BOX: Look(GREEN), LEFT_BOX: Look(BLUE)}
BOUNDS = np.array([[-60.0, -60.0, -300.0], [60.0, 40.0, -210.0]])


def looking(letter: str) -> Camera:
    return FRONT.looking_from(letter).fitted(BOUNDS, 4, 3)


def picked(camera: Camera, target: int, looks: dict[int, Look] | None = None, clip: Clip | None = None) -> int | None:
    """What is picked where the middle of a box stands on the screen."""
    x, y, _ = camera.on_screen(middle_of(target)[None], 400, 300)[0]
    hit = pick(boxes_map(), LOOKS if looks is None else looks, camera.ray(x, y, 400, 300), clip)
    return None if hit is None else hit.label


@pytest.mark.parametrize(("letter", "label"), [("A", FRONT_BOX), ("P", BACK_BOX), ("R", BACK_BOX), ("L", LEFT_BOX)])
def test_nearest_structure_is_picked_from_every_side(letter: str, label: int) -> None:
    target = BACK_BOX if letter in "AR" else FRONT_BOX if letter == "P" else LEFT_BOX
    assert picked(looking(letter), target) == label


def test_place_of_a_hit_lies_on_the_surface() -> None:
    camera = looking("A")
    x, y, _ = camera.on_screen(middle_of(FRONT_BOX)[None], 400, 300)[0]
    hit = pick(boxes_map(), LOOKS, camera.ray(x, y, 400, 300))
    assert hit is not None
    assert abs(hit.place_ras[1] - (40.0 - 2 * 5.5)) <= 1.0


def test_hidden_structures_are_looked_through() -> None:
    assert picked(looking("A"), BACK_BOX, {**LOOKS, FRONT_BOX: Look(RED, visible=False)}) == BACK_BOX
    assert picked(looking("A"), BACK_BOX, {}) is None


def test_faint_structure_is_picked_only_where_nothing_firm_is_behind_it() -> None:
    looks = {**LOOKS, FRONT_BOX: Look(RED, opacity=0.2)}
    assert picked(looking("A"), BACK_BOX, looks) == BACK_BOX
    assert picked(looking("A"), FRONT_BOX, {FRONT_BOX: looks[FRONT_BOX]}) == FRONT_BOX
    assert picked(looking("A"), BACK_BOX, {**LOOKS, FRONT_BOX: Look(RED, opacity=0.6)}) == FRONT_BOX


def test_what_is_clipped_away_is_not_picked() -> None:
    between = Clip(np.array([0.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    assert picked(looking("A"), BACK_BOX, clip=between) == BACK_BOX
    assert picked(looking("A"), LEFT_BOX, clip=Clip(np.array([0.0, 0.0, -400.0]), np.array([0.0, 0.0, 1.0]))) is None


def test_beside_the_grid_nothing_is_picked() -> None:
    camera = looking("A")
    assert pick(boxes_map(), LOOKS, camera.ray(1, 1, 400, 300)) is None
    away = FRONT.looking_from("P").fitted(BOUNDS + 5000.0, 1, 1)
    assert pick(boxes_map(), LOOKS, away.ray(200, 150, 400, 300)) is None
