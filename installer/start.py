"""The first lines of the packaged program. A source checkout and an installed wheel start `tsdesktop.__main__` itself.

PyInstaller's starter points the system's loader to the program's own libraries. Programs that this one starts, such as
the browser that shows a page, must not find those: the environment is put back as it was before. The program's own
processes go the starter's whole way again, so that they find them.
"""

from __future__ import annotations

import os
import sys

LOADER_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
# Without it the starter of a child takes it that its parent has pointed the loader to the libraries already.
AFRESH_VARIABLE = "PYINSTALLER_RESET_ENVIRONMENT"


def put_back(environment: dict[str, str]) -> dict[str, str | None]:
    """What the loader's variables have to become again; None for one that was not set."""
    return {name: environment.get(f"{name}_ORIG") or None for name in LOADER_VARIABLES if name in environment}


def main() -> int:
    """Starts the half that is asked for; returns the exit code."""
    for name, value in put_back(dict(os.environ)).items():
        os.environ.pop(f"{name}_ORIG", None)
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    os.environ[AFRESH_VARIABLE] = "1"
    from tsdesktop.__main__ import main as start

    return start()


if __name__ == "__main__":
    sys.exit(main())
