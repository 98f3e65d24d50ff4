"""How this installation starts another process of its own; nothing heavy is imported for it."""

from __future__ import annotations

import sys


def own_command() -> list[str]:
    """The packaged executable itself, or this Python with the package: arguments may follow."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "tsdesktop"]
