"""`tsdesktop --self-test [FILE]`: is this installation complete, and does it work here? Exit codes as all commands."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tsdesktop.core.self_test import Step
from tsdesktop.pipeline.self_test import check_installation, is_ok, problems_of, write_report

OPTION = "--self-test"


def run(arguments: Sequence[str]) -> int:
    """Checks; `arguments` are those after the option. Returns the exit code: 0 all is well, 1 not, 2 wrong usage."""
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        print(f"usage: tsdesktop {OPTION} [FILE]", file=sys.stderr)
        return 2
    # The last processes may hold their files a moment longer on Windows.
    with tempfile.TemporaryDirectory(prefix="tsdesktop-", ignore_cleanup_errors=True) as folder:
        try:
            steps, report = check_installation(Path(folder), _Telling().hear)
        except KeyboardInterrupt:
            print("\nCancelled.", file=sys.stderr)
            return 1
    for each in problems_of(steps):
        print(f"{each.sentence} {each.hint}".strip(), file=sys.stderr)
    if not arguments:
        print(json.dumps(report, indent=2, ensure_ascii=False))
    elif not _written(report, Path(arguments[0])):
        return 1
    return 0 if is_ok(steps) else 1


class _Telling:
    """A line on standard error for every step, where a person sees it: in a terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()

    def hear(self, news: str | Step) -> None:
        """Says how a step went."""
        if self._terminal and isinstance(news, Step):
            print(f"{news.state:8}{news.name} ({news.seconds:.1f} s)", file=sys.stderr)


def _written(report: dict[str, object], path: Path) -> bool:
    try:
        write_report(report, path)
    except OSError as error:
        print(f"{path.name} could not be written: {error.strerror}. Choose a folder you may write to.", file=sys.stderr)
        return False
    return True
