"""Every action of the window, made once: the menus, the chips of the header and the keys share them.

Keys without Ctrl belong to the views only, so that they never get in the way of typing elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QWidget

from tsdesktop.gui.figures import window_text
from tsdesktop.gui.session import LabelStyle, Session
from tsdesktop.gui.windowing import CT_PRESETS, auto_window, first_window, preset
from tsdesktop.gui.words import brightness_title

translate = QCoreApplication.translate
OPACITIES = (20, 45, 70, 100)


@dataclass(frozen=True)
class Said:
    """How an action is spoken of: its text, its keys, and one line that explains it."""

    text: str
    keys: str = ""
    help: str = ""


class ActionMaker:
    """Makes actions on a window. Letters mean something in the slices only, since 3D has letters of its own; digits
    and other single keys in all `views`; what is pressed with Ctrl or is a function key means the same everywhere.
    """

    def __init__(self, window: QWidget, views: QWidget, slices: Sequence[QWidget]) -> None:
        self._window = window
        self._views = views
        self._slices = slices

    def made(self, said: Said, on_triggered: Callable[[], object], *, checkable: bool = False) -> QAction:
        """An action that does this."""
        action = QAction(said.text, self._window)
        action.setToolTip(said.help or said.text)
        action.setStatusTip(said.help)
        action.setCheckable(checkable)
        action.triggered.connect(lambda _=False: on_triggered())
        if said.keys:
            action.setShortcuts([QKeySequence(each) for each in said.keys.split(" | ")])
        if not said.keys or _has_modifier(said.keys):
            self._window.addAction(action)
            return action
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        is_letter = len(said.keys) == 1 and said.keys.isalpha()
        for widget in self._slices if is_letter else [self._views]:
            widget.addAction(action)
        return action

    def group(self, actions: Iterable[QAction], parent: QObject) -> QActionGroup:
        """Actions of which one is in force."""
        group = QActionGroup(parent)
        for action in actions:
            action.setCheckable(True)
            group.addAction(action)
        return group


class ShowActions(QObject):
    """How slices are shown: brightness, labels, convention. They follow the session, and change it."""

    def __init__(self, session: Session, maker: ActionMaker, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self.presets = self._presets(maker)
        self.window_of_file = maker.made(
            Said(self.tr("As the file says"), "0", self.tr("The brightness stored with the scan, else its usual one")),
            self._window_of_file,
        )
        self.window_auto = maker.made(
            Said(self.tr("From the values"), "", self.tr("From the darkest to the brightest values of the scan")),
            self._window_of_values,
        )
        self.labels = self._toggle(maker, Said(self.tr("Show labels"), "G"), "show_labels")
        self.smooth = self._toggle(maker, Said(self.tr("Smooth slices"), "I"), "smooth")
        self.crosshair = self._toggle(maker, Said(self.tr("Crosshair"), "X"), "crosshair")
        self.neurological = maker.made(
            Said(self.tr("Neurological view"), "N", self.tr("The patient's right on the right of the picture")),
            self._turn_convention,
            checkable=True,
        )
        self.filled = self._style(maker, Said(self.tr("Filled")), "filled")
        self.outlined = self._style(maker, Said(self.tr("Outlines"), "O"), "outlined")
        self.opacities = [self._opacity(maker, percent) for percent in OPACITIES]
        maker.group(self.presets, self)
        maker.group([self.filled, self.outlined], self)
        maker.group(self.opacities, self)
        session.volume_changed.connect(self._on_volume_changed)
        session.window_changed.connect(self._on_window_changed)
        session.display_changed.connect(self._on_display_changed)
        self._on_display_changed()

    def _take_preset(self, number: int) -> None:
        volume = self._session.volume
        window = preset(volume, number) if volume is not None else None
        if window is not None:
            self._session.set_window(window)

    def _window_of_file(self) -> None:
        if self._session.volume is not None:
            self._session.set_window(first_window(self._session.volume))

    def _window_of_values(self) -> None:
        if self._session.volume is not None:
            self._session.set_window(auto_window(self._session.volume.array))

    def _presets(self, maker: ActionMaker) -> list[QAction]:
        return [
            maker.made(
                Said(f"{brightness_title(name)}   {window_text(window)}", str(number)),
                partial(self._take_preset, number),
            )
            for number, (name, window) in enumerate(CT_PRESETS, 1)
        ]

    def _toggle(self, maker: ActionMaker, said: Said, field: str) -> QAction:
        def turn() -> None:
            display = self._session.display
            turned: dict[str, Any] = {field: not getattr(display, field)}
            self._session.set_display(replace(display, **turned))

        action = maker.made(said, turn, checkable=True)
        action.setProperty("field", field)
        return action

    def _style(self, maker: ActionMaker, said: Said, style: LabelStyle) -> QAction:
        def turn() -> None:
            display = self._session.display
            # The key takes turns; the menu's entry that is in force stays in force.
            other: LabelStyle = "filled" if display.style == style and style == "outlined" else style
            self._session.set_display(replace(display, style=other, show_labels=True))

        return maker.made(said, turn, checkable=True)

    def _opacity(self, maker: ActionMaker, percent: int) -> QAction:
        def turn() -> None:
            display = replace(self._session.display, fill_opacity=percent / 100, style="filled", show_labels=True)
            self._session.set_display(display)

        action = maker.made(Said(self.tr("{percent} % filled").format(percent=percent)), turn, checkable=True)
        action.setData(percent)
        return action

    def _turn_convention(self) -> None:
        display = self._session.display
        self._session.set_display(replace(display, radiological=not display.radiological))

    def _on_volume_changed(self) -> None:
        """The presets are in Hounsfield units, which only CT has."""
        volume = self._session.volume
        for number, action in enumerate(self.presets, 1):
            action.setVisible(volume is not None and preset(volume, number) is not None)
        self._on_window_changed()

    def _on_window_changed(self) -> None:
        """The preset that is in force has a tick; none after the window was dragged."""
        for action, (_, window) in zip(self.presets, CT_PRESETS, strict=True):
            action.setChecked(window == self._session.window)

    def _on_display_changed(self) -> None:
        display = self._session.display
        for action in (self.labels, self.smooth, self.crosshair):
            action.setChecked(bool(getattr(display, action.property("field"))))
        self.neurological.setChecked(not display.radiological)
        self.filled.setChecked(display.style == "filled")
        self.outlined.setChecked(display.style == "outlined")
        for action in self.opacities:
            is_filled = display.style == "filled"
            action.setChecked(is_filled and action.data() == round(100 * display.fill_opacity))


def _has_modifier(keys: str) -> bool:
    return "+" in keys or (keys.startswith("F") and keys[1:2].isdigit())
