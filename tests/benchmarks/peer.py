"""The two programs as commands: the same options for both, the same networks, each in an environment of its own.

The peer is TotalSegmentator installed in a virtual environment elsewhere; nothing of it is imported here.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tsdesktop.core.options import Options

_TOP = Path(__file__).resolve().parents[2]
SINGLE_PRECISION = Path(__file__).resolve().parent / "single_precision"
_FLAGS = {
    "fast": "--fast",
    "fastest": "--fastest",
    "body_crop": "--body_seg",
    "smooth_labels": "--higher_order_resampling",
    "smooth_labels_legacy": "--higher_order_resampling_LEGACY",
    "force_split": "--force_split",
    "keep_model_resolution": "--save_lowres",
    "v1_order": "--v1_order",
    "statistics": "--statistics",
    "preview": "--preview",
}


@dataclass(frozen=True)
class Programs:
    """Where both are: the peer's environment and what it needs on PYTHONPATH; ours as a checkout and a data folder."""

    peer: Path
    peer_path: Path | None
    source: Path
    data: Path

    def ours(self, scan: Path, out: Path, options: Options) -> list[str]:
        """Our command; nothing of an earlier result is reused."""
        command = [sys.executable, "-m", "tsdesktop", "segment", str(scan), "-o", str(out), "--overwrite", "--no-cache"]
        command += ["--task", options.task, "--device", "cpu", "--format", options.format]
        command += [
            "--" + name.replace("_", "-")
            for name in (*_FLAGS, "robust_crop")
            if getattr(options, name) is True
        ]  # fmt: skip
        if options.roi:
            command += ["--roi", *options.roi]
        if options.resampling_order != 1:
            command += ["--resampling-order", str(options.resampling_order)]
        if options.remove_small_blobs:
            command += ["--remove-small-blobs", str(options.remove_small_blobs)]
        return command

    def peers(self, scan: Path, out: Path, options: Options, more: tuple[str, ...] = ()) -> list[str]:
        """The peer's command."""
        command = [str(self.peer / "bin" / "TotalSegmentator"), "-i", str(scan), "-o", str(out)]
        command += ["--task", options.task, "--device", "cpu", *more]
        command += [flag for name, flag in _FLAGS.items() if getattr(options, name) is True]
        if options.format == "multilabel":
            command.append("--ml")
        if options.roi:
            command += ["--roi_subset_robust" if options.robust_crop else "--roi_subset", *options.roi]
        elif options.robust_crop:
            command.append("--robust_crop")
        if options.resampling_order != 1:
            command += ["--resampling_order", str(options.resampling_order)]
        if options.remove_small_blobs:
            command += ["--remove_small_blobs", str(options.remove_small_blobs)]
        return command

    def our_environment(self, home: Path) -> dict[str, str]:
        """Ours: the checkout first on the path, networks from `home`, and a data folder of the benchmark's own."""
        return _environment() | {
            "PYTHONPATH": str(self.source),
            "PYTHONSAFEPATH": "1",
            "TSDESKTOP_DATA_DIR": str(self.data),
            "TOTALSEG_HOME_DIR": str(home),
        }

    def peer_environment(self, home: Path, single_precision: bool = False) -> dict[str, str]:
        """The peer's; `single_precision` lets it add up windows in single precision."""
        path = [str(SINGLE_PRECISION)] if single_precision else []
        path += [str(self.peer_path)] if self.peer_path else []
        return _environment() | {"PYTHONPATH": os.pathsep.join(path), "TOTALSEG_HOME_DIR": str(home)}


def _environment() -> dict[str, str]:
    """Without what keeps Python from storing compiled modules: both programs are measured as installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def checkout() -> Path:
    """The checkout this file lies in."""
    return _TOP
