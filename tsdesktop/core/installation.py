"""What an installation consists of: the libraries of others that the program loads, and its own files.

Run in a process of its own (`serve`), since a broken library may end the process that loads it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Literal

from tsdesktop.core.assets import assets_folder, load_json
from tsdesktop.core.notes import Note, note
from tsdesktop.core.redaction import redacted
from tsdesktop.core.self_test import Voice, end_with_parent

CONTENTS = "contents.json"
_NO_FILE = re.compile(r"(\S+): cannot open shared object file")
_TEXT = (".json", ".ts", ".svg", ".txt")
Half = Literal["libraries", "network libraries"]


@dataclass(frozen=True)
class Library:
    """A library: what it is called where it is distributed, the modules the program loads of it, who loads them.

    `call` is a function of the first module that loads the rest. Without one that is `needed` the program still does
    everything, only slower.
    """

    name: str
    modules: tuple[str, ...]
    half: Half = "libraries"
    call: str = ""
    needed: bool = True


def _of(package: str, *modules: str) -> tuple[str, ...]:
    return tuple(f"{package}.{each}" for each in modules)


_VTK = (
    "util.numpy_support", "vtkCommonCore", "vtkCommonDataModel", "vtkFiltersCore", "vtkIOImage", "vtkImagingStencil",
    "vtkRenderingCore", "vtkRenderingFreeType", "vtkRenderingOpenGL2",
)  # fmt: skip
_HIGHDICOM = ("coding_schemes", "color", "content", "frame", "seg", "sr", "sr.coding")
_PYDICOM = (
    "datadict", "dataset", "encaps", "filebase", "filewriter", "pixels", "pixels.processing", "sr.codedict", "uid",
    "valuerep",
)  # fmt: skip
_SCIPY = ("ndimage", "optimize", "sparse", "sparse.csgraph", "spatial", "spatial.transform")
_NNUNET = (
    "preprocessing.resampling.default_resampling", "preprocessing.resampling.resample_torch",
    "utilities.get_network_from_plans",
)  # fmt: skip
LIBRARIES: tuple[Library, ...] = (
    Library("numpy", ("numpy", "numpy.typing")),
    Library("scipy", ("scipy", *_of("scipy", *_SCIPY))),
    Library("cattrs", ("cattrs", "cattrs.errors", "cattrs.preconf.json", "cattrs.strategies")),
    Library("packaging", _of("packaging", "requirements", "specifiers", "tags", "utils", "version")),
    Library("platformdirs", ("platformdirs",)),
    Library("psutil", ("psutil",)),
    Library("nibabel", ("nibabel", "nibabel.spatialimages", "nibabel.wrapstruct")),
    Library("isal", ("isal", "isal.isal_zlib", "isal.igzip")),
    Library("SimpleITK", ("SimpleITK",)),
    Library("pydicom", ("pydicom", *_of("pydicom", *_PYDICOM))),
    Library("pylibjpeg", ("pylibjpeg",)),
    Library("pylibjpeg-openjpeg", ("openjpeg", "_openjpeg")),
    Library("pyjpegls", ("jpeg_ls", "_CharLS")),
    Library("imagecodecs", ("imagecodecs", "imagecodecs._jpeg8", "imagecodecs._jpeg2k")),
    Library("highdicom", ("highdicom", *_of("highdicom", *_HIGHDICOM))),
    Library("XlsxWriter", ("xlsxwriter", "xlsxwriter.format", "xlsxwriter.worksheet")),
    Library("vtk", _of("vtkmodules", *_VTK)),
    Library("manifold3d", ("manifold3d",)),
    # Its own library is loaded only by this call.
    Library("lib3mf", ("lib3mf", "lib3mf.Lib3MF"), call="get_wrapper"),
    Library("fonttools", ("fontTools.ttLib", "fontTools.pens.recordingPen")),
    Library("httpx", ("httpx",)),
    Library("truststore", ("truststore",)),
    Library("keyring", ("keyring", "keyring.backend", "keyring.backends.chainer")),
    Library("filelock", ("filelock",)),
    Library("PySide6-Essentials", ("PySide6.QtCore", "PySide6.QtGui", "PySide6.QtWidgets")),
    Library("shiboken6", ("shiboken6",)),
    Library("QtAwesome", ("qtawesome",)),
    Library("torch", ("torch",), "network libraries"),
    Library("openvino", ("openvino",), "network libraries"),
    Library("nnunetv2", _of("nnunetv2", *_NNUNET), "network libraries"),
)
# Compressed DICOM files of the kinds that scanners and archives write, by their transfer syntax.
_CODECS = {
    "RLE": "1.2.840.10008.1.2.5",
    "JPEG baseline": "1.2.840.10008.1.2.4.50",
    "JPEG-LS": "1.2.840.10008.1.2.4.80",
    "JPEG 2000": "1.2.840.10008.1.2.4.90",
}


def serve(arguments: Sequence[str]) -> int:
    """Loads the libraries named after the file to tell it to and the step. Returns the exit code."""
    end_with_parent()
    voice, names = Voice(Path(arguments[0])), arguments[2:]
    step: Half = "libraries" if arguments[1] == "libraries" else "network libraries"
    check_libraries(voice, step, [each for each in LIBRARIES if each.half == step and each.name in names])
    voice.end()
    return 0


def check_libraries(voice: Voice, step: Half, libraries: Sequence[Library]) -> None:
    """Loads each library and tells its version, or what keeps it from being loaded."""
    voice.begin(step)
    for each in libraries:
        voice.trying(each.name)
        problem = loading_problem(each)
        if problem is None:
            voice.fact("versions", {each.name: version_of(each)})
        elif each.needed:
            voice.problem(problem)
        if problem is None and each.name == "pydicom":
            _check_codecs(voice)


def loading_problem(library: Library) -> Note | None:
    """Loads a library; what keeps it from being loaded, None when nothing does."""
    try:
        loaded = [import_module(each) for each in library.modules]
        if library.call:
            getattr(loaded[0], library.call)()
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == library.modules[0].split(".")[0]:
            return note("check.library_missing", name=library.name)
        return note("check.library_broken", name=library.name, reason=redacted(str(error)))
    except Exception as error:
        return unloadable(library.name, error)
    return None


def unloadable(name: str, error: Exception) -> Note:
    """Why something made of machine code could not be loaded: the system's file that lacks, where it says so."""
    found = _NO_FILE.search(str(error))
    if found is not None:
        return note("check.system_library", name=name, file=Path(found.group(1)).name)
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return note("check.library_broken", name=name, reason=redacted(lines[0]).rstrip("."))


