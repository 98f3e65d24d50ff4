"""The screen colours of all structures, by tissue: arteries red, veins blue, bone ivory, muscles brick and so on.

    .venv/bin/python installer/colours.py

writes them into assets/structures.json. Published colours (`dicom_rgb`) stay as they are.
A colour is given as lightness, chroma and hue (degrees) in CIELAB, where equal steps look about equally large.
"""  # fmt: skip

from __future__ import annotations

import json
import math
import re
from pathlib import Path

from tsdesktop.core.structures import Rgb

TABLE = Path(__file__).resolve().parents[1] / "assets" / "structures.json"
# The right one of a pair is so much darker than the left one, in CIELAB lightness.
RIGHT_IS_DARKER = 8.0
Lch = tuple[float, float, float]

# Vessels of the lung's own circulation lean to violet: an artery of the lung is told from the aorta beside it.
ARTERIES: dict[str, Lch] = {
    "aorta": (52, 66, 28), "aorta_true_lumen": (56, 60, 33), "aorta_false_lumen": (42, 44, 16),
    "brachiocephalic_trunk": (63, 52, 38), "subclavian_artery": (45, 54, 42), "common_carotid_artery": (64, 46, 22),
    "internal_carotid_artery": (54, 58, 29), "iliac_artery": (44, 54, 18), "celiac_trunk": (62, 52, 38),
    "superior_mesenteric_artery": (46, 56, 24), "renal_arteries": (54, 58, 32), "coronary_arteries": (54, 62, 33),
    "pulmonary_artery": (50, 54, 12), "lung_arteries": (54, 58, 30), "lung_vessels": (54, 38, 318),
    "sinotubular_junction": (66, 46, 42), "pul_sinotubular_junction": (66, 40, 28), "pul_bifurcation": (48, 52, 14),
    "pul_left_start": (70, 40, 6), "pul_right_start": (62, 40, 6),
}  # fmt: skip
VEINS: dict[str, Lch] = {
    "inferior_vena_cava": (50, 44, 273), "superior_vena_cava": (47, 44, 278), "brachiocephalic_vein": (62, 36, 262),
    "internal_jugular_vein": (56, 42, 268), "iliac_vena": (70, 32, 262), "portal_vein_and_splenic_vein": (44, 46, 293),
    "pulmonary_vein": (50, 42, 292), "lung_veins": (54, 42, 268), "liver_vessels": (50, 44, 285),
    "venous_sinuses": (48, 44, 272),
}  # fmt: skip
# The side of the heart that pumps bright blood is red, the other one mauve.
HEART: dict[str, Lch] = {
    "heart": (42, 36, 8), "heart_myocardium": (60, 24, 48), "heart_atrium_left": (70, 34, 18),
    "heart_ventricle_left": (42, 42, 12), "heart_atrium_right": (66, 30, 312), "heart_ventricle_right": (46, 34, 308),
    "atrial_appendage_left": (68, 34, 5), "pericardium": (74, 22, 18), "annulus": (76, 36, 82),
    "annulus_proper": (76, 36, 82), "pul_annulus": (72, 30, 310), "left_ventricular_outflow_tract": (46, 46, 22),
    "right_coronary_cusp": (64, 34, 350), "left_coronary_cusp": (74, 32, 40), "non_coronary_cusp": (60, 30, 318),
}  # fmt: skip
BONES: dict[str, Lch] = {
    "bone": (88, 14, 84), "skull": (84, 12, 74), "mandible": (76, 24, 72), "lower_jawbone": (68, 26, 62),
    "upper_jawbone": (71, 24, 72), "hard_palate": (84, 18, 72), "zygomatic_arch": (86, 16, 78), "hyoid": (84, 18, 76),
    "styloid_process": (78, 22, 68), "sternum": (82, 18, 66), "clavicula": (92, 14, 96), "scapula": (81, 22, 76),
    "humerus": (91, 10, 84), "radius": (84, 24, 74), "ulna": (72, 12, 92), "carpal": (92, 14, 84),
    "metacarpal": (79, 22, 74), "phalanges_hand": (91, 14, 88), "sacrum": (85, 17, 58), "hip": (91, 14, 86),
    "femur": (78, 20, 74), "patella": (93, 18, 95), "tibia": (83, 8, 80), "fibula": (74, 16, 66),
    "tarsal": (92, 17, 84), "metatarsal": (79, 22, 74), "phalanges_feet": (91, 14, 88), "vertebrae": (83, 24, 82),
    "vertebrae_body": (83, 24, 82), "vertebrae_S1": (93, 7, 75), "vertebrae_L6": (91, 20, 80),
}  # fmt: skip
CARTILAGES: dict[str, Lch] = {
    "costal_cartilages": (68, 15, 188), "intervertebral_discs": (66, 15, 195), "thyroid_cartilage": (66, 14, 190),
    "cricoid_cartilage": (54, 14, 190),
}  # fmt: skip
MUSCLES: dict[str, Lch] = {
    "skeletal_muscle": (48, 36, 32), "autochthon": (54, 31, 35), "iliopsoas": (44, 32, 48),
    "gluteus_maximus": (50, 36, 34), "gluteus_medius": (62, 34, 46), "gluteus_minimus": (49, 32, 22),
    "quadriceps_femoris": (52, 38, 36), "sartorius": (64, 30, 48), "thigh_medial_compartment": (56, 32, 16),
    "thigh_posterior_compartment": (46, 32, 50), "deltoid": (52, 38, 34), "supraspinatus": (64, 32, 46),
    "infraspinatus": (53, 30, 54), "subscapularis": (66, 28, 14), "coracobrachial": (72, 24, 34),
    "trapezius": (43, 36, 28), "pectoralis_minor": (60, 36, 44), "serratus_anterior": (50, 28, 6),
    "teres_major": (64, 32, 52), "triceps_brachii": (42, 32, 46), "pectoralis_major": (54, 38, 34),
    "rectus_abdominis": (68, 28, 42), "latissimus_dorsi": (62, 30, 58), "external_oblique": (48, 32, 54),
    "internal_oblique": (57, 32, 10), "erector_spinae": (54, 34, 32), "transversospinalis": (62, 32, 44),
    "psoas_major": (54, 40, 38), "quadratus_lumborum": (44, 34, 48), "masseter": (52, 38, 34),
    "temporalis": (62, 32, 44), "lateral_pterygoid": (45, 32, 48), "medial_pterygoid": (56, 32, 12),
    "tongue": (66, 36, 24), "digastric": (46, 34, 30), "sternocleidomastoid": (54, 38, 36),
    "superior_pharyngeal_constrictor": (66, 32, 30), "middle_pharyngeal_constrictor": (52, 36, 26),
    "inferior_pharyngeal_constrictor": (60, 34, 58), "platysma": (66, 26, 42), "levator_scapulae": (68, 28, 34),
    "anterior_scalene": (64, 32, 22), "middle_scalene": (62, 32, 54), "posterior_scalene": (50, 36, 20),
    "sterno_thyroid": (46, 34, 44), "thyrohyoid": (70, 28, 30), "prevertebral": (44, 30, 40),
    "lateral_rectus_muscle": (56, 38, 38), "medial_rectus_muscle": (56, 36, 22), "superior_rectus_muscle": (48, 34, 52),
    "inferior_rectus_muscle": (66, 30, 48), "superior_oblique_muscle": (64, 30, 28),
    "inferior_oblique_muscle": (48, 34, 30), "levator_palpebrae_superioris": (68, 28, 40),
}  # fmt: skip
LUNGS: dict[str, Lch] = {
    "lung": (78, 20, 252), "lung_pleural": (78, 20, 252),
    "lung_upper_lobe": (82, 18, 252), "lung_middle_lobe": (78, 22, 285), "lung_lower_lobe": (68, 28, 256),
}  # fmt: skip
AIRWAYS: dict[str, Lch] = {
    "trachea": (78, 36, 205), "airways": (74, 36, 205), "lung_airways": (82, 32, 205),
    "lung_airways_wall": (62, 30, 205), "lung_trachea_bronchia": (78, 36, 205), "larynx_air": (80, 34, 205),
    "nasopharynx": (82, 24, 205), "oropharynx": (70, 30, 210), "hypopharynx": (57, 28, 215), "pharynx": (72, 30, 208),
}  # fmt: skip
# Spaces filled with air that nobody breathes through.
AIR_CELLS: dict[str, Lch] = {
    "nasal_cavity": (80, 12, 225), "sinus_maxillary": (76, 12, 215), "maxillary_sinus": (80, 12, 215),
    "sinus_frontal": (82, 12, 225), "auditory_canal": (74, 14, 215), "air_inside": (60, 22, 245),
}  # fmt: skip
BOWEL: dict[str, Lch] = {
    "esophagus": (51, 22, 50), "stomach": (78, 25, 42), "duodenum": (82, 29, 94), "small_bowel": (65, 22, 65),
    "colon": (56, 26, 72),
}  # fmt: skip
ORGANS: dict[str, Lch] = {
    "liver": (62, 44, 46), "gallbladder": (60, 36, 112), "spleen": (54, 32, 318),
    "pancreas": (80, 50, 72), "kidney": (66, 36, 358), "kidney_cyst": (78, 24, 238), "urinary_bladder": (79, 41, 78),
    "prostate": (62, 30, 342), "adrenal_gland": (66, 52, 80), "thyroid_gland": (68, 54, 74),
    "parotid_gland": (77, 44, 84), "submandibular_gland": (60, 50, 62), "breast": (76, 28, 35),
    "soft_palate": (68, 28, 20),
}  # fmt: skip
LIVER_SEGMENTS: dict[str, Lch] = {
    "liver_segment_1": (44, 40, 44), "liver_segment_2": (62, 46, 50), "liver_segment_3": (74, 36, 62),
    "liver_segment_4": (52, 44, 36), "liver_segment_5": (74, 34, 40), "liver_segment_6": (64, 44, 64),
    "liver_segment_7": (50, 42, 58), "liver_segment_8": (62, 44, 32),
}  # fmt: skip
BRAIN: dict[str, Lch] = {
    "brain": (78, 24, 8), "frontal_lobe": (74, 30, 358), "parietal_lobe": (84, 20, 20), "temporal_lobe": (62, 30, 338),
    "occipital_lobe": (66, 34, 20), "insular_cortex": (80, 22, 338), "cerebellum": (54, 28, 352),
    "brainstem": (80, 26, 42), "thalamus": (48, 34, 15), "caudate_nucleus": (62, 46, 355),
    "lentiform_nucleus": (52, 34, 332), "internal_capsule": (86, 14, 350), "septum_pellucidum": (84, 18, 40),
    "central_sulcus": (48, 34, 8),
}  # fmt: skip
CEREBROSPINAL_FLUID: dict[str, Lch] = {
    "subarachnoid_space": (80, 16, 240), "ventricle": (66, 28, 255), "ventricle_frontal_horn": (68, 30, 258),
    "ventricle_body": (82, 20, 245), "ventricle_trigone": (66, 26, 232), "ventricle_occipital_horn": (78, 22, 262),
    "ventricle_temporal_horn": (80, 22, 225), "third_ventricle": (50, 36, 282), "fourth_ventricle": (66, 26, 282),
}  # fmt: skip
NERVES: dict[str, Lch] = {
    "spinal_cord": (79, 70, 88), "optic_nerve": (84, 52, 92), "inferior_alveolar_canal": (80, 56, 90),
    "mandibular_incisive_canal": (70, 58, 84), "lingual_canal": (60, 46, 98),
}  # fmt: skip
EYES: dict[str, Lch] = {"eye": (88, 6, 240), "eyeball": (88, 6, 240), "eye_lens": (64, 28, 232)}
SKIN_AND_FAT: dict[str, Lch] = {
    "subcutaneous_fat": (90, 32, 96), "torso_fat": (80, 42, 88), "intermuscular_fat": (70, 44, 78),
    "fat": (84, 50, 92), "soft_tissue": (54, 34, 32), "body": (80, 24, 58), "skin": (82, 24, 60),
    "body_surface": (82, 24, 60), "body_trunc": (82, 24, 60), "body_extremities": (70, 26, 52), "head": (69, 39, 44),
    "face": (80, 26, 50),
}  # fmt: skip
CAVITIES: dict[str, Lch] = {
    "abdominal_cavity": (72, 20, 72), "thoracic_cavity": (74, 14, 250), "mediastinum": (62, 16, 318),
}  # fmt: skip
# What must catch the eye.
FINDINGS: dict[str, Lch] = {
    "liver_tumor": (60, 62, 350), "liver_lesions": (60, 62, 350), "lung_nodules": (60, 62, 350),
    "brain_aneurysm": (60, 62, 350), "intracerebral_hemorrhage": (48, 66, 34), "pleural_effusion": (60, 36, 194),
    "pericardial_effusion": (52, 32, 182),
}  # fmt: skip
METAL: dict[str, Lch] = {
    "hip_implant": (66, 5, 255), "crown": (72, 20, 262), "bridge": (62, 16, 262), "implant": (50, 12, 262),
}  # fmt: skip

