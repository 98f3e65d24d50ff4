"""Values of this room as JSON and back, typed. Members of a union carry their class name as a tag."""

from __future__ import annotations

from functools import cache

from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from tsdesktop.core.tasks import Step


@cache
def converter() -> JsonConverter:
    """The converter for jobs; `messages` adds its own unions to it."""
    made = make_converter(forbid_extra_keys=True)
    configure_tagged_union(Step, made, tag_name="step")
    return made
