"""Label maps and scans as NIfTI: all labels in one file with their names, or one file per structure."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from isal import igzip
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from tsdesktop.core.errors import ExportError
from tsdesktop.core.geometry import Box, Geometry
from tsdesktop.core.structures import Code, Codes, StructureClass
from tsdesktop.core.version import __version__
from tsdesktop.core.volume import LabelMap, ScanSource, Volume
from tsdesktop.exports.gzipped import ZeroRunGzip
from tsdesktop.exports.label_table import EXTENSION_CODE, label_table_xml
from tsdesktop.exports.writing import existing_folder, file_names, refuse_existing, write_json, written

_HEADER_BYTES = 348
_DATA_OFFSET = 352
_SCANNER = 1  # NIfTI's code for scanner coordinates
_SAME_PLACE_MM = 1e-3
_MOST_PACKERS = 4


def write_label_map(
    label_map: LabelMap, path: Path, source: ScanSource | None = None, *, overwrite: bool = False
) -> list[Path]:
    """Writes all labels to one .nii or .nii.gz file with a table of their names, and a JSON file beside it.

    With `source`, header fields of a NIfTI input are kept. Returns both paths. Raises ExportError.
    """
    sidecar = path.with_name(_stem(path) + ".json")
    refuse_existing([path, sidecar], overwrite=overwrite)
    _write_image(label_map_to_nibabel(label_map, source), path, overwrite=overwrite)
    write_json(label_map_description(label_map), sidecar, overwrite=overwrite)
    return [path, sidecar]


def write_per_class(
    label_map: LabelMap, folder: Path, source: ScanSource | None = None, *, overwrite: bool = False
) -> list[Path]:
    """Writes `<class>.nii.gz` (0 and 1) for every class, also for those without voxels. Raises ExportError."""
    names = file_names([each.name for each in label_map.classes], ".nii.gz")
    paths = [existing_folder(folder) / name for name in names]
    refuse_existing(paths, overwrite=overwrite)
    header = _mask_header(label_map.geometry, source)
    labels = np.asfortranarray(label_map.array)

    def packed(structure: StructureClass) -> bytes:
        stream = io.BytesIO()
        with ZeroRunGzip(stream) as file:
            file.write(header)
            _write_mask(labels, structure.label, label_map.boxes.get(structure.label), file)
        return stream.getvalue()

    # The boxes are found once, before the packers share them.
    packers = min(_MOST_PACKERS, os.cpu_count() or 1, max(1, len(label_map.boxes)))
    with ThreadPoolExecutor(packers) as pool:
        for path, data in zip(paths, pool.map(packed, label_map.classes), strict=True):
            with written(path, overwrite=overwrite) as temporary:
                temporary.write_bytes(data)
    return paths


def write_volume(volume: Volume, path: Path, *, overwrite: bool = False) -> None:
    """Writes a scan as .nii or .nii.gz with the intensities it was read with. Raises ExportError."""
    _write_image(_image(volume.array, volume.geometry, volume.source), path, overwrite=overwrite)


def label_map_to_nibabel(label_map: LabelMap, source: ScanSource | None = None) -> Any:
    """The labels as nibabel's Nifti1Image (uint8, uint16 above label 255) with the table of names in its header."""
    highest = max([each.label for each in label_map.classes] + list(label_map.boxes) + [0])
    array = label_map.array.astype(np.uint8 if highest <= 255 else np.uint16, copy=False)
    image = _image(array, label_map.geometry, source)
    table = nibabel.nifti1.Nifti1Extension(EXTENSION_CODE, label_table_xml(label_map.classes))
    image.header.extensions.append(table)
    return image


def label_map_description(label_map: LabelMap) -> dict[str, Any]:
    """What the labels stand for, as plain data: the content of the JSON file beside a label map."""
    return {
        "program": "tsdesktop",
        "version": __version__,
        "task": label_map.task,
        "labels": [_label_description(label_map, each) for each in label_map.classes],
    }


def _label_description(label_map: LabelMap, structure: StructureClass) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": structure.label,
        "name": structure.name,
        "title": structure.title,
        "rgb": list(structure.rgb),
        "present": structure.label in label_map.boxes,
    }
    if out["present"]:
        out["volume_ml"] = round(label_map.volume_ml(structure.label), 6)
    if structure.codes is not None:
        out["codes"] = _codes(structure.codes)
    return out


