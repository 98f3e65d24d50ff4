"""Folders of this computer: whether something is there, and showing one in the desktop's own file manager."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QUrl
from PySide6.QtGui import QDesktopServices


def is_there(path: Path) -> bool:
    """Whether a path exists, as far as one may look: a place that cannot be reached has nothing. May be slow."""
    try:
        return path.exists()
    except OSError:
        return False


def show_folder(folder: Path) -> str:
    """Shows a folder in the file manager, made first where there is none; what went wrong in words, else empty."""
    translate = QCoreApplication.translate
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        return translate("Folders", "{place} cannot be made: {reason}").format(place=folder, reason=reason)
    if QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
        return ""
    return translate("Folders", "Nothing here opens folders; it is {place}").format(place=folder)
