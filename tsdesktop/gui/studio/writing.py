"""Files of a print, written by the same function as those of the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.studio.engine import Told
from tsdesktop.gui.studio.export_box import PrintFiles, Written


def planned_print(names: Sequence[str], files: PrintFiles) -> list[Path]:
    """The files that would be written of parts with these names. Raises ExportError."""
    from tsdesktop.exports.meshes.writing import MeshPlace, planned_mesh_files
    from tsdesktop.pipeline.printing import MANIFEST_FILE, RECIPE_FILE

    planned = planned_mesh_files(names, MeshPlace(files.folder), files.format, files.layout)
    return [*planned, files.folder / RECIPE_FILE, files.folder / MANIFEST_FILE]


def write_parts(label_map: LabelMap, written: Written, listen: Callable[[Told], None]) -> list[Path]:
    """Mends defects of parts that were made, writes them, reads them back, and writes recipe and manifest.

    Raises ExportError.
    """
    from tsdesktop.pipeline.origin import run_of_result
    from tsdesktop.pipeline.printing import Prepared, PrintPlace, cited, look_at, write_print

    made, files, result = written.made, written.files, written.result
    found = [
        written.checks.get(n) or look_at(label_map, made.recipe, [part], made.frame)[0]
        for n, part in enumerate(made.parts)
    ]
    run = {} if result is None or result.label_map is not label_map else run_of_result(result)
    prepared = Prepared(label_map, made.recipe, made.parts, made.frame, tuple(found), made.notes, cited(label_map), run)
    place = PrintPlace(files.folder, files.format, files.layout, files.frame, files.overwrite)
    return write_print(prepared.mended(), place, lambda what, share: listen(Told(what, share)))
