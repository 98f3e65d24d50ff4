"""Label maps and scans on a grid that is oblique, anisotropic and mirrored."""

from __future__ import annotations

import numpy as np
import pytest
from nibabel.affines import from_matvec
from scipy.spatial.transform import Rotation

from tsdesktop.core.geometry import Geometry
from tsdesktop.core.structures import structure_class
from tsdesktop.core.volume import LabelMap, ScanSource, Volume

AFFINE = from_matvec(
    Rotation.from_euler("xyz", [15, -20, 30], degrees=True).as_matrix() @ np.diag([-0.7, 0.9, 2.5]),
    [10.0, -20.0, 300.0],
)


@pytest.fixture
def label_map() -> LabelMap:
    """Liver, spleen and an aorta that is not there."""
    array = np.zeros((17, 13, 11), np.uint8)
    array[2:9, 3:8, 2:7], array[10:15, 1:12, 5] = 1, 2
    classes = tuple(structure_class(label, name) for label, name in ((1, "liver"), (2, "spleen"), (52, "aorta")))
    return LabelMap(array, Geometry(array.shape, AFFINE), classes, "total")


@pytest.fixture
def volume() -> Volume:
    array = np.random.default_rng(1).integers(-1024, 3071, (17, 13, 11)).astype(np.int16)
    return Volume(array, Geometry(array.shape, AFFINE), "CT", ScanSource("dicom", "Series 3"))
