"""A network's probabilities (.npz) as labels: every voxel gets the layer that is likeliest there.

Written by this program, with a JSON file beside that says where the voxels lie and what the layers stand for, or by
TotalSegmentator, with nnU-Net's .pkl beside. That file is a pickle, which could run any program when it is opened: only
numbers, texts and arrays are taken from it.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import GeometryError, ReadError
from tsdesktop.core.geometry import LPS_FROM_RAS, Affine
from tsdesktop.core.structures import StructureClass, structure_class
from tsdesktop.core.volume import ScanSource
from tsdesktop.scans.assemble import Scan

_MEMBER, _NAMES = "probabilities.npy", "labels.npy"
_BACKGROUND = "background"
_MOST_LAYERS = 65536
# What numbers, arrays and their types are made of in a pickle. Anything else is refused.
_HARMLESS = {
    ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"), ("collections", "OrderedDict"),
    *((module, name) for module in ("numpy.core.multiarray", "numpy._core.multiarray")
      for name in ("_reconstruct", "scalar")),
    *((module, "_frombuffer") for module in ("numpy.core.numeric", "numpy._core.numeric")),
}  # fmt: skip


@dataclass(frozen=True)
class Beside:
    """What a file beside says: the affine of the voxels in RAS+ mm, the structure of each layer, and the task."""

    affine: Affine | None = None
    structures: Mapping[int, StructureClass] | None = None
    task: str = ""


@dataclass(frozen=True, eq=False)
class LikeliestLabels:
    """Labels [i, j, k] with their affine, and the structures and the task that the file beside names."""

    scan: Scan
    classes: tuple[StructureClass, ...]
    task: str


def is_probabilities(path: Path) -> bool:
    """Whether the file holds probabilities of a network. Raises nothing."""
    if path.suffix.lower() != ".npz":
        return False
    try:
        with zipfile.ZipFile(path) as packed:
            return _MEMBER in packed.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def read_probabilities(path: Path) -> LikeliestLabels:
    """The likeliest labels. Layer n is label n, or the label that the JSON file beside gives it.

    One layer is in memory at a time. Raises ReadError, GeometryError where no file beside says where the voxels lie.
    """
    beside = _from_json(path) or _from_pickle(path) or Beside()
    if beside.affine is None:
        raise GeometryError("labels.no_geometry", name=path.name, stem=path.stem)
    with _plain_words(path), zipfile.ZipFile(path) as packed:
        if _may_overlap(packed):
            raise ReadError("labels.overlapping", name=path.name)
        with packed.open(_MEMBER) as stream:
            likeliest = _likeliest(stream, path.name)
    structures = beside.structures
    if structures is not None:
        likeliest = _renumbered(likeliest, structures)
    scan = Scan(likeliest.transpose(2, 1, 0), beside.affine, ScanSource("memory", path.name, str(path)))
    return LikeliestLabels(scan, tuple(structures.values()) if structures else (), beside.task)


@contextmanager
def _plain_words(path: Path) -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        raise ReadError("read.truncated", name=path.name) from error
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, NotImplementedError) as error:
        raise ReadError("read.broken", name=path.name, reason="its arrays are damaged") from error


def _may_overlap(packed: zipfile.ZipFile) -> bool:
    """Whether the layers are regions that lie in each other: these have no background among them."""
    if _NAMES not in packed.namelist():
        return False
    with packed.open(_NAMES) as stream:
        names = np.load(io.BytesIO(stream.read()), allow_pickle=False)
    return names.size > 0 and str(names.ravel()[0]).lower() != _BACKGROUND


def _likeliest(stream: IO[bytes], name: str) -> NDArray[Any]:
    """The number of the likeliest layer for every voxel [k, j, i]; the first one where several are."""
    shape, dtype = _header(stream, name)
    count, voxels = shape[0], shape[1:]
    best: NDArray[Any] = np.zeros(voxels, np.uint8 if count <= 256 else np.uint16)
    highest = _layer(stream, voxels, dtype)
    for n in range(1, count):
        layer = _layer(stream, voxels, dtype)
        higher = layer > highest
        best[higher] = n
        np.copyto(highest, layer, where=higher)
    return best


def _header(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(stream)
    if len(shape) != 4 or not 2 <= shape[0] <= _MOST_LAYERS or dtype.kind != "f" or is_fortran:
        raise ReadError("labels.not_labels", name=name, reason="its probabilities do not form layers of one image")
    return tuple(int(n) for n in shape), dtype


def _layer(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    size = int(np.prod(shape)) * dtype.itemsize
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return np.frombuffer(content, dtype).reshape(shape).copy()


def _renumbered(layers: NDArray[Any], structures: Mapping[int, StructureClass]) -> NDArray[Any]:
    """The structures' own labels; layers that stand for none become background."""
    highest = max((each.label for each in structures.values()), default=0)
    table = np.zeros(int(np.iinfo(layers.dtype).max) + 1, np.uint8 if highest <= 255 else np.uint16)
    for layer, structure in structures.items():
        if layer < len(table):
            table[layer] = structure.label
    return np.asarray(table[layers])


def _from_json(path: Path) -> Beside | None:
    """What this program wrote beside its own probabilities."""
    try:
        told = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        if told["program"] != "tsdesktop" or told["array"] != "probabilities":
            return None
        structures = {int(each["layer"]): _structure(each) for each in told["labels"]}
        affine = None if told["affine_ras"] is None else np.array(told["affine_ras"], float).reshape(4, 4)
        return Beside(affine, structures, str(told["task"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _structure(entry: Mapping[str, Any]) -> StructureClass:
    red, green, blue = (int(value) for value in entry["rgb"])
    return replace(structure_class(int(entry["id"]), str(entry["name"])), rgb=(red, green, blue))


def _from_pickle(path: Path) -> Beside | None:
    """What nnU-Net wrote beside: the geometry as SimpleITK has it (LPS), or nibabel's affine (RAS)."""
    try:
        with path.with_suffix(".pkl").open("rb") as file:
            told = _Unpickler(file).load()
        if "nibabel_stuff" in told:
            own = told["nibabel_stuff"]
            return Beside(np.array(own.get("reoriented_affine", own.get("original_affine")), float).reshape(4, 4))
        return Beside(_affine_ras(told["sitk_stuff"]))
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, ImportError):
        return None
    except pickle.UnpicklingError:
        return None


def _affine_ras(stuff: Mapping[str, Any]) -> Affine:
    affine = np.eye(4)
    affine[:3, :3] = np.array(stuff["direction"], float).reshape(3, 3) * np.array(stuff["spacing"], float)
    affine[:3, 3] = np.array(stuff["origin"], float)
    return np.asarray(LPS_FROM_RAS @ affine)


class _Unpickler(pickle.Unpickler):
    """Builds numbers, texts and arrays, and refuses all else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _HARMLESS:
            raise pickle.UnpicklingError(f"{module}.{name} is not expected here")
        return super().find_class(module, name)
