"""Writing the parts: the format, one file or several, the folder; then how it went."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtWidgets import QCheckBox, QProgressBar, QWidget

from tsdesktop.core.errors import Cancelled, ExportError
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui.background import Work, run_in_background
from tsdesktop.gui.dialogs.controls import ChoiceBox, FolderField
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.folders import is_there, show_folder
from tsdesktop.gui.parts import GAP, button, one_line, paragraph, row, set_role, stacked
from tsdesktop.gui.studio.engine import Made, Told
from tsdesktop.gui.studio.words import stage_words
from tsdesktop.gui.studio.workbench import Workbench

if TYPE_CHECKING:
    from tsdesktop.pipeline.segmentation import Segmentation
    from tsdesktop.surfaces.preflight import Preflight

Layout = Literal["per-structure", "merged", "parts"]
Axes = Literal["LPS", "RAS"]
_PER_MILLE = 1000


@dataclass(frozen=True)
class PrintFiles:
    """What is written: where, as what, in one file or several, in which frame, over what is there."""

    folder: Path
    format: str = "3mf"
    layout: Layout = "parts"
    frame: Axes = "LPS"
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class Written:
    """What is written: parts that were made, what was found on them, and the files."""

    made: Made
    checks: Mapping[int, Preflight]
    files: PrintFiles
    result: Segmentation | None = None


Plan = Callable[[Sequence[str], PrintFiles], list[Path]]
Write = Callable[[LabelMap, Written, Callable[[Told], None]], list[Path]]


class _Heard(QObject):
    """Carries progress from the thread that writes; belongs to no widget, so it outlives the window."""

    told = Signal(object)


class ExportBox(QWidget):
    """Writes the parts of the bench's whole recipe. `written(files)` after files were written and read back."""

    written = Signal(list)

    def __init__(self, bench: Workbench, first: PrintFiles, plan: Plan, write: Write) -> None:
        super().__init__()
        self._bench = bench
        self._plan, self._write = plan, write
        self._work: Work | None = None
        self._looking: Work | None = None
        self._stop = threading.Event()
        self._files: list[Path] = []
        self._ailing = 0
        self.format = ChoiceBox(_format_titles(), first.format, self.tr("File format"))
        self.layout_box = ChoiceBox(self._layout_titles(), first.layout, self.tr("One file or several"))
        self.frame = ChoiceBox(
            [("LPS", self.tr("Axes as in DICOM (LPS)")), ("RAS", self.tr("Axes as in NIfTI (RAS)"))],
            first.frame,
            self.tr("Axes of the file"),
        )
        self.folder = FolderField(str(first.folder), self.tr("Folder for the files"))
        self.planned = paragraph("", "secondary")
        self.overwrite = QCheckBox(self.tr("Overwrite what is there"))
        self.export = button(self.tr("Export"), self.write, "primary")
        self.stage = one_line("", "secondary")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _PER_MILLE)
        self.cancel = button(self.tr("Cancel"), self.stop)
        self.said = paragraph("")
        self.open_folder = button(self.tr("Open folder"), self._show_folder, "link")
        self._build()

    @property
    def files(self) -> PrintFiles:
        """What would be written now."""
        return PrintFiles(
            Path(self.folder.path).expanduser(),
            str(self.format.currentData()),
            cast(Layout, self.layout_box.currentData()),
            cast(Axes, self.frame.currentData()),
            self.overwrite.isChecked() and not self.overwrite.isHidden(),
        )

    @property
    def is_writing(self) -> bool:
        """Whether files are being written."""
        return self._work is not None

    def write(self) -> None:
        """Writes the parts in the background and reads them back."""
        made, label_map = self._bench.whole, self._bench.label_map
        if made is None or label_map is None or not self.export.isEnabled():
            return
        heard, stop = _Heard(), threading.Event()
        heard.told.connect(self._on_told)
        self._stop = stop

        def listen(told: Told) -> None:
            if stop.is_set():
                raise Cancelled
            heard.told.emit(told)

        checks = self._bench.checks
        self._ailing = sum(not each.is_whole for each in checks.values())
        call = partial(self._write, label_map, Written(made, checks, self.files, self._bench.result), listen)
        self._work = run_in_background(call, self._on_written, self._on_failed)
        self._say("", "")
        self._show_state()
        self.cancel.setFocus()

    def stop(self) -> None:
        """Stops writing; what is whole by then stays."""
        self._stop.set()
        self.stage.setText(self.tr("Stopping…"))
        self.cancel.setEnabled(False)

    def close_down(self) -> None:
        """Nothing goes on behind a closed window."""
        self._stop.set()
        for each in (self._work, self._looking):
            if each is not None:
                each.forget()

    def _layout_titles(self) -> list[tuple[str, str]]:
        return [
            ("parts", self.tr("One file with all parts")),
            ("per-structure", self.tr("A file for each part")),
            ("merged", self.tr("One file, one object")),
        ]

    def _build(self) -> None:
        for each in (self.format, self.layout_box, self.frame):
            each.setMinimumContentsLength(12)
            each.setSizeAdjustPolicy(ChoiceBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            each.currentIndexChanged.connect(lambda _: self.refresh())
        self.format.currentIndexChanged.connect(lambda _: self._fit_layout())
        self.folder.changed.connect(lambda _: self.refresh())
        self.overwrite.toggled.connect(lambda _: self._show_state())
        foot = row(self.export, self.cancel)
        foot.setStretch(0, 1)
        done = row(self.said, self.open_folder)
        done.setStretch(0, 1)
        for line in (foot, done):
            line.setContentsMargins(0, 0, 0, 0)
        parts = (self.format, self.layout_box, self.frame, self.folder, self.planned, self.overwrite)
        self.setLayout(stacked(*parts, self.stage, self.bar, foot, done, gap=GAP))
        bench = self._bench
        bench.made_changed.connect(self.refresh)
        bench.labels_changed.connect(self.refresh)
        for changed in (bench.busy_changed, bench.recipe_changed, bench.checks_changed):
            changed.connect(self._show_state)
        self._say("", "")
        self._fit_layout()
        self.refresh()

    def _fit_layout(self) -> None:
        """A format without parts gets a file for each."""
        from tsdesktop.exports.meshes.writing import MESH_FORMATS

        if not MESH_FORMATS[self.files.format].parts and self.files.layout == "parts":
            self.layout_box.setCurrentIndex(self.layout_box.findData("per-structure"))

    def refresh(self) -> None:
        """Plans the files anew, and looks in the background which of them are there."""
        if not self.is_writing:
            self._say("", "")
        made, files = self._bench.whole, self.files
        self.frame.setVisible(made is None or made.frame == "RAS")
        self._files = [] if made is None or not made.parts else self._planned(made, files)
        self.overwrite.hide()
        self.overwrite.setChecked(False)
        if self._looking is not None:
            self._looking.forget()
        self._looking = None
        if self._files:
            self._looking = run_in_background(partial(_existing, tuple(self._files)), self._on_looked, self._on_failed)
        self._show_planned()
        self._show_state()

    def _planned(self, made: Made, files: PrintFiles) -> list[Path]:
        try:
            return self._plan([mesh.name for mesh in made.parts], files)
        except ExportError as error:
            told = words_for(error)
            self._say("" if told is None else f"{told.sentence} {told.hint}".strip(), "warning")
            return []

    def _on_looked(self, existing: frozenset[Path]) -> None:
        self._looking = None
        self.overwrite.setVisible(bool(existing) and not self.is_writing)
        self._show_planned(len(existing))
        self._show_state()

    def _show_planned(self, existing: int = 0) -> None:
        count = len(self._files)
        if not count:
            self.planned.setText("")
        elif existing:
            words = self.tr("{existing} of {count} files are there already")
            self.planned.setText(words.format(count=count, existing=existing))
        else:
            words = self.tr("{name} and {count} more") if count > 1 else "{name}"
            self.planned.setText(words.format(name=self._files[0].name, count=count - 1))
        self.planned.setToolTip("\n".join(each.name for each in self._files[:40]))
        self.planned.setVisible(bool(count))

    def _show_state(self) -> None:
        writing = self.is_writing
        blocked = not self.overwrite.isHidden() and not self.overwrite.isChecked()
        ready = bool(self._files) and bool(self.folder.path) and self._bench.is_current and self._looking is None
        self.export.setEnabled(ready and not blocked and not writing)
        for each in (self.format, self.layout_box, self.frame, self.folder, self.overwrite):
            each.setEnabled(not writing)
        for shown in (self.stage, self.bar, self.cancel):
            shown.setVisible(writing)
        self.cancel.setEnabled(writing and not self._stop.is_set())
        if not writing:
            self.bar.setValue(0)
            self.stage.setText("")

    def _on_told(self, told: Told) -> None:
        if self.is_writing and not self._stop.is_set():
            self.stage.setText(stage_words(told.stage))
            self.bar.setValue(round(told.share * _PER_MILLE))

    def _on_written(self, files: list[Path]) -> None:
        self._work = None
        self.refresh()
        self._say(done_words(len(files), self._ailing), "good")
        self.open_folder.show()
        self.open_folder.setFocus()
        self.written.emit(files)

    def _on_failed(self, error: Exception) -> None:
        self._work = self._looking = None
        self.refresh()
        told = words_for(error)
        if told is None:
            self._say(self.tr("Stopped. What was written before is whole and stays."), "warning")
        else:
            self._say(f"{told.sentence} {told.hint}".strip(), "error")

    def _say(self, text: str, role: str) -> None:
        self.said.setText(text)
        set_role(self.said, role)
        self.said.setVisible(bool(text))
        self.open_folder.hide()

    def _show_folder(self) -> None:
        problem = show_folder(self.files.folder)
        if problem:
            self._say(problem, "warning")


def done_words(count: int, mended: int = 0) -> str:
    """How it ended well: the number of files, and of parts whose defects were mended."""
    words = QCoreApplication.translate("ExportBox", "Done: {count} files, read back and compared")
    if count == 1:
        words = QCoreApplication.translate("ExportBox", "Done: 1 file, read back and compared")
    if mended:
        words += ". " + QCoreApplication.translate("ExportBox", "Parts whose defects were mended: {mended}")
    return words.format(count=count, mended=mended)


def _format_titles() -> list[tuple[str, str]]:
    """The formats, the one that printing programs like best first."""
    from tsdesktop.exports.meshes.writing import MESH_FORMATS

    first = [key for key in ("3mf", "stl") if key in MESH_FORMATS]
    keys = [*first, *(key for key in MESH_FORMATS if key not in first)]
    return [(key, f"{MESH_FORMATS[key].title}  ({MESH_FORMATS[key].ending})") for key in keys]


def _existing(files: tuple[Path, ...]) -> frozenset[Path]:
    return frozenset(each for each in files if is_there(each))
