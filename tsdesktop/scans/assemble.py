"""From voxels and an affine as a file states them to a Volume: upright grid, modality, and what is worth telling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import GeometryError
from tsdesktop.core.geometry import Affine, Geometry
from tsdesktop.core.notes import Note, note
from tsdesktop.core.volume import Modality, ScanSource, Volume
from tsdesktop.scans.resample import upright
from tsdesktop.scans.sanity import guessed_modality, remarks

# Beyond this angle a grid is no tilted stack of slices any more but a damaged header.
_MOST_SHEAR_DEGREES = 50.0


@dataclass(frozen=True, eq=False)
class Scan:
    """Voxels [i, j, k] and their affine (RAS+ mm, possibly sheared) as a file states them.

    `modality` is None where the file does not know; `shear_note` names the sentence for a sheared grid.
    """

    array: NDArray[Any]
    affine: Affine
    source: ScanSource
    modality: Modality | None = None
    notes: tuple[Note, ...] = ()
    shear_note: str = "note.sheared"


def volume_of(scan: Scan) -> Volume:
    """The Volume of a scan. Raises GeometryError when its voxels have no trustworthy place in space."""
    name = scan.source.name
    if min(scan.array.shape) < 2:
        raise GeometryError("geometry.too_small", name=name, shape=" x ".join(str(n) for n in scan.array.shape))
    try:
        geometry = Geometry(scan.array.shape, scan.affine)
    except ValueError as error:
        raise GeometryError("geometry.bad_affine", name=name) from error
    array, notes = scan.array, scan.notes
    modality, more = (scan.modality, ()) if scan.modality is not None else guessed_modality(array)
    if not geometry.is_orthogonal:
        degrees = geometry.shear_degrees
        if degrees > _MOST_SHEAR_DEGREES:
            raise GeometryError("geometry.bad_affine", name=name)
        array, affine = upright(array, geometry.affine)
        geometry = Geometry(array.shape, affine)
        notes = (*notes, note(scan.shear_note, degrees=f"{degrees:.1f}"))
    volume = Volume(np.asarray(array), geometry, modality, scan.source, (*notes, *more))
    return volume.with_notes(remarks(volume, stated=scan.modality is not None))
