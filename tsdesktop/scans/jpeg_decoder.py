"""JPEG in DICOM (baseline, extended with 8 or 12 bits, lossless) by libjpeg-turbo, as a plugin of pydicom's decoders.

pydicom's own plugins for all of these are under a licence that the whole program would have to take over.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from pydicom import uid
from pydicom.pixels import get_decoder

NAME = "libjpeg-turbo"
_SYNTAXES = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1)
# pydicom asks a plugin's module what it needs.
DECODER_DEPENDENCIES = dict.fromkeys(_SYNTAXES, ("imagecodecs",))


def is_available(syntax: str) -> bool:
    """Whether pictures in this transfer syntax can be decoded."""
    return syntax in DECODER_DEPENDENCIES and find_spec("imagecodecs") is not None


def decode_frame(source: bytes, runner: Any) -> bytes:
    """The pixels of one frame, little-endian, without a change of colours. Raises what imagecodecs raises."""
    import imagecodecs  # only here: few series need it

    # Three components in YBR stay so: pydicom wants what was stored.
    colours = "RGB" if runner.samples_per_pixel == 3 else None
    pixels = imagecodecs.jpeg8_decode(source, colorspace=colours, outcolorspace=colours)
    runner.set_option("bits_allocated", 8 * pixels.dtype.itemsize)
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    return np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def register() -> None:
    """Makes it known to pydicom, for the syntaxes for which it is not known yet."""
    for syntax in _SYNTAXES:
        decoder = get_decoder(syntax)
        if NAME not in (*decoder.available_plugins, *decoder.missing_dependencies):
            decoder.add_plugin(NAME, (__name__, decode_frame.__name__))
