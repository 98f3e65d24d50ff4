"""Sharing a scan as the window sees it: the dialog for what is open, its folder remembered.

The dialog is imported when it is opened: the window is on screen sooner.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tsdesktop.gui.remembering import Memory
from tsdesktop.gui.session import Session
from tsdesktop.gui.telling import Telling


class SharingFlow(QObject):
    """Opens the dialog that shares the open scan."""

    def __init__(self, session: Session, memory: Memory, telling: Telling, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._memory, self._telling = session, memory, telling
        self._window = parent

    def open(self) -> None:
        """Opens the dialog for the open scan; labels of a run that is still under way are left aside."""
        from tsdesktop.gui.dialogs.share_dialog import ShareDialog

        session = self._session
        if session.volume is None:
            return
        label_map = None if session.is_draft else session.label_map
        folder = self._memory.settings.export_folder
        dialog = ShareDialog(session.volume, label_map, session.window, folder, self._window)
        dialog.shared.connect(self._on_shared)
        dialog.open()

    def _on_shared(self, files: list[Path]) -> None:
        if files:
            self._telling.done(self.tr("The scan was shared; its report lies beside it."))
