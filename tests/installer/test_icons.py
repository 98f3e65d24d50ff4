"""The icons that are kept beside their drawings: complete, what the drawings give, and readable by others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import IcnsImagePlugin, Image
from PySide6.QtGui import QImage

from installer import icons
from tsdesktop.gui import theme

DRAWINGS = [icons.APP, *icons.FILES]


def pixels_of(image: Image.Image) -> NDArray[np.int64]:
    return np.asarray(image.convert("RGBA")).astype(np.int64)


def drawn(drawing: Path, size: int, margin: float = 0.0) -> NDArray[np.int64]:
    image = icons.picture(drawing, size, margin).convertToFormat(QImage.Format.Format_RGBA8888)
    return np.frombuffer(image.constBits(), np.uint8).reshape(size, size, 4).astype(np.int64)


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda each: each.stem)
def test_kept_pictures_are_those_of_the_drawing(qapp: object, drawing: Path) -> None:
    sizes = icons.SIZES if drawing == icons.APP else icons.FILE_SIZES
    for size in sizes:
        kept = pixels_of(Image.open(drawing.with_name(f"{drawing.stem}-{size}.png")))
        # Another version of Qt may smooth edges otherwise.
        assert kept.shape == (size, size, 4) and np.abs(kept - drawn(drawing, size)).mean() < 1, size


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda each: each.stem)
def test_windows_finds_every_size(drawing: Path) -> None:
    with Image.open(drawing.with_suffix(".ico")) as found:
        assert found.info["sizes"] == {(size, size) for size in icons.ICO_SIZES}
        for size in icons.ICO_SIZES:
            kept = pixels_of(Image.open(drawing.with_name(f"{drawing.stem}-{size}.png")))
            assert np.array_equal(pixels_of(found.ico.getimage((size, size))), kept), size  # type: ignore[attr-defined]


@pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda each: each.stem)
def test_macos_finds_every_size(qapp: object, drawing: Path) -> None:
    margin = icons.MAC_MARGIN if drawing == icons.APP else 0.0
    with drawing.with_suffix(".icns").open("rb") as stream:
        found = IcnsImagePlugin.IcnsFile(stream)
        sizes = {size * scale for size, _, scale in found.itersizes()}
        assert sizes == {16, 32, 64, 128, 256, 512, 1024}
        for size in (16, 32, 128):
            image = found.getimage((size, size, 1))
            assert np.abs(pixels_of(image) - drawn(drawing, size, margin)).mean() < 1, size


def test_an_icon_stands_out_on_dark_and_on_light(qapp: object) -> None:
    for drawing in DRAWINGS:
        image = drawn(drawing, 16)
        share = image[..., 3:] / 255
        for ground in (0x1B, 0xF4):
            seen = image[..., :3] * share + ground * (1 - share)
            assert (np.abs(seen - ground).max(axis=2) > 60).mean() > 0.25, (drawing.stem, ground)


def test_the_window_has_the_icon_in_every_size_it_is_asked_for(qapp: object) -> None:
    assert {each.width() for each in theme.app_icon().availableSizes()} == set(theme.APP_ICON_SIZES)
    assert set(theme.APP_ICON_SIZES) <= set(icons.SIZES)


def test_runs_are_packed_as_they_are_unpacked() -> None:
    channel = bytes([7] * 300 + [1, 2, 3, 3] + [9] * 3 + list(range(200)) * 2)
    packed, out = icons.packed(channel), bytearray()
    while packed:
        code = packed[0]
        long = code >= 128
        out += packed[1:2] * (code - 125) if long else packed[1 : code + 2]
        packed = packed[2 if long else code + 2 :]
    assert bytes(out) == channel


def test_no_file_is_large() -> None:
    assert max(each.stat().st_size for each in icons.FOLDER.rglob("*") if each.is_file()) < 300_000


def test_what_is_no_drawing_is_refused(qapp: object, tmp_path: Path) -> None:
    broken = tmp_path / "broken.svg"
    broken.write_text("no drawing")
    with pytest.raises(ValueError, match=r"broken\.svg"):
        icons.picture(broken, 64)
