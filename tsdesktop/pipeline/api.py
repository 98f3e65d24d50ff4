"""Read, segment, measure in one call each: the functions of the public API that compose the rooms."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tsdesktop.core.options import Options
from tsdesktop.core.volume import Volume
from tsdesktop.jobs.messages import Devices
from tsdesktop.pipeline.earlier import earlier_results
from tsdesktop.pipeline.segmentation import Listener, Segmentation, check_run, segment_volume
from tsdesktop.runs.engine import Engine
from tsdesktop.scans.reader import read_scan


def read(scan: Any, *, series: str = "", volume_index: int | None = None) -> Volume:
    """A scan as a Volume (RAS+ mm): from a path (file, folder, zip), a nibabel image, or a Volume, which is returned.

    `series` picks one of several by number, UID or description, `volume_index` one volume of a 4D scan, from 0.
    Raises ReadError and GeometryError.
    """
    if isinstance(scan, Volume):
        return scan
    if isinstance(scan, str | Path):
        return read_scan(scan, series=series, volume_index=volume_index)
    with tempfile.TemporaryDirectory(prefix="tsdesktop-") as folder:
        # Through a file, so that an image in memory passes the same checks and repairs as one on disk.
        path = Path(folder) / "image.nii"
        scan.to_filename(path)
        return read_scan(path, volume_index=volume_index)


def segment(
    scan: Any,
    *,
    engine: Engine | None = None,
    listen: Listener = lambda _: None,
    cache: bool | None = None,
    **options: Any,
) -> Segmentation:
    """Segments `scan` (a path, a nibabel image or a Volume) in a process of its own; nothing is written.

    `options` are those of `tsdesktop.Options`: task="total", fast=True, roi=("liver",), device="auto" and so on.
    `listen` hears Progress messages. `engine` keeps networks loaded over several runs:

        >>> with Engine() as engine:
        ...     results = [segment(path, engine=engine, fast=True) for path in paths]

    The same run of the same scan is made once and read from the cache folder after that, unless `cache` is False or,
    where it is None, the settings say otherwise.

    Raises TsDesktopError with one plain sentence: ReadError, OptionsError, WeightsError, InferenceError.
    """
    chosen = Options(**options)
    check_run(chosen)
    volume = read(scan, series=chosen.series, volume_index=chosen.volume_index)
    return segment_volume(volume, chosen, engine=engine, listen=listen, earlier=earlier_results(cache))


def to_nibabel(result: Segmentation) -> Any:
    """The labels of a run as a nibabel Nifti1Image on the scan's grid, with the table of names in its header."""
    from tsdesktop.exports.nifti import label_map_to_nibabel  # only here: it loads nibabel

    return label_map_to_nibabel(result.label_map, result.volume.source)


def find_devices() -> Devices:
    """The devices networks can run on here, best first, with the reason where one is not used."""
    with Engine() as engine:
        return engine.find_devices()
