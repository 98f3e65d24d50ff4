"""Chooses which half to start before importing anything: the inference half, or the command line."""

from __future__ import annotations

import os
import sys

HALF_VARIABLE = "TSDESKTOP_HALF"


def main() -> int:
    """Starts the half that the environment asks for. Returns the exit code."""
    if os.environ.get(HALF_VARIABLE) == "inference":
        from tsdesktop.inference.worker import serve

        return serve()
    from tsdesktop.cli.command import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
