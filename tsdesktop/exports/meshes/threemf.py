"""3MF, the format of printers: millimetres, an object with name and colour per part, packed small. Written by lib3mf.

Colours are groups of one colour each, named by the object itself: from files of other programs Bambu Studio and
OrcaSlicer read colours in no other form, and make a filament of each. Several parts are components of one assembly,
so that slicers keep them in place to each other. UUIDs come from the content, so the same surfaces give the same
bytes.
"""

from __future__ import annotations

import ctypes
import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.structures import Rgb
from tsdesktop.core.version import __version__
from tsdesktop.exports.meshes.package import with_plain_headers
from tsdesktop.exports.meshes.parts import MeshFrame, Part, WrittenMesh, frame_words, in_ras

# Decimals of a mm: more than single precision has at 10 mm from the origin.
_DECIMALS = 6
# By the numbers of the library's ModelUnit: micrometre, millimetre, centimetre, inch, foot, metre.
_MM_PER_UNIT = (0.001, 1.0, 10.0, 25.4, 304.8, 1000.0)


def write_3mf(parts: Sequence[Part], path: Path, frame: MeshFrame) -> None:
    """Writes each part as an object of one package. Raises OSError."""
    from lib3mf import get_wrapper
    from lib3mf.Lib3MF import ELib3MFException

    try:
        package = _Package(get_wrapper(), _seed(parts))
        package.describe(parts, frame)
        package.build([package.add(part) for part in parts])
        with_plain_headers(package.packed(), path)
    except ELib3MFException as error:
        raise OSError(0, str(error).partition(": ")[2] or str(error)) from error


class _Package:
    """A 3MF model that is being made."""

    def __init__(self, library: Any, seed: str) -> None:
        from lib3mf.Lib3MF import ModelUnit

        self._library, self._seed = library, seed
        self._model = library.CreateModel()
        self._model.SetUnit(ModelUnit.MilliMeter)
        self._model.SetBuildUUID(self._uuid("build"))
        self._colours: dict[Rgb, tuple[int, int]] = {}

    def describe(self, parts: Sequence[Part], frame: MeshFrame) -> None:
        """States title, program and frame; never where the scan came from."""
        title = parts[0].name if len(parts) == 1 else f"{len(parts)} structures"
        words = {"Title": title, "Application": f"tsdesktop {__version__}", "Description": frame_words(frame)}
        for name, value in words.items():
            self._model.GetMetaDataGroup().AddMetaData("", name, value, "xs:string", True)

    def add(self, part: Part) -> Any:
        """The object of one part."""
        made = self._model.AddMeshObject()
        made.SetName(part.name)
        self._set_geometry(made, part)
        made.SetObjectLevelProperty(*self._colour(part.pieces[0].rgb))
        if len({piece.rgb for piece in part.pieces}) > 1:
            self._set_colours(made, part)
        return made

    def build(self, objects: Sequence[Any]) -> None:
        """Puts the objects on the build plate, as one assembly where there are several."""
        here = self._library.GetIdentityTransform()
        for number, each in enumerate(objects):
            each.SetUUID(self._uuid(f"object {number}"))
        whole = objects[0]
        if len(objects) > 1:
            whole = self._model.AddComponentsObject()
            whole.SetName("structures")
            whole.SetUUID(self._uuid("assembly"))
            for number, each in enumerate(objects):
                whole.AddComponent(each, here).SetUUID(self._uuid(f"component {number}"))
        self._model.AddBuildItem(whole, here).SetUUID(self._uuid("item"))

    def packed(self) -> IO[bytes]:
        """The package in memory: where the library's own writing fails, on a full disk, it ends the program."""
        from lib3mf.Lib3MF import SeekCallback, WriteCallback

        stream = BytesIO()
        writer = self._model.QueryWriter("3mf")
        writer.SetDecimalPrecision(_DECIMALS)
        write = WriteCallback(lambda start, count, _: stream.write(ctypes.string_at(start, count)) and None)
        seek = SeekCallback(lambda position, _: stream.seek(position) and None)
        writer.WriteToCallback(write, seek, None)
        return stream

    def _uuid(self, what: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed} {what}"))

    def _colour(self, rgb: Rgb) -> tuple[int, int]:
        """The resource and property of a colour."""
        if rgb not in self._colours:
            group = self._model.AddColorGroup()
            self._colours[rgb] = group.GetResourceID(), group.AddColor(self._library.RGBAToColor(*rgb, 255))
        return self._colours[rgb]

    def _set_geometry(self, made: Any, part: Part) -> None:
        from lib3mf.Lib3MF import Position, Triangle

        arrays = [(Position, part.vertices), (Triangle, part.triangles.astype(np.uint32))]
        self._call("meshobject_setgeometry", made, arrays)

    def _set_colours(self, made: Any, part: Part) -> None:
        """A colour for every triangle, as (resource, property of each corner)."""
        from lib3mf.Lib3MF import TriangleProperties

        colours = [self._colour(piece.rgb) for piece in part.pieces]
        rows = np.array([(group, index, index, index) for group, index in colours], np.uint32)
        every = np.repeat(rows, [len(piece.triangles) for piece in part.pieces], axis=0)
        self._call("meshobject_setalltriangleproperties", made, [(TriangleProperties, every)])

    def _call(self, name: str, made: Any, arrays: Sequence[tuple[Any, Any]]) -> None:
        """Hands arrays to the library as they are: its own Python functions walk through them one by one."""
        function: Callable[..., Any] = getattr(self._library.lib, f"lib3mf_{name}")
        given: list[Any] = []
        for kind, array in arrays:
            given += [ctypes.c_uint64(len(array)), (kind * len(array)).from_buffer(np.ascontiguousarray(array))]
        self._library.checkError(made, function(made._handle, *given))


