"""Makes every size of the icons from their drawings in assets/icons: `.venv/bin/python installer/icons.py`.

A drawing NAME.svg serves sizes from 48 up, NAME-small.svg those below: at 16 pixels fewer shapes say more. Written
beside the drawing: NAME-SIZE.png for Linux and the window, NAME.ico for Windows, NAME.icns for macOS. The two
containers are simple and written here.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

FOLDER = Path(__file__).resolve().parents[1] / "assets" / "icons"
APP = FOLDER / "app" / "tsdesktop.svg"
FILES = tuple(FOLDER / "files" / f"{name}.svg" for name in ("nifti", "dicom", "labels", "recipe"))
SIZES = (16, 20, 24, 32, 48, 64, 128, 256, 512, 1024)
FILE_SIZES = SIZES[:-1]
ICO_SIZES = (16, 20, 24, 32, 48, 64, 128, 256)
LARGEST_SMALL = 32
# Windows reads PNG inside an icon since Vista, but tools that build installers want plain pixels in the small ones.
LARGEST_PLAIN = 64
# Kinds of an icns file: PNG of this many pixels; "ic11" to "ic14" are the same for screens of double density.
ICNS_PNG = {"ic11": 32, "ic12": 64, "ic07": 128, "ic13": 256, "ic08": 256, "ic14": 512, "ic09": 512, "ic10": 1024}
# Sixteen and thirty-two pixels on plain screens: colours and mask apart. As PNG some versions of macOS draw noise.
ICNS_PLAIN = {"is32": ("s8mk", 16), "il32": ("l8mk", 32)}
# On macOS an app's tile leaves a margin of 100 in 1024 points.
MAC_MARGIN = 100 / 1024


def main() -> int:
    """Writes all of them."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication.instance() or QGuiApplication([])
    write_all(APP, SIZES, MAC_MARGIN)
    for drawing in FILES:
        write_all(drawing, FILE_SIZES, 0.0)
    del application
    return 0


def write_all(drawing: Path, sizes: Iterable[int], mac_margin: float) -> None:
    """Every file of one icon."""
    for size in sizes:
        drawing.with_name(f"{drawing.stem}-{size}.png").write_bytes(png(picture(drawing, size)))
    drawing.with_suffix(".ico").write_bytes(ico({size: picture(drawing, size) for size in ICO_SIZES}))
    drawing.with_suffix(".icns").write_bytes(icns(drawing, mac_margin))
    print(f"{drawing.relative_to(FOLDER)} in all sizes")


def picture(drawing: Path, size: int, margin: float = 0.0) -> QImage:
    """The icon, `size` pixels square, not premultiplied; `margin` is the share that stays empty on each side.

    Raises ValueError where the drawing cannot be read.
    """
    source = drawing.with_name(f"{drawing.stem}-small.svg") if size <= LARGEST_SMALL else drawing
    renderer = QSvgRenderer(str(source))
    if not renderer.isValid():
        raise ValueError(f"{source} is no drawing that Qt can read")
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    inside = size - 2 * round(margin * size)
    renderer.render(painter, QRectF(round(margin * size), round(margin * size), inside, inside))
    painter.end()
    return image.convertToFormat(QImage.Format.Format_ARGB32)


def png(image: QImage) -> bytes:
    """The picture as a PNG file."""
    into = QByteArray()
    buffer = QBuffer(into)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG", 0)  # type: ignore[call-overload]
    return bytes(into.data())


def ico(images: Mapping[int, QImage]) -> bytes:
    """A Windows icon with these pictures by their size, at most 256."""
    parts = {size: png(image) if size > LARGEST_PLAIN else plain_bitmap(image) for size, image in images.items()}
    head = struct.pack("<3H", 0, 1, len(parts))
    at = len(head) + 16 * len(parts)
    for size, part in parts.items():
        # A side of 256 is written as 0; then colours of a palette, planes, bits of a pixel.
        head += struct.pack("<4B2H2I", size % 256, size % 256, 0, 0, 1, 32, len(part), at)
        at += len(part)
    return head + b"".join(parts.values())


def plain_bitmap(image: QImage) -> bytes:
    """Pixels as an icon holds them without compression: blue, green, red, alpha from the last line up, then a mask."""
    size = image.width()
    # The height counts the mask below the pixels, too.
    head = struct.pack("<IiiHHIIiiII", 40, size, 2 * size, 1, 32, 0, 0, 0, 0, 0, 0)
    rows = bytes_of(image)
    pixels = b"".join(rows[4 * size * row : 4 * size * (row + 1)] for row in reversed(range(size)))
    mask = bytes((size + 31) // 32 * 4 * size)
    return head + pixels + mask


def bytes_of(image: QImage) -> bytes:
    """The pixels line by line: blue, green, red, alpha."""
    # The view does not keep the picture alive: it needs a name until the bytes are copied.
    return bytes(image.constBits())


def icns(drawing: Path, margin: float) -> bytes:
    """A macOS icon with every size."""
    parts: list[tuple[str, bytes]] = []
    for kind, (mask, size) in ICNS_PLAIN.items():
        pixels = bytes_of(picture(drawing, size, margin))
        parts.append((kind, b"".join(packed(pixels[channel::4]) for channel in (2, 1, 0))))
        parts.append((mask, pixels[3::4]))
    parts += [(kind, png(picture(drawing, size, margin))) for kind, size in ICNS_PNG.items()]
    body = b"".join(kind.encode() + struct.pack(">I", 8 + len(data)) + data for kind, data in parts)
    return b"icns" + struct.pack(">I", 8 + len(body)) + body


def packed(channel: bytes) -> bytes:
    """One channel in the run-length code of icns: 128 + n is the next byte n + 3 times, n below 128 is n + 1 bytes."""
    out, loose, at = bytearray(), bytearray(), 0
    while at < len(channel):
        run = 1
        while run < 130 and channel[at : at + run + 1] == channel[at : at + 1] * (run + 1):
            run += 1
        if run >= 3:
            out += _as_they_are(loose) + bytes([run + 125, channel[at]])
            loose.clear()
        else:
            loose += channel[at : at + run]
        at += run
    return bytes(out + _as_they_are(loose))


def _as_they_are(loose: bytearray) -> bytes:
    pieces = [loose[at : at + 128] for at in range(0, len(loose), 128)]
    return b"".join(bytes([len(piece) - 1, *piece]) for piece in pieces)


if __name__ == "__main__":
    sys.exit(main())
