"""Scale, fit to the bed, flat side down: sizes and places that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.surfaces.solids.bodies import Told, ball, box, mesh_of, prism, size_of
from tsdesktop.core.errors import Cancelled, OptionsError
from tsdesktop.core.printing import FitToBed, LayFlat, PrintRecipe, Scale
from tsdesktop.core.surface import SurfaceMesh
from tsdesktop.surfaces.solids.placing import best_side, fit_to_bed, fitted, lay_flat, on_bed, scale

FAR = (150.0, -80.0, -1400.0)


def turned(mesh: SurfaceMesh, seed: int) -> SurfaceMesh:
    matrix = Rotation.random(rng=seed).as_matrix()
    return mesh.with_vertices((mesh.vertices_ras @ matrix.T).astype(np.float32))


def test_scaled_parts_keep_their_distances_and_stand_at_zero() -> None:
    parts = (mesh_of(box((10, 20, 30), FAR)), mesh_of(box((10, 10, 10), (170.0, -80.0, -1410.0))))
    one, other = scale(parts, Scale(50.0), Told().context)
    assert size_of(one) == pytest.approx([5, 10, 15], abs=1e-4)
    assert one.volume_ml == pytest.approx(0.75, rel=1e-5)
    assert other.bounds_mm.mean(axis=0) - one.bounds_mm.mean(axis=0) == pytest.approx([10, 0, -5], abs=1e-4)
    both = np.concatenate([one.bounds_mm, other.bounds_mm])
    assert both[:, 2].min() == 0.0
    assert (both.min(axis=0) + both.max(axis=0))[:2] == pytest.approx([0, 0], abs=1e-5)


def test_what_fits_is_not_made_larger() -> None:
    told = Told(PrintRecipe(custom_bed_mm=(200.0, 200.0, 200.0)))
    (part,) = fit_to_bed((mesh_of(box((50, 60, 70), FAR)),), FitToBed(), told.context)
    assert size_of(part) == pytest.approx([50, 60, 70], abs=1e-4)
    assert told.ids == ["note.fits_the_bed"]


def test_what_is_too_large_shrinks_to_the_bed_less_its_margin() -> None:
    told = Told(PrintRecipe(custom_bed_mm=(104.0, 204.0, 300.0)))
    (part,) = fit_to_bed((mesh_of(box((200, 200, 100), FAR)),), FitToBed(), told.context)
    assert size_of(part) == pytest.approx([100, 100, 50], abs=1e-4)
    assert part.bounds_mm[0] == pytest.approx([-50, -50, 0], abs=1e-4)
    assert told.notes[0].arguments["percent"] == 50.0


def test_height_limits_as_well() -> None:
    placed, percent = fitted([mesh_of(box((10, 10, 400)))], (200.0, 200.0, 100.0))
    assert percent == pytest.approx(25.0)
    assert placed[0].bounds_mm[1, 2] == pytest.approx(100.0, abs=1e-4)


def test_a_long_part_is_turned_by_a_quarter_rather_than_shrunk() -> None:
    placed, percent = fitted([mesh_of(box((150, 50, 10)))], (100.0, 200.0, 100.0))
    assert percent == 100.0
    assert size_of(placed[0]) == pytest.approx([50, 150, 10], abs=1e-4)
    assert placed[0].volume_ml == pytest.approx(75.0, rel=1e-5)


def test_a_bed_of_the_list_is_found_by_its_id() -> None:
    told = Told(PrintRecipe(bed="no-such-printer"))
    with pytest.raises(OptionsError):
        fit_to_bed((mesh_of(ball(5)),), FitToBed(), told.context)


def test_without_a_bed_nothing_can_be_fitted() -> None:
    with pytest.raises(OptionsError, match="how large the bed is"):
        fit_to_bed((mesh_of(ball(5)),), FitToBed(), Told().context)


@pytest.mark.parametrize("seed", range(6))
def test_a_half_ball_lies_on_its_cut(seed: int) -> None:
    half = turned(mesh_of(ball(20).trim_by_plane((0, 0, 1), 0.0).translate(FAR)), seed)
    (flat,) = lay_flat((half,), LayFlat(), Told().context)
    assert flat.bounds_mm[0, 2] == 0.0
    assert size_of(flat)[2] == pytest.approx(20.0, abs=0.05)
    on_the_bed = flat.vertices_ras[flat.vertices_ras[:, 2] < 1e-3]
    assert np.ptp(on_the_bed, axis=0)[:2] == pytest.approx([40, 40], abs=0.1)
    assert flat.volume_ml == pytest.approx(half.volume_ml, rel=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_a_box_lies_on_its_largest_side_along_the_bed(seed: int) -> None:
    (flat,) = lay_flat((turned(mesh_of(box((10, 30, 50), FAR)), seed),), LayFlat(), Told().context)
    assert size_of(flat) == pytest.approx([50, 30, 10], abs=1e-3)


def test_a_large_side_that_it_would_fall_from_is_not_chosen() -> None:
    # A leaning prism: its largest sides are the slanted ones, and its centre of mass lies beside two of them.
    leaning = mesh_of(prism([(0, 0), (20, 0), (80, 60), (60, 60)], 30.0))
    side = best_side(leaning)
    assert side.tipping_degrees > 5.0
    (flat,) = lay_flat((leaning,), LayFlat(), Told().context)
    assert flat.bounds_mm[0, 2] == 0.0


def test_a_ball_and_an_egg_have_no_flat_side_and_lie_as_low_as_they_can() -> None:
    egg = mesh_of(ball(20).scale((1.0, 1.6, 0.6)).translate(FAR))
    (flat,) = lay_flat((turned(egg, 3),), LayFlat(), Told().context)
    assert size_of(flat)[2] == pytest.approx(24.0, abs=0.2)


def test_several_parts_lie_beside_each_other_without_touching() -> None:
    parts = tuple(mesh_of(box((30, 20 + n, 10), (0, 0, n)), f"part_{n}") for n in range(7))
    told = Told(PrintRecipe(custom_bed_mm=(100.0, 100.0, 50.0)))
    placed = lay_flat(parts, LayFlat(), told.context)
    assert [part.name for part in placed] == [part.name for part in parts]
    boxes = [part.bounds_mm for part in placed]
    assert all(each[0, 2] == 0.0 for each in boxes)
    for n, one in enumerate(boxes):
        for other in boxes[:n]:
            apart = np.maximum(one[0] - other[1], other[0] - one[1])[:2].max()
            assert apart >= 5.0 - 1e-3
    assert max(each[1, 0] for each in boxes) - min(each[0, 0] for each in boxes) <= 96.0 + 1e-3


def test_a_step_that_is_not_wanted_any_more_ends() -> None:
    with pytest.raises(Cancelled):
        lay_flat((mesh_of(ball(5)),), LayFlat(), Told(wanted=False).context)


def test_parts_far_from_the_origin_lose_no_precision_on_the_bed() -> None:
    (part,) = on_bed([mesh_of(ball(10, FAR))])
    assert part.bounds_mm[0, 2] == 0.0
    assert part.volume_ml == pytest.approx(ball(10).volume() / 1000.0, rel=1e-4)
