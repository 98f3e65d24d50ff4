"""Enhanced multi-frame objects: frames become slices through their functional groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedCTImageStorage, EnhancedMRImageStorage

from tests.scans.series import AXIAL, COLUMNS, ROWS, field_ras, save, slice_dataset, world_grid
from tsdesktop.core.errors import GeometryError
from tsdesktop.scans.reader import list_series, read_scan


def item(**values: Any) -> Sequence:
    ds = Dataset()
    for key, value in values.items():
        setattr(ds, key, value)
    return Sequence([ds])


def frame(height: float, **content: Any) -> Dataset:
    groups = Dataset()
    groups.PlanePositionSequence = item(ImagePositionPatient=[-20.0, -30.0, 40.0 + height])
    groups.FrameContentSequence = item(**{"StackID": "1", **content})
    return groups


def write_enhanced(path: Path, heights: list[float], contents: list[dict[str, Any]], **tags: Any) -> Path:
    """A multi-frame file with frames in the given order; slopes stand in the frames, the rest is shared."""
    singles = [slice_dataset((-20.0, -30.0, 40.0 + h)) for h in heights]
    ds = slice_dataset((0, 0, 0), **{"SOPClassUID": EnhancedCTImageStorage, **tags})
    for key in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept"):
        delattr(ds, key)
    ds.NumberOfFrames = len(heights)
    shared = Dataset()
    shared.PlaneOrientationSequence = item(ImageOrientationPatient=list(AXIAL))
    shared.PixelMeasuresSequence = item(PixelSpacing=[1.5, 1.0], SliceThickness=3.0)
    shared.FrameVOILUTSequence = item(WindowCenter=50, WindowWidth=350)
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = [frame(h, **more) for h, more in zip(heights, contents, strict=True)]
    for n, groups in enumerate(frames):
        extra = 100.0 * contents[n].get("TemporalPositionIndex", 0)
        groups.PixelValueTransformationSequence = item(RescaleSlope=1, RescaleIntercept=-1024 + extra)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    ds.PixelData = b"".join(single.PixelData for single in singles)
    return save(ds, path)


HEIGHTS = [9.0, 0.0, 3.0, 12.0, 6.0]


def test_frames_are_sorted_by_their_place(tmp_path: Path) -> None:
    path = write_enhanced(tmp_path / "a", HEIGHTS, [{}] * 5)
    volume = read_scan(path)
    assert volume.array.shape == (COLUMNS, ROWS, 5)
    assert volume.array.dtype == np.int16
    np.testing.assert_allclose(volume.spacing_mm, (1.0, 1.5, 3.0))
    expected = field_ras(world_grid(volume.array.shape, volume.affine))
    assert np.abs(volume.array - expected).max() < 0.51
    assert volume.source.window == (50.0, 350.0)
    assert volume.source.dicom_files == (str(path),)
    assert volume.source.dicom_frames == (1, 2, 4, 0, 3)


def test_time_points_are_volumes(tmp_path: Path) -> None:
    contents = [{"TemporalPositionIndex": t} for t in (1, 2) for _ in HEIGHTS]
    write_enhanced(tmp_path / "a", HEIGHTS * 2, contents, SOPClassUID=EnhancedMRImageStorage, Modality="MR")
    first, second = read_scan(tmp_path), read_scan(tmp_path, volume_index=1)
    assert [each.id for each in first.notes] == ["note.first_volume"]
    assert list_series(tmp_path)[0].volumes == 2
    np.testing.assert_array_equal(second.array - first.array, 100)
    assert first.modality == "MR"


def test_stacks_are_series_of_their_own(tmp_path: Path) -> None:
    contents = [{"StackID": "1"}] * 5 + [{"StackID": "2"}] * 4
    write_enhanced(tmp_path / "a", [*HEIGHTS, 100.0, 104.0, 108.0, 112.0], contents)
    assert sorted(each.slices for each in list_series(tmp_path)) == [4, 5]
    volume = read_scan(tmp_path)
    assert volume.array.shape[2] == 5
    assert [each.id for each in volume.notes] == ["note.other_series"]


def test_frames_without_a_place_are_refused(tmp_path: Path) -> None:
    ds = slice_dataset((0, 0, 0), SOPClassUID=EnhancedMRImageStorage, ImagePositionPatient=None)
    ds.NumberOfFrames = 5
    ds.PixelData = ds.PixelData * 5
    save(ds, tmp_path / "a")
    with pytest.raises(GeometryError) as caught:
        read_scan(tmp_path)
    assert caught.value.id == "geometry.no_position"
