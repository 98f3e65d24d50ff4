"""What the entries of the menus and the buttons of the window do: open, ask, export, show, remember.

Dialogs are imported where they are opened: the window is on screen sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QMessageBox, QWidget

from tsdesktop.core.options import Options
from tsdesktop.core.tasks import Task, catalogue
from tsdesktop.core.volume import Modality
from tsdesktop.gui.background import run_in_background
from tsdesktop.gui.dialogs.log_view import LogView
from tsdesktop.gui.dialogs.shortcuts import Shortcuts
from tsdesktop.gui.folders import show_folder
from tsdesktop.gui.opening.flow import Wanted
from tsdesktop.gui.pictures import picture_of_views, save_picture
from tsdesktop.gui.scene.view import SceneView
from tsdesktop.gui.slices.measure import Tool
from tsdesktop.gui.slices.view import SliceView
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.terms import needs_terms, tasks_with_terms, with_terms_accepted

if TYPE_CHECKING:
    from tsdesktop.gui.window import MainWindow
    from tsdesktop.pipeline import SeriesSummary
    from tsdesktop.weights.packages import Package

translate = QCoreApplication.translate


class Commands(QObject):
    """The window's deeds. Nothing here waits: dialogs do not block, slow work runs in the background."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    # opening

    def open_paths(self, paths: list[Path]) -> None:
        """Opens paths together, networks among them are installed; asks first where a run or labels would be lost."""
        self._window.networks.take(paths, self._open_scans)

    def _open_scans(self, paths: list[Path]) -> None:
        self._go_on_or_ask(partial(self._window.opening.open, paths))

    def open_recent(self, path: Path, series: str) -> None:
        """Opens a scan of the list again."""
        self._open(Wanted(path, series))

    def _open(self, wanted: Wanted) -> None:
        self._go_on_or_ask(partial(self._window.opening.open_series, wanted))

    def browse_file(self) -> None:
        """Asks for a file, or several."""
        self._window.centre.empty.browse_file()

    def browse_folder(self) -> None:
        """Asks for a folder."""
        self._window.centre.empty.browse_folder()

    def open_sample(self) -> None:
        """Opens the scan that comes with the program."""
        self._window.centre.empty.open_sample()

    def browse_labels(self) -> None:
        """Asks for a label map of the open scan."""
        window = self._window
        dialog = QFileDialog(window, self.tr("Open labels"), window.memory.settings.open_folder)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        endings = "*.nii *.nii.gz *.nrrd *.mha *.mhd *.mgz *.mgh *.npz *.dcm"
        dialog.setNameFilters([self.tr("Label maps") + f" ({endings})", self.tr("All files") + " (*)"])
        dialog.filesSelected.connect(lambda names: window.opening.open_labels([Path(name) for name in names]))
        dialog.open()

    def offer_series(self, wanted: Wanted, summaries: list[SeriesSummary]) -> None:
        """Lets a person choose among several series."""
        from tsdesktop.gui.dialogs.series_picker import SeriesPicker

        picker = SeriesPicker(summaries, self._window)
        picker.chosen.connect(lambda chosen: self._open(replace(wanted, series=str(chosen.number))))
        picker.open()

    def offer_volume(self, count: int, index: int) -> None:
        """Lets a person choose another of the several volumes of the open file."""
        from tsdesktop.gui.dialogs.series_picker import VolumePicker

        wanted = self._window.opening.opened
        if wanted is None:
            return
        picker = VolumePicker(count, index, self._window)
        picker.chosen.connect(lambda chosen: self._open(replace(wanted, volume_index=chosen, labels=())))
        picker.open()

    def offer_other_series(self) -> None:
        """Lists the series of what is open again."""
        wanted = self._window.opening.opened
        if wanted is not None:
            self._window.opening.list_series(replace(wanted, series="", labels=()))

    def tell_left_over(self, paths: list[Path]) -> None:
        """Says what was dropped and not opened."""
        names = ", ".join(path.name for path in paths[:3])
        text = self.tr("Not opened: {names}.").format(names=names)
        self._window.telling.warning(text, self.tr("One scan is open at a time, with labels that belong to it."))

    def close_scan(self) -> None:
        """Back to the empty window."""
        self._go_on_or_ask(self._window.session.close_volume)

    def _go_on_or_ask(self, go_on: Callable[[], object]) -> None:
        if not self.ask_before_losing(go_on):
            go_on()

    def ask_before_losing(self, go_on: Callable[[], object]) -> bool:
        """Asks where going on would stop a run or lose labels that were not exported; `go_on` is called on a yes.

        Returns whether it asks; where there is nothing to lose it does not.
        """
        window = self._window
        if window.runs.is_running:
            question = self.tr("A run is under way. Stop it?")
            yes, more = self.tr("Stop the run"), self.tr("What it has computed so far is lost.")
        elif window.runs.has_unsaved_result:
            question = self.tr("The labels have not been exported. Go on without them?")
            yes, more = self.tr("Go on"), self.tr("They can be computed again, which takes as long as before.")
        else:
            return False
        box = QMessageBox(QMessageBox.Icon.NoIcon, "tsdesktop", question, parent=window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setInformativeText(more)
        box.addButton(yes, QMessageBox.ButtonRole.AcceptRole).clicked.connect(partial(self._stop_and, go_on))
        if window.runs.is_running:
            window.runs.when_ended(box, partial(self._ask_again, box, go_on))
        else:
            export = box.addButton(self.tr("Export…"), QMessageBox.ButtonRole.ActionRole)
            export.clicked.connect(lambda: self.export())
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.open()
        return True

    def _ask_again(self, box: QMessageBox, go_on: Callable[[], object]) -> None:
        """The run has ended by itself: nothing is left to be stopped, but there may be labels to lose."""
        box.close()
        self._go_on_or_ask(go_on)

    def _stop_and(self, go_on: Callable[[], object]) -> None:
        self._window.runs.give_up()
        go_on()

    # running

    def segment(self) -> None:
        """Starts the run that the left panel describes, as its button does."""
        self._window.show_sides(left=True, right=self._window.memory.settings.right_open)
        self._window.left.start()

    def start_run(self, options: Options) -> None:
        """Starts a run, once its task's terms are accepted.

        Not while another scan is being opened, which would take its result away.
        """
        task = catalogue().tasks.get(options.task)
        start = partial(self._start_run, options)
        if task is None:
            start()
        else:
            self.with_terms(task, start)

    def _start_run(self, options: Options) -> None:
        window = self._window
        if window.opening.is_busy:
            window.telling.warning(self.tr("Something is being opened."), self.tr("Start when it is on screen."))
        else:
            window.runs.start(options)

    def cancel_run(self) -> None:
        """Stops the run under way."""
        self._window.left.cancel()

    def choose_structures(self) -> None:
        """Opens the tree of structures to compute."""
        self._window.show_sides(left=True, right=self._window.memory.settings.right_open)
        self._window.left.open_structure_picker()

    def find_devices(self) -> None:
        """Looks for graphics cards again."""
        self._window.supervisor.find_devices()

    def download_networks(self, packages: Iterable[Package], then_run: bool) -> None:
        """Puts packages into the queue, once their terms are accepted; a run of what is chosen may follow."""
        window, wanted = self._window, tuple(packages)
        go_on: Callable[[], object] = partial(window.left.run.download, wanted, then_run=then_run)
        known, settings = window.left.choices.catalogue, window.memory.settings
        tasks = {task.name: task for each in wanted for task in tasks_with_terms(each.folder, known, settings)}
        for task in tasks.values():
            go_on = partial(self.with_terms, task, go_on)
        go_on()

    def browse_networks(self) -> None:
        """Asks for zips with networks, and installs them."""
        self._window.networks.browse(QFileDialog.FileMode.ExistingFiles)

    def browse_networks_folder(self) -> None:
        """Asks for a folder with networks, and installs them."""
        self._window.networks.browse(QFileDialog.FileMode.Directory)

    def open_networks_folder(self) -> None:
        """Shows where networks belong."""
        problem = show_folder(own_weights_folder())
        if problem:
            self._window.telling.warning(problem)

    # results

    def export(self, labels: tuple[int, ...] = ()) -> None:
        """Opens the export dialog, for these labels or for all that a person chooses there."""
        from tsdesktop.gui.dialogs.export_dialog import ExportDialog

        window = self._window
        if window.session.label_map is None:
            return
        if window.session.is_draft:
            window.telling.warning(self.tr("A draft is shown."), self.tr("Export when the run has ended."))
            return
        dialog = ExportDialog(window.session, window.memory.settings, labels or window.right.selected_labels, window)
        dialog.settings_changed.connect(lambda values: window.memory.change(**values))
        dialog.exported.connect(lambda _: window.runs.mark_saved())
        dialog.open()

    def fill_view_menu(self, menu: QMenu, view: SliceView | SceneView) -> None:
        """Adds what can be done with one view to a menu."""
        grid = self._window.centre.grid
        name = "scene" if isinstance(view, SceneView) else view.plane_name
        is_alone = grid.layout_name == name
        copy, save = self.tr("Copy picture of this view"), self.tr("Save picture of this view…")
        menu.addAction(copy).triggered.connect(lambda: self._copy(view.screenshot()))
        menu.addAction(save).triggered.connect(lambda: self._ask_where(view.screenshot()))
        alone = menu.addAction(self.tr("All views") if is_alone else self.tr("This view alone"))
        alone.triggered.connect(lambda: grid.maximise(None if is_alone else name))
        reset = view.reset if isinstance(view, SceneView) else view.zoom_reset
        menu.addAction(self.tr("Reset this view")).triggered.connect(reset)

    def save_picture(self) -> None:
        """Asks where, and writes the views as a PNG."""
        self._ask_where(picture_of_views(self._window.centre.grid))

    def _ask_where(self, image: QImage) -> None:
        window = self._window
        dialog = QFileDialog(window, self.tr("Save picture"), window.memory.settings.export_folder)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("png")
        dialog.setNameFilter(self.tr("PNG picture") + " (*.png)")
        dialog.selectFile("tsdesktop.png")
        dialog.fileSelected.connect(lambda name: self._write_picture(image, Path(name)))
        dialog.open()

    def _write_picture(self, image: QImage, path: Path) -> None:
        said = self.tr("{name} was written.").format(name=path.name)
        telling = self._window.telling
        run_in_background(partial(save_picture, image, path), lambda _: telling.done(said), telling.error)

    def copy_picture(self) -> None:
        """Puts a picture of the views on the clipboard."""
        self._copy(picture_of_views(self._window.centre.grid))

    def _copy(self, image: QImage) -> None:
        QGuiApplication.clipboard().setImage(image)
        self._window.telling.done(self.tr("The picture is on the clipboard."))

    # looking

    def set_layout_named(self, name: str) -> None:
        """Which views are shown."""
        self._window.centre.grid.set_layout(name)

    def reset_views(self) -> None:
        """Everything in view, in slices and in 3D."""
        for view in self._window.centre.slices.values():
            view.zoom_reset()
        if self._window.scene is not None:
            self._window.scene.reset()

    def go_to_selected(self) -> None:
        """Moves the crosshair to the middle of the selected structure."""
        session = self._window.session
        if session.selected is not None:
            session.select(session.selected, go_there=True)

    def look_from(self, letter: str) -> None:
        """Turns the 3D view."""
        if self._window.scene is not None:
            self._window.scene.look_from(letter)

    def take_tool(self, tool: Tool) -> None:
        """Takes a measuring tool into the hand; "" puts it down, or else selects no measurement."""
        measurements = self._window.centre.measurements
        if tool:
            measurements.set_tool(tool)
        else:
            measurements.give_up()

    def clear_measurements(self) -> None:
        """Removes all measurements."""
        self._window.centre.measurements.clear()

    def toggle_left(self) -> None:
        """Shows or hides the task panel."""
        settings = self._window.memory.settings
        self._window.show_sides(left=not settings.left_open, right=settings.right_open)

    def toggle_right(self) -> None:
        """Shows or hides the structure panel."""
        settings = self._window.memory.settings
        self._window.show_sides(left=settings.left_open, right=not settings.right_open)

    def toggle_sides(self) -> None:
        """Hides the panels that are shown, or shows both where none is."""
        settings = self._window.memory.settings
        shown = not (settings.left_open or settings.right_open)
        self._window.show_sides(left=shown, right=shown)

    def toggle_full_screen(self) -> None:
        """The whole screen, or back."""
        window = self._window
        if window.isFullScreen():
            window.showNormal()
        else:
            window.showFullScreen()

    def focus_next_part(self, step: int) -> None:
        """Gives the keyboard to the next part of the window, or for -1 to the one before: in the views Tab does not."""
        window = self._window
        views = [*window.centre.slices.values(), *([] if window.scene is None else [window.scene])]
        shown: list[tuple[QWidget, Callable[[], object]]] = [
            (window.left, window.left.focus_search),
            *((view, view.setFocus) for view in views),
            (window.right, window.right.focus_filter),
        ]
        parts = [(part, focus) for part, focus in shown if part.isVisible()]
        focused = QApplication.focusWidget()
        at = next((n for n, (part, _) in enumerate(parts) if focused in (part, *part.findChildren(QWidget))), -1)
        if parts:
            parts[(at + step) % len(parts)][1]()

    def choose_modality(self, modality: Modality) -> None:
        """A person says whether the open scan is CT or MR."""
        if self._window.runs.is_running:
            self._window.telling.warning(self.tr("A run is under way."), self.tr("Choose when it has ended."))
        else:
            self._window.session.set_modality(modality)

    def show_task_finder(self) -> None:
        """Puts the cursor into the search for tasks."""
        if self._window.session.volume is not None:
            self._window.show_sides(left=True, right=self._window.memory.settings.right_open)
            self._window.left.focus_search()

    def show_structure_filter(self) -> None:
        """Puts the cursor into the filter of structures."""
        self._window.show_sides(left=self._window.memory.settings.left_open, right=True)
        self._window.right.focus_filter()

    # dialogs

    def show_preferences(self) -> None:
        """Opens the preferences."""
        from tsdesktop.gui.dialogs.preferences import Preferences

        dialog = Preferences(self._window.memory.settings, self._window, self._window.left.choices.devices)
        dialog.changed.connect(self._window.memory.take_changes_from(self._window.memory.settings))
        dialog.card_wanted.connect(self._window.cards.open)
        dialog.open()

    def show_scan_information(self) -> None:
        """Tells what the open file is."""
        from tsdesktop.gui.dialogs.scan_information import ScanInformation

        if self._window.session.volume is not None:
            ScanInformation(self._window.session.volume, self._window.session.notes, self._window).open()

    def show_licence(self, then: Callable[[], object] | None = None) -> None:
        """Opens the licence number's dialog; with `then` it closes and goes on there once a number is valid."""
        from tsdesktop.gui.dialogs.licence_dialog import LicenceDialog

        dialog = LicenceDialog(self._window, closes_when_valid=then is not None)
        if then is not None:
            dialog.entered.connect(lambda state: then() if state == "valid" else None)
        dialog.open()

    def show_networks(self) -> None:
        """Opens the window of all networks, or brings it to the front."""
        from tsdesktop.gui.networks.window import Networks

        window = self._window
        dialog = window.findChild(Networks)
        if dialog is None:
            dialog = Networks(window.downloads, window)
            dialog.networks_changed.connect(window.left.choices.look_again)
            dialog.licence_wanted.connect(self.show_licence)
            dialog.terms_wanted.connect(self.with_terms)
            window.networks.installed.connect(dialog.look_again)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def with_terms(self, task: Task, go_on: Callable[[], object]) -> None:
        """Calls `go_on`, where the task has terms of use only once they are accepted; asks for that where need be."""
        from tsdesktop.gui.dialogs.terms import TermsDialog

        memory = self._window.memory
        if not needs_terms(task, memory.settings):
            go_on()
            return
        dialog = TermsDialog(task, self._window)
        dialog.accepted.connect(lambda: memory.take(with_terms_accepted(task, memory.settings)))
        dialog.accepted.connect(go_on)
        dialog.open()

    def show_log(self) -> None:
        """Opens the log."""
        telling = self._window.telling
        LogView(telling.log_lines, telling.private_words, self._window).open()

    def show_shortcuts(self) -> None:
        """Lists keys and what the mouse does."""
        Shortcuts(self._window.menus.spoken, self._window.memory.settings.mouse_profile, self._window).open()

    def show_about(self) -> None:
        """Says what this program is, and is not."""
        from tsdesktop.gui.dialogs.about import About

        About(self._window).open()

    def close(self) -> None:
        """Closes the window."""
        self._window.close()
