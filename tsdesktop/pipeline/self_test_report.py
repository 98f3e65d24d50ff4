"""The report of a self-test as plain data: the program, the computer, every step. Nobody is named in it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from tsdesktop.core.notes import Note
from tsdesktop.core.redaction import redacted
from tsdesktop.core.self_test import Step
from tsdesktop.core.version import __version__

FORMAT = 1


def report_of(steps: Sequence[Step], seconds: float) -> dict[str, Any]:
    """The report as JSON can hold it; docs/self-test.md tells its fields."""
    report = {
        "format": FORMAT,
        "ok": is_ok(steps),
        "seconds": round(seconds, 1),
        "program": {
            "name": "tsdesktop",
            "version": __version__,
            "packaged": bool(getattr(sys, "frozen", False)),
            "python": platform.python_version(),
        },
        "system": _system(),
        "processor": {"name": _processor_name(), "threads": os.cpu_count() or 1},
        "memory_gb": _memory_gb(),
        "steps": [each.to_data() for each in steps],
    }
    cleaned: dict[str, Any] = _without_names(report)
    return cleaned


def is_ok(steps: Iterable[Step]) -> bool:
    """Whether every step went well."""
    return all(each.state == "ok" for each in steps)


def problems_of(steps: Iterable[Step]) -> list[Note]:
    """What is wrong, each thing once."""
    found = {each.sentence: each for step in steps for each in step.problems}
    return list(found.values())


def _system() -> dict[str, str]:
    told = {"name": platform.system(), "release": platform.release(), "machine": platform.machine()}
    if sys.platform.startswith("linux"):
        told["distribution"] = _distribution()
        told["libc"] = " ".join(platform.libc_ver()).strip()
        told["display"] = next((each for each in ("WAYLAND_DISPLAY", "DISPLAY") if os.environ.get(each)), "none")
    return told


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _processor_name() -> str:
    """The processor's name; Linux tells it only in a file."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _memory_gb() -> dict[str, float]:
    """Memory in GB (2^30 bytes): all of it, and what is free; nothing where psutil cannot be loaded."""
    try:
        memory = import_module("psutil").virtual_memory()
    except Exception:
        # What keeps it from being loaded stands in the step of the libraries.
        return {}
    return {"total": round(memory.total / 2**30, 1), "free": round(memory.available / 2**30, 1)}


def _without_names(value: Any) -> Any:
    """The same data, every text in it without names and places of this computer."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: _without_names(each) for key, each in value.items()}
    return [_without_names(each) for each in value] if isinstance(value, list | tuple) else value
