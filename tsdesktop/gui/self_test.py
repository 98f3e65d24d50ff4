"""The part of a self-test that opens the real window, where nobody sees it: its libraries, its words, a picture in 3D.

Run in a process of its own (`serve`): without the system's window libraries Qt ends the process, and VTK does so
without a working OpenGL.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEventLoop, QLibraryInfo, Qt, QThreadPool, QTimer
from PySide6.QtGui import QImage, QImageReader
from PySide6.QtWidgets import QApplication

from tsdesktop.core.errors import TsDesktopError
from tsdesktop.core.installation import unloadable
from tsdesktop.core.notes import Note, note
from tsdesktop.core.redaction import redacted
from tsdesktop.core.self_test import Voice, end_with_parent
from tsdesktop.core.settings import Settings
from tsdesktop.gui import theme, translation
from tsdesktop.gui.report import RecentLines, told_exception
from tsdesktop.gui.scene.view import SceneView
from tsdesktop.gui.start import make_application
from tsdesktop.gui.window import MainWindow, wear_chosen

# What the style sheet and the pictures of tasks are made of.
_PICTURE_FORMATS = ("svg", "png")
_PATIENCE_S = 90.0
_POLL_MS = 100
_SIZE = (1280, 800)
_LEAST_COLOURS = 16


def serve(arguments: Sequence[str]) -> int:
    """Opens the window with the scan and labels named after the file to tell it to. Returns the exit code."""
    end_with_parent()
    voice = Voice(Path(arguments[0]))
    voice.begin("window")
    problem = window_system_problem(voice)
    if problem is None:
        _try_window(voice, [Path(each) for each in arguments[1:]])
    else:
        voice.problem(problem)
    voice.end()
    return 0


def unseen_platform(environment: Mapping[str, str], system: str) -> str:
    """Qt's platform for a window nobody sees: the real one where there is a display (""), else "offscreen"."""
    given = environment.get("QT_QPA_PLATFORM", "")
    if given or not system.startswith("linux"):
        return given
    return "" if environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY") else "offscreen"


def window_system_problem(voice: Voice) -> Note | None:
    """Chooses Qt's platform, and loads its library before Qt does, which would end the process without it."""
    voice.trying("window system")
    chosen = unseen_platform(os.environ, sys.platform)
    if chosen:
        os.environ["QT_QPA_PLATFORM"] = chosen
    if not sys.platform.startswith("linux") or chosen not in ("", "xcb") or not os.environ.get("DISPLAY"):
        return None
    plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath))
    try:
        ctypes.CDLL(str(plugins / "platforms" / "libqxcb.so"))
    except OSError as error:
        return unloadable("Qt", error)
    return None


def _try_window(voice: Voice, paths: Sequence[Path]) -> None:
    application = make_application(sys.argv[:1])
    voice.fact("platform", application.platformName())
    voice.trying("fonts, pictures and words")
    for problem in _lacking_parts(application):
        voice.problem(problem)
    settings = Settings(theme="dark", language="en")
    wear_chosen(settings)
    voice.trying("window")
    window = MainWindow(settings, RecentLines())
    trial = _Trial(voice, window)
    window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    window.resize(*_SIZE)
    window.show()
    if paths:
        trial.open(paths)
    trial.look()
    voice.trying("closing the window")
    window.close_at_once()
    QThreadPool.globalInstance().waitForDone(10_000)
    application.processEvents()


def _lacking_parts(application: QApplication) -> list[Note]:
    """Parts that Qt would silently do without."""
    known = {bytes(each.data()).decode() for each in QImageReader.supportedImageFormats()}
    lacking = [f"pictures of the kind {each.upper()}" for each in _PICTURE_FORMATS if each not in known]
    if not theme.font_family().startswith("Inter"):
        lacking.append("the font Inter")
    for code in translation.TRANSLATED:
        installed = translation.install(application, code)
        # The program's own words and Qt's.
        if len(installed.translators) < 2:
            lacking.append(f"words of the language {code}")
        translation.uninstall(application, installed)
    return [note("check.window_part", part=each) for each in lacking]


class _Trial:
    """Opens files in a window, waits until everything is drawn, and looks at the pictures."""

    def __init__(self, voice: Voice, window: MainWindow) -> None:
        self._voice, self._window = voice, window
        self._failed = False
        window.opening.failed.connect(self._on_failed)
        sys.excepthook = lambda _, error, at: self._on_failed(error.with_traceback(at))

    def open(self, paths: Sequence[Path]) -> None:
        """Opens a scan and labels as if they were dropped; waits until the 3D view is drawn."""
        window = self._window
        self._voice.trying("opening the sample")
        window.open_paths(paths)
        self._wait_for(lambda: window.session.volume is not None and not window.opening.is_busy)
        self._voice.trying("3D view")
        self._wait_for(lambda: window.scene is not None)
        if window.scene is not None and window.session.label_map is None:
            # Without labels there would be nothing to see.
            window.scene.tools.slices.setChecked(True)
        self._wait_for(lambda: window.scene is not None and window.scene.is_still)
        if window.scene is not None and not self._failed:
            self._tell_scene(window.scene)

    def look(self) -> None:
        """Looks at the window as a whole."""
        self._voice.trying("picture of the window")
        if not self._failed and is_empty(self._window.grab().toImage()):
            self._voice.problem(note("check.empty_picture", what="the window"))

    def _tell_scene(self, scene: SceneView) -> None:
        drawn_by = scene.drawn_by
        if drawn_by is not None:
            self._voice.fact("renderer", redacted(drawn_by.renderer))
            self._voice.fact("opengl", drawn_by.window_class)
            self._voice.fact("graphics_card", drawn_by.hardware)
        if is_empty(scene.screenshot()):
            self._voice.problem(note("check.empty_picture", what="the 3D view"))

    def _wait_for(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not done() and not self._failed:
            if time.monotonic() > until:
                self._failed = True
                self._voice.problem(note("check.silent", what="window", seconds=round(_PATIENCE_S)))
                return
            _let_pass(_POLL_MS)
            # A window that is not on screen is painted only when it is asked to.
            self._window.grab()

    def _on_failed(self, error: BaseException) -> None:
        self._failed = True
        if isinstance(error, TsDesktopError):
            arguments = {
                key: redacted(each) if isinstance(each, str) else each for key, each in error.arguments.items()
            }
            self._voice.problem(Note(error.id, arguments))
        else:
            self._voice.problem(note("check.broke_off", what="window", reason=told_exception(error).splitlines()[-1]))


def is_empty(image: QImage) -> bool:
    """Whether a picture shows next to nothing: hardly any colours, looked at in a coarse grid of points."""
    step = max(1, min(image.width(), image.height()) // 100)
    columns, rows = range(0, image.width(), step), range(0, image.height(), step)
    return len({image.pixel(x, y) for x in columns for y in rows}) < _LEAST_COLOURS


def _let_pass(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()
    QCoreApplication.sendPostedEvents()
