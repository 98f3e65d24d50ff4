"""Screen colours: of the tissue they stand for, a pair alike, and neighbours told apart."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from make_sample import SEED
from numpy.typing import NDArray
from phantom import CLASSES, make_phantom

from installer import colours
from tsdesktop.core.assets import load_json
from tsdesktop.core.structures import Rgb
from tsdesktop.core.tasks import catalogue

# CIEDE2000 differences. From 2.3 on one is noticed; on slices, where fill is 45 %, less than half of it is left.
LEAST, LEAST_OF_ANOTHER_TISSUE, LEAST_OF_A_PAIR = 8.0, 12.0, 5.0
PUBLISHED = "6b3838395d7d35e85b9632f2205aeaf871387cb7284009e07356dcb323a90240"
Range = tuple[float, float]

NEIGHBOURS = Path(__file__).with_name("neighbours.txt")
# Ivory is the colour of both, pale cyan of the others; organs are each of their own.
ALIKE = {"tooth": "bone", "air cell": "airway"}


@cache
def _entries() -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = load_json("structures.json")["structures"]
    return entries


def rgb(name: str) -> Rgb:
    red, green, blue = _entries()[name]["rgb"]
    return red, green, blue


def lab(colour: Rgb) -> tuple[float, float, float]:
    """An sRGB colour (IEC 61966-2-1) in CIELAB with the white D65."""
    values = np.array(colour) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    part = xyz @ linear / np.array([0.95047, 1.0, 1.08883])
    x, y, z = np.where(part > (6 / 29) ** 3, np.cbrt(part), part / (3 * (6 / 29) ** 2) + 4 / 29)
    return float(116 * y - 16), float(500 * (x - y)), float(200 * (y - z))


def lightness_chroma_hue(name: str) -> tuple[float, float, float]:
    lightness, a, b = lab(rgb(name))
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


def difference(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """CIEDE2000 after Sharma, Wu and Dalal, Color Research and Application 30 (2005) 21-30."""
    mean_chroma = (math.hypot(*one[1:]) + math.hypot(*other[1:])) / 2
    stretch = 1.5 - 0.5 * math.sqrt(mean_chroma**7 / (mean_chroma**7 + 25**7))
    chromas = [math.hypot(each[1] * stretch, each[2]) for each in (one, other)]
    hues = [math.degrees(math.atan2(each[2], each[1] * stretch)) % 360 for each in (one, other)]
    turn = (hues[1] - hues[0] + 180) % 360 - 180 if all(chromas) else 0.0
    lightness, chroma = (one[0] + other[0]) / 2, sum(chromas) / 2
    hue = (hues[0] + turn / 2) % 360 if all(chromas) else sum(hues)
    t = 1 + sum(
        factor * math.cos(math.radians(times * hue + shift))
        for factor, times, shift in ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    )
    in_lightness = (other[0] - one[0]) / (1 + 0.015 * (lightness - 50) ** 2 / math.sqrt(20 + (lightness - 50) ** 2))
    in_chroma = (chromas[1] - chromas[0]) / (1 + 0.045 * chroma)
    in_hue = 2 * math.sqrt(chromas[0] * chromas[1]) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    bend = math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2)))
    mixed = -2 * math.sqrt(chroma**7 / (chroma**7 + 25**7)) * math.sin(bend)
    return math.sqrt(in_lightness**2 + in_chroma**2 + in_hue**2 + mixed * in_chroma * in_hue)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ],
)
def test_difference_is_that_of_the_published_examples(
    one: tuple[float, float, float], other: tuple[float, float, float], expected: float
) -> None:
    assert difference(one, other) == pytest.approx(expected, abs=1e-4)


def listed() -> Iterator[tuple[str, str]]:
    """The neighbours written down, and those in a row: vertebrae, ribs and teeth."""
    for line in NEIGHBOURS.read_text(encoding="utf-8").splitlines()[1:]:
        first, rest = line.split(":")
        for second in rest.split():
            if not first.endswith("_x") and not second.endswith("_x"):
                yield first, second
            else:
                yield from ((re.sub("_x$", side, first), re.sub("_x$", side, second)) for side in ("_left", "_right"))
    spine = [f"vertebrae_{part}{n}" for part, count in (("C", 7), ("T", 12), ("L", 5)) for n in range(1, count + 1)]
    yield from itertools.pairwise([*spine, "vertebrae_S1"])
    for side, n in itertools.product(("left", "right"), range(1, 13)):
        yield f"rib_{side}_{n}", f"vertebrae_T{n}"
        if n > 1:
            yield f"rib_{side}_{n}", f"rib_{side}_{n - 1}"
            yield f"rib_{side}_{n}", f"vertebrae_T{n - 1}"
    for n in range(6, 11):
        yield from ((f"rib_{side}_{n}", "costal_cartilages") for side in ("left", "right"))
    yield from _teeth()


def _teeth() -> Iterator[tuple[str, str]]:
    teeth = {int(name[-2:]): name for name in _entries() if re.search(r"_fdi[1-4][1-8]$", name)}
    for number, name in teeth.items():
        jaw = "upper_jawbone" if number < 30 else "lower_jawbone"
        yield name, jaw
        yield name, next(each for each in _entries() if each.endswith(f"_pulp_fdi1{number}"))
        if number % 10 > 1:
            yield name, teeth[number - 1]
        if number < 30:
            yield name, teeth[number + (30 if number < 20 else 10)]
    yield teeth[11], teeth[21]
    yield teeth[31], teeth[41]


def least(one: str, other: str) -> float:
    """How far two neighbours must be apart."""
    if one != other and sides_removed(one) == sides_removed(other):
        return LEAST_OF_A_PAIR
    alike = [ALIKE.get(colours.family(each), colours.family(each)) for each in (one, other)]
    return LEAST if alike[0] == alike[1] != "organ" else LEAST_OF_ANOTHER_TISSUE


def sides_removed(name: str) -> str:
    return re.sub(r"(^|_)(left|right)(?=_|$)|\d+$", "", name) if not name.startswith("vertebra") else name


def clashes(pairs: Iterable[tuple[str, str]]) -> list[str]:
    out = []
    for one, other in sorted({(min(pair), max(pair)) for pair in pairs}):
        apart = difference(lab(rgb(one)), lab(rgb(other)))
        if apart < least(one, other):
            out.append(f"{one} and {other}: {apart:.1f}, at least {least(one, other):g}")
    return out


def touching(labels: NDArray[np.integer]) -> Iterator[tuple[int, int]]:
    """Labels with a voxel beside, or one voxel away from, a voxel of the other along an axis."""
    count = int(labels.max()) + 1
    for axis, reach in itertools.product(range(3), (1, 2)):
        along = np.moveaxis(labels.astype(np.int64), axis, 0)
        one, other = along[:-reach], along[reach:]
        met = (one != other) & (one > 0) & (other > 0)
        yield from (divmod(int(each), count) for each in np.unique(one[met] * count + other[met]))


def test_listed_neighbours_are_told_apart() -> None:
    pairs = list(listed())
    assert {name for pair in pairs for name in pair} <= set(_entries())
    assert not clashes(pairs)


def test_what_touches_in_the_phantom_is_told_apart() -> None:
    made = make_phantom(SEED, spacing_mm=(4.0, 4.0, 4.0), noise=False)
    assert not clashes((CLASSES[one - 1], CLASSES[other - 1]) for one, other in touching(made.labels))


@pytest.mark.parametrize("name", ["ct_abdomen/total_fast", "ct_slab/total", "ct_slab/total_fast", "dicom_ct/total"])
def test_what_touches_in_a_real_result_is_told_apart(data: Path, name: str) -> None:
    names = {each.label: each.name for each in catalogue().tasks["total"].classes}
    image = nib.load(data / f"{name}.nii.gz")
    assert isinstance(image, nib.Nifti1Image)
    labels = np.asarray(image.dataobj).astype(np.int64)
    pairs = [(names[one], names[other]) for one, other in touching(labels)]
    assert pairs
    assert not clashes(pairs)


def test_table_holds_what_the_script_writes() -> None:
    text = colours.TABLE.read_text(encoding="utf-8")
    assert colours.written(text) == text


def test_published_colours_are_untouched() -> None:
    published = {name: entry["dicom_rgb"] for name, entry in _entries().items() if "dicom_rgb" in entry}
    assert hashlib.sha256(json.dumps(published, sort_keys=True).encode()).hexdigest() == PUBLISHED


def test_every_structure_of_every_task_has_a_tissue() -> None:
    names = {each.name for task in catalogue().tasks.values() for each in task.classes} | set(_entries())
    assert sorted(names - set(_entries())) == []
    assert [name for name in sorted(names) if not colours.family(name)] == []


def outside(pattern: str, lightness: Range, chroma: Range, hue: Range, but: str = "^$") -> list[str]:
    """Structures named like this whose colours are outside the ranges; hues from below 0 on count round the circle."""
    out = []
    chosen = [name for name in _entries() if re.search(pattern, name) and not re.search(but, name)]
    assert chosen
    for name in chosen:
        l_, c, h = lightness_chroma_hue(name)
        h -= 360 if hue[0] < 0 and h > 180 else 0
        if not (lightness[0] <= l_ <= lightness[1] and chroma[0] <= c <= chroma[1] and hue[0] <= h <= hue[1]):
            out.append(f"{name} {l_:.0f} {c:.0f} {h:.0f}")
    return out


def test_arteries_are_red_and_veins_blue() -> None:
    arteries = "arter(y|ies)|aorta|brachiocephalic_trunk|celiac_trunk"
    assert not outside(arteries, (30, 66), (40, 70), (5, 45))
    assert not outside("vein|vena|venous|liver_vessels", (40, 72), (30, 50), (255, 300), but="arter")
    for name in _entries():
        red, green, blue = rgb(name)
        if re.search(arteries, name):
            assert red > 1.25 * max(green, blue), name
        elif re.search("vein|vena|venous", name):
            assert blue > green > red or (name.startswith(("pulmonary", "portal")) and blue > 1.25 * red), name


def test_bones_are_light_and_pale() -> None:
    bones = (
        "^(rib_|vertebrae|hip_(left|right)|femur|humerus|scapula|clavicula|sternum|sacrum|skull|mandible|patella|tibia)"
        "|^(fibula|tarsal|metatarsal|phalanges|ulna|radius|carpal|metacarpal|bone$|hyoid)|jawbone|zygomatic|styloid"
    )
    assert not outside(bones, (65, 97), (4, 30), (40, 110))


def test_tissues_have_their_colours() -> None:
    assert not outside("gluteus|autochthon|iliopsoas|rectus|scalene|pterygoid|deltoid", (34, 70), (26, 42), (5, 60))
    assert not outside("^lung($|_left|_right|_.*lobe)", (58, 90), (14, 30), (240, 295))
    assert not outside("trachea|airways|larynx_air", (55, 85), (25, 40), (190, 220))
    assert not outside("^(stomach|esophagus|duodenum|small_bowel|colon)$", (48, 85), (18, 32), (38, 100))
    assert not outside("^brain$|lobe$|cerebellum|brainstem|caudate", (50, 88), (18, 48), (-30, 50))
    assert not outside("ventricle", (45, 90), (15, 40), (220, 295), but="heart|ventricular")
    assert not outside("spinal_cord|optic_nerve", (74, 86), (48, 75), (80, 100))


def test_a_right_one_is_a_shade_darker_than_its_left_one() -> None:
    pairs: dict[str, dict[str, str]] = {}
    for name in _entries():
        side = re.search("(?:^|_)(left|right)(?=_|$)", name)
        if side and colours.family(name) != "heart":
            # The numbers of teeth and their canals say the side too.
            both = re.sub("_fdi\\d+$", "", name.replace(side[1], ""))
            pairs.setdefault(both, {})[side[1]] = name
    whole = [pair for pair in pairs.values() if len(pair) == 2]
    assert len(whole) > 100
    for pair in whole:
        one, other = lightness_chroma_hue(pair["left"]), lightness_chroma_hue(pair["right"])
        assert 4 <= one[0] - other[0] <= 11, pair
        assert abs((one[2] - other[2] + 180) % 360 - 180) <= 6, pair


@pytest.mark.parametrize(
    ("finding", "around"),
    [
        ("liver_tumor", "^liver($|_segment|_vessels)"),
        ("liver_lesions", "^liver($|_segment|_vessels)"),
        ("lung_nodules", "^lung($|_pleural|_vessels|.*lobe)"),
        ("brain_aneurysm", "^brain$|carotid|aorta"),
        ("intracerebral_hemorrhage", "^brain$|lobe$|^ventricle"),
        ("pleural_effusion", "^lung($|_pleural|.*lobe)"),
        ("pericardial_effusion", "^heart|^lung_pleural"),
    ],
)
def test_findings_stand_out_of_what_is_around(finding: str, around: str) -> None:
    for name in _entries():
        if re.search(around, name):
            assert difference(lab(rgb(finding)), lab(rgb(name))) > 15, name


def test_colours_are_calm_and_seen_on_both_panels() -> None:
    for name in _entries():
        lightness, chroma, _ = lightness_chroma_hue(name)
        assert chroma <= 72, name
        assert 30 <= lightness <= 97, name
