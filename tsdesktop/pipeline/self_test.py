"""Checks an installation: every library, every file, a run on the sample, an export, a window. Nothing stays behind.

Each part is tried in a process of its own, so that whatever crashes is told and the rest is tried all the same. This
module itself loads only what comes with Python.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tsdesktop.core.assets import assets_folder
from tsdesktop.core.files import written_whole
from tsdesktop.core.installation import CONTENTS, LIBRARIES, Half, file_problems
from tsdesktop.core.self_test import LABELS_FILE, SAMPLE, STEPS, Step, StepName, Voice, end_with_parent
from tsdesktop.pipeline.self_test_children import Hear, Part, joined, try_part
from tsdesktop.pipeline.self_test_report import is_ok, problems_of, report_of

__all__ = ["check_in_child", "check_installation", "is_ok", "problems_of", "serve", "write_report"]
_COMPUTING: tuple[StepName, ...] = ("devices", "segmentation", "export")
_SAMPLE_FOLDERS = ("demo/", "sample/", CONTENTS)
# Every part has five minutes of its own.
_PATIENCE_S = 1500.0
Check = Callable[[], None]


def check_installation(
    folder: Path, hear: Hear = lambda _: None, check: Check = lambda: None
) -> tuple[tuple[Step, ...], dict[str, Any]]:
    """Makes every step, with `folder`, which must exist, for all that is written; returns the steps and the report.

    `hear` is told what is tried (words) and every step that is done; `check` is called often and may raise to end it.
    """
    begun = time.monotonic()
    steps: list[Step] = []
    for made in _steps(folder, hear, check):
        steps.append(made)
        hear(made)
    return tuple(steps), report_of(steps, time.monotonic() - begun)


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """Writes a report as a whole file. Raises OSError."""
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def serve(arguments: Sequence[str]) -> int:
    """For the window: checks in the folder of the second argument, tells every step to the first one's file.

    The report is left in the third one's file. Returns the exit code.
    """
    end_with_parent()
    voice, folder, report_file = (Path(each) for each in arguments[:3])
    told = Voice(voice)

    def hear(news: str | Step) -> None:
        if isinstance(news, Step):
            told.step(news)
        else:
            told.trying(news)

    _, report = check_installation(folder, hear)
    write_report(report, report_file)
    told.end()
    return 0


def _steps(folder: Path, hear: Hear, check: Check) -> Iterator[Step]:
    files = _files()
    yield files
    program = _libraries("libraries", folder, hear, check)
    yield program
    networks = _libraries("network libraries", folder, hear, check)
    yield networks
    if networks.problems:
        yield from (Step(name, "skipped") for name in _COMPUTING)
    else:
        lacking = any(str(each.arguments["name"]).startswith(_SAMPLE_FOLDERS) for each in files.problems)
        yield from _computed(folder, hear, check, devices_only=lacking)
    yield _window(folder, hear, check)


def _files() -> Step:
    begun = time.monotonic()
    names: list[str] = []
    problems = tuple(file_problems(names.append))
    return Step("files", "failed" if problems else "ok", time.monotonic() - begun, problems, {"files": len(names)})


def _libraries(name: Half, folder: Path, hear: Hear, check: Check) -> Step:
    """Loads the libraries of one half; where one brings the process down, another process loads the rest."""
    left = [each.name for each in LIBRARIES if each.half == name]
    made = Step(name, "ok")
    while left:
        outcome = try_part(Part(f"check-{name.split()[0]}", (name, *left), (name,)), folder, hear, check)
        made = _with(made, outcome.steps[0])
        if outcome.broke_at not in left:
            break
        left = left[left.index(outcome.broke_at) + 1 :]
    return made


def _computed(folder: Path, hear: Hear, check: Check, *, devices_only: bool) -> Sequence[Step]:
    names = _COMPUTING[:1] if devices_only else _COMPUTING
    outcome = try_part(Part("check-run", (str(folder), *names), names), folder, hear, check)
    return (*outcome.steps, *(Step(each, "skipped") for each in _COMPUTING[len(names) :]))


def _window(folder: Path, hear: Hear, check: Check) -> Step:
    """Opens a window that nobody sees with the sample in it, and the labels where there are some."""
    shown = [assets_folder() / SAMPLE, folder / LABELS_FILE]
    paths = tuple(str(each) for each in shown if each.is_file()) if shown[0].is_file() else ()
    return try_part(Part("check-window", paths, ("window",)), folder, hear, check).steps[0]


def _with(step: Step, more: Step) -> Step:
    """One step of two tries."""
    problems = (*step.problems, *more.problems)
    return replace(
        step,
        state="failed" if problems else "ok",
        seconds=step.seconds + more.seconds,
        problems=problems,
        facts=joined(step.facts, more.facts),
    )


def check_in_child(hear: Hear, check: Check) -> tuple[tuple[Step, ...], dict[str, Any]]:
    """As `check_installation`, in a process of its own and in a folder that is removed afterwards.

    For a program that goes on meanwhile: the check changes nothing in it. Raises what `check` raises, OSError.
    """
    begun = time.monotonic()
    # The last processes may hold their files a moment longer on Windows.
    with tempfile.TemporaryDirectory(prefix="tsdesktop-", ignore_cleanup_errors=True) as name:
        report_file = Path(name) / "report.json"
        part = Part("check", (name, str(report_file)), STEPS, patience_s=_PATIENCE_S)
        steps = try_part(part, Path(name), hear, check).steps
        if report_file.is_file():
            return steps, json.loads(report_file.read_text(encoding="utf-8"))
    return steps, report_of(steps, time.monotonic() - begun)
