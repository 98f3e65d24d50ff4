"""Preferences, made from the declarations of the settings: what has a title there is shown here. Applied at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, fields, replace
from functools import partial
from typing import Any, Literal, get_args, get_origin, get_type_hints

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QLabel, QScrollArea, QSpinBox, QWidget

from tsdesktop.core.settings import Settings
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.controls import ChoiceBox, FileField, FolderField, PathField, Segments, TextField
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.dialogs.preferences_checks import address_problem, certificates_problem
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.parts import button, one_line, paragraph, row, set_role
from tsdesktop.gui.translation import setting_words
from tsdesktop.gui.words import device_title
from tsdesktop.jobs.messages import Devices

_VALUES: dict[str, Any] = {
    "auto": QT_TRANSLATE_NOOP("Preferences", "Automatic"),
    "dark": QT_TRANSLATE_NOOP("Preferences", "Dark"),
    "light": QT_TRANSLATE_NOOP("Preferences", "Light"),
    "en": "English",
    "de": "Deutsch",
    "radiological": QT_TRANSLATE_NOOP("Preferences", "Radiological"),
    "neurological": QT_TRANSLATE_NOOP("Preferences", "Neurological"),
    "crosshair": QT_TRANSLATE_NOOP("Preferences", "Crosshair"),
    "window": QT_TRANSLATE_NOOP("Preferences", "Brightness"),
    "cpu": QT_TRANSLATE_NOOP("Preferences", "CPU"),
    "gpu": QT_TRANSLATE_NOOP("Preferences", "Graphics card"),
    "mps": QT_TRANSLATE_NOOP("Preferences", "Apple graphics (MPS)"),
}
_MOST_SEGMENTS = 3


class Preferences(Dialog):
    """Every setting with a title. `changed` carries the new Settings after every change.

    `card_wanted`: the dialog about the graphics card is to be opened instead. `devices` are those that were found on
    this computer; without them the general names are offered.
    """

    changed = Signal(object)
    card_wanted = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None, devices: Devices | None = None) -> None:
        super().__init__(QCoreApplication.translate("Preferences", "Preferences"), parent, (620, 640))
        self._settings = settings
        self._devices = devices
        self.controls: dict[str, QWidget] = {}
        self.lines: dict[str, QLabel] = {}
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._fill()
        layout = column(self)
        layout.addWidget(self._scroll, 1)
        reset = button(self.tr("Restore defaults"), self.restore_defaults, "link")
        # Not the default button: Return settles what is typed, which may be wrong and is then said here.
        close = button(self.tr("Close"), self.close)
        layout.addLayout(row(reset, None, close))

    @property
    def settings(self) -> Settings:
        """The settings as they are chosen now."""
        return self._settings

    def restore_defaults(self) -> None:
        """What is shown here gets its default; what the window remembers stays."""
        defaults: dict[str, Any] = {each.name: each.default for each in _shown()}
        self._settings = replace(self._settings, **defaults)
        self._fill()
        self.changed.emit(self._settings)

    def _fill(self) -> None:
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, 0, 3 * theme.GRID, 0)
        grid.setHorizontalSpacing(5 * theme.GRID)
        grid.setVerticalSpacing(theme.GRID)
        grid.setColumnStretch(1, 1)
        hints = get_type_hints(Settings)
        for n, each in enumerate(_shown()):
            title = setting_words(each.metadata["title"])
            control = self._control(each, hints[each.name], title)
            control.setToolTip(setting_words(each.metadata["help"]))
            self.controls[each.name] = control
            label = one_line(title)
            label.setBuddy(control)
            label.setMinimumHeight(32)
            grid.addWidget(label, 3 * n, 0, Qt.AlignmentFlag.AlignTop)
            wide = isinstance(control, PathField | TextField)
            grid.addWidget(control, 3 * n, 1, Qt.AlignmentFlag(0) if wide else Qt.AlignmentFlag.AlignLeft)
            self.lines[each.name] = paragraph(setting_words(each.metadata["help"]), "secondary")
            grid.addWidget(self.lines[each.name], 3 * n + 1, 1)
            grid.setRowMinimumHeight(3 * n + 2, 2 * theme.GRID)
            if each.metadata["kind"] == "device":
                grid.addWidget(self._card_link(), 3 * n + 2, 1, Qt.AlignmentFlag.AlignLeft)
        grid.setRowStretch(3 * len(_shown()), 1)
        self._scroll.setWidget(inner)

    def _card_link(self) -> QWidget:
        help = self.tr("What an NVIDIA card needs is fetched and removed there")
        return button(self.tr("Graphics card…"), self._on_card_clicked, "link", help)

    def _on_card_clicked(self) -> None:
        # One dialog at a time: what was changed here holds already.
        self.close()
        self.card_wanted.emit()

    def _control(self, each: Field[Any], hint: Any, title: str) -> QWidget:
        value, change = getattr(self._settings, each.name), self._changer(each.name)
        if hint is bool:
            return _tick(value, title, change)
        if hint is int:
            return _number(value, title, each.metadata["limits"] or (0, 9999), change)
        if each.metadata["kind"] == "device":
            return _choice(self._device_options(value), value, title, change)
        if get_origin(hint) is Literal:
            options = [(key, value_title(key)) for key in get_args(hint)]
            return _choice(options, value, title, change)
        if each.metadata["kind"] == "file":
            return _file(value, title, partial(self._take_file, each, change))
        if each.metadata["kind"] == "folder":
            return _folder(value, title, change)
        return _address(value, title, partial(self._take_address, each, change))

    def _take_address(self, each: Field[Any], change: Callable[[str], None], text: str) -> None:
        problem = address_problem(text)
        self._say(each, problem)
        if not problem:
            change(text)

    def _take_file(self, each: Field[Any], change: Callable[[str], None], text: str) -> None:
        """The file is looked at in the background: it may lie on another computer."""

        def on_looked(problem: str) -> None:
            control = self.controls[each.name]
            # Meanwhile another file may have been named.
            if isinstance(control, FileField) and control.path == text:
                self._say(each, problem)
                if not problem:
                    change(text)

        def on_not_looked(error: Exception) -> None:
            told = words_for(error)
            on_looked(told.sentence if told is not None else "")

        self.in_background(partial(certificates_problem, text), on_looked, on_not_looked)

    def _say(self, each: Field[Any], problem: str) -> None:
        """What is wrong stands where else the help stands; the setting stays as it was."""
        line = self.lines[each.name]
        line.setText(problem or setting_words(each.metadata["help"]))
        set_role(line, "error" if problem else "secondary")

    def _changer(self, name: str) -> Callable[[Any], None]:
        def change(value: Any) -> None:
            self._settings = replace(self._settings, **{name: value})
            self.changed.emit(self._settings)

        return change

    def _device_options(self, current: str) -> list[tuple[str, str]]:
        found = [(each.name, device_title(each)) for each in _usable(self._devices)]
        options = [
            ("auto", value_title("auto")),
            *(found or [("cpu", value_title("cpu")), ("gpu", value_title("gpu"))]),
        ]
        # What was written in the settings by hand or on another day stays a choice.
        return options if current in dict(options) else [*options, (current, value_title(current))]


def value_title(value: str) -> str:
    """What a value of a setting is called."""
    return QCoreApplication.translate("Preferences", _VALUES.get(value, value))


def _shown() -> list[Field[Any]]:
    return [each for each in fields(Settings) if each.metadata.get("title")]


def _usable(devices: Devices | None) -> list[Any]:
    return [each for each in devices.devices if not each.refused] if devices is not None else []


def _choice(
    options: list[tuple[str, str]], value: str, title: str, change: Callable[[str], None]
) -> Segments | ChoiceBox:
    if len(options) <= _MOST_SEGMENTS:
        segments = Segments(options, value, title)
        segments.chosen.connect(change)
        return segments
    box = ChoiceBox(options, value, title)
    box.currentIndexChanged.connect(lambda _: change(box.currentData()))
    return box


def _tick(value: bool, title: str, change: Callable[[bool], None]) -> QCheckBox:
    box = QCheckBox(QCoreApplication.translate("Preferences", "On"))
    box.setAccessibleName(title)
    box.setChecked(value)
    box.setMinimumHeight(32)
    box.toggled.connect(change)
    return box


def _number(value: int, title: str, limits: tuple[int, int], change: Callable[[int], None]) -> QSpinBox:
    spin = QSpinBox()
    spin.setAccessibleName(title)
    spin.setRange(*limits)
    spin.setValue(value)
    spin.valueChanged.connect(change)
    return spin


def _folder(value: str, title: str, change: Callable[[str], None]) -> FolderField:
    field = FolderField(value, title)
    field.line.setPlaceholderText(QCoreApplication.translate("Preferences", "The program's own folder"))
    field.settled.connect(change)
    return field


def _file(value: str, title: str, change: Callable[[str], None]) -> FileField:
    field = FileField(value, title)
    field.filters = QCoreApplication.translate("Preferences", "Certificates (*.pem *.crt *.cer);;All files (*)")
    field.line.setPlaceholderText(QCoreApplication.translate("Preferences", "Those of the system"))
    field.settled.connect(change)
    return field


def _address(value: str, title: str, change: Callable[[str], None]) -> TextField:
    field = TextField(value, title)
    field.setPlaceholderText("https://…")
    field.settled.connect(change)
    return field
