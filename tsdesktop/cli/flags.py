"""The declared options of a run as flags of a command, and back."""

from __future__ import annotations

import argparse
from collections.abc import Container
from typing import Any

from tsdesktop.core.options import Declaration, Options, declarations


def add_flag(group: Any, each: Declaration) -> None:
    """One flag; everything defaults to None, so that what was given can be told from what was not."""
    if each.kind is bool:
        value = not each.default
        group.add_argument(each.flag, dest=each.name, action="store_const", const=value, help=each.help)
        return
    more: dict[str, Any] = {"metavar": each.metavar} if each.metavar else {}
    if each.choices:
        more["choices"] = [choice for choice in each.choices if choice]
        more.pop("metavar", None)
    if each.many:
        more["nargs"] = "+"
    if each.name == "remove_small_blobs":
        more |= {"nargs": "?", "const": 200.0}
    told = " ".join(each.default) if each.many else each.default
    default = f" (default: {told})" if told not in ("", None, 0.0, 0) else ""
    group.add_argument(each.flag, dest=each.name, type=each.kind, help=each.help + default, **more)


def given_options(given: argparse.Namespace, names: Container[str] | None = None, **others: Any) -> Options:
    """Options from parsed flags (those of `names`; all when None), with `others` where a flag was not given.

    Raises OptionsError.
    """
    for each in declarations():
        value = getattr(given, each.name) if names is None or each.name in names else None
        if value is not None:
            others[each.name] = tuple(value) if each.many else value
    return Options(**others)
