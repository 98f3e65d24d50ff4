"""How finely the 3D view draws while it moves, so that a frame stays under 40 ms on whatever draws it."""

from __future__ import annotations

from tsdesktop.gui.scene.content import Detail

TARGET_MS = 40.0
# Pixels may be dropped at once; a picture that falls below half of them is not worth its speed.
_STEPS = (Detail(False, 1.0), Detail(True, 1.0), Detail(True, 0.7), Detail(True, 0.5))
_SLOW_BEFORE_STEP = 2
_ROOM = 0.5
STILL, BEST = Detail(False, 1.0), Detail(False, 2.0)
_LONGEST_BEFORE_BEST_MS = 300.0
_MOST_BEST_PIXELS = 9_000_000


class Pace:
    """Chooses the detail of the next moving frame from the times of those before."""

    def __init__(self, *, hardware: bool, has_gl: bool) -> None:
        self._step = 0 if hardware else 1 if has_gl else 3
        self._finest = 0 if has_gl else 2
        self._slow = 0
        self._still_ms = 0.0
        self._may_be_finer = True
        self._averages = has_gl

    @property
    def moving(self) -> Detail:
        """The detail while the picture moves."""
        return _STEPS[self._step]

    def begin(self) -> None:
        """A new movement begins: one that was fast may be tried finer."""
        self._may_be_finer = True
        self._slow = 0

    def took(self, detail: Detail, milliseconds: float) -> None:
        """A frame took this long. Two slow ones in turn make the next coarser."""
        if detail == STILL:
            self._still_ms = milliseconds
        if detail != self.moving:
            return
        self._slow = self._slow + 1 if milliseconds > TARGET_MS else 0
        if self._slow >= _SLOW_BEFORE_STEP and self._step < len(_STEPS) - 1:
            self._step += 1
            self._slow = 0
            # What was just too slow is not tried again before the next movement.
            self._may_be_finer = False
        elif self._may_be_finer and self._step > self._finest and milliseconds < TARGET_MS * self._needed_room():
            self._step -= 1

    def _needed_room(self) -> float:
        """Fine meshes have five to ten times the triangles of coarse ones."""
        return 0.1 if self._step == 1 else _ROOM

    @property
    def still_is_quick(self) -> bool:
        """Whether a still picture may be drawn at once when something other than the viewer's place changes."""
        return self._still_ms < 5 * TARGET_MS

    def best(self, width: int, height: int) -> Detail | None:
        """The detail to end with after a still picture of this size; None where the still one is the end.

        A picture cannot be left half-drawn when the mouse moves, so that one which would take long is not begun.
        """
        quick = self._still_ms < _LONGEST_BEFORE_BEST_MS and width * height * 4 <= _MOST_BEST_PIXELS
        return BEST if self._averages and quick else None
