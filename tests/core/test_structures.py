"""The table of structures: what may be relied on in all of its entries."""

from __future__ import annotations

from tsdesktop.core.assets import load_json
from tsdesktop.core.structures import structure_class


def test_codes_of_one_side_name_that_side() -> None:
    """A code that leaves the side out would be the same for both."""
    for name in load_json("structures.json")["structures"]:
        side = next((word for word in ("left", "right") if word in name.split("_")), None)
        codes = structure_class(1, name).codes
        if side is None or codes is None:
            continue
        meanings = [each.meaning.lower() for each in vars(codes).values() if each is not None]
        assert any(side in meaning for meaning in meanings), name
