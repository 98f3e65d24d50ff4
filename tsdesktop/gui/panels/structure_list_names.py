"""Names of structures in little room: in smaller letters first, then with shortened words: "gluteus max. right".

Left out of the middle, letters would make names the same that differ there: maximus and minimus, upper and lower.
"""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from tsdesktop.gui import theme

_SMALLER_PX = theme.BASE_PX - 1
# What is left of a short word, and of a long one at least; a last word as short as a side stays whole.
_SHORT, _LEAST, _SIDE = 8, 3, 6


@lru_cache(maxsize=2048)
def fitted_name(title: str, width: int) -> tuple[str, int]:
    """The title as it fits into some pixels of the window's font, and the size of its letters in pixels."""
    if _shown(title, theme.BASE_PX, width) == title:
        return title, theme.BASE_PX
    words = title.split(" ")
    # The first word says most of what it is: it is shortened last.
    for n in (*range(len(words) - 1, 0, -1), 0):
        while _is_long(words, n) and _shown(" ".join(words), _SMALLER_PX, width) != " ".join(words):
            words[n] = _shorter(words[n])
    return _shown(" ".join(words), _SMALLER_PX, width), _SMALLER_PX


def _shown(name: str, size_px: int, width: int) -> str:
    """What Qt shows of a name in letters of this size: all of it, or less."""
    return QFontMetrics(theme.base_font(size_px)).elidedText(name, Qt.TextElideMode.ElideMiddle, width)


def _is_long(words: list[str], n: int) -> bool:
    """Whether a word can be shortened."""
    letters = len(words[n].rstrip("."))
    # A point takes the room of the letter before it.
    return letters > (_SIDE if n == len(words) - 1 else _LEAST + 1)


def _shorter(word: str) -> str:
    """A long word loses a letter (at first three), a short one all but its beginning."""
    letters = word.rstrip(".")
    kept = len(letters) - (1 if word.endswith(".") else 3)
    return letters[: kept if len(letters) > _SHORT else _LEAST] + "."
