"""What was counted about one structure of a label map, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from tsdesktop.core.geometry import Box
from tsdesktop.core.structures import StructureClass


@dataclass(frozen=True)
class Intensity:
    """The scan's values inside a structure, in the scan's own unit (HU for CT); `sd` is the population's."""

    mean: float
    sd: float
    median: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class StructureStatistics:
    """Size, place and intensities of one structure; without voxels the places, `intensity` and `box` are None.

    `inside_ras_mm`: the centroid, or where that lies outside (a bowed or hollow structure) a voxel of it that is near;
    `touches_border`: a voxel lies in the outermost layer of the grid, so a part may be missing; `near_border`: within
    the three outermost layers, the rule by which TotalSegmentator leaves a structure out.
    """

    structure: StructureClass
    voxels: int
    volume_mm3: float
    intensity: Intensity | None
    centroid_ras_mm: tuple[float, float, float] | None
    box: Box | None
    touches_border: bool
    near_border: bool
    inside_ras_mm: tuple[float, float, float] | None = None

    @property
    def volume_ml(self) -> float:
        """Volume in ml."""
        return self.volume_mm3 / 1000.0
