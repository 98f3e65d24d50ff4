"""A trial of fetched libraries, in a process of its own: one line of JSON on standard output says how it went."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tsdesktop.core.torch_build import TRIAL_FOLDER_VARIABLE


def serve(_: Sequence[str] = ()) -> int:
    """Tries the libraries in the folder that the environment names. Returns the exit code."""
    folder = Path(os.environ[TRIAL_FOLDER_VARIABLE])
    sys.path.insert(0, str(folder))
    works, reason, card = _outcome(folder)
    sys.stdout.write("\n" + json.dumps({"works": works, "reason": reason, "card": card}) + "\n")
    return 0


def _outcome(folder: Path) -> tuple[bool, str, str]:
    try:
        torch = importlib.import_module("torch")
        if not Path(torch.__file__ or "").resolve().is_relative_to(folder.resolve()):
            return False, "another torch was loaded in their place", ""
        # Compiled for one torch, loaded with another: what else the networks need must start with it, too.
        importlib.import_module("tsdesktop.inference.networks")
        found = importlib.import_module("tsdesktop.inference.devices").find_devices().devices
    except Exception as error:  # whatever a library raises while it starts is the answer
        return False, f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}", ""
    cards = [each for each in found if each.name.startswith("gpu")]
    good = next((each for each in cards if not each.refused), None)
    if good is not None:
        return True, "", good.title
    return False, next((each.refused for each in cards), "no card was found"), ""
