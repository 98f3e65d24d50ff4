"""The skin from the scan alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pytest import approx

from tests.gui.scene.conftest import SHAPE, geometry, patient
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.core.volume import Volume
from tsdesktop.gui.scene.skin import skin_surface


def volume_ml(volume: Volume) -> float:
    surface = skin_surface(volume)
    assert surface is not None
    return SurfaceMesh(
        surface.fine.vertices_ras, surface.fine.triangles, StructureClass(1, "skin", (1, 1, 1))
    ).volume_ml


def test_skin_is_around_the_body_and_air_inside_is_filled() -> None:
    hollow = patient().array.copy()
    hollow[20:30, 15:25, 5:35] = -1000
    true_ml = (SHAPE[0] - 8) * (SHAPE[1] - 8) * SHAPE[2] * 8 / 1000
    assert volume_ml(patient()) == approx(true_ml, rel=0.06)
    assert volume_ml(replace(patient(), array=hollow)) == approx(true_ml, rel=0.06)


def test_table_beside_the_body_is_left_out() -> None:
    with_table = patient().array.copy()
    with_table[:, -2:, :] = 100
    assert volume_ml(replace(patient(), array=with_table)) == approx(volume_ml(patient()), rel=0.02)


def test_mr_has_its_own_border_to_air() -> None:
    signal = np.where(patient().array > -500, 300.0, 3.0).astype(np.float32)
    assert volume_ml(Volume(signal, geometry(), "MR")) == approx(volume_ml(patient()), rel=0.06)


def test_scan_of_air_has_no_skin() -> None:
    assert skin_surface(Volume(np.full(SHAPE, -1000, np.int16), geometry(), "CT")) is None
