"""Which files an export writes, and where: one plan for the options of a run and for what a person chose in the window.

Nothing here touches a voxel or loads what writes the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tsdesktop.core.errors import ExportError
from tsdesktop.core.options import DicomSegForm, Frame, LabelFormat, MeshFormatName, MeshLayout
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.volume import ScanSource
from tsdesktop.exports.meshes.obj import materials_path
from tsdesktop.exports.writing import file_names

Table = Literal["csv", "json", "json-full", "xlsx", "dicom-sr"]
Average = Literal["mean", "median"]
LABEL_ENDINGS: Mapping[LabelFormat, str] = {
    "nifti": ".nii.gz", "nrrd": ".seg.nrrd", "dicom-seg": ".seg.dcm", "rtstruct": ".rtstruct.dcm",
}  # fmt: skip
TABLE_NAMES: Mapping[Table, str] = {
    "csv": "statistics.csv", "xlsx": "statistics.xlsx", "json": "statistics.json", "json-full": "statistics_full.json",
    "dicom-sr": "statistics.sr.dcm",
}  # fmt: skip
DICOM_TITLES: Mapping[str, str] = {
    "dicom-seg": "DICOM segmentation", "rtstruct": "DICOM RT structure set", "dicom-sr": "DICOM structured report",
}  # fmt: skip
_TOGETHER: Mapping[MeshLayout, str] = {"merged": "all_structures", "parts": "all_parts"}
# As in exports.meshes.writing, which takes longer to load than a window may take to open.
MESH_ENDINGS: Mapping[MeshFormatName, str] = {
    "stl": ".stl", "stl-ascii": ".stl", "3mf": ".3mf", "obj": ".obj", "ply": ".ply", "glb": ".glb", "vtp": ".vtp",
}  # fmt: skip


@dataclass(frozen=True)
class MeshPlan:
    """Surfaces: one file each in `folder`, all together in `beside` with `prefix` before the name.

    `smoothing` is a preset of `surfaces.smoothing`; `smoothing_mm`, where it is given, the width that stands for it.
    With `largest_error_mm` triangles are saved, and no place of a surface moves farther than that. `check`: they are
    looked at as for printing.
    """

    folder: Path
    beside: Path
    formats: tuple[MeshFormatName, ...]
    layouts: tuple[MeshLayout, ...]
    smoothing: str = "faithful"
    frame: Frame = "LPS"
    prefix: str = ""
    smoothing_mm: float | None = None
    largest_error_mm: float = 0.0
    check: bool = True

    def stem(self, layout: MeshLayout) -> str:
        """The name without ending of a file with all surfaces; "" for a layout that has none."""
        return self.prefix + _TOGETHER[layout] if layout in _TOGETHER else ""

    def layouts_of(self, count: int) -> tuple[MeshLayout, ...]:
        """The layouts that `count` structures are written in: one alone is not written again together with none."""
        return self.layouts if count > 1 else self.layouts[:1]

    def files(self, classes: Sequence[StructureClass]) -> Iterator[Path]:
        """The files for surfaces of these structures."""
        for layout in self.layouts_of(len(classes)):
            for key in self.formats:
                ending = MESH_ENDINGS[key]
                stem = self.stem(layout)
                meshes = [self.beside / (stem + ending)] if stem else _in_folder(self.folder, classes, ending)
                yield from meshes
                yield from (materials_path(each) for each in meshes if key == "obj")


@dataclass(frozen=True)
class ExportPlan:
    """Where every kind of result goes; what is not wanted is not in it.

    `masks` is the folder for one NIfTI file per structure. `average` and `include_border` are for upstream's JSON,
    `dicom_seg_form` for the DICOM segmentation.
    """

    labels: Mapping[LabelFormat, Path] = field(default_factory=dict)
    masks: Path | None = None
    meshes: MeshPlan | None = None
    tables: Mapping[Table, Path] = field(default_factory=dict)
    preview: Path | None = None
    manifest: Path | None = None
    average: Average = "mean"
    include_border: bool = False
    overwrite: bool = False
    dicom_seg_form: DicomSegForm = "binary"

    def files(self, masks: Sequence[StructureClass], surfaces: Sequence[StructureClass]) -> list[Path]:
        """All files, in the order in which they are written, with masks and surfaces of these structures."""
        found: list[Path] = []
        for key, path in self.labels.items():
            found += [path, sidecar_of(path)] if key == "nifti" else [path]
        if self.masks is not None:
            found += _in_folder(self.masks, masks, ".nii.gz")
        if self.meshes is not None and surfaces:
            found += self.meshes.files(surfaces)
        found += self.tables.values()
        return [*found, *(each for each in (self.preview, self.manifest) if each is not None)]

    @property
    def of_dicom(self) -> str:
        """The first wanted result that refers to a DICOM series; "" where there is none."""
        return next((key for key in (*self.labels, *self.tables) if key in DICOM_TITLES), "")

    def check_source(self, source: ScanSource) -> None:
        """Raises ExportError where DICOM is asked for and the scan was not read from DICOM."""
        if self.of_dicom and not is_from_dicom(source):
            raise ExportError("export.dicom_only", name=source.name, what=DICOM_TITLES[self.of_dicom])


def is_from_dicom(source: ScanSource) -> bool:
    """Whether results can refer to the scan as DICOM wants it."""
    return source.format == "dicom" and bool(source.dicom_files)


def sidecar_of(label_file: Path) -> Path:
    """The JSON file beside a NIfTI label map."""
    name = label_file.name
    for ending in (".nii.gz", ".nii"):
        if name.lower().endswith(ending):
            return label_file.with_name(name[: -len(ending)] + ".json")
    return label_file.with_suffix(".json")


def _in_folder(folder: Path, classes: Sequence[StructureClass], ending: str) -> list[Path]:
    return [folder / name for name in file_names([each.name for each in classes], ending)]
