"""Labels: volumes against the font's own areas, readable from the right side, never through the wall."""

from __future__ import annotations

import numpy as np
import pytest
from fontTools.pens.areaPen import AreaPen
from fontTools.ttLib import TTFont
from manifold3d import Manifold

from tests.surfaces.solids.bodies import Told, ball, box, mesh_of, pieces, size_of
from tsdesktop.core.assets import asset
from tsdesktop.core.errors import OptionsError
from tsdesktop.core.printing import Face, Label, Plate
from tsdesktop.surfaces.check import check_mesh
from tsdesktop.surfaces.solids.engraving import add_label, labelled
from tsdesktop.surfaces.solids.letters import text_outline
from tsdesktop.surfaces.solids.plate import plate_of, plated

FACES: tuple[Face, ...] = ("front", "back", "left", "right", "top", "bottom")
FAR = (150.0, -80.0, -1400.0)


def area_mm2(text: str, height_mm: float) -> float:
    """The area of the letters by the font's own curves, exactly (Green's theorem in fontTools)."""
    with TTFont(asset("fonts/Inter-SemiBold.otf")) as font:
        glyphs, names, total = font.getGlyphSet(), font.getBestCmap(), 0.0
        for letter in text:
            pen = AreaPen(glyphs)
            glyphs[names[ord(letter)]].draw(pen)
            total += abs(pen.value)
        return float(total * (height_mm / font["OS/2"].sCapHeight) ** 2)


@pytest.mark.parametrize("text", ["LEBER", "OB8%", "Wirbelsäule", "ÄÖÜß", "Hip 12.5 mm", "Ω≤µ"])
def test_outlines_have_the_area_of_the_fonts_glyphs(text: str) -> None:
    assert text_outline(text, 7.0).area() == pytest.approx(area_mm2(text, 7.0), rel=3e-3)


def test_height_is_that_of_capitals() -> None:
    _, low, _, high = text_outline("HHH", 5.0).bounds()
    assert (low, high) == pytest.approx((-2.5, 2.5))


def test_a_letter_of_two_characters_is_one() -> None:
    assert text_outline("a\u0308", 5.0).area() == text_outline("ä", 5.0).area()


def test_lines_stand_below_one_another() -> None:
    _, low, _, high = text_outline("H\nH", 10.0).bounds()
    assert high - low == pytest.approx(26.0)


def test_characters_the_font_does_not_have_are_named() -> None:
    with pytest.raises(OptionsError) as caught:
        text_outline("Leber 肝臓 A肝\U0001fac0", 5.0)
    assert caught.value.arguments["letters"] == "肝, 臓, \U0001fac0"


def test_a_text_without_ink_is_refused() -> None:
    with pytest.raises(OptionsError, match="no letters"):
        text_outline(" \u00a0 ", 5.0)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("raised", [False, True])
def test_a_flat_face_loses_or_gains_area_times_depth(face: Face, raised: bool) -> None:
    block = mesh_of(box((60, 60, 60), FAR))
    told = Told()
    (made,) = add_label((block,), Label("Bauch Ä8", 7.0, 0.6, raised, face), told.context)
    change = (made.volume_ml - block.volume_ml) * 1000.0
    assert change == pytest.approx((1 if raised else -1) * area_mm2("BauchÄ8", 7.0) * 0.6, rel=0.01)
    assert check_mesh(made).is_sound and pieces(made) == 1
    axis = {"left": 0, "right": 0, "front": 1, "back": 1, "top": 2, "bottom": 2}[face]
    size = np.full(3, 60.0)
    size[axis] += 0.6 * raised
    assert size_of(made) == pytest.approx(size, abs=1e-3)
    assert told.ids == []


@pytest.mark.parametrize(
    ("face", "read_along", "upward"),
    [
        # Who looks at the patient's front has the patient's left (-x) at the right hand.
        ("front", [-1, 0, 0], [0, 0, 1]),
        ("back", [1, 0, 0], [0, 0, 1]),
        ("left", [0, -1, 0], [0, 0, 1]),
        ("right", [0, 1, 0], [0, 0, 1]),
    ],
)
def test_text_is_upright_and_not_mirrored(face: Face, read_along: list[int], upward: list[int]) -> None:
    solid = box((60, 60, 60))
    cut = solid - labelled(solid, Label("L", 20.0, 1.0, False, face)).solid
    mesh = cut.to_mesh()
    places, a, b = np.asarray(mesh.vert_properties, float), np.array(read_along, float), np.array(upward, float)
    # An L has its stem at the left and its foot below: the centre of mass lies left of and below the box around it.
    weight = _centre(places, mesh.tri_verts)
    middle = (places.min(axis=0) + places.max(axis=0)) / 2.0
    assert (weight - middle) @ a < -1.0
    assert (weight - middle) @ b < -1.0


