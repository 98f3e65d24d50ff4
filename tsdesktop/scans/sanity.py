"""What looks wrong about a scan that could be read: its intensities, its orientation, its slices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.notes import Note, note
from tsdesktop.core.volume import Modality, Volume

THICK_SLICES_MM = 4.0
# A CT that shows no voxel below this holds neither air nor fat.
_FAT_HU = -50
_AIR_HU = -500
# No scan of a patient is smaller or larger; a file in metres or micrometres would be.
_SMALLEST_MM, _LARGEST_MM = 8.0, 3000.0
_MOST_SAMPLES = 2_000_000
# Values within such a small span were scaled (to 0..1, to z-scores) and have lost their unit.
_SCALED_SPAN = 20.0


def guessed_modality(array: NDArray[Any]) -> tuple[Modality, tuple[Note, ...]]:
    """CT or MR from intensities alone, for files that do not say; "unknown" whenever that is not clear.

    CT: at least 1 % of all voxels are air (below -500), 5 % lie at soft tissue (-200 to 300, exact zeros not counted)
    and fewer than 5 % are denser than bone (1500). MR: no negative value, more than eight bits, and not what a CT
    shifted by 1024 would look like. Guesses of MR and of nothing are told in a note; a CT in Hounsfield units can
    hardly be anything else.
    """
    sample = _sample(array)
    air = np.mean(sample < _AIR_HU)
    soft = np.mean((sample > -200) & (sample < 300) & (sample != 0))
    metal = np.mean(sample > 1500)
    if air >= 0.01 and soft >= 0.05 and metal < 0.05 and sample.max() > 0:
        return "CT", ()
    if array.min() >= 0 and array.max() > 255 and not _shifted_ct(sample):
        return "MR", (note("note.unknown_modality", guess="MR"),)
    return "unknown", (note("note.unknown_modality", guess="neither"),)


def _shifted_ct(sample: NDArray[Any]) -> bool:
    """Whether values pile up at 0 (air) and around 1024 (water), as in a CT stored without its rescale intercept."""
    return bool(np.mean(sample < 100) >= 0.05 and np.mean(np.abs(sample - 1040.0) < 110) >= 0.1)


def _sample(array: NDArray[Any]) -> NDArray[Any]:
    step = max(1, int(np.ceil((array.size / _MOST_SAMPLES) ** (1 / 3))))
    return np.asarray(array[::step, ::step, ::step], np.float32).ravel()


def remarks(volume: Volume, stated: bool) -> Iterator[Note]:
    """Notes about intensities, orientation and slice thickness; `stated` when the file itself names the modality."""
    yield from _about_intensities(volume)
    if not stated:
        yield from _about_orientation(volume)
    thickest = max(volume.spacing_mm)
    # Rounded as it is said: 4.0 and 4.00001 mm are the same to a person.
    if round(thickest, 2) > THICK_SLICES_MM:
        yield note("note.thick_slices", spacing_mm=f"{thickest:.2g}")


def _about_intensities(volume: Volume) -> Iterator[Note]:
    low, high = float(volume.array.min()), float(volume.array.max())
    words = {"low": f"{low:.4g}", "high": f"{high:.4g}"}
    if volume.modality == "MR":
        return
    if high - low <= _SCALED_SPAN and volume.array.dtype == np.float32:
        yield note("note.scaled_unit", **words)
    elif volume.modality == "CT" and (low > _FAT_HU or high < 0):
        yield note("note.not_hounsfield", **words)


def _about_orientation(volume: Volume) -> Iterator[Note]:
    if any(each.id in ("note.orientation", "note.no_orientation") for each in volume.notes):
        return
    affine = volume.affine
    if np.array_equal(np.abs(affine[:3, :3]), np.eye(3)) and not affine[:3, 3].any():
        yield note(
            "note.orientation",
            reason="a spacing of exactly 1 mm and an origin of 0 usually mean that the file knows neither",
        )
        return
    spacing = np.array(volume.spacing_mm)
    largest = float((spacing * volume.array.shape).max())
    if not _SMALLEST_MM <= largest <= _LARGEST_MM:
        yield note("note.orientation", reason=f"it would be {largest:.3g} mm long")
        return
    thickest = int(np.argmax(spacing))
    runs_along = volume.geometry.ras_axes[thickest][0]
    if volume.modality == "CT" and runs_along == 0 and spacing[thickest] > 1.5 * np.median(spacing):
        yield note("note.orientation", reason="the slices of a CT rarely run from left to right")