TEETH: dict[str, Lch] = {"teeth_upper": (96, 6, 98), "teeth_lower": (86, 13, 84)}

FAMILIES = {
    "artery": ARTERIES, "vein": VEINS, "heart": HEART, "bone": BONES, "cartilage": CARTILAGES, "muscle": MUSCLES,
    "lung": LUNGS, "airway": AIRWAYS, "air cell": AIR_CELLS, "bowel": BOWEL, "organ": ORGANS,
    "liver segment": LIVER_SEGMENTS, "brain": BRAIN, "fluid of the brain": CEREBROSPINAL_FLUID, "nerve": NERVES,
    "eye": EYES, "skin and fat": SKIN_AND_FAT, "cavity": CAVITIES, "finding": FINDINGS, "metal": METAL, "tooth": TEETH,
}  # fmt: skip
_LISTED = {name: colour for table in FAMILIES.values() for name, colour in table.items()}
_SIDE = re.compile(r"(?:^|_)(left|right)(?=_|$)")
_VERTEBRA = re.compile(r"vertebrae_([CTL])(\d+)$")
_RIB = re.compile(r"rib_(?:left|right)_(\d+)$")
_TOOTH = re.compile(r"(upper|lower)_(?:left|right)_\w+_fdi(1?)[1-4]([1-8])$")
# Of neighbours in a row one is light and one dark: two ivories for each part of the spine, for ribs, for each jaw's
# teeth and for their pulps. Ribs are paler than the vertebrae they meet.
_SPINE: dict[str, tuple[Lch, Lch]] = {
    "C": ((80, 24, 92), (92, 16, 94)), "T": ((91, 22, 88), (79, 27, 86)), "L": ((92, 20, 82), (79, 27, 84)),
}  # fmt: skip
_RIBS: tuple[Lch, Lch] = ((80, 9, 74), (92, 7, 82))
_TEETH: dict[str, tuple[Lch, Lch]] = {
    "upper": ((81, 12, 92), (95, 6, 98)), "lower": ((93, 7, 80), (79, 12, 76)),
}  # fmt: skip
_PULPS: dict[str, tuple[Lch, Lch]] = {
    "upper": ((54, 40, 20), (64, 36, 22)), "lower": ((50, 36, 8), (60, 34, 10)),
}  # fmt: skip


