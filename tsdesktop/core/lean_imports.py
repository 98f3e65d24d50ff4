"""What libraries of ours load beside themselves although this program never uses it, which costs time at the start."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType

# nibabel looks for pydicom to open DICOM headers kept inside NIfTI files. Its header and data classes, all that is used
# of it here, do without. Loading pydicom with its codecs is three quarters of what importing nibabel takes.
_NOT_FOR = {"pydicom": "nibabel.optpkg"}


class _Refusing(MetaPathFinder):
    """Tells one library that another is not installed; everybody else gets it."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """No module of its own."""
        if name in _NOT_FOR and _who_imports() == _NOT_FOR[name]:
            raise ModuleNotFoundError(f"{name} is not loaded for {_NOT_FOR[name]}", name=name)
        return None


def import_only_what_is_used() -> None:
    """For this program's own processes, before libraries are loaded. Who imports tsdesktop as a library keeps all."""
    if not any(isinstance(each, _Refusing) for each in sys.meta_path):
        sys.meta_path.insert(0, _Refusing())


def _who_imports() -> str:
    """The module whose code asks for the import under way."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] != "importlib":
            return name
        frame = frame.f_back
    return ""
