"""The menus of the window and what each entry does. Menus and keys are made here; the work is the window's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from tsdesktop.gui.actions import ActionMaker, Said, ShowActions
from tsdesktop.gui.commands import Commands
from tsdesktop.gui.opening.recent import recent_scans
from tsdesktop.gui.releases import release_address
from tsdesktop.gui.session import Session
from tsdesktop.gui.slices.measure import Tool

LAYOUT_KEYS = {
    "four": "F5",
    "slices": "F6",
    "3d": "F7",
    "axial": "Alt+1",
    "coronal": "Alt+2",
    "sagittal": "Alt+3",
    "scene": "Alt+4",
}


class Menus(QObject):
    """Makes all menus of a window. Entries that need a scan or labels are grey without them.

    `studio_wanted`: the print studio is to be opened, `card_wanted`: the dialog about the graphics card.
    `newer_version_wanted`: the release page is to be asked.
    `check_wanted`: the installation is to be checked.
    `sharing_wanted`: the scan is to be shared without the face.
    """

    studio_wanted = Signal()
    card_wanted = Signal()
    sharing_wanted = Signal()
    newer_version_wanted = Signal()
    check_wanted = Signal()

    def __init__(self, session: Session, commands: Commands, maker: ActionMaker, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._commands = commands
        self._maker = maker
        self._parent = parent
        self._need_scan: list[QAction] = []
        self._need_labels: list[QAction] = []
        self.show = ShowActions(session, maker, self)
        self.layout_actions = self._layout_actions()
        self.tool_actions = self._tool_actions()
        self._is_running = False
        self.run = self._action(Said(self.tr("Segment"), "Ctrl+Return"), commands.segment)
        self.cancel = self._action(Said(self.tr("Cancel the run"), "Ctrl+."), commands.cancel_run)
        self.left = self._action(Said(self.tr("Task panel"), "Ctrl+1"), commands.toggle_left, checkable=True)
        self.right = self._action(Said(self.tr("Structure panel"), "Ctrl+2"), commands.toggle_right, checkable=True)
        session.volume_changed.connect(self._on_session_changed)
        session.labels_changed.connect(self._on_session_changed)
        self.window_menu = self._window_menu()
        self.labels_menu = self._labels_menu()
        self.layout_menu = self._menu("", [*self.layout_actions])
        self.measure_menu = self._measure_menu()

    def fill(self, bar: QMenuBar) -> None:
        """Puts the menus into the bar."""
        for menu in (
            self._file_menu(), self._edit_menu(), self._view_menu(), self._run_menu(), self._networks_menu(),
            self._help_menu(),
        ):  # fmt: skip
            bar.addMenu(menu)
        self._on_session_changed()

    def show_running(self, running: bool) -> None:
        """A run is under way, or none is."""
        self._is_running = running
        self._on_session_changed()

    @property
    def spoken(self) -> list[tuple[str, str]]:
        """(text, keys) of every action with keys, in the order they were made."""
        actions = self._parent.findChildren(QAction)
        return [
            (action.text().replace("&", ""), QKeySequence.listToString(action.shortcuts(), _NATIVE))
            for action in actions
            if action.shortcuts()
        ]

    # parts

    def _action(self, said: Said, call: Callable[[], object], *, needs: str = "", checkable: bool = False) -> QAction:
        action = self._maker.made(said, call, checkable=checkable)
        if needs == "scan":
            self._need_scan.append(action)
        elif needs == "labels":
            self._need_labels.append(action)
        return action

    def _menu(self, title: str, entries: Sequence[QAction | QMenu | None]) -> QMenu:
        menu = QMenu(title, self._parent)
        menu.setToolTipsVisible(True)
        for entry in entries:
            if entry is None:
                menu.addSeparator()
            elif isinstance(entry, QMenu):
                menu.addMenu(entry)
            else:
                menu.addAction(entry)
        return menu

    def _layout_actions(self) -> list[QAction]:
        titles = {
            "four": self.tr("Four views"),
            "slices": self.tr("Axial large"),
            "3d": self.tr("3D large"),
            "axial": self.tr("Axial alone"),
            "coronal": self.tr("Coronal alone"),
            "sagittal": self.tr("Sagittal alone"),
            "scene": self.tr("3D alone"),
        }
        actions: list[QAction] = []
        for name, title in titles.items():
            said = Said(title, LAYOUT_KEYS[name])
            action = self._action(said, partial(self._commands.set_layout_named, name), checkable=True)
            action.setData(name)
            actions.append(action)
        self._maker.group(actions, self)
        return actions

    def _tool_actions(self) -> list[QAction]:
        titles: dict[Tool, Said] = {
            "": Said(self.tr("No measuring"), "Escape"),
            "distance": Said(self.tr("Distance"), "D", self.tr("Click where it begins and where it ends")),
            "angle": Said(self.tr("Angle"), "A", self.tr("Click three points; the second is the corner")),
            "circle": Said(self.tr("Values in a circle"), "C", self.tr("Drag from the middle outwards")),
        }
        actions: list[QAction] = []
        for tool, said in titles.items():
            action = self._action(said, partial(self._commands.take_tool, tool), checkable=True)
            action.setData(tool)
            actions.append(action)
        self._maker.group(actions, self)
        actions[0].setChecked(True)
        return actions

    def _measure_menu(self) -> QMenu:
        remove = Said(self.tr("Remove all measurements"), "Ctrl+Shift+Backspace")
        clear = self._action(remove, self._commands.clear_measurements, needs="scan")
        return self._menu(self.tr("Measure"), [*self.tool_actions, None, clear])

    def _window_menu(self) -> QMenu:
        show = self.show
        return self._menu(self.tr("Brightness"), [*show.presets, None, show.window_of_file, show.window_auto])

    def _labels_menu(self) -> QMenu:
        show = self.show
        entries = [show.labels, None, show.filled, show.outlined, None, *show.opacities]
        return self._menu(self.tr("Labels"), entries)

    def _file_menu(self) -> QMenu:
        commands = self._commands
        picture = Said(self.tr("Save picture of the views…"), "Ctrl+Shift+S")
        studio = Said(self.tr("Print studio…"), "Ctrl+P", self.tr("Structures as parts for a printer, checked first"))
        share = Said(self.tr("Share scan without face…"), "", self.tr("And without what its files say of the patient"))
        return self._menu(
            self.tr("&File"),
            [
                self._action(Said(self.tr("Open…"), "Ctrl+O"), commands.browse_file),
                self._action(Said(self.tr("Open folder…"), "Ctrl+Shift+O"), commands.browse_folder),
                self._recent_menu(),
                self._action(Said(self.tr("Open the sample")), commands.open_sample),
                self._action(Said(self.tr("Open labels…"), "Ctrl+L"), commands.browse_labels, needs="scan"),
                None,
                self._action(Said(self.tr("Export…"), "Ctrl+E"), lambda: commands.export(), needs="labels"),
                self._action(studio, self.studio_wanted.emit, needs="labels"),
                self._action(share, self.sharing_wanted.emit, needs="scan"),
                self._action(picture, commands.save_picture, needs="scan"),
                self._action(Said(self.tr("Copy picture"), "Ctrl+Shift+C"), commands.copy_picture, needs="scan"),
                None,
                self._action(
                    Said(self.tr("What is this file?"), "Ctrl+I"), commands.show_scan_information, needs="scan"
                ),
                self._action(Said(self.tr("Close scan"), "Ctrl+W"), commands.close_scan, needs="scan"),
                None,
                self._action(Said(self.tr("Quit"), "Ctrl+Q"), commands.close),
            ],
        )

    def _recent_menu(self) -> QMenu:
        menu = QMenu(self.tr("Open recent"), self._parent)
        menu.aboutToShow.connect(lambda: self._fill_recent(menu))
        return menu

    def _fill_recent(self, menu: QMenu) -> None:
        menu.clear()
        scans = recent_scans()
        for scan in scans:
            action = menu.addAction(scan.name)
            action.setToolTip(scan.path.name)
            action.triggered.connect(lambda _=False, scan=scan: self._commands.open_recent(scan.path, scan.series))
        if not scans:
            menu.addAction(self.tr("No scans yet")).setEnabled(False)

    def _edit_menu(self) -> QMenu:
        stack, session, commands = self._session.undo_stack, self._session, self._commands
        undo = stack.createUndoAction(self._parent, self.tr("Undo"))
        undo.setShortcuts(QKeySequence.StandardKey.Undo)
        redo = stack.createRedoAction(self._parent, self.tr("Redo"))
        redo.setShortcuts([QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")])
        for action in (undo, redo):
            self._parent.addAction(action)
        show_all, hide_all = self.tr("Show all structures"), self.tr("Hide all structures")
        return self._menu(
            self.tr("&Edit"),
            [
                undo,
                redo,
                None,
                self._action(
                    Said(show_all, "Ctrl+Shift+A"),
                    lambda: session.change_visible(show_all, session.looks, True),
                    needs="labels",
                ),
                self._action(
                    Said(hide_all, "Ctrl+Shift+H"),
                    lambda: session.change_visible(hide_all, session.looks, False),
                    needs="labels",
                ),
                self._action(
                    Said(self.tr("Go to the selected structure"), "Space"), commands.go_to_selected, needs="labels"
                ),
                self._action(Said(self.tr("Select nothing")), lambda: session.select(None), needs="labels"),
                None,
                self._action(Said(self.tr("Find a task or structure"), "Ctrl+F"), commands.show_task_finder),
                self._action(
                    Said(self.tr("Filter the structures found"), "Ctrl+Shift+F"),
                    commands.show_structure_filter,
                    needs="labels",
                ),
                None,
                self._action(Said(self.tr("Preferences…"), "Ctrl+,"), commands.show_preferences),
            ],
        )

    def _view_menu(self) -> QMenu:
        show, commands = self.show, self._commands
        onward = Said(self.tr("Next part of the window"), "Ctrl+Tab")
        back = Said(self.tr("Previous part of the window"), "Ctrl+Shift+Tab")
        sides = Said(self.tr("Both panels"), "Tab", self.tr("Hides or shows both panels; in the views, the Tab key"))
        return self._menu(
            self.tr("&View"),
            [
                *self.layout_actions,
                None,
                self.left,
                self.right,
                self._action(sides, commands.toggle_sides),
                self._action(Said(self.tr("Full screen"), "F11"), commands.toggle_full_screen),
                self._action(onward, partial(commands.focus_next_part, 1)),
                self._action(back, partial(commands.focus_next_part, -1)),
                None,
                self.window_menu,
                self.labels_menu,
                self._from_menu(),
                None,
                show.crosshair,
                show.smooth,
                show.neurological,
                self._action(Said(self.tr("Reset the views"), "R"), commands.reset_views, needs="scan"),
            ],
        )

    def _from_menu(self) -> QMenu:
        titles = {
            "A": self.tr("From the front"),
            "P": self.tr("From behind"),
            "L": self.tr("From the patient's left"),
            "R": self.tr("From the patient's right"),
            "S": self.tr("From above"),
            "I": self.tr("From below"),
        }
        actions = [
            self._action(
                Said(f"{title}  ({letter})", help=self.tr("In the 3D view the letter alone does the same")),
                partial(self._commands.look_from, letter),
                needs="scan",
            )
            for letter, title in titles.items()
        ]
        return self._menu(self.tr("3D view"), [*actions])

    def _run_menu(self) -> QMenu:
        commands = self._commands
        card = Said(self.tr("Graphics card…"), "", self.tr("Fetch or remove what an NVIDIA card needs"))
        return self._menu(
            self.tr("&Run"),
            [
                self.run,
                self.cancel,
                None,
                self._action(
                    Said(self.tr("Choose structures…"), "Ctrl+Shift+R"), commands.choose_structures, needs="scan"
                ),
                self.measure_menu,
                None,
                self._action(Said(self.tr("Look for graphics cards again")), commands.find_devices),
                self._action(card, self.card_wanted.emit),
            ],
        )

    def _networks_menu(self) -> QMenu:
        commands = self._commands
        everything = Said(self.tr("All networks…"), "Ctrl+N", self.tr("What is here, how large it is, what is missing"))
        bring = Said(self.tr("Import file…"), "", self.tr("A zip with networks or a bundle; it may be dropped, too"))
        folder = Said(self.tr("Import folder…"), "", self.tr("Results of nnU-Net, or the home of TotalSegmentator"))
        return self._menu(
            self.tr("&Networks"),
            [
                self._action(everything, commands.show_networks),
                None,
                self._action(bring, commands.browse_networks),
                self._action(folder, commands.browse_networks_folder),
                self._action(Said(self.tr("Open the folder of networks")), commands.open_networks_folder),
                None,
                self._action(Said(self.tr("Licence number…")), commands.show_licence),
            ],
        )

    def _help_menu(self) -> QMenu:
        commands = self._commands
        look = Said(self.tr("Look for a new version…"), "", self.tr("Asks the release page, now and only once"))
        newer = self._action(look, self.newer_version_wanted.emit)
        newer.setVisible(bool(release_address()))
        return self._menu(
            self.tr("&Help"),
            [
                self._action(Said(self.tr("Keys and mouse"), "F1"), commands.show_shortcuts),
                self._action(Said(self.tr("Log…")), commands.show_log),
                self._action(Said(self.tr("Check this installation…")), self.check_wanted.emit),
                newer,
                None,
                self._action(Said(self.tr("About tsdesktop")), commands.show_about),
            ],
        )

    def _on_session_changed(self) -> None:
        has_scan, has_labels = self._session.volume is not None, self._session.label_map is not None
        for action in self._need_scan:
            action.setEnabled(has_scan)
        for action in self._need_labels:
            action.setEnabled(has_labels)
        self.run.setEnabled(has_scan and not self._is_running)
        self.cancel.setEnabled(self._is_running)


_NATIVE = QKeySequence.SequenceFormat.NativeText
