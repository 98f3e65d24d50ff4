"""Which torch this Python would load and what it was built for, read from its own small file: loading takes seconds."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

# Why fetched libraries for the graphics card are not in use: told to the inference half by whoever starts it.
CARD_PROBLEM_VARIABLE = "TSDESKTOP_CARD_PROBLEM"
# The folder of libraries that a process is to try.
TRIAL_FOLDER_VARIABLE = "TSDESKTOP_TRIAL_FOLDER"


@dataclass(frozen=True)
class TorchBuild:
    """A build of torch: its whole version, such as "2.13.0+cpu"; whether it was built for graphics cards."""

    version: str
    knows_cards: bool

    @property
    def release(self) -> str:
        """The version without what the build was made for: "2.13.0"."""
        return self.version.partition("+")[0]


def torch_build() -> TorchBuild | None:
    """The build that `import torch` would load; None where there is none, or its file says nothing."""
    try:
        found = importlib.util.find_spec("torch")
        text = Path(found.origin or "").with_name("version.py").read_text(encoding="utf-8") if found else ""
    except (OSError, ValueError):
        return None
    version = re.search(r"^__version__\s*=\s*['\"]([^'\"]+)", text, re.MULTILINE)
    # "cuda" and "hip" are None in builds for processors.
    built = dict(re.findall(r"^(cuda|hip)\b[^=\n]*=\s*(\S+)", text, re.MULTILINE))
    if version is None and not built:
        return None
    return TorchBuild(version[1] if version else "", not built or any(value != "None" for value in built.values()))
