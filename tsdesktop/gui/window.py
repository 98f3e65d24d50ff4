"""The main window: left what to do, centre the views, right what was found. It puts the parts together.

Every part gets the session and listens to it; the window connects what they emit. What menus and buttons do stands in
gui/commands.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QSplitter, QVBoxLayout, QWidget

from tsdesktop.core.settings import Settings
from tsdesktop.gui import theme
from tsdesktop.gui.actions import ActionMaker
from tsdesktop.gui.background import run_in_background
from tsdesktop.gui.card_flow import CardFlow
from tsdesktop.gui.centre import Centre
from tsdesktop.gui.commands import Commands
from tsdesktop.gui.downloads import Downloads
from tsdesktop.gui.header import Header
from tsdesktop.gui.menus import Menus
from tsdesktop.gui.networks_flow import NetworksFlow
from tsdesktop.gui.opening.dragged import paths_of
from tsdesktop.gui.opening.flow import OpeningFlow, Wanted
from tsdesktop.gui.panels.left import LeftPanel
from tsdesktop.gui.panels.right import RightPanel
from tsdesktop.gui.panels.structure_menu import structure_menu
from tsdesktop.gui.releases_flow import ReleasesFlow
from tsdesktop.gui.remembering import Memory, display_of, display_settings, place_of, put_in_place
from tsdesktop.gui.report import RecentLines
from tsdesktop.gui.run_flow import RunFlow
from tsdesktop.gui.scene.view import SceneView
from tsdesktop.gui.self_test_flow import SelfTestFlow
from tsdesktop.gui.session import Session
from tsdesktop.gui.sharing_flow import SharingFlow
from tsdesktop.gui.slices.view import SliceView
from tsdesktop.gui.status_line import StatusLine
from tsdesktop.gui.studio_flow import StudioFlow
from tsdesktop.gui.supervisor import Supervisor
from tsdesktop.gui.telling import Places, Telling
from tsdesktop.gui.transfer_line import TransferLine

_FIRST_SIZE = (1400, 880)
_LEAST_SIZE = (860, 560)
_SIDES = (296, 264)
# The scan is on screen by then; the process that looks for graphics cards takes two cores for some seconds.
_DEVICES_AFTER_MS = 2500


class MainWindow(QMainWindow):
    """The window of the program. It opens what is dropped on it, and closes once nothing would be lost."""

    def __init__(self, settings: Settings, log_lines: RecentLines, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("tsdesktop")
        self.setMinimumSize(*_LEAST_SIZE)
        self.resize(*_FIRST_SIZE)
        self.setAcceptDrops(True)
        self.session = Session(self)
        self.session.display = display_of(settings)
        self.memory = Memory(settings, self)
        self.supervisor = Supervisor(self)
        self.scene: SceneView | None = None
        self._closing_agreed = False
        self._devices_asked = False
        self._make_parts(log_lines)
        self._lay_out()
        self._connect()
        self._restore(settings)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Opens what was dropped, chosen or named together; asks first where that would stop a run or lose results."""
        self.commands.open_paths(list(paths))

    # parts

    def _make_parts(self, log_lines: RecentLines) -> None:
        session = self.session
        self.header = Header(session)
        self.downloads = Downloads(self)
        self.left = LeftPanel(session, device=self.memory.settings.device, downloads=self.downloads)
        self.right = RightPanel(session)
        self.centre = Centre(session)
        self.status = StatusLine(session)
        self.telling = Telling(session, Places(self.centre.notes, self.status), log_lines, self)
        self.opening = OpeningFlow(session, self)
        self.runs = RunFlow(session, self.left, self.supervisor, self.memory)
        self.networks = NetworksFlow(session, self.left, self.telling, self.memory, self)
        self.cards = CardFlow(self.left, self.supervisor, self.telling, self)
        self.studio = StudioFlow(session, self.memory, self.telling, self)
        self.sharing = SharingFlow(session, self.memory, self.telling, self)
        self.transfers = TransferLine(self.downloads, self.networks.imports, lambda: self.networks.is_seen)
        self.commands = Commands(self)
        views = list(self.centre.slices.values())
        self.menus = Menus(session, self.commands, ActionMaker(self, self.centre.grid, views), self)
        self.menus.fill(self.header.menus)
        self.releases = ReleasesFlow(self.telling, self)
        self.self_test = SelfTestFlow(self.memory, self)
        menus = self.menus
        self.header.set_menus(menus.window_menu, menus.labels_menu, menus.layout_menu, menus.measure_menu)

    def _lay_out(self) -> None:
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(1)
        for part, stretch in ((self.left, 0), (self.centre, 1), (self.right, 0)):
            self.splitter.addWidget(part)
            self.splitter.setStretchFactor(self.splitter.count() - 1, stretch)
        self.splitter.setCollapsible(1, False)
        self.splitter.setSizes([_SIDES[0], _FIRST_SIZE[0] - sum(_SIDES), _SIDES[1]])
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.splitter, 1)
        column.addWidget(self.transfers)
        column.addWidget(self.status)
        self.setMenuWidget(self.header)
        self.setCentralWidget(inside)
        self._show_sides()

    def _connect(self) -> None:
        commands, opening, session = self.commands, self.opening, self.session
        self.header.scan_clicked.connect(commands.show_scan_information)
        self.header.export_clicked.connect(lambda: commands.export())
        self._connect_studio()
        self.menus.newer_version_wanted.connect(self.releases.look)
        self.menus.check_wanted.connect(self.self_test.open)
        self.menus.sharing_wanted.connect(self.sharing.open)
        self.left.run_wanted.connect(commands.start_run)
        self.left.licence_wanted.connect(lambda: commands.show_licence(self.left.run.show_licence_entered))
        self.left.download_wanted.connect(commands.download_networks)
        self.left.import_wanted.connect(commands.browse_networks)
        self.transfers.show_wanted.connect(commands.show_networks)
        # What the left panel shows of them may have changed.
        self.left.choices.changed.connect(self.transfers.refresh)
        self.runs.running_changed.connect(self.transfers.refresh)
        self.left.choices.device_changed.connect(lambda name: self.memory.change(device=name))
        self.right.export_wanted.connect(commands.export)
        self.supervisor.devices_found.connect(self.left.device.show_devices)
        self._connect_centre()
        opening.failed.connect(self.telling.error)
        opening.series_offered.connect(commands.offer_series)
        opening.scan_opened.connect(self._on_scan_opened)
        opening.left_over.connect(commands.tell_left_over)
        self.runs.bug_found.connect(self.telling.bug)
        self.runs.running_changed.connect(self.menus.show_running)
        self.runs.stopped.connect(lambda: self.telling.done(self.tr("Stopped. What was shown before is shown again.")))
        session.volume_changed.connect(self._on_volume_changed)
        session.display_changed.connect(lambda: self.memory.change(**display_settings(session)))
        self.memory.changed.connect(self._on_settings_changed)

    def _connect_studio(self) -> None:
        studio = self.studio
        self.menus.studio_wanted.connect(lambda: studio.open())
        self.menus.card_wanted.connect(self.cards.open)
        self.header.print_clicked.connect(lambda: studio.open())
        self.right.print_wanted.connect(studio.open)

    def _connect_centre(self) -> None:
        centre, commands, opening = self.centre, self.commands, self.opening
        centre.empty.open_wanted.connect(self.open_paths)
        centre.empty.series_wanted.connect(commands.open_recent)
        centre.opening.cancel_wanted.connect(opening.cancel)
        centre.notes.volume_wanted.connect(commands.offer_volume)
        centre.notes.series_wanted.connect(commands.offer_other_series)
        centre.notes.modality_chosen.connect(commands.choose_modality)
        centre.grid.layout_changed.connect(self._on_layout_changed)
        centre.measurements.tool_changed.connect(self._on_tool_changed)
        opening.started.connect(centre.opening.begin)
        opening.progressed.connect(centre.opening.show_progress)
        opening.ended.connect(centre.opening.end)
        for view in centre.slices.values():
            view.menu_wanted.connect(self._open_view_menu)

    def _restore(self, settings: Settings) -> None:
        grid_state = put_in_place(self, self.splitter, settings)
        if grid_state is not None:
            self.centre.grid.restore(grid_state)
        self.centre.grid.set_layout(settings.window_layout or "four")
        self._on_layout_changed()
        self._take_mouse_profile(settings)
        self.centre.empty.folder = settings.open_folder

    # what happens

    def _on_volume_changed(self) -> None:
        self._show_sides()
        volume = self.session.volume
        name = "" if volume is None else volume.source.description or volume.source.name
        self.setWindowTitle(f"{name} - tsdesktop" if name else "tsdesktop")
        if volume is not None and self.scene is None:
            # After the first slices are on screen.
            QTimer.singleShot(0, self._make_scene)
        if volume is not None and not self._devices_asked:
            self._devices_asked = True
            QTimer.singleShot(_DEVICES_AFTER_MS, self.supervisor.find_devices)

    def _make_scene(self) -> None:
        if self.scene is None:
            self.scene = SceneView(self.session)
            self.scene.menu_wanted.connect(self._open_view_menu)
            self.centre.grid.set_scene(self.scene)

    def _on_scan_opened(self, wanted: Wanted) -> None:
        self.memory.change(open_folder=str(wanted.path.parent))

    def _on_layout_changed(self) -> None:
        name = self.centre.grid.layout_name
        for action in self.menus.layout_actions:
            action.setChecked(action.data() == name)
            if action.data() == name:
                self.header.show_layout(action.text())

    def _on_tool_changed(self) -> None:
        tool = self.centre.measurements.tool
        for action in self.menus.tool_actions:
            action.setChecked(action.data() == tool)
            if action.data() == tool:
                self.header.show_tool(action.text() if tool else "")

    def _on_settings_changed(self, before: Settings, now: Settings) -> None:
        if before.theme != now.theme:
            wear_chosen(now)
        self.centre.empty.folder = now.open_folder
        if before.mouse_profile != now.mouse_profile:
            self._take_mouse_profile(now)
        if before.weights_folder != now.weights_folder:
            # Where networks are is read from the file.
            self.memory.save_now()
            self.left.choices.look_again()
        if before.keep_results and not now.keep_results:
            run_in_background(_forget_results, lambda _: None, self.telling.error)
        if before.device != now.device:
            self.left.choices.choose_device(now.device)
        display = display_of(now, self.session.display)
        if display != self.session.display:
            self.session.set_display(display)

    def _take_mouse_profile(self, settings: Settings) -> None:
        for view in self.centre.slices.values():
            view.mouse_profile = settings.mouse_profile

    def _open_view_menu(self, label: int, place: QPoint) -> None:
        """What can be done with the structure under the mouse, and with the view that asks."""
        menu: QMenu
        if self.session.structure_of(label) is not None:
            menu = about_structure = structure_menu(self.session, label, self)
            about_structure.export_wanted.connect(self.commands.export)
            about_structure.print_wanted.connect(self.studio.open)
            menu.addSeparator()
        else:
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        view = self.sender()
        if isinstance(view, SliceView | SceneView):
            self.commands.fill_view_menu(menu, view)
        menu.popup(place)

    def _show_sides(self) -> None:
        is_open = self.session.volume is not None
        self.left.setVisible(is_open and self.memory.settings.left_open)
        self.right.setVisible(is_open and self.memory.settings.right_open)
        self.status.setVisible(is_open)
        self.menus.left.setChecked(self.memory.settings.left_open)
        self.menus.right.setChecked(self.memory.settings.right_open)
        self.transfers.refresh()

    def show_sides(self, *, left: bool, right: bool) -> None:
        """Which of the panels are shown beside the views."""
        self.memory.change(left_open=left, right_open=right)
        self._show_sides()

    # events

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Files and folders may be dropped anywhere."""
        if paths_of(event.mimeData()):
            event.acceptProposedAction()
            self.centre.show_drop_target(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """Nothing is dropped after all."""
        self.centre.show_drop_target(False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Opens what was dropped."""
        self.centre.show_drop_target(False)
        paths = paths_of(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self.open_paths(paths)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """The desktop may change between dark and light."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ThemeChange and self.memory.settings.theme == "auto":
            wear_chosen(self.memory.settings)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Asks first where a run would be stopped or labels lost; then ends every thread and process."""
        if not self._closing_agreed and self.commands.ask_before_losing(self.close_at_once):
            event.ignore()
            return
        self.memory.change(**place_of(self, self.splitter, self.centre.grid.state()))
        self.memory.change(window_layout=self.centre.grid.layout_name)
        self.memory.save_now()
        self.opening.cancel()
        if self.scene is not None:
            self.scene.close_scene()
        self.networks.close()
        self.cards.close()
        self.studio.close()
        self.supervisor.close()
        super().closeEvent(event)

    def close_at_once(self) -> None:
        """Closes without a question."""
        self._closing_agreed = True
        self.close()


def _forget_results() -> None:
    """Removes the labels that were kept of earlier runs."""
    from tsdesktop.pipeline import EarlierResults

    EarlierResults().clear()


def wear_chosen(settings: Settings) -> None:
    """Dresses the application as the settings say."""
    application = QApplication.instance()
    if isinstance(application, QApplication):
        chosen = {"dark": theme.DARK, "light": theme.LIGHT}.get(settings.theme) or theme.system_theme()
        theme.wear(application, chosen)
