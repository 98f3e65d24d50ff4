"""Pictures of tasks: the right way round, in the structures' colours, the rest as a ghost."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from installer import pictures
from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import structure_class
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap, Volume


@pytest.fixture(scope="module")
def someone() -> pictures.Person:
    """A box of a person: liver at the right (R) and up, spleen at the left and down, both behind the middle."""
    truth, skin = np.zeros((60, 40, 80), np.uint8), np.zeros((60, 40, 80), np.uint8)
    skin[4:56, 4:36, 2:78] = 1
    truth[40:52, 8:16, 50:70], truth[8:20, 8:16, 10:30] = 1, 2
    geometry = Geometry(truth.shape, np.diag([2.0, 2.0, 2.0, 1.0]))
    classes = (structure_class(1, "liver"), structure_class(2, "spleen"))
    return pictures.Person(
        Volume(np.zeros(truth.shape, np.int16), geometry, "CT"),
        LabelMap(truth, geometry, classes, "total"),
        LabelMap(skin, geometry, (structure_class(1, "skin"),), "skin"),
    )


def centre(picture: NDArray[np.uint8], like: tuple[int, int, int]) -> tuple[float, float]:
    """Where in a picture, as shares of its width and height, pixels have a colour's hue."""
    rgb = picture[..., :3].astype(float)
    direction = np.asarray(like, float) / np.linalg.norm(like)
    cosine = (rgb @ direction) / np.maximum(np.linalg.norm(rgb, axis=2), 1)
    rows, columns = np.nonzero((cosine > 0.995) & (picture[..., 3] > 200))
    return float(columns.mean() / picture.shape[1]), float(rows.mean() / picture.shape[0])


def test_the_patient_s_right_is_left_and_behind_is_right_in_the_view_from_the_left(someone: pictures.Person) -> None:
    drawn = pictures.picture(someone.truth, someone)
    half = drawn.shape[1] // 2
    front, side = drawn[:, :half], drawn[:, half:]
    liver, spleen = (each.rgb for each in someone.truth.classes)
    assert centre(front, liver)[0] < 0.45 < 0.55 < centre(front, spleen)[0]
    assert centre(front, liver)[1] < 0.45 < 0.55 < centre(front, spleen)[1]
    assert centre(side, spleen)[0] > 0.55


def test_the_rest_of_the_person_is_a_ghost(someone: pictures.Person) -> None:
    drawn = pictures.picture(someone.truth.only(["liver"]), someone)
    opacity = drawn[..., 3]
    assert (opacity > 250).any(), "what is pictured is solid"
    assert ((opacity > 20) & (opacity < 120)).mean() > 0.1, "the rest is not"
    assert opacity[0, 0] == 0, "around it is nothing, so that it stands on any background"


def test_a_picture_survives_being_written() -> None:
    rgba = np.zeros((20, 30, 4), np.uint8)
    rgba[:, 10:20] = (200, 40, 40, 255)
    rgba[:, 20:] = (150, 156, 166, 60)
    data = pictures.png(rgba)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks = {}
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        chunks[data[at + 4 : at + 8]] = data[at + 8 : at + 8 + length]
        at += length + 12
    indices = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(20, 31)[:, 1:]
    colours = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)[indices].astype(int)
    alpha = np.frombuffer(chunks[b"tRNS"], np.uint8)[indices].astype(int)
    assert np.abs(colours[:, 12] - (200, 40, 40)).max() <= 3 and alpha[0, 12] == 255
    assert np.abs(alpha[:, 25] - 60).max() <= 2 and alpha[0, 0] == 0


def test_only_tasks_the_phantom_can_picture(someone: pictures.Person) -> None:
    tasks = catalogue().tasks
    named = {each.name for each in tasks.values() if pictures.is_pictured(each)}
    assert {"total", "demo", "bone", "lungs", "vertebrae_pp"} <= named
    assert not named & {"teeth", "liver_segments", "heartchambers_highres", "brain_structures"}
    folder = Path(pictures.FOLDER)
    assert {each.stem for each in folder.iterdir()} == named, "run: .venv/bin/python installer/pictures.py"


def test_cut_open_keeps_the_back(someone: pictures.Person) -> None:
    cut = pictures.cut_open(replace(someone.skin))
    assert cut.array[:, :20].any() and not cut.array[:, 20:].any()
