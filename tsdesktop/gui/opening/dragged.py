"""What is dragged over the window, before it is let go and looked into."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData


def paths_of(mime: QMimeData) -> list[Path]:
    """The files and folders on this computer among what is dragged."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
