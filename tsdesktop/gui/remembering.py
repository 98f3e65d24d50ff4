"""What the window remembers: its settings, kept on the disk in the background whenever one changes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import fields, replace
from threading import Lock
from typing import Any

from PySide6.QtCore import QByteArray, QObject, QTimer, Signal
from PySide6.QtWidgets import QSplitter, QWidget

from tsdesktop.core.settings import Settings, save_settings
from tsdesktop.gui.background import run_in_background
from tsdesktop.gui.session import Display, Session

log = logging.getLogger(__name__)
_SAVE_AFTER_MS = 800


class Memory(QObject):
    """The settings in force. `changed(before, now)` after every change."""

    changed = Signal(Settings, Settings)

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self._writing = Lock()
        self._delay = QTimer(self, singleShot=True, interval=_SAVE_AFTER_MS)
        self._delay.timeout.connect(self._save)

    def change(self, **values: Any) -> None:
        """Other values for some settings."""
        self.take(replace(self.settings, **values))

    def take(self, settings: Settings) -> None:
        """Other settings altogether."""
        before, self.settings = self.settings, settings
        if before != settings:
            self._delay.start()
            self.changed.emit(before, settings)

    def take_changes_from(self, shown: Settings) -> Callable[[Settings], None]:
        """What takes over from a dialog only what was changed in it: the window may have remembered more meanwhile."""
        last = [shown]

        def take(settings: Settings) -> None:
            before, last[0] = last[0], settings
            names = [each.name for each in fields(Settings)]
            self.change(**{n: getattr(settings, n) for n in names if getattr(settings, n) != getattr(before, n)})

        return take

    def save_now(self) -> None:
        """Writes what has changed; for when the window closes."""
        self._delay.stop()
        self._write()

    def _save(self) -> None:
        run_in_background(self._write, lambda _: None, self._on_not_saved)

    def _write(self) -> None:
        # Whoever comes last writes the latest, also when the window closes while an earlier change is written.
        with self._writing:
            try:
                save_settings(self.settings)
            except OSError as error:
                log.warning("settings could not be kept: %s", error.strerror)

    def _on_not_saved(self, error: Exception) -> None:
        log.error("settings could not be kept", exc_info=error)


def display_of(settings: Settings, before: Display | None = None) -> Display:
    """How slices are shown by these settings; what is not remembered stays as it was `before`."""
    return replace(
        before or Display(),
        style=settings.label_style,
        fill_opacity=settings.label_opacity / 100,
        smooth=settings.smooth_slices,
        radiological=settings.convention == "radiological",
    )


def display_settings(session: Session) -> dict[str, Any]:
    """The settings that say how slices are shown now."""
    display = session.display
    return {
        "label_style": display.style,
        "label_opacity": round(100 * display.fill_opacity),
        "smooth_slices": display.smooth,
        "convention": "radiological" if display.radiological else "neurological",
    }


def place_of(window: QWidget, splitter: QSplitter, grid_state: dict[str, Any]) -> dict[str, str]:
    """Size and place of a window and of what is in it, as settings."""
    geometry = bytes(window.saveGeometry().toBase64().data()).decode("ascii")
    return {"window_geometry": geometry, "window_state": json.dumps({"sides": splitter.sizes(), "grid": grid_state})}


def put_in_place(window: QWidget, splitter: QSplitter, settings: Settings) -> dict[str, Any] | None:
    """Gives a window its size and place back; returns the state of its grid of views, None where none is kept."""
    if settings.window_geometry:
        window.restoreGeometry(QByteArray.fromBase64(settings.window_geometry.encode("ascii", "replace")))
    try:
        state = json.loads(settings.window_state or "{}")
        sides = [int(size) for size in state.get("sides", [])]
    except (ValueError, TypeError, AttributeError):
        log.warning("the window's layout could not be read and starts anew")
        return None
    if len(sides) == splitter.count():
        splitter.setSizes(sides)
    grid_state = state.get("grid")
    return grid_state if isinstance(grid_state, dict) else None
