"""The phantom's body in the order of painting: later parts cover earlier ones."""

from __future__ import annotations

from collections.abc import Iterator

from phantom_abdomen import abdomen, bowel
from phantom_bones import hip, rib_cage, spine
from phantom_chest import chest, muscles, trunk, vessels
from phantom_frame import SIDES, Nature, Part


def body(nature: Nature) -> Iterator[Part]:
    """All parts of one body, from the skin inwards."""
    yield from trunk(nature)
    yield from chest(nature)
    yield from abdomen(nature)
    yield from bowel(nature)
    yield from vessels(nature)
    yield from muscles(nature)
    yield from spine(nature)
    yield from rib_cage(nature)
    for side, name in SIDES:
        yield from hip(nature, side, name)