def _seed(parts: Sequence[Part]) -> str:
    """A hash of all that goes into the file."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.name.encode())
        for piece in part.pieces:
            digest.update(repr((piece.name, piece.rgb, piece.frame)).encode())
            digest.update(piece.vertices.tobytes())
            digest.update(piece.triangles.tobytes())
    return digest.hexdigest()


def read_3mf(path: Path) -> list[WrittenMesh]:
    """The meshes on the build plate, assemblies taken apart, everything in its place. Raises OSError, ValueError."""
    from lib3mf import get_wrapper
    from lib3mf.Lib3MF import ELib3MFException

    with path.open("rb"):
        pass
    try:
        model = get_wrapper().CreateModel()
        model.QueryReader("3mf").ReadFromFile(str(path))
        return _Reading(model).meshes()
    except ELib3MFException as error:
        raise ValueError(str(error).partition(": ")[2] or str(error)) from error


class _Reading:
    """A 3MF model that was read."""

    def __init__(self, model: Any) -> None:
        from lib3mf.Lib3MF import Position, Triangle, TriangleProperties

        self._model, self._library = model, model._wrapper
        self._kinds = {"vertices": Position, "triangleindices": Triangle, "alltriangleproperties": TriangleProperties}

    def meshes(self) -> list[WrittenMesh]:
        """Every mesh on the plate."""
        words, mm = self._description(), _MM_PER_UNIT[int(self._model.GetUnit())]
        found: list[WrittenMesh] = []
        items = self._model.GetBuildItems()
        while items.MoveNext():
            item = items.GetCurrent()
            found += self._under(item.GetObjectResource(), _matrix(item.GetObjectTransform()))
        return [replace(mesh, vertices=in_ras(mesh.vertices * mm, words)) for mesh in found]

    def _description(self) -> str:
        group = self._model.GetMetaDataGroup()
        entries = [group.GetMetaData(number) for number in range(group.GetMetaDataCount())]
        return "\n".join(each.GetValue() for each in entries if each.GetName() == "Description")

    def _under(self, each: Any, placed: NDArray[np.float64]) -> Iterator[WrittenMesh]:
        if each.IsComponentsObject():
            for number in range(each.GetComponentCount()):
                part = each.GetComponent(number)
                yield from self._under(part.GetObjectResource(), _matrix(part.GetTransform()) @ placed)
            return
        corners = self._array(each, "vertices").view(np.float32).reshape(-1, 3).astype(np.float64)
        vertices = corners @ placed[:3, :3] + placed[3, :3]
        triangles = self._array(each, "triangleindices").reshape(-1, 3).astype(np.int32)
        yield WrittenMesh(each.GetName(), vertices, triangles, self._colour(each))

    def _colour(self, each: Any) -> Rgb | None:
        """The colour of the object, None where its triangles have colours of their own or it has none."""
        from lib3mf.Lib3MF import PropertyType

        group, number, stated = each.GetObjectLevelProperty()
        used = np.unique(self._array(each, "alltriangleproperties").reshape(-1, 4)[:, :2], axis=0)
        if not stated or len(used) > 1 or self._model.GetPropertyTypeByID(group) != PropertyType.Colors:
            return None
        colour = self._model.GetColorGroupByID(group).GetColor(number)
        return int(colour.Red), int(colour.Green), int(colour.Blue)

    def _array(self, each: Any, what: str) -> NDArray[np.uint32]:
        """An array of the library's as it is: its own Python functions make an object of every row."""
        function = getattr(self._library.lib, f"lib3mf_meshobject_get{what}")
        kind, needed = self._kinds[what], ctypes.c_uint64(0)
        self._library.checkError(each, function(each._handle, ctypes.c_uint64(0), needed, None))
        rows = np.zeros((needed.value, ctypes.sizeof(kind) // 4), np.uint32)
        place = (kind * needed.value).from_buffer(rows)
        self._library.checkError(each, function(each._handle, needed, ctypes.c_uint64(0), place))
        return rows


def _matrix(transform: Any) -> NDArray[np.float64]:
    """A transform of the library as (4, 4); points are rows, to its left."""
    out = np.eye(4)
    out[:, :3] = [list(row) for row in transform.Fields]
    return out
