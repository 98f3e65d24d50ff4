"""tsdesktop: a CT or MR scan in, labelled anatomy out. A scan walks through the rooms in a straight line.

    dropped path --scans--> Volume
    Volume + Task --jobs--> Job --runs--> (own process) --inference--> LabelMap
    LabelMap --surfaces--> SurfaceMesh        LabelMap + Volume --measures--> tables
    LabelMap / SurfaceMesh / tables --exports--> files
    pipeline composes these once; gui shows it, cli drives it, Python users import it

Rooms: `core` values and vocabulary; `scans` reads; `weights` finds networks; `runtimes` fetches torch for graphics
cards; `jobs` plans; `runs` supervises the process in which `inference` computes; `surfaces` makes meshes; `measures`
counts; `exports` writes; `pipeline` is the public API; `gui` the window; `cli` the command line.

    >>> import tsdesktop
    >>> result = tsdesktop.segment("scan.nii.gz", task="total", fast=True)
    >>> result.label_map.volume_ml("liver")

Not a medical device: for research and teaching, not for diagnosis or treatment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tsdesktop.core.version import __version__

if TYPE_CHECKING:
    from tsdesktop.core.errors import Cancelled, TsDesktopError
    from tsdesktop.core.options import Options
    from tsdesktop.core.volume import LabelMap, Volume
    from tsdesktop.pipeline import Engine, Segmentation, export, read, segment, to_nibabel

__all__ = [
    "Cancelled",
    "Engine",
    "LabelMap",
    "Options",
    "Segmentation",
    "TsDesktopError",
    "Volume",
    "__version__",
    "export",
    "read",
    "segment",
    "to_nibabel",
]

_PLACES = {
    "Cancelled": "tsdesktop.core.errors",
    "TsDesktopError": "tsdesktop.core.errors",
    "Options": "tsdesktop.core.options",
    "LabelMap": "tsdesktop.core.volume",
    "Volume": "tsdesktop.core.volume",
    "Engine": "tsdesktop.pipeline",
    "Segmentation": "tsdesktop.pipeline",
    "export": "tsdesktop.pipeline",
    "read": "tsdesktop.pipeline",
    "segment": "tsdesktop.pipeline",
    "to_nibabel": "tsdesktop.pipeline",
}


def __getattr__(name: str) -> Any:
    """Loads the public API on first use, so that `import tsdesktop` costs nothing."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)
