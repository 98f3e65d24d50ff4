"""3MF, the format of printers: millimetres, an object with name and colour per part, packed small. Written by lib3mf.

Colours are groups of one colour each, named by the object itself: Bambu Studio and OrcaSlicer take nothing else from
a file they did not write. Several parts are components of one assembly, so that slicers keep them in place to each
other. UUIDs come from the content, so the same surfaces give the same bytes.
"""

from __future__ import annotations

import ctypes
import hashlib
import uuid
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tsdesktop.core.structures import Rgb
from tsdesktop.core.version import __version__
from tsdesktop.exports.meshes.package import with_plain_headers
from tsdesktop.exports.meshes.parts import MeshFrame, Part, frame_words

# Decimals of a mm: more than single precision has at 10 mm from the origin.
_DECIMALS = 6


def write_3mf(parts: Sequence[Part], path: Path, frame: MeshFrame) -> None:
    """Writes each part as an object of one package. Raises OSError."""
    from lib3mf import get_wrapper
    from lib3mf.Lib3MF import ELib3MFException

    raw = path.with_name(path.name + ".raw")
    try:
        package = _Package(get_wrapper(), _seed(parts))
        package.describe(parts, frame)
        package.build([package.add(part) for part in parts])
        package.write(raw)
        with_plain_headers(raw, path)
    except ELib3MFException as error:
        raise OSError(0, f"the 3MF library says: {error}") from error
    except zipfile.BadZipFile as error:
        # The library does not notice when the disk is full.
        raise OSError(0, "the disk may be full") from error
    finally:
        raw.unlink(missing_ok=True)


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

    def write(self, path: Path) -> None:
        """Writes the package."""
        writer = self._model.QueryWriter("3mf")
        writer.SetDecimalPrecision(_DECIMALS)
        writer.WriteToFile(str(path))

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
