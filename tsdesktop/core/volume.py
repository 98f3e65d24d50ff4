"""A scan (Volume) and its labels (LabelMap): arrays [i, j, k] with their place in the world. Values, not files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.census import Found, census
from tsdesktop.core.geometry import Affine, Box, Geometry, read_only
from tsdesktop.core.notes import Note
from tsdesktop.core.structures import StructureClass

Modality = Literal["CT", "MR", "unknown"]
Intensities = NDArray[np.int16] | NDArray[np.int32] | NDArray[np.float32]
Labels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class ScanSource:
    """Where a scan came from, without the patient: format, a short name, and what exports need to point back to it."""

    format: Literal["nifti", "dicom", "itk", "mgh", "memory"]
    name: str
    path: str | None = None
    description: str = ""
    series_instance_uid: str = ""
    # The NIfTI input's own 348 header bytes: label maps keep its units, descrip and qform/sform codes.
    nifti_header: bytes | None = None
    # The DICOM files of the series in slice order, for exports that refer to them; where `path` is a zip, its members.
    dicom_files: tuple[str, ...] = ()
    # The frames (from 0, in slice order) of the one file of a multi-frame object.
    dicom_frames: tuple[int, ...] = ()
    # (window centre, window width) stated by the file, in its own units.
    window: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Volume:
    """A scan: intensities [i, j, k] (int16, int32 or float32; HU for CT) on a grid with right-angled axes.

    Raises ValueError when the array is not three-dimensional, has another type, does not fit the geometry, or holds
    values that are not finite.
    """

    array: Intensities
    geometry: Geometry
    modality: Modality = "unknown"
    source: ScanSource = field(default_factory=lambda: ScanSource("memory", "array"))
    notes: tuple[Note, ...] = ()

    def __post_init__(self) -> None:
        if self.array.dtype not in (np.dtype(np.int16), np.dtype(np.int32), np.dtype(np.float32)):
            raise ValueError(f"intensities must be int16, int32 or float32, got {self.array.dtype}")
        if self.array.shape != self.geometry.shape:
            raise ValueError(f"array {self.array.shape} does not fit the grid {self.geometry.shape}")
        if not self.geometry.is_orthogonal:
            raise ValueError(f"axes must be at right angles, off by {self.geometry.shear_degrees:.2f} degrees")
        object.__setattr__(self, "array", read_only(self.array))

    @property
    def affine(self) -> Affine:
        """4x4 from voxel index to RAS+ mm."""
        return self.geometry.affine

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel spacing along i, j, k in mm."""
        return self.geometry.spacing_mm

    def with_notes(self, notes: Iterable[Note]) -> Volume:
        """The same scan with more notes."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True, eq=False)
class LabelMap:
    """Labels [i, j, k] (uint8 or uint16, 0 is background) on a grid, and the structures the numbers stand for.

    `classes` lists every structure the task knows, present or not. Raises ValueError for another type or shape, and for
    a label that stands twice.
    """

    array: Labels
    geometry: Geometry
    classes: tuple[StructureClass, ...]
    task: str = ""

    def __post_init__(self) -> None:
        if self.array.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
            raise ValueError(f"labels must be uint8 or uint16, got {self.array.dtype}")
        if self.array.shape != self.geometry.shape:
            raise ValueError(f"array {self.array.shape} does not fit the grid {self.geometry.shape}")
        numbers = [each.label for each in self.classes]
        if len(set(numbers)) != len(numbers):
            raise ValueError(f"a label stands for two structures: {sorted(numbers)}")
        object.__setattr__(self, "array", read_only(self.array))

    @property
    def affine(self) -> Affine:
        """4x4 from voxel index to RAS+ mm."""
        return self.geometry.affine

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel spacing along i, j, k in mm."""
        return self.geometry.spacing_mm

    @cached_property
    def boxes(self) -> dict[int, Box]:
        """Label -> bounding box of its voxels, for the labels that occur, whether they have a name or not."""
        return {label: each.box for label, each in self.census.items()}

    @cached_property
    def census(self) -> dict[int, Found]:
        """Label -> its number of voxels, box and sums of indices, for the labels that occur, named or not."""
        return census(self.array)

    @property
    def present(self) -> tuple[StructureClass, ...]:
        """The structures that have at least one voxel, in label order."""
        return tuple(each for each in self.classes if each.label in self.boxes)

    def structure(self, name_or_label: str | int) -> StructureClass:
        """The structure of that name or label. Raises KeyError."""
        for each in self.classes:
            if name_or_label in (each.name, each.label):
                return each
        raise KeyError(name_or_label)

    def mask(self, name_or_label: str | int) -> NDArray[np.bool_]:
        """The voxels of one structure as booleans on the whole grid. Raises KeyError."""
        return np.asarray(self.array == self.structure(name_or_label).label)

    def cropped_mask(self, label: int) -> tuple[NDArray[np.bool_], Box] | None:
        """The voxels of `label` inside its bounding box, and that box; None when it does not occur."""
        box = self.boxes.get(label)
        return None if box is None else (np.asarray(self.array[box.slices] == label), box)

    def volume_ml(self, name_or_label: str | int) -> float:
        """Volume of a structure in ml (voxel count x voxel volume). Raises KeyError."""
        found = self.census.get(self.structure(name_or_label).label)
        return 0.0 if found is None else float(found.voxels) * self.geometry.voxel_volume_mm3 / 1000.0

    def with_array(self, array: Labels) -> LabelMap:
        """Other labels on the same grid."""
        return replace(self, array=array)

    def only(self, names: Iterable[str]) -> LabelMap:
        """The same map with only these structures; the voxels of all others become background. Raises KeyError."""
        kept = [self.structure(name) for name in names]
        table = np.zeros(int(np.iinfo(self.array.dtype).max) + 1, self.array.dtype)
        table[[each.label for each in kept]] = [each.label for each in kept]
        kept_in_order = tuple(each for each in self.classes if each in kept)
        return replace(self, array=table[self.array], classes=kept_in_order)

    def __iter__(self) -> Iterator[StructureClass]:
        return iter(self.classes)
