"""Share a scan without the face and the patient: what will go away, how, whereto; then how far it is."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QCoreApplication, QObject, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices
from PySide6.QtWidgets import QCheckBox, QFormLayout, QProgressBar, QWidget

from tsdesktop.core.errors import Cancelled, TsDesktopError
from tsdesktop.core.notes import note
from tsdesktop.core.volume import LabelMap, Volume
from tsdesktop.gui import theme
from tsdesktop.gui.background import Work
from tsdesktop.gui.dialogs.bug_report import BugReport
from tsdesktop.gui.dialogs.controls import FolderField, Segments, TextField
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.dialogs.export_place import proposed_folder
from tsdesktop.gui.dialogs.share_pictures import SharePictures, Slice, share_slices
from tsdesktop.gui.error_words import Words, words_for
from tsdesktop.gui.folders import show_folder
from tsdesktop.gui.parts import button, hairline, one_line, paragraph, row, set_role
from tsdesktop.gui.translation import translated, translated_hint
from tsdesktop.gui.windowing import Window
from tsdesktop.jobs.messages import Progress

if TYPE_CHECKING:
    from tsdesktop.pipeline.sharing import DatesChoice, FaceChoice, Format, PreparedShare, ShareOptions
    from tsdesktop.runs.engine import Engine

_PER_MILLE = 1000
_FOLDER = "shared_scan"


class _Heard(QObject):
    """Carries progress from the thread that works to the dialog; belongs to no widget, so it outlives the dialog."""

    told = Signal(object)


class ShareDialog(Dialog):
    """Finds the face, shows before and after, writes. `shared` carries the paths that were written."""

    shared = Signal(list)

    def __init__(
        self,
        volume: Volume,
        label_map: LabelMap | None,
        window: Window,
        last_folder: str,
        parent: QWidget | None = None,
    ) -> None:
        title = QCoreApplication.translate("ShareDialog", "Share scan without face")
        super().__init__(title, parent, (660, 820))
        self._volume, self._label_map, self._grey = volume, label_map, window
        self._prepared: PreparedShare | None = None
        self._stop = threading.Event()
        self._work: Work | None = None
        self._engine: Engine | None = None
        self._bug: Words | None = None
        self._make_parts(last_folder)
        self._build()
        self._look()

    @property
    def options(self) -> ShareOptions:
        """What is chosen now. Raises OptionsError for a name that cannot stand for a patient."""
        from tsdesktop.pipeline.sharing import ShareOptions

        is_dicom = self.format.current == "dicom"
        return ShareOptions(
            cast("Format", self.format.current),
            cast("FaceChoice", self.face.current),
            cast("DatesChoice", self.dates.current),
            self.patient.text().strip() if is_dicom else "",
            overwrite=self.overwrite.isChecked() and not self.overwrite.isHidden(),
        )

    @property
    def is_busy(self) -> bool:
        """Whether the face is being looked for, or files are being written."""
        return self._work is not None

    @property
    def said(self) -> str:
        """What the dialog says about the last thing it did; empty where it says nothing."""
        return "" if self.message_line.isHidden() else self.message_line.text()

    def write(self) -> None:
        """Writes what is shown, in the background."""
        try:
            options = self.options
        except TsDesktopError as error:
            self._tell(error)
            return
        if self._prepared is None:
            return
        where = Path(self.folder.path).expanduser()
        call = partial(_checked_and_written, self._prepared, where, options, self._listener())
        self._start(call, self._on_written)

    def cancel(self) -> None:
        """Stops what is under way; nothing is left behind."""
        self._end_work()
        self.stage_line.setText(self.tr("Stopping…"))
        self.cancel_button.setEnabled(False)

    def open_folder(self) -> None:
        """Shows the folder in the desktop's file manager."""
        if problem := show_folder(Path(self.folder.path).expanduser()):
            self._say(problem, "warning")

    def open_report(self) -> None:
        """Opens the report with whatever shows texts here."""
        from tsdesktop.exports.share_report import REPORT_TEXT

        path = Path(self.folder.path).expanduser() / REPORT_TEXT
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    def reject(self) -> None:
        """Escape stops what is under way first, and closes then."""
        if self.is_busy and self._prepared is not None:
            self.cancel()
        else:
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Nothing goes on behind a closed dialog."""
        self._end_work()
        super().closeEvent(event)

    def _make_parts(self, last_folder: str) -> None:
        is_dicom = self._volume.source.format == "dicom" and bool(self._volume.source.dicom_files)
        kinds = [("nifti", "NIfTI"), ("dicom", "DICOM")]
        self.format = Segments(kinds, "dicom" if is_dicom else "nifti", self.tr("File format"))
        self.format.segment("dicom").setEnabled(is_dicom)
        if not is_dicom:
            self.format.segment("dicom").setToolTip(self.tr("For scans that were opened from DICOM files"))
        ways = [("blur", self.tr("Blur")), ("remove", self.tr("Remove")), ("keep", self.tr("Keep"))]
        self.face = Segments(ways, "blur", self.tr("The face"))
        dates = [("remove", self.tr("Take out")), ("shift", self.tr("Shift"))]
        self.dates = Segments(dates, "remove", self.tr("Dates"))
        self.dates.segment("shift").setToolTip(self.tr("All by the same random number of days"))
        self.patient = TextField("", self.tr("What the patient is called"))
        self.patient.setPlaceholderText(self.tr("A random name"))
        proposed = proposed_folder(self._volume, last_folder).parent / _FOLDER
        self.folder = FolderField(str(proposed), self.tr("Folder for the files"))
        self.pictures = SharePictures()
        self.found_line = paragraph("")
        self.overwrite = QCheckBox(self.tr("Overwrite what is there"))
        self.overwrite.hide()
        self.stage_line = one_line("")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _PER_MILLE)
        self.message_line = paragraph("")
        self.report_button = button(self.tr("Show report"), self._show_bug, "link")
        self.cancel_button = button(self.tr("Cancel"), self.cancel)
        self.close_button = button(self.tr("Close"), self.close)
        self.open_button = button(self.tr("Open folder"), self.open_folder)
        self.read_button = button(self.tr("Open report"), self.open_report)
        self.write_button = button(self.tr("Share"), self.write, "primary")
        self.write_button.setDefault(True)

    def _build(self) -> None:
        self._form = QWidget()
        form = QFormLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(2 * theme.GRID)
        form.addRow(self.tr("The face"), self.face)
        form.addRow(self.tr("File format"), self.format)
        self._patient_rows = (self.dates, self.patient)
        form.addRow(self.tr("Dates"), self.dates)
        form.addRow(self.tr("Patient becomes"), self.patient)
        form.addRow(self.tr("Folder"), self.folder)
        self._rows = form
        layout = column(self)
        layout.addWidget(self.pictures, 1)
        layout.addWidget(self.found_line)
        layout.addWidget(self._form)
        layout.addWidget(hairline())
        warning = self.tr("This is no guarantee that nobody can be recognised. Look at the result before you share it.")
        layout.addWidget(paragraph(warning, "warning"))
        layout.addWidget(self.overwrite)
        layout.addWidget(self.stage_line)
        layout.addWidget(self.bar)
        said = row(self.message_line, self.report_button)
        said.setStretch(0, 1)
        layout.addLayout(said)
        buttons = (self.read_button, self.open_button, self.close_button, self.cancel_button, self.write_button)
        layout.addLayout(row(None, *buttons))
        self.face.chosen.connect(self._on_face_chosen)
        self.format.chosen.connect(self._show_rows)
        self.folder.changed.connect(self._on_folder_changed)
        self.message_line.hide()
        self.report_button.hide()
        self._show_rows()
        self._show_state("looking")

    def _look(self) -> None:
        """Looks for the face, in the background."""
        from tsdesktop.runs.engine import Engine

        self._engine = Engine(low_priority=True)
        self.when_gone(self._engine.cancel)
        call = partial(_looked, self._volume, self.options, self._label_map, self._engine, self._listener(), self._grey)
        self._start(call, self._on_prepared, "looking")

    def _start(self, call: Callable[[], object], on_done: Callable[..., None], state: str = "writing") -> None:
        self._work = self.in_background(call, on_done, self._on_failed)
        self._show_state(state)

    def _listener(self) -> Callable[[Progress], None]:
        """What hears how far the work is, on its thread, and ends it once it was cancelled."""
        heard = _Heard()
        heard.told.connect(self._on_progress)
        stop = self._stop = threading.Event()
        self.when_gone(stop.set)

        def listen(progress: Progress) -> None:
            if stop.is_set():
                raise Cancelled
            heard.told.emit(progress)

        return listen

    def _end_work(self) -> None:
        self._stop.set()
        if self._engine is not None:
            self._engine.cancel()

    def _show_rows(self) -> None:
        """Dates and the patient's name are DICOM's."""
        for each in self._patient_rows:
            self._rows.setRowVisible(each, self.format.current == "dicom")
        self._forget_written()

    def _show_state(self, state: str) -> None:
        busy = state in ("looking", "writing", "changing")
        self._form.setEnabled(not busy)
        self.stage_line.setVisible(state in ("looking", "writing"))
        self.bar.setVisible(state in ("looking", "writing"))
        self.cancel_button.setVisible(state == "writing")
        self.cancel_button.setEnabled(True)
        self.close_button.setVisible(state != "writing")
        self.write_button.setVisible(state != "written")
        self.write_button.setEnabled(not busy and self._prepared is not None)
        for each in (self.open_button, self.read_button):
            each.setVisible(state == "written")
        if state in ("looking", "writing"):
            self.message_line.hide()
            self.report_button.hide()
            self.bar.setValue(0)
            self.stage_line.setText(self._stage_words("looking for the face" if state == "looking" else ""))

    def _stage_words(self, stage: str) -> str:
        if stage == "looking for the face" or self._prepared is None:
            return self.tr("Looking for the face")
        return self.tr("Writing the scan")

    def _on_progress(self, progress: Progress) -> None:
        if not self._stop.is_set():
            self.stage_line.setText(self._stage_words(progress.stage))
        self.bar.setValue(round(progress.share * _PER_MILLE))

    def _on_prepared(self, made: tuple[PreparedShare, tuple[Slice, ...]]) -> None:
        self._work = None
        self._prepared, slices = made
        self.pictures.show_slices(slices)
        found = note("share.kept") if self.face.current == "keep" else self._prepared.found
        hint = translated_hint(found.id, found.arguments)
        self.found_line.setText(f"{translated(found.id, found.arguments)} {hint}".strip())
        set_role(self.found_line, "warning" if self._prepared.face is None else "")
        self._show_state("choosing")
        self.fit_height()
        self.face.focus()

    def _on_face_chosen(self) -> None:
        if self._prepared is None:
            return
        self._forget_written()
        call = partial(_changed, self._prepared, replace(self.options, patient_id=""), self._grey)
        self._start(call, self._on_prepared, "changing")

    def _on_folder_changed(self) -> None:
        self._forget_written()

    def _forget_written(self) -> None:
        """What was written before was another choice."""
        self.message_line.hide()
        self.overwrite.hide()
        self.overwrite.setChecked(False)
        if self._prepared is not None and not self.is_busy:
            self._show_state("choosing")

    def _on_written(self, files: list[Path]) -> None:
        self._work = None
        self._show_state("written")
        self.overwrite.hide()
        self._say(self.tr("The scan and its report were written."), "good")
        self.open_button.setFocus()
        self.shared.emit(files)

    def _on_failed(self, error: Exception) -> None:
        self._work = None
        self._show_state("choosing")
        self._tell(error)

    def _tell(self, error: Exception) -> None:
        told = words_for(error)
        if told is None:
            self._say(self.tr("Stopped. Nothing was written."), "warning")
            return
        if isinstance(error, TsDesktopError) and error.id == "export.exists":
            self.overwrite.show()
        self._bug = told if told.is_bug else None
        self._say(f"{told.sentence} {told.hint}".strip(), "error")
        self.report_button.setVisible(told.is_bug)

    def _say(self, text: str, role: str) -> None:
        self.message_line.setText(text)
        set_role(self.message_line, role)
        self.message_line.show()
        self.fit_height()

    def _show_bug(self) -> None:
        if self._bug is not None:
            BugReport(self._bug, self).open()


def _looked(
    volume: Volume,
    options: ShareOptions,
    label_map: LabelMap | None,
    engine: Engine,
    listen: Callable[[Progress], None],
    window: Window,
) -> tuple[PreparedShare, tuple[Slice, ...]]:
    """On a worker's thread: what would be shared, and the slices that show it."""
    from tsdesktop.pipeline.sharing import prepare_share

    with engine:
        prepared = prepare_share(volume, options, label_map=label_map, engine=engine, listen=listen)
    return prepared, share_slices(prepared, window)


def _changed(prepared: PreparedShare, options: ShareOptions, window: Window) -> tuple[PreparedShare, tuple[Slice, ...]]:
    from tsdesktop.pipeline.sharing import with_other_face

    made = with_other_face(prepared, options)
    return made, share_slices(made, window)


def _checked_and_written(
    prepared: PreparedShare, where: Path, options: ShareOptions, listen: Callable[[Progress], None]
) -> list[Path]:
    from tsdesktop.pipeline.sharing import check_share, write_share

    check_share(prepared.before, where, options)
    return write_share(prepared, where, options, listen=listen)
