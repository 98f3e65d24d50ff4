"""Reads labels on the grid they are stored on, where no scan is open: for printing, which needs nothing but labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import GeometryError, ReadError
from tsdesktop.core.geometry import Geometry, Shape
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.scans.label_dicom import is_dicom_labels, segmentation_grid
from tsdesktop.scans.label_files import stated, system_words
from tsdesktop.scans.label_names import bare_name
from tsdesktop.scans.labels import mask_files, read_label_map, read_masks
from tsdesktop.scans.probabilities import is_probabilities, read_probabilities
from tsdesktop.scans.resample import upright_affine

_LABEL_ENDINGS = (".nii.gz", ".nii")
_SLICER_ENDING = ".seg.nrrd"
# A run writes its masks here where there is a label file, too.
_STRUCTURES = "structures"
_LARGEST_SHEAR_DEGREES = 50.0


def read_labels(path: Path) -> LabelMap:
    """The labels at `path`: a label map, a folder with a mask per structure, or the folder of a run of this program.

    They keep their own grid; a sheared one becomes upright, by nearest neighbour. Raises ReadError and GeometryError.
    """
    if not path.exists():
        raise ReadError("read.missing", name=path.name)
    file = path if path.is_file() else label_file_of(path)
    if file is not None:
        return read_label_map(file, _empty_scan(own_geometry(file)))
    masks = mask_files(path) or (mask_files(path / _STRUCTURES) if (path / _STRUCTURES).is_dir() else [])
    if not masks:
        raise ReadError("labels.empty_folder", name=path.name)
    return read_masks(masks, _empty_scan(own_geometry(masks[0])), path.name)


def label_file_of(folder: Path) -> Path | None:
    """The label map that a run of this program wrote to `folder`; None where there is none. Raises ReadError.

    It is the file of the manifest's task, else the only one with a JSON file of ours beside it, else the only
    segmentation for 3D Slicer.
    """
    with system_words(folder):
        files = sorted(each for each in folder.iterdir() if each.is_file())
    task = _json(folder / "manifest.json").get("task")
    name = task.get("name") if isinstance(task, Mapping) else None
    ours = [each for each in files if each.name.lower().endswith(_LABEL_ENDINGS) and _is_ours(each)]
    named = [each for each in ours if bare_name(each) == name]
    found = named or ours or [each for each in files if each.name.lower().endswith(_SLICER_ENDING)]
    return found[0] if len(found) == 1 else None


def own_geometry(path: Path) -> Geometry:
    """The grid of a file with labels, with axes at right angles. Raises ReadError and GeometryError."""
    with system_words(path):
        shape, affine = _stated_grid(path)
    try:
        geometry = Geometry(shape, affine)
    except ValueError as error:
        raise GeometryError("geometry.bad_affine", name=path.name) from error
    if geometry.is_orthogonal:
        return geometry
    if geometry.shear_degrees > _LARGEST_SHEAR_DEGREES:
        raise GeometryError("geometry.bad_affine", name=path.name)
    return _upright(geometry)


def _stated_grid(path: Path) -> tuple[Shape, NDArray[np.float64]]:
    """Shape and affine as the file states them. Raises ReadError."""
    if not is_dicom_labels(path):
        scan = read_probabilities(path).scan if is_probabilities(path) else stated(path)
        return scan.array.shape, scan.affine
    grid = segmentation_grid(path)
    if grid is None:
        raise ReadError("labels.needs_scan", name=path.name)
    return grid


def _upright(geometry: Geometry) -> Geometry:
    """An upright grid that holds all of a sheared one."""
    grid, _ = upright_affine(geometry.affine)
    corners = np.stack(np.meshgrid(*[(0.0, n - 1.0) for n in geometry.shape], indexing="ij"), axis=-1).reshape(-1, 3)
    places = (geometry.world_ras(corners) - grid[:3, 3]) @ np.linalg.inv(grid[:3, :3]).T
    low = np.floor(places.min(axis=0) + 1e-3)
    i, j, k = (int(n) for n in np.ceil(places.max(axis=0) - 1e-3) - low + 1)
    grid[:3, 3] += grid[:3, :3] @ low
    return Geometry((i, j, k), grid)


def _empty_scan(geometry: Geometry) -> Volume:
    """A scan of zeros on that grid that takes no memory: readers of labels ask for a scan, but only for its grid."""
    return Volume(np.broadcast_to(np.int16(0), geometry.shape), geometry)


def _is_ours(path: Path) -> bool:
    return _json(path.with_name(bare_name(path) + ".json")).get("program") == "tsdesktop"


def _json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, Mapping) else {}
