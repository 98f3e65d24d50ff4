"""Export: what, of which structures, into which folder; then how far it is, and where the files are."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QCheckBox, QProgressBar, QVBoxLayout, QWidget

from tsdesktop.core.errors import Cancelled
from tsdesktop.core.settings import Settings
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui import theme
from tsdesktop.gui.background import Work
from tsdesktop.gui.dialogs.bug_report import BugReport
from tsdesktop.gui.dialogs.controls import FolderField, Segments
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.dialogs.export_files import ExportFiles, conflict_text, existing_files, files_text, written_text
from tsdesktop.gui.dialogs.export_kinds import ExportKinds
from tsdesktop.gui.dialogs.export_place import proposed_folder
from tsdesktop.gui.dialogs.mesh_findings import MeshFindings, lights_text
from tsdesktop.gui.error_words import Words, words_for
from tsdesktop.gui.folders import show_folder
from tsdesktop.gui.parts import button, hairline, heading, one_line, paragraph, row, set_role
from tsdesktop.gui.session import Session
from tsdesktop.gui.words import structure_title
from tsdesktop.jobs.messages import Progress
from tsdesktop.pipeline import ExportChoice, Exported, check_chosen, planned_files, write_chosen
from tsdesktop.pipeline.export_plan import is_from_dicom

if TYPE_CHECKING:
    from tsdesktop.pipeline.mesh_exports import CheckedMesh

_PER_MILLE = 1000


class _Heard(QObject):
    """Carries progress from the thread that writes to the dialog; belongs to no widget, so it outlives the dialog."""

    told = Signal(object)


class ExportDialog(Dialog):
    """Writes labels, surfaces, statistics and a picture of what the session shows.

    `labels_selected` are the labels that are marked in the list of structures; where there are some, they are proposed.
    After files were written, `exported` carries their paths and `settings_changed` what to remember for the next time,
    by name.
    """

    exported = Signal(list)
    settings_changed = Signal(dict)

    def __init__(
        self, session: Session, settings: Settings, labels_selected: Iterable[int] = (), parent: QWidget | None = None
    ) -> None:
        if session.volume is None or session.label_map is None:
            raise ValueError("an export needs a scan and labels")
        super().__init__(QCoreApplication.translate("ExportDialog", "Export"), parent, (700, 700))
        self._volume: Volume = session.volume
        self._label_map: LabelMap = session.label_map
        self._result = session.result
        self._settings = settings
        marked = frozenset(labels_selected)
        self._names = _names_by_scope(session, marked)
        self._stop = threading.Event()
        self._looking: Work | None = None
        self._writing: Work | None = None
        self._checked: tuple[CheckedMesh, ...] = ()
        self._bug: Words | None = None
        self._make_parts("selected" if marked and self._names["selected"] else "all")
        self._build()
        self._on_changed()
        look = partial(_true_spacing_mm, self._label_map)
        self.in_background(look, self.kinds.show_spacing, self._on_not_looked)

    @property
    def choice(self) -> ExportChoice:
        """What would be written now."""
        kinds = self.kinds.kinds
        names = self._names[self.scope.current]
        return ExportChoice(
            Path(self.folder.path).expanduser(),
            () if self.scope.current == "all" else names,
            labels=kinds.labels,
            masks="masks" in kinds.ticked,
            meshes=kinds.meshes,
            layouts=kinds.layouts,
            smoothing=kinds.smoothing,
            frame=kinds.frame,
            tables=kinds.tables,
            preview="preview" in kinds.ticked,
            overwrite=self.overwrite.isChecked() and not self.overwrite.isHidden(),
            dicom_seg_form=kinds.dicom_seg_form,
        )

    @property
    def is_looking(self) -> bool:
        """Whether it is being looked which of the files exist."""
        return self._looking is not None

    @property
    def is_writing(self) -> bool:
        """Whether files are being written."""
        return self._writing is not None

    @property
    def said(self) -> str:
        """What the dialog says about the last export; empty where it says nothing."""
        return "" if self.message_line.isHidden() else self.message_line.text()

    def write(self) -> None:
        """Writes what is chosen, in the background."""
        listen = self._listener()
        call = partial(write_chosen, self.choice, self._volume, self._label_map, listen, self._result)
        self._writing = self.in_background(call, self._on_written, self._on_failed)
        self._show_state("writing")

    def check(self) -> None:
        """Looks at the surfaces that would be written, in the background; nothing is written."""
        call = partial(check_chosen, self.choice, self._label_map, self._listener())
        self._writing = self.in_background(call, self._on_checked, self._on_failed)
        self._show_state("writing")

    def _listener(self) -> Callable[[Progress], None]:
        """What hears how far the work is, on its thread, and ends it once it was cancelled."""
        heard = _Heard()
        heard.told.connect(self._on_progress)
        stop = self._stop = threading.Event()
        self.when_gone(stop.set)

        def listen(progress: Progress) -> None:
            # After the last file there is nothing left to stop.
            if stop.is_set() and progress.stage != "done":
                raise Cancelled
            heard.told.emit(progress)

        return listen

    def cancel(self) -> None:
        """Stops writing; files that are whole by then stay."""
        self._stop.set()
        self.stage_line.setText(self.tr("Stopping…"))
        self.cancel_button.setEnabled(False)

    def open_folder(self) -> None:
        """Shows the folder in the desktop's file manager."""
        problem = show_folder(self.choice.folder)
        if problem:
            self._say(problem, "warning")

    def reject(self) -> None:
        """Escape stops writing first, and closes then."""
        if self.is_writing:
            self.cancel()
        else:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Nothing goes on behind a closed dialog."""
        self._stop.set()
        self._writing = None
        super().closeEvent(event)

    def _make_parts(self, scope: str) -> None:
        titles = {"all": self.tr("All"), "visible": self.tr("Visible"), "selected": self.tr("Selected")}
        options = [(key, f"{title} ({len(self._names[key])})") for key, title in titles.items()]
        self.scope = Segments(options, scope, self.tr("Which structures"))
        for key in titles:
            self.scope.segment(key).setEnabled(bool(self._names[key]))
        self.scope.segment("visible").setToolTip(self.tr("Those whose eye is open in the list"))
        self.scope.segment("selected").setToolTip(self.tr("Those that are marked in the list"))
        is_dicom = is_from_dicom(self._volume.source)
        self.kinds = ExportKinds(self._settings, self._label_map.spacing_mm, is_dicom)
        self.folder = FolderField(
            str(proposed_folder(self._volume, self._settings.export_folder)), self.tr("Folder for the files")
        )
        self.files = ExportFiles()
        self._count = one_line("", "secondary")
        self.check_button = button(self.tr("Check surfaces"), self.check, "link")
        self.check_button.setToolTip(self.tr("Looks at them as for 3D printing; nothing is written"))
        self.conflict_line = one_line("", "warning")
        self.overwrite = QCheckBox(self.tr("Overwrite them"))
        self.stage_line = one_line("")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _PER_MILLE)
        self.message_line = paragraph("")
        self.surfaces_line = one_line("", "secondary")
        self.findings_button = button(self.tr("Details"), self._show_findings, "link")
        self.report_button = button(self.tr("Show report"), self._show_report, "link")
        self.cancel_button = button(self.tr("Cancel"), self.cancel)
        self.close_button = button(self.tr("Close"), self.close)
        self.open_button = button(self.tr("Open folder"), self.open_folder)
        self.export_button = button(self.tr("Export"), self.write, "primary")
        self.export_button.setDefault(True)

    def _build(self) -> None:
        self._form = QWidget()
        form = QVBoxLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(2 * theme.GRID)
        for title, part in (
            (self.tr("Structures"), self.scope),
            (self.tr("What to write"), self.kinds),
            (self.tr("Folder"), self.folder),
        ):
            form.addWidget(heading(title))
            form.addWidget(part)
            form.addSpacing(2 * theme.GRID)
        layout = column(self)
        layout.addWidget(self._form)
        layout.addWidget(hairline())
        layout.addLayout(row(self._count, None, self.check_button))
        layout.addWidget(self.files, 1)
        layout.addLayout(row(self.conflict_line, self.overwrite, None))
        layout.addWidget(self.stage_line)
        layout.addWidget(self.bar)
        said = row(self.message_line, self.report_button)
        said.setStretch(0, 1)
        layout.addLayout(said)
        layout.addLayout(row(self.surfaces_line, self.findings_button, None))
        layout.addLayout(row(None, self.open_button, self.close_button, self.cancel_button, self.export_button))
        self.scope.chosen.connect(self._on_changed)
        self.kinds.changed.connect(self._on_changed)
        self.folder.changed.connect(self._on_changed)
        self.overwrite.toggled.connect(self._show_ready)
        self.conflict_line.hide()
        self.overwrite.hide()
        self._show_state("choosing")
        self.scope.focus()

    def _on_changed(self) -> None:
        """Lists the files anew, and looks in the background which of them exist."""
        self.message_line.hide()
        self.report_button.hide()
        self.open_button.hide()
        self._tell_surfaces(Exported(()))
        files = planned_files(self.choice, self._label_map)
        self._list(files, frozenset())
        self.conflict_line.hide()
        self.overwrite.hide()
        self.overwrite.setChecked(False)
        if self._looking is not None:
            self._looking.forget()
        # Manifests are never in the way: another one gets a number.
        look = partial(existing_files, [each for each in files if each != self.choice.manifest])
        self._looking = self.in_background(look, partial(self._on_looked, files), self._on_not_looked)
        self._show_ready()

    def _on_looked(self, files: list[Path], existing: frozenset[Path]) -> None:
        self._looking = None
        self._list(files, existing)
        if existing:
            self.conflict_line.setText(conflict_text(len(existing), len(files) - 1))
        self.conflict_line.setVisible(bool(existing))
        self.overwrite.setVisible(bool(existing))
        self._show_ready()

    def _list(self, files: list[Path], existing: frozenset[Path], *, written: bool = False) -> None:
        self.files.show_files(files, self.choice.manifest, existing=existing, written=written)
        self._count.setText(files_text(len(files)))

    def _show_ready(self) -> None:
        blocked = not self.overwrite.isHidden() and not self.overwrite.isChecked()
        self.check_button.setVisible(self.kinds.has_surfaces and not self.is_writing)
        ready = self.files.count() > 0 and bool(self.folder.path) and not blocked and not self.is_looking
        self.export_button.setEnabled(ready and not self.is_writing)

    def _show_state(self, state: str) -> None:
        writing = state == "writing"
        self._form.setEnabled(not writing)
        self.overwrite.setEnabled(not writing)
        for each in (self.stage_line, self.bar, self.cancel_button):
            each.setVisible(writing)
        for each in (self.close_button, self.export_button):
            each.setVisible(not writing)
        self.open_button.setVisible(state == "written")
        self.check_button.setVisible(self.kinds.has_surfaces and state == "choosing")
        self.cancel_button.setEnabled(writing)
        if writing:
            self.message_line.hide()
            self._tell_surfaces(Exported(()))
            self.bar.setValue(0)
            self.stage_line.setText(self.tr("Starting"))
            self.cancel_button.setFocus()

    def _say(self, text: str, role: str) -> None:
        self.message_line.setText(text)
        set_role(self.message_line, role)
        self.message_line.show()

    def _on_progress(self, progress: Progress) -> None:
        if not self._stop.is_set():
            self.stage_line.setText(self._stage_words(progress.stage))
        self.bar.setValue(round(progress.share * _PER_MILLE))

    def _stage_words(self, stage: str) -> str:
        known = {
            "writing labels": self.tr("Writing labels"),
            "writing statistics": self.tr("Counting voxels"),
            "drawing the picture": self.tr("Drawing the picture"),
        }
        title = stage.removeprefix("surface of ")
        surface = next((each for each in self._label_map.classes if each.title == title), None)
        if surface is not None:
            return self.tr("Surface of {structure}").format(structure=structure_title(surface))
        return known.get(stage, "")

    def _on_written(self, exported: Exported) -> None:
        written = list(exported.files)
        self._writing = None
        self._show_state("written")
        self._list(written, frozenset(), written=True)
        self._count.setText("")
        self.conflict_line.hide()
        self.overwrite.hide()
        self.export_button.setEnabled(False)
        self._say(written_text(len(written)), "good")
        self._tell_surfaces(exported)
        self.open_button.setFocus()
        kinds = self.kinds.kinds
        self.settings_changed.emit(
            {
                "export_folder": str(self.choice.folder),
                "export_kinds": ",".join(sorted(kinds.ticked)),
                "export_layout": ",".join(kinds.layouts),
                "export_smoothing": kinds.smoothing,
                "mesh_frame": kinds.frame,
                "export_dicom_seg": kinds.dicom_seg_form,
            }
        )
        self.exported.emit(written)

    def _on_checked(self, checked: Exported) -> None:
        self._writing = None
        self._show_state("choosing")
        self._show_ready()
        self._tell_surfaces(checked)

    def _tell_surfaces(self, exported: Exported) -> None:
        """One line about what was found in the surfaces, with a way to all of it."""
        counts = exported.lights
        self._checked = exported.meshes
        self.surfaces_line.setText(lights_text(counts))
        set_role(self.surfaces_line, "error" if counts["bad"] else "warning" if counts["warning"] else "good")
        self.surfaces_line.setVisible(bool(counts))
        self.findings_button.setVisible(bool(counts["bad"] or counts["warning"]))

    def _show_findings(self) -> None:
        MeshFindings(self._checked, self).open()

    def _on_failed(self, error: Exception) -> None:
        self._writing = None
        self._show_state("choosing")
        self._on_changed()
        self._tell(error)

    def _on_not_looked(self, error: Exception) -> None:
        """Whatever is in the way is told when it is written."""
        self._looking = None
        self._show_ready()
        self._tell(error)

    def _tell(self, error: Exception) -> None:
        told = words_for(error)
        if told is None:
            self._say(self.tr("Stopped. What was written before is whole and stays."), "warning")
            return
        self._bug = told if told.is_bug else None
        self._say(f"{told.sentence} {told.hint}".strip(), "error")
        self.report_button.setVisible(told.is_bug)

    def _show_report(self) -> None:
        if self._bug is not None:
            BugReport(self._bug, self).open()


def _names_by_scope(session: Session, selected: frozenset[int]) -> dict[str, tuple[str, ...]]:
    present = session.label_map.present if session.label_map is not None else ()
    marked = selected or frozenset(() if session.selected is None else (session.selected,))
    visible = {label for label, look in session.looks.items() if look.visible}
    return {
        "all": tuple(each.name for each in present),
        "visible": tuple(each.name for each in present if each.label in visible),
        "selected": tuple(each.name for each in present if each.label in marked),
    }


def _true_spacing_mm(label_map: LabelMap) -> tuple[float, float, float]:
    from tsdesktop.surfaces.true_grid import true_spacing_mm

    return true_spacing_mm(label_map)
