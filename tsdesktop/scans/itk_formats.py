"""NRRD, MHA/MHD and GIPL, through SimpleITK."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from tsdesktop.core.errors import ReadError
from tsdesktop.core.geometry import LPS_FROM_RAS, Affine
from tsdesktop.core.notes import Note, note
from tsdesktop.core.volume import ScanSource
from tsdesktop.scans.assemble import Scan
from tsdesktop.scans.intensities import VoxelBuffer
from tsdesktop.scans.streams import Outline, Request, chosen_volume, outline, spatial_shape

# ITK prints warnings to the terminal; what matters is checked here.
SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
_ENDINGS = {"nrrd": (".nrrd", ".nhdr"), "meta": (".mha", ".mhd"), "gipl": (".gipl",)}


def read_itk(path: Path, kind: str, request: Request) -> Scan:
    """The scan in a file of that kind ("nrrd", "meta", "gipl"). Raises ReadError."""
    with _reader(path, kind) as reader:
        shape, count = _layout(reader, path.name)
        index, notes = chosen_volume(path.name, count, request.volume_index)
        array, more = _voxels(reader.Execute(), index, shape, path.name)
    request.say(1.0)
    return Scan(
        array,
        _affine_ras(reader),
        source=ScanSource("itk", path.name, str(path)),
        notes=(*notes, *_no_orientation(path, kind), *more),
    )


def read_nrrd_layers(path: Path) -> tuple[NDArray[Any], Affine]:
    """All volumes of a NRRD file as they stand (layers, i, j, k), and their affine in RAS+ mm. Raises ReadError."""
    with _reader(path, "nrrd") as reader:
        image = reader.Execute()
        layers = np.asarray(_Voxels(image))
        if int(image.GetNumberOfComponentsPerPixel()) > 1:
            layers = np.moveaxis(layers, -1, 0)
        if layers.ndim != 4:
            raise ReadError("read.broken", name=path.name, reason="it is not a list of layers")
        return layers.transpose(0, 3, 2, 1), _affine_ras(reader)


def itk_outline(path: Path, kind: str) -> Outline:
    """Shape, spacing and number of volumes, from the header alone. Raises ReadError."""
    with _reader(path, kind) as reader:
        shape, volumes = _layout(reader, path.name)
    return outline(path.name, shape, _affine_ras(reader), volumes)


@contextmanager
def _reader(path: Path, kind: str) -> Iterator[Any]:
    """An ITK reader that has read the file's header."""
    if path.suffix.lower() in _ENDINGS[kind]:
        yield from _reader_of(path, path.name)
        return
    # ITK chooses what reads a file by its name.
    with tempfile.TemporaryDirectory(prefix="tsdesktop-") as folder:
        named = Path(folder) / f"scan{_ENDINGS[kind][0]}"
        named.write_bytes(path.read_bytes())
        yield from _reader_of(named, path.name)


def _reader_of(path: Path, name: str) -> Iterator[Any]:
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        yield reader
    except RuntimeError as error:
        raise _said(error, name) from error


def _said(error: RuntimeError, name: str) -> ReadError:
    words = str(error).lower()
    if any(
        sign in words
        for sign in ("truncat", "ends too", "unexpected eof", "end of file", "not enough", "could not read")
    ):
        return ReadError("read.truncated", name=name)
    if "data file" in words or "datafile" in words or "can't be opened" in words or "cannot open" in words:
        return ReadError("read.broken", name=name, reason="the file with its voxels is missing or damaged")
    return ReadError("read.broken", name=name, reason="its header or its voxels are damaged")


def _layout(reader: Any, name: str) -> tuple[tuple[int, int, int], int]:
    """Shape and number of volumes. Raises ReadError for colours and complex numbers."""
    components, pixel = int(reader.GetNumberOfComponents()), SimpleITK.GetPixelIDValueAsString(reader.GetPixelIDValue())
    if "complex" in pixel:
        raise ReadError("read.complex", name=name)
    if components in (3, 4) and "8-bit" in pixel:
        raise ReadError("read.colour", name=name)
    shape, count = spatial_shape(name, tuple(int(n) for n in reader.GetSize()))
    return shape, count * components


def _affine_ras(reader: Any) -> Affine:
    dimension = int(reader.GetDimension())
    direction = np.array(reader.GetDirection()).reshape(dimension, dimension)[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = direction * np.array(reader.GetSpacing())[:3]
    affine[:3, 3] = np.array(reader.GetOrigin())[:3]
    return np.asarray(LPS_FROM_RAS @ affine)


def _no_orientation(path: Path, kind: str) -> tuple[Note, ...]:
    stated = kind == "meta" or (kind == "nrrd" and _nrrd_states_space(path))
    return () if stated else (note("note.no_orientation", axes="LPS"),)


def _nrrd_states_space(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(1 << 16).split(b"\n\n")[0].split(b"\r\n\r\n")[0]
    return b"space directions" in header


class _Voxels:
    """Lets an array live in an ITK image's own memory, and keeps the image alive as long as the array."""

    def __init__(self, image: Any) -> None:
        self._image = image
        interface = dict(SimpleITK.GetArrayViewFromImage(image).__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


def _voxels(image: Any, index: int, shape: tuple[int, int, int], name: str) -> tuple[NDArray[Any], tuple[Note, ...]]:
    everything = np.asarray(_Voxels(image))
    components = int(image.GetNumberOfComponentsPerPixel())
    if components > 1:
        everything = np.moveaxis(everything, -1, 0)
    ni, nj, nk = shape
    chosen = everything.reshape(-1, nk, nj, ni)[index] if components == 1 else everything[index].reshape(nk, nj, ni)
    if chosen.dtype == np.int16 and chosen.size == everything.size:
        return chosen.transpose(2, 1, 0), ()
    buffer = VoxelBuffer((nk, nj, ni), name)
    for k in range(nk):
        buffer.put(k, chosen[k])
    return buffer.finish()
