"""Chooses what to start before importing anything: the inference half, the command line, or the window."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tsdesktop.runtimes.manifest import Verdict

HALF_VARIABLE = "TSDESKTOP_HALF"
COMMANDS = ("segment", "print", "info", "devices", "convert", "share", "weights", "runtime", "license")
SELF_TEST = "--self-test"
Half = Literal["inference", "part of a self-test", "self-test", "command line", "window"]
# What is tried in processes of their own, for a self-test and for 3D, and where each is served.
_CHECKS = {
    "try-graphics": "tsdesktop.gui.scene.probe",
    "try-libraries": "tsdesktop.inference.trial",
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
            _use_fetched_libraries()
            from tsdesktop.inference.worker import serve

            return serve()
        case "part of a self-test":
            part = os.environ[HALF_VARIABLE]
            if part == "check-network":
                _use_fetched_libraries()
            code: int = import_module(_CHECKS[part]).serve(arguments)
            return code
        case "self-test":
            # Not by way of the other commands: a library that they need may be what is missing.
            from tsdesktop.cli.self_test import run as check

            return check(arguments[1:])
        case "window":
            _import_only_what_is_used()
            return _open_window(arguments)
        case _:
            return _run_command(arguments)


def _run_command(arguments: list[str]) -> int:
    """The command line. Asked to end, by Ctrl-C or by the system, it cancels what it does and tidies up."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _import_only_what_is_used()
        from tsdesktop.cli.command import run

        return run(arguments)
    except KeyboardInterrupt:
        # Before the command itself had begun.
        sys.stderr.write("\nCancelled.\n")
        return 1


def _import_only_what_is_used() -> None:
    from tsdesktop.core.lean_imports import import_only_what_is_used

    import_only_what_is_used()


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


def _use_fetched_libraries() -> None:
    """Puts torch for the graphics card before the one that comes with the program, where it is here and works.

    Where it does not work the other one is taken, and the inference half is told why.
    """
    from tsdesktop.core.torch_build import CARD_PROBLEM_VARIABLE
    from tsdesktop.runtimes.active import find_active

    active = find_active(_try_out)
    if active.path is not None:
        sys.path.insert(0, str(active.path))
    if active.problem:
        os.environ[CARD_PROBLEM_VARIABLE] = active.problem


def _try_out(folder: Path) -> Verdict:
    from tsdesktop.runs.engine import inference_command
    from tsdesktop.runtimes import trial

    return trial.try_out(folder, inference_command())


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
