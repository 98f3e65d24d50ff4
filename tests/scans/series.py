"""Writes small DICOM series whose content and place in the world are known, for the tests of the scans room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from tsdesktop.core.volume import Volume

ROWS, COLUMNS = 24, 32
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def field_hu(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> NDArray[np.float64]:
    """A smooth field over LPS mm, linear along every axis, so that linear interpolation is exact."""
    return np.asarray(2.0 * np.asarray(x) + 3.0 * np.asarray(y) - 5.0 * np.asarray(z) + 250.0)


def slice_dataset(
    corner_lps: Sequence[float] | NDArray[np.float64],
    *,
    orientation: Sequence[float] = AXIAL,
    spacing: tuple[float, float] = (1.5, 1.0),
    field: Callable[..., Any] = field_hu,
    **tags: Any,
) -> FileDataset:
    """One CT slice that shows `field` at its pixels' LPS positions; `tags` override any attribute (None deletes it)."""
    rows, columns = tags.pop("Rows", ROWS), tags.pop("Columns", COLUMNS)
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    j, i = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    places = np.array(corner_lps) + i[..., None] * row * spacing[1] + j[..., None] * column * spacing[0]
    values = np.asarray(field(places[..., 0], places[..., 1], places[..., 2]))
    slope, intercept = tags.get("RescaleSlope", 1), tags.get("RescaleIntercept", -1024)
    stored = np.rint((values - intercept) / slope)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = tags.get("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    attributes: dict[str, Any] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "FrameOfReferenceUID": "1.2.3.9",
        "PatientName": "Never^Shown",
        "PatientID": "secret",
        "Modality": "CT",
        "SeriesNumber": 3,
        "SeriesDescription": "Thorax 3.0",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "AcquisitionNumber": 1,
        "InstanceNumber": 1,
        "ImagePositionPatient": [round(float(v), 6) for v in corner_lps],
        "ImageOrientationPatient": [round(float(v), 8) for v in orientation],
        "PixelSpacing": list(spacing),
        "SliceThickness": 2.0,
        "Rows": rows,
        "Columns": columns,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "RescaleSlope": slope,
        "RescaleIntercept": intercept,
        "WindowCenter": [40, 300],
        "WindowWidth": [400, 1500],
    }
    for key, value in {**attributes, **tags}.items():
        if value is not None:
            setattr(ds, key, value)
    signed = getattr(ds, "PixelRepresentation", 1) == 1
    ds.PixelData = stored.astype("<i2" if signed else "<u2").tobytes()
    return ds


def save(ds: Dataset, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path,
    heights_mm: Sequence[float],
    *,
    orientation: Sequence[float] = AXIAL,
    origin_lps: Sequence[float] = (-20.0, -30.0, 40.0),
    along: Sequence[float] | None = None,
    each: Callable[[int], dict[str, Any]] | None = None,
    **tags: Any,
) -> list[Path]:
    """Slices at `heights_mm` along `along` (the normal unless given), under names that say nothing of their order."""
    normal = np.cross(orientation[:3], orientation[3:]) if along is None else np.array(along, float)
    shuffled = np.random.default_rng(1).permutation(len(heights_mm))
    paths = []
    for n, height in enumerate(heights_mm):
        corner = np.array(origin_lps) + height * normal
        more = each(n) if each else {}
        ds = slice_dataset(corner, orientation=orientation, **{"InstanceNumber": int(shuffled[n]) + 1, **tags, **more})
        paths.append(save(ds, folder / f"f{shuffled[n]:03d}"))
    return paths


def field_ras(world_ras: NDArray[np.float64]) -> NDArray[np.float64]:
    """`field_hu` at RAS+ mm positions."""
    return field_hu(-world_ras[..., 0], -world_ras[..., 1], world_ras[..., 2])


def world_grid(shape: tuple[int, ...], affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """RAS+ mm of every voxel, computed by hand."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    return np.asarray(index @ affine[:3, :3].T + affine[:3, 3])


TEN = [3.0 * n for n in range(10)]


def ids(volume: Volume) -> list[str]:
    return [each.id for each in volume.notes]


def assert_shows_field(volume: Volume, tolerance: float = 0.51, border: int = 0) -> None:
    """Every voxel, but for a border that lies outside what was scanned, holds the field at its world position."""
    expected = field_ras(world_grid(volume.array.shape, volume.affine))
    scanned = volume.array > volume.array.min() if border else np.ones(volume.array.shape, bool)
    assert scanned.mean() > 0.5
    off = np.abs(volume.array - expected)
    if border:
        off = np.sort(off[scanned])[: int(0.9 * scanned.sum())]
    assert off.max() <= tolerance