def lightness_chroma_hue(name: str) -> Lch | None:
    """The colour of a structure by the rules; None for a name they do not know."""
    whole = _LISTED.get(name) or _vertebra(name)
    if whole is not None:
        return whole
    found = _LISTED.get(_of_both_sides(name)) or _rib(name) or _tooth(name)
    side = _SIDE.search(name)
    if found is None or side is None or side[1] == "left":
        return found
    return found[0] - RIGHT_IS_DARKER, found[1], found[2]


def family(name: str) -> str:
    """The tissue a structure is coloured as; empty for a name the rules do not know."""
    for title, table in FAMILIES.items():
        if name in table or _of_both_sides(name) in table:
            return title
    if _tooth(name):
        return "pulp" if "_pulp_" in name else "tooth"
    return "bone" if _vertebra(name) or _rib(name) else ""


def _of_both_sides(name: str) -> str:
    return re.sub(r"_fdi10[34]$", "", _SIDE.sub("", name)).strip("_")


def _vertebra(name: str) -> Lch | None:
    found = _VERTEBRA.match(name)
    return _SPINE[found[1]][int(found[2]) % 2] if found else None


def _rib(name: str) -> Lch | None:
    found = _RIB.match(name)
    return _RIBS[int(found[1]) % 2] if found else None


