"""The words that lie over the 3D picture: its title, what draws it, and why there is nothing to see."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QRect, Qt
from PySide6.QtGui import QPainter

from tsdesktop.gui import theme
from tsdesktop.gui.scene.probe import Graphics
from tsdesktop.gui.scene.stage import Stage
from tsdesktop.gui.session import Session

_MARGIN = 8
_ROOM_FOR_NOTE_PX = 320


def paint_words(painter: QPainter, view: QRect, session: Session, stage: Stage, drawn_by: Graphics | None) -> None:
    """Paints title, note and, where the picture is empty, the reason."""
    painter.setPen(theme.current().colour("secondary"))
    painter.setFont(theme.base_font(12))
    area = view.adjusted(_MARGIN + 2, _MARGIN, -_MARGIN, -_MARGIN)
    top = Qt.AlignmentFlag.AlignTop
    painter.drawText(area, top | Qt.AlignmentFlag.AlignLeft, _title(stage))
    if view.width() >= _ROOM_FOR_NOTE_PX:
        painter.drawText(area, top | Qt.AlignmentFlag.AlignRight, note(stage, drawn_by))
    words = reason_for_nothing(session, stage)
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)


def _title(stage: Stage) -> str:
    if stage.made >= stage.expected:
        return QCoreApplication.translate("SceneView", "3D")
    return QCoreApplication.translate("SceneView", "3D · {0} of {1}").format(stage.made, stage.expected)


def note(stage: Stage, drawn_by: Graphics | None) -> str:
    """What a person should know about the picture; "" for nothing."""
    if stage.has_failed:
        return QCoreApplication.translate("SceneView", "Some surfaces could not be made")
    if drawn_by is not None and not drawn_by.window_class:
        return QCoreApplication.translate("SceneView", "3D is drawn by the processor")
    return ""


def reason_for_nothing(session: Session, stage: Stage) -> str:
    """Why the picture of an open scan is empty; "" where it is not."""
    if session.volume is None or stage.shows_anything:
        return ""
    if session.label_map is None:
        return QCoreApplication.translate("SceneView", "Structures appear here")
    if not session.label_map.boxes:
        return QCoreApplication.translate("SceneView", "No structures were found")
    if stage.made < stage.expected or not stage.is_awake or stage.has_failed:
        return ""
    return QCoreApplication.translate("SceneView", "All structures are hidden")
