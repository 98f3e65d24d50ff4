"""A bar that moves evenly to where the work is, and never back unless it begins anew."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QPropertyAnimation
from PySide6.QtWidgets import QProgressBar, QWidget

_STEPS = 1000
_GLIDE_MS = 400


class EvenBar(QProgressBar):
    """A thin bar without a text; `name` is for assistive tools."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, _STEPS)
        self.setTextVisible(False)
        self.setAccessibleName(name)
        self._glide = QPropertyAnimation(self, b"value", self)
        self._glide.setDuration(_GLIDE_MS)
        self._glide.setEasingCurve(QEasingCurve.Type.OutCubic)

    def begin(self, share: float = 0.0) -> None:
        """Something else is under way; it is here at once."""
        self._glide.stop()
        self.setValue(_step(share))

    def move_to(self, share: float) -> None:
        """How far it is, 0 to 1."""
        goal = _step(share)
        if goal <= self.value():
            return
        self._glide.stop()
        self._glide.setStartValue(self.value())
        self._glide.setEndValue(goal)
        self._glide.start()


def _step(share: float) -> int:
    return round(_STEPS * min(1.0, max(0.0, share)))
