"""How long reading a scan takes and by how much memory grows meanwhile, beside dicom2nifti where it can be imported.

    python tests/benchmarks/reading.py SCAN [SCAN ...]

Every measurement runs in a process of its own. Wall and CPU seconds, peak growth of resident memory (sampled every
5 ms) in MB and in copies of the volume. dicom2nifti is measured on folders only, reading and writing an uncompressed
NIfTI as it cannot return arrays.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil


class _Growth:
    """Samples the resident memory of this process until it is stopped."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._base = self._most = self._process.memory_info().rss
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.005):
            self._most = max(self._most, self._process.memory_info().rss)

    def megabytes(self) -> float:
        self._stop.set()
        self._thread.join()
        return (self._most - self._base) / 1e6


def _ours(path: Path) -> int:
    from tsdesktop.scans.reader import read_scan

    return int(read_scan(path).array.nbytes)


def _dicom2nifti(path: Path) -> int:
    import nibabel as nib

    dicom2nifti = importlib.import_module("dicom2nifti")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "a.nii"
        dicom2nifti.dicom_series_to_nifti(path, target, reorient_nifti=True)
        return int(np.prod(nib.load(target).shape)) * 2


_WAYS: dict[str, Callable[[Path], int]] = {"ours": _ours, "dicom2nifti": _dicom2nifti}


def _measure(way: str, path: Path) -> str:
    # Importing is not reading.
    importlib.import_module("tsdesktop.scans.reader" if way == "ours" else "dicom2nifti")
    growth, wall, cpu = _Growth(), time.perf_counter(), time.process_time()
    size = _WAYS[way](path)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    grown = growth.megabytes()
    return f"| {path.name} | {way} | {wall:.2f} | {cpu:.2f} | {grown:.0f} | {grown * 1e6 / size:.2f} |"


def main(arguments: list[str]) -> None:
    """Prints a markdown table for the scans named."""
    if arguments[:1] == ["--one"]:
        sys.stdout.write(_measure(arguments[1], Path(arguments[2])) + "\n")
        return
    sys.stdout.write("| scan | reader | wall s | CPU s | growth MB | copies |\n|---|---|---|---|---|---|\n")
    for name in arguments:
        for way in _WAYS:
            if way != "ours" and (not Path(name).is_dir() or importlib.util.find_spec(way) is None):
                continue
            done = subprocess.run(
                [sys.executable, __file__, "--one", way, name], check=False, stdout=subprocess.PIPE, text=True
            )
            failed = f"| {name} | {way} | failed | | | |\n"
            sys.stdout.write(failed if done.returncode else done.stdout.splitlines()[-1] + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