def version_of(library: Library) -> str:
    """The installed version; empty where neither the package nor the module states one."""
    try:
        return metadata.version(library.name)
    except metadata.PackageNotFoundError:
        module = import_module(library.modules[0].split(".")[0])
        return str(getattr(module, "__version__", ""))


def file_problems(trying: Callable[[str], None] = lambda _: None) -> Iterator[Note]:
    """What is missing or damaged among the program's own files, by the list that was made with them."""
    try:
        listed: dict[str, str] = load_json(CONTENTS)
    except (OSError, ValueError):
        yield note("check.file_missing", name=CONTENTS)
        return
    for name, digest in listed.items():
        trying(name)
        path = assets_folder() / name
        try:
            content = path.read_bytes()
        except OSError:
            yield note("check.file_missing", name=name)
            continue
        if not content or (digest and digest_of(name, content) != digest):
            yield note("check.file_damaged", name=name)


def digest_of(name: str, content: bytes) -> str:
    """The SHA-256 of a file; of a text whatever line ends a checkout gave it."""
    is_text = name.endswith(_TEXT)
    return hashlib.sha256(content.replace(b"\r\n", b"\n") if is_text else content).hexdigest()


def _check_codecs(voice: Voice) -> None:
    pixels: Any = import_module("pydicom.pixels")
    for name, syntax in _CODECS.items():
        voice.trying(name)
        if not pixels.get_decoder(syntax).is_available:
            voice.problem(note("check.codec", name=name))