def _centre(places: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (places[triangles[:, n]] for n in range(3))
    parts = np.einsum("ij,ij->i", a, np.cross(b, c))
    return np.asarray(((a + b + c) * parts[:, None]).sum(axis=0) / 4.0 / parts.sum())


def test_on_a_curved_face_the_depth_is_the_same_everywhere() -> None:
    round_ = ball(30)
    made = labelled(round_, Label("Leber", 8.0, 0.8, False, "front")).solid
    # Along y every letter is 0.8 mm deep, so the volume is that of a flat face.
    assert round_.volume() - made.volume() == pytest.approx(area_mm2("Leber", 8.0) * 0.8, rel=0.01)


def test_an_engraving_leaves_half_of_a_thin_wall() -> None:
    shell = box((60, 60, 60)) - box((58, 58, 58))
    made = labelled(shell, Label("THIN", 8.0, 3.0, False, "front"))
    assert made.depth_mm == pytest.approx(0.5, abs=1e-3)
    assert [each.id for each in made.notes(Label("THIN", 8.0, 3.0, False, "front"))] == ["note.label_shallower"]
    assert len(made.solid.decompose()) == 2
    assert shell.volume() - made.solid.volume() == pytest.approx(area_mm2("THIN", 8.0) * 0.5, rel=0.01)


def test_a_raised_text_on_a_thin_wall_is_part_of_it() -> None:
    shell = box((60, 60, 60)) - box((59, 59, 59))
    made = labelled(shell, Label("THIN", 8.0, 2.0, True, "front")).solid
    assert len(made.decompose()) == 2
    assert made.volume() - shell.volume() == pytest.approx(area_mm2("THIN", 8.0) * 2.0, rel=0.01)


def test_a_long_text_becomes_smaller_and_says_so() -> None:
    told = Told()
    (made,) = add_label((mesh_of(box((40, 40, 20))),), Label("Lendenwirbel", 7.0, 0.6, False, "top"), told.context)
    assert told.ids == ["note.label_smaller"]
    assert 2.5 <= float(told.notes[0].arguments["height_mm"]) < 7.0
    assert check_mesh(made).is_sound


def test_no_room_is_one_sentence() -> None:
    with pytest.raises(OptionsError, match="no room for the label Lendenwirbel on the top side"):
        labelled(box((6, 6, 20)), Label("Lendenwirbel", 7.0, 0.6, False, "top"))


def test_without_a_plate_a_label_on_the_plate_is_refused() -> None:
    with pytest.raises(OptionsError, match="no plate"):
        labelled(ball(20), Label("Leber", 6.0, 0.6, False, "plate"))


def _on_plate(label: Label, step: Plate) -> tuple[Manifold, Manifold]:
    solid = plated([ball(20)], step).solid
    return solid, labelled(solid, label).solid


@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
@pytest.mark.parametrize("raised", [False, True])
def test_the_plate_grows_to_hold_its_label(shape: str, raised: bool) -> None:
    step = Plate(3.0, 4.0, shape)  # type: ignore[arg-type]
    label = Label("Leber", 6.0, 0.8, raised, "plate")
    before, after = _on_plate(label, step)
    grown = plate_of(after)
    assert grown is not None and grown.outline.bounds()[3] > before.bounding_box()[4] + 3.0
    plate_gain = (grown.outline.area() - plate_of(before).outline.area()) * 3.0  # type: ignore[union-attr]
    letters = area_mm2("Leber", 6.0) * 0.8 * (1 if raised else -1)
    assert after.volume() - before.volume() == pytest.approx(plate_gain + letters, rel=0.01)
    assert len(after.decompose()) == 1


def test_a_plate_with_room_stays_as_it_is() -> None:
    before, after = _on_plate(Label("Leber", 6.0, 0.8, False, "plate"), Plate(3.0, 20.0))
    assert after.bounding_box() == pytest.approx(before.bounding_box())
    assert before.volume() - after.volume() == pytest.approx(area_mm2("Leber", 6.0) * 0.8, rel=0.01)


def test_text_on_a_plate_lies_before_the_model_and_reads_from_the_front() -> None:
    before, after = _on_plate(Label("L", 6.0, 0.8, False, "plate"), Plate(3.0, 20.0))
    x0, y0, _, x1, _, z1 = (before - after).bounding_box()
    assert y0 > 20.0 and z1 == pytest.approx(3.0)
    cut = (before - after).to_mesh()
    weight = _centre(np.asarray(cut.vert_properties, float), cut.tri_verts)
    # The stem of the L lies at the left of who stands before it: at the patient's right, +x.
    assert weight[0] > (x0 + x1) / 2.0 + 0.3


def test_a_second_label_stands_before_the_first() -> None:
    before, once = _on_plate(Label("Leber", 6.0, 0.8, False, "plate"), Plate(3.0, 4.0))
    twice = labelled(once, Label("links", 6.0, 0.8, False, "plate")).solid
    plate = plate_of(twice)
    assert plate is not None
    engraved = (Manifold.extrude(plate.outline, 3.0) - twice).trim_by_plane((0, 0, 1), 1.5).volume()
    # Where letters met, the sum would be less than that of both.
    assert engraved == pytest.approx((area_mm2("Leber", 6.0) + area_mm2("links", 6.0)) * 0.8, rel=0.01)
    assert len(twice.decompose()) == len(before.decompose()) == 1


def test_an_engraving_leaves_half_of_the_plate() -> None:
    solid = plated([ball(20)], Plate(1.0, 20.0)).solid
    made = labelled(solid, Label("Leber", 6.0, 5.0, False, "plate"))
    assert made.depth_mm == pytest.approx(0.5, abs=1e-6)


def test_a_name_in_the_text_is_that_of_each_part() -> None:
    parts = (mesh_of(box((40, 40, 40)), "liver"), mesh_of(box((40, 40, 40), (60.0, 0.0, 0.0)), "spleen"))
    one, other = add_label(parts, Label("{name}", 6.0, 0.5, False, "top"), Told().context)
    changes = [(before.volume_ml - after.volume_ml) * 1000.0 for before, after in zip(parts, (one, other), strict=True)]
    assert changes == pytest.approx([area_mm2("liver", 6.0) * 0.5, area_mm2("spleen", 6.0) * 0.5], rel=0.01)


def test_a_plain_text_goes_on_the_largest_part() -> None:
    parts = (mesh_of(box((20, 40, 40))), mesh_of(box((40, 40, 40), (60.0, 0.0, 0.0)), "spleen"))
    made = add_label(parts, Label("AB", 6.0, 0.5, False, "top"), Told().context)
    assert made[0] is parts[0] and made[1].volume_ml < parts[1].volume_ml
