"""A person asks for a newer version: one question to the release page, one sentence in the window."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from tsdesktop import __version__
from tsdesktop.core.errors import TsDesktopError
from tsdesktop.gui.background import run_in_background
from tsdesktop.gui.error_words import words_for
from tsdesktop.gui.releases import Release, latest_release, release_address
from tsdesktop.gui.telling import Telling


class ReleasesFlow(QObject):
    """Looks for a newer version when it is told to."""

    def __init__(self, telling: Telling, parent: QWidget) -> None:
        super().__init__(parent)
        self._telling = telling
        self._is_asking = False

    def look(self) -> None:
        """Asks the release page, and says in one sentence what came of it. A click while it asks does nothing."""
        address = release_address()
        if self._is_asking or not address:
            return
        self._is_asking = True
        self._telling.done(self.tr("Asking the release page…"))
        run_in_background(partial(latest_release, address), self._on_answered, self._on_failed)

    def _on_answered(self, release: Release | None) -> None:
        self._is_asking = False
        if release is None:
            self._telling.news(self.tr("No version has been released yet."))
        elif release.is_newer:
            said = self.tr("Version {new} is there; this is {own}.").format(new=release.version, own=__version__)
            page = QUrl(release.page)
            self._telling.news(said, (self.tr("Open its page"), lambda: QDesktopServices.openUrl(page)))
        else:
            self._telling.news(self.tr("This is the newest version, {own}.").format(own=__version__))

    def _on_failed(self, error: Exception) -> None:
        self._is_asking = False
        told = words_for(error)
        if isinstance(error, TsDesktopError) and told is not None:
            # Hints of these sentences are about downloads.
            self._telling.warning(told.sentence)
        else:
            self._telling.error(error)
