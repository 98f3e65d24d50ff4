"""Starts the window: application, language, theme, then the window, then what was asked to be opened."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtWidgets import QApplication

from tsdesktop import __version__
from tsdesktop.core.settings import load_settings
from tsdesktop.gui import theme, translation
from tsdesktop.gui.garbage import MainThreadCollector
from tsdesktop.gui.handed_over import HandedOver
from tsdesktop.gui.report import RecentLines
from tsdesktop.gui.window import MainWindow, wear_chosen

log = logging.getLogger(__name__)


def start(paths: Sequence[Path]) -> int:
    """Opens the window and these paths in it; returns the exit code once it is closed."""
    log_lines = set_up_log()
    application = make_application(sys.argv[:1])
    settings = load_settings()
    translation.install(application, settings.language)
    wear_chosen(settings)
    window = MainWindow(settings, log_lines)
    tell_bugs(window)
    QTimer.singleShot(0, window, lambda: MainThreadCollector(window))
    # Ctrl-C in the terminal ends the program; the inference process ends with it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "darwin":
        # Only there: a filter sees every event of the program.
        HandedOver(application, window.open_paths)
    window.show()
    if paths:
        QTimer.singleShot(0, lambda: window.open_paths(paths))
    return application.exec()


def make_application(arguments: Sequence[str]) -> QApplication:
    """The one application object."""
    QApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    application = QApplication(list(arguments))
    application.setApplicationName("tsdesktop")
    application.setApplicationDisplayName("tsdesktop")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("tsdesktop")
    if sys.platform != "darwin":
        # There it would take the place of the bundle's icon, which has the margin that the Dock asks for.
        application.setWindowIcon(theme.app_icon())
    return application


def set_up_log() -> RecentLines:
    """Keeps the last lines for the log viewer; prints warnings and worse."""
    lines = RecentLines()
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(lines)
    printed = logging.StreamHandler()
    printed.setLevel(logging.WARNING)
    printed.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root.addHandler(printed)
    return lines


def tell_bugs(window: MainWindow) -> None:
    """An exception that nobody expected becomes a line in the window, with a report; the window goes on."""

    def tell(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QCoreApplication.quit()
            return
        window.telling.bug(error.with_traceback(at))

    sys.excepthook = tell
