"""A person wants to know whether the program is whole: the check's dialog, imported when it is opened."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from tsdesktop.gui.remembering import Memory


class SelfTestFlow(QObject):
    """Opens the one check of a window."""

    def __init__(self, memory: Memory, parent: QWidget) -> None:
        super().__init__(parent)
        self._memory, self._window = memory, parent

    def open(self) -> None:
        """Starts a check."""
        from tsdesktop.gui.dialogs.self_test import SelfTest

        SelfTest(self._memory.settings.export_folder, self._window).open()
