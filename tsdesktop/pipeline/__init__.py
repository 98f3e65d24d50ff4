"""The public API: read a scan, segment it, measure it, export it. The command line and the window call these functions.

>>> import tsdesktop
>>> result = tsdesktop.segment("scan.nii.gz", task="total", roi=("liver", "spleen"))
>>> [(each.name, result.label_map.volume_ml(each.name)) for each in result.label_map.present]
>>> tsdesktop.export(result, "results")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsdesktop.exports.nifti import write_volume
    from tsdesktop.pipeline.api import find_devices, read, segment, to_nibabel
    from tsdesktop.pipeline.chosen_exports import (
        ExportChoice,
        check_chosen,
        chosen_structures,
        planned_files,
        write_chosen,
    )
    from tsdesktop.pipeline.earlier import EarlierResults, earlier_results
    from tsdesktop.pipeline.export_work import Exported
    from tsdesktop.pipeline.exporting import check_outputs, export, on_label_grid
    from tsdesktop.pipeline.printing import PrintPlace, print_parts
    from tsdesktop.pipeline.segmentation import Segmentation, check_run, segment_volume
    from tsdesktop.pipeline.sharing import ShareOptions, share
    from tsdesktop.runs.engine import Engine
    from tsdesktop.scans.reader import SeriesSummary, list_series

__all__ = [
    "EarlierResults",
    "Engine",
    "ExportChoice",
    "Exported",
    "PrintPlace",
    "Segmentation",
    "SeriesSummary",
    "ShareOptions",
    "check_chosen",
    "check_outputs",
    "check_run",
    "chosen_structures",
    "earlier_results",
    "export",
    "find_devices",
    "list_series",
    "on_label_grid",
    "planned_files",
    "print_parts",
    "read",
    "segment",
    "segment_volume",
    "share",
    "to_nibabel",
    "write_chosen",
    "write_volume",
]

_PLACES = {
    "EarlierResults": "tsdesktop.pipeline.earlier",
    "Engine": "tsdesktop.runs.engine",
    "ExportChoice": "tsdesktop.pipeline.chosen_exports",
    "Exported": "tsdesktop.pipeline.export_work",
    "PrintPlace": "tsdesktop.pipeline.printing",
    "Segmentation": "tsdesktop.pipeline.segmentation",
    "SeriesSummary": "tsdesktop.scans.choices",
    "ShareOptions": "tsdesktop.pipeline.sharing",
    "check_chosen": "tsdesktop.pipeline.chosen_exports",
    "check_outputs": "tsdesktop.pipeline.exporting",
    "check_run": "tsdesktop.pipeline.segmentation",
    "chosen_structures": "tsdesktop.pipeline.chosen_exports",
    "earlier_results": "tsdesktop.pipeline.earlier",
    "export": "tsdesktop.pipeline.exporting",
    "find_devices": "tsdesktop.pipeline.api",
    "list_series": "tsdesktop.scans.reader",
    "on_label_grid": "tsdesktop.pipeline.exporting",
    "planned_files": "tsdesktop.pipeline.chosen_exports",
    "print_parts": "tsdesktop.pipeline.printing",
    "read": "tsdesktop.pipeline.api",
    "segment": "tsdesktop.pipeline.api",
    "segment_volume": "tsdesktop.pipeline.segmentation",
    "share": "tsdesktop.pipeline.sharing",
    "to_nibabel": "tsdesktop.pipeline.api",
    "write_chosen": "tsdesktop.pipeline.chosen_exports",
    "write_volume": "tsdesktop.exports.nifti",
}


def __getattr__(name: str) -> Any:
    """Loads each part on first use: reading takes SimpleITK and pydicom, exports take VTK, and the window neither."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)
