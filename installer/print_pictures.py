"""Takes the pictures of printed parts for the documentation: prints, reads the files again, draws what is in them.

Needs the labels of TSDESKTOP_TEST_DATA. Writes docs/pictures/print-*.png. Run it with the environment's Python; where
there is no display, put `xvfb-run -a` before.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyvista as pv
import trimesh
from PIL import Image

from tsdesktop.cli.command import run

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"
LABELS = "ct_abdomen/total_fast.nii.gz"
_SIZE = (1000, 700)
_COLOURS = 160
_BONE, _LIVER, _KIDNEY = "#e3d3b4", "#b5533c", "#c9805f"


@dataclass(frozen=True)
class Shot:
    """A picture: what is typed after `tsdesktop print LABELS -o FOLDER`, its colours, and where it is seen from.

    `apart` moves part after part by so many mm; `turns` are the degrees about z by which each is turned before; `seen`
    is the direction to the camera.
    """

    name: str
    typed: str
    colour: str
    seen: tuple[float, float, float]
    apart: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turns: tuple[float, ...] = ()
    zoom: float = 1.4


SHOTS = (
    Shot(
        "print-spine",
        "--structures vertebrae_S1 vertebrae_L5 vertebrae_L4 vertebrae_L3 vertebrae_L2 vertebrae_L1 vertebrae_T12 "
        "--smoothing smooth --fill-holes --struts 5 --plate 4 --label T12-S1 --label-mm 14 --label-depth 2",
        _BONE,
        (0.35, 1.0, 0.5),
        zoom=0.97,
    ),
    Shot(
        "print-liver",
        "--structures liver --smoothing smooth --keep-largest --cut x@55% --pins 2 --pin-mm 8 --frame RAS",
        _LIVER,
        (0.0, 1.0, 0.25),
        apart=(-90.0, 0.0, 0.0),
        turns=(-40.0, 40.0),
        zoom=1.5,
    ),
    Shot(
        "print-hollow",
        "--structures kidney_left --smoothing smooth --keep-largest --hollow 3 --drains 2 --cut y@50% --frame RAS",
        _KIDNEY,
        (0.0, 1.0, 0.3),
        apart=(70.0, 0.0, 0.0),
        turns=(180.0, 0.0),
    ),
    Shot(
        "print-pelvis",
        "--structures hip_left hip_right sacrum vertebrae_S1 --smoothing smooth --remove-islands 500 --merge pelvis "
        "--fill-holes --thicken 2 --frame RAS",
        _BONE,
        (0.15, 1.0, 0.35),
    ),
)


def main() -> None:
    """Takes the pictures whose names are given, else all."""
    labels = Path(os.environ["TSDESKTOP_TEST_DATA"]) / LABELS
    wanted = set(sys.argv[1:])
    for shot in SHOTS:
        if not wanted or shot.name in wanted:
            with tempfile.TemporaryDirectory() as folder:
                draw(shot, printed(shot, labels, Path(folder)), FOLDER / f"{shot.name}.png")


def printed(shot: Shot, labels: Path, folder: Path) -> list[trimesh.Trimesh]:
    """The parts in the files that were written, in the order of their names."""
    if run(["print", str(labels), "-o", str(folder), *shot.typed.split()]):
        raise SystemExit(f"{shot.name} was not printed")
    return [trimesh.load_mesh(path) for path in sorted(folder.glob("*.stl"))]


def draw(shot: Shot, parts: list[trimesh.Trimesh], path: Path) -> None:
    """Draws the parts and writes the picture."""
    plotter = pv.Plotter(off_screen=True, window_size=list(_SIZE), lighting="three lights")
    plotter.set_background("white")
    for number, part in enumerate(parts):
        if not part.is_watertight:
            raise SystemExit(f"{shot.name}: a file is not closed")
        place = number - (len(parts) - 1) / 2.0
        angle = np.radians(shot.turns[number]) if shot.turns else 0.0
        turn = trimesh.transformations.rotation_matrix(angle, (0, 0, 1), part.bounds.mean(axis=0))  # type: ignore[no-untyped-call]
        part.apply_transform(turn)
        part.apply_translation(np.array(shot.apart) * place)
        surface = pv.wrap(part)
        plotter.add_mesh(
            surface, color=shot.colour, smooth_shading=True, split_sharp_edges=True, feature_angle=35.0,
            ambient=0.12, diffuse=0.85, specular=0.12, specular_power=12,
        )  # fmt: skip
    plotter.enable_parallel_projection()
    plotter.enable_anti_aliasing("ssaa")
    plotter.view_vector(shot.seen, viewup=(0, 0, 1))
    plotter.camera.zoom(shot.zoom)
    pixels = plotter.screenshot(return_img=True)
    plotter.close()
    path.write_bytes(packed(pixels))


def packed(pixels: np.ndarray) -> bytes:
    """A PNG with a palette, which is a third of the size."""
    out = io.BytesIO()
    picture = Image.fromarray(pixels).quantize(_COLOURS, dither=Image.Dither.NONE)
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
