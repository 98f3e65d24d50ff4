"""The print studio as the window sees it: opened for some structures, following the labels, its recipe kept.

The studio itself is imported when it is opened: the window is on screen sooner.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tsdesktop.core.settings import Settings
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.remembering import Memory
from tsdesktop.gui.session import Session
from tsdesktop.gui.telling import Telling

if TYPE_CHECKING:
    from tsdesktop.core.printing import PrintRecipe
    from tsdesktop.gui.studio.window import Studio


class StudioFlow(QObject):
    """Opens the one print studio of a window."""

    def __init__(self, session: Session, memory: Memory, telling: Telling, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._memory, self._telling = session, memory, telling
        self._window = parent
        self._recipe: PrintRecipe | None = None
        self.studio: Studio | None = None
        session.labels_changed.connect(self._on_labels_changed)

    def open(self, labels: Iterable[int] = ()) -> None:
        """Opens the studio, or brings it to the front, for these structures; else for those marked, else visible."""
        session = self._session
        if session.label_map is None or session.volume is None:
            return
        if session.is_draft:
            self._telling.warning(self.tr("A draft is shown."), self.tr("Print when the run has ended."))
            return
        names = self._names(labels)
        if self.studio is None:
            self._make(names)
        elif labels:
            bench = self.studio.bench
            bench.change(replace(bench.recipe, structures=names), self.tr("structures"))
        if self.studio is not None:
            self.studio.show()
            self.studio.raise_()
            self.studio.activateWindow()

    def close(self) -> None:
        """Closes the studio with the window."""
        if self.studio is not None:
            self.studio.close()

    def _names(self, labels: Iterable[int]) -> tuple[str, ...]:
        """The structures to begin with; empty where those are all."""
        session, label_map = self._session, self._session.label_map
        present = () if label_map is None else label_map.present
        visible = {label for label, look in session.looks.items() if look.visible}
        for chosen in (set(labels), set(session.marked), visible):
            names = tuple(each.name for each in present if each.label in chosen)
            if names:
                return () if len(names) == len(present) else names
        return ()

    def _make(self, names: tuple[str, ...]) -> None:
        from tsdesktop.gui.dialogs.export_place import proposed_folder
        from tsdesktop.gui.studio.engine import LabelsEngine
        from tsdesktop.gui.studio.export_box import PrintFiles
        from tsdesktop.gui.studio.window import Studio
        from tsdesktop.gui.studio.workbench import Workbench
        from tsdesktop.gui.studio.writing import planned_print, write_parts

        volume, settings = self._session.volume, self._memory.settings
        if volume is None:
            return
        recipe = replace(self._recipe or first_recipe(settings), structures=names)
        bench = Workbench(LabelsEngine, recipe, self)
        folder = proposed_folder(volume, settings.export_folder)
        files = PrintFiles(folder, settings.print_format, frame=settings.mesh_frame)
        studio = Studio(bench, files, (planned_print, write_parts), self._window)
        studio.recipe_kept.connect(self._on_recipe_kept)
        studio.exported.connect(lambda _: self._on_exported(studio))
        self.studio = studio
        studio.show_labels(self._session.label_map, self._session.result)

    def _on_labels_changed(self) -> None:
        label_map: LabelMap | None = self._session.label_map
        # Drafts come and go while a run is under way; what is printed is what it ends with.
        if self.studio is not None and not self._session.is_draft and label_map is not self.studio.bench.label_map:
            self.studio.show_labels(label_map, self._session.result)

    def _on_recipe_kept(self, recipe: PrintRecipe) -> None:
        self._recipe = recipe
        self._memory.change(print_bed=recipe.bed, print_process=recipe.process)
        self.studio = None

    def _on_exported(self, studio: Studio) -> None:
        files = studio.export.files
        self._memory.change(export_folder=str(files.folder), print_format=files.format)


def first_recipe(settings: Settings) -> PrintRecipe:
    """The recipe to begin with: for the printer that was chosen before, where it is still known."""
    from tsdesktop.core.printers import beds, processes
    from tsdesktop.core.printing import PrintRecipe

    bed = next((each.id for each in beds() if each.id == settings.print_bed), "")
    process = next((each.id for each in processes() if each.id == settings.print_process), "")
    return PrintRecipe(bed=bed, process=process)
