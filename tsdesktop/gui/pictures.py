"""Pictures of the views as a person sees them, for the clipboard or a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from tsdesktop.core.errors import ExportError
from tsdesktop.core.files import written_whole


def picture_of_views(views: QWidget) -> QImage:
    """The views in their places, at the screen's own resolution."""
    return views.grab().toImage()


def save_picture(image: QImage, path: Path) -> Path:
    """Writes a picture as PNG, as a whole file. Raises ExportError."""
    try:
        with written_whole(path) as temporary:
            if not image.save(str(temporary), "PNG"):  # type: ignore[call-overload]
                raise OSError("no access")
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError("export.not_written", name=path.name, reason=reason) from error
    return path
