"""Chooses what to start before importing anything: the inference half, the command line, or the window."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Literal

HALF_VARIABLE = "TSDESKTOP_HALF"
COMMANDS = ("segment", "print", "info", "devices", "convert", "share", "weights", "license")
SELF_TEST = "--self-test"
Half = Literal["inference", "part of a self-test", "self-test", "command line", "window"]
# Parts of a self-test that run in processes of their own, and where each is served.
_CHECKS = {
    "check-libraries": "tsdesktop.core.installation",
    "check-network": "tsdesktop.core.installation",
    "check-run": "tsdesktop.pipeline.self_test_computing",
    "check-window": "tsdesktop.gui.self_test",
    "check": "tsdesktop.pipeline.self_test",
}


def main() -> int:
    """Starts the part of the program that is asked for. Returns the exit code."""
    arguments = sys.argv[1:]
    match half(arguments, os.environ):
        case "inference":
            from tsdesktop.inference.worker import serve

            return serve()
        case "part of a self-test":
            code: int = import_module(_CHECKS[os.environ[HALF_VARIABLE]]).serve(arguments)
            return code
        case "self-test":
            # Not by way of the other commands: a library that they need may be what is missing.
            from tsdesktop.cli.self_test import run as check

            return check(arguments[1:])
        case "window":
            return _open_window(arguments)
        case _:
            from tsdesktop.cli.command import run

            return run(arguments)


def half(arguments: Sequence[str], environment: Mapping[str, str]) -> Half:
    """Which part: the environment names the inference half and what a self-test tries in processes of their own.

    Commands and options are the command line's. The window takes nothing, or paths to open.
    """
    if environment.get(HALF_VARIABLE) == "inference":
        return "inference"
    if environment.get(HALF_VARIABLE) in _CHECKS:
        return "part of a self-test"
    if arguments[:1] == [SELF_TEST]:
        return "self-test"
    if not arguments:
        return "window"
    first = arguments[0]
    is_command = first in COMMANDS or first.startswith("-")
    # What is neither a command nor there is most likely a misspelt command: the command line says so.
    return "window" if not is_command and Path(first).exists() else "command line"


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a window can be shown at all."""
    if not platform.startswith("linux"):
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _open_window(arguments: Sequence[str]) -> int:
    if not has_display(os.environ, sys.platform):
        sys.stderr.write("There is no display for the window here. `tsdesktop --help` shows what works without one.\n")
        return 1
    from tsdesktop.gui.start import start

    return start([Path(each).absolute() for each in arguments])


if __name__ == "__main__":
    sys.exit(main())