def _codes(codes: Codes) -> dict[str, dict[str, str]]:
    named: dict[str, Code | None] = {
        "category": codes.category,
        "type": codes.type,
        "type_modifier": codes.type_modifier,
        "region": codes.region,
        "region_modifier": codes.region_modifier,
    }
    return {
        name: {"scheme": code.scheme, "value": code.value, "meaning": code.meaning}
        for name, code in named.items()
        if code is not None
    }


def _image(array: NDArray[Any], geometry: Geometry, source: ScanSource | None) -> Any:
    """A Nifti1Image with the input's header where there is one, its scaling and extensions left behind."""
    header = _kept_header(source)
    header.set_data_dtype(array.dtype)
    header.set_data_shape(array.shape)
    if not _says(header, geometry):
        codes = int(header["qform_code"]), int(header["sform_code"])
        header.set_qform(geometry.affine, code=codes[0] or _SCANNER)
        header.set_sform(geometry.affine, code=codes[1] or _SCANNER)
    # Given the header's own affine, nibabel leaves its codes alone.
    return nibabel.Nifti1Image(array, header.get_best_affine(), header)


def _kept_header(source: ScanSource | None) -> Any:
    block = None if source is None else source.nifti_header
    if block is None or len(block) != _HEADER_BYTES:
        header = nibabel.Nifti1Header()
        header.set_xyzt_units("mm")
        return header
    # nibabel resets what belongs to the input's file alone: scaling, offset of the data, kind of file.
    return nibabel.Nifti1Header(block, check=False).as_byteswapped("<")


def _says(header: Any, geometry: Geometry) -> bool:
    """Whether the header already places the voxels where `geometry` does."""
    try:
        return Geometry(geometry.shape, header.get_best_affine()).matches(geometry, _SAME_PLACE_MM)
    except (ValueError, HeaderDataError):
        return False


def _write_image(image: Any, path: Path, *, overwrite: bool) -> None:
    opened: dict[str, Callable[[Any], Any]] = {
        ".nii.gz": lambda raw: igzip.IGzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0),
        ".nii": lambda raw: raw,
    }
    ending = path.name[len(_stem(path)) :].lower()
    with written(path, overwrite=overwrite) as temporary, temporary.open("wb") as raw:
        stream = opened[ending](raw)
        image.to_stream(stream)
        stream.close()


def _stem(path: Path) -> str:
    """The name without .nii or .nii.gz. Raises ExportError for another ending."""
    for ending in (".nii.gz", ".nii"):
        if path.name.lower().endswith(ending) and len(path.name) > len(ending):
            return path.name[: -len(ending)]
    raise ExportError("export.ending", name=path.name, endings=".nii.gz or .nii")


def _mask_header(geometry: Geometry, source: ScanSource | None) -> bytes:
    """The first bytes of a file with one mask: header and the mark that no extension follows."""
    header = _image(np.broadcast_to(np.uint8(0), geometry.shape), geometry, source).header
    header.set_slope_inter(1.0, 0.0)
    header["vox_offset"] = _DATA_OFFSET
    return bytes(header.binaryblock) + bytes(_DATA_OFFSET - _HEADER_BYTES)


def _write_mask(labels: NDArray[Any], label: int, box: Box | None, stream: ZeroRunGzip) -> None:
    """The voxels of one label as 0 and 1, first index fastest; rows and slices without it are runs of zeros.

    `labels` [i, j, k] lie in memory with i fastest.
    """
    columns, rows, slices = labels.shape
    if box is None:
        stream.write_zeros(columns * rows * slices)
        return
    across, down, _ = box.slices
    _, height, depth = box.shape
    plane = np.zeros((columns, height), np.uint8, order="F")
    between = columns * (rows - height)
    stream.write_zeros(columns * (rows * box.start[2] + box.start[1]))
    for k in range(depth):
        np.equal(labels[across, down, box.start[2] + k], label, out=plane[across].view(bool))
        stream.write(plane.reshape(-1, order="F").data)
        if k < depth - 1:
            stream.write_zeros(between)
    stream.write_zeros(columns * (rows - box.stop[1] + rows * (slices - box.stop[2])))