def _tooth(name: str) -> Lch | None:
    found = _TOOTH.match(name)
    return (_PULPS if found[2] else _TEETH)[found[1]][int(found[3]) % 2] if found else None


def rgb(colour: Lch) -> Rgb:
    """The colour on a screen (sRGB); one that screens cannot show loses chroma until they can."""
    lightness, chroma, hue = colour
    linear = _linear(lightness, chroma, hue)
    while chroma > 0 and not all(0 <= value <= 1 for value in linear):
        chroma = max(0.0, chroma - 0.5)
        linear = _linear(lightness, chroma, hue)
    red, green, blue = (round(255 * _encoded(min(1.0, max(0.0, value)))) for value in linear)
    return red, green, blue


def _linear(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """CIELAB (CIE 15) to the linear light of sRGB (IEC 61966-2-1), both with the white D65."""
    y = (lightness + 16) / 116
    x = y + chroma * math.cos(math.radians(hue)) / 500
    z = y - chroma * math.sin(math.radians(hue)) / 200
    x, y, z = (each**3 if each > 6 / 29 else 3 * (6 / 29) ** 2 * (each - 4 / 29) for each in (x, y, z))
    x, z = 0.95047 * x, 1.08883 * z
    return (
        3.2404542 * x - 1.5371385 * y - 0.4985314 * z,
        -0.9692660 * x + 1.8760108 * y + 0.0415560 * z,
        0.0556434 * x - 0.2040259 * y + 1.0572252 * z,
    )


def _encoded(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


def written(text: str) -> str:
    """The table's text with the colours of the rules."""
    table = json.loads(text)
    for name, entry in table["structures"].items():
        colour = lightness_chroma_hue(name)
        if colour is None:
            raise ValueError(f"no rule gives {name} a colour")
        entry["rgb"] = list(rgb(colour))
    return json.dumps(table, indent=1, ensure_ascii=False)


def main() -> None:
    """Writes the colours into the table."""
    text = TABLE.read_text(encoding="utf-8")
    TABLE.write_text(written(text), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
