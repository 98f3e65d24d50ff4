"""Controls that several dialogs share: a row of choices of which one holds, a line of text, a path to browse for."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QWidget,
)

from tsdesktop.gui import theme
from tsdesktop.gui.parts import button

_HEIGHT = 32


class Segments(QWidget):
    """Some choices side by side, one of which holds; arrow keys move between them. `chosen` carries its key."""

    chosen = Signal(str)

    def __init__(
        self, options: Sequence[tuple[str, str]], current: str, name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._group = QButtonGroup(self)
        self._segments: dict[str, _Segment] = {}
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        for n, (key, title) in enumerate(options):
            segment = _Segment(title, first=n == 0, last=n == len(options) - 1)
            segment.setChecked(key == current)
            self._segments[key] = segment
            self._group.addButton(segment)
            line.addWidget(segment)
        self._group.buttonToggled.connect(self._on_toggled)

    @property
    def current(self) -> str:
        """The key of the choice that holds; empty when none does."""
        return next((key for key, each in self._segments.items() if each.isChecked()), "")

    def choose(self, key: str) -> None:
        """Makes another choice hold."""
        self._segments[key].setChecked(True)

    def choose_none(self) -> None:
        """No choice holds any more."""
        self._group.setExclusive(False)
        for each in self._segments.values():
            each.setChecked(False)
        self._group.setExclusive(True)

    def segment(self, key: str) -> QAbstractButton:
        """The button of one choice."""
        return self._segments[key]

    def focus(self) -> None:
        """Gives the keyboard to the choice that holds."""
        self._segments[self.current].setFocus()

    def _on_toggled(self, segment: QAbstractButton, is_on: bool) -> None:
        if is_on:
            self.chosen.emit(next(key for key, each in self._segments.items() if each is segment))


class _Segment(QAbstractButton):
    def __init__(self, title: str, *, first: bool, last: bool) -> None:
        super().__init__()
        self._first, self._last = first, last
        self.setText(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)

    def sizeHint(self) -> QSize:
        """Room for the words."""
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 28, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """Filled with the accent where it holds."""
        look = theme.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            left = 0.5 if self._first else -theme.RADIUS
            right = -0.5 if self._last else theme.RADIUS
            path = QPainterPath()
            path.addRoundedRect(self.rect().toRectF().adjusted(left, 0.5, right, -0.5), theme.RADIUS, theme.RADIUS)
            painter.setPen(QPen(QColor(look.line), 1))
            painter.fillPath(path, look.colour("accent" if self.isChecked() and self.isEnabled() else "raised"))
            painter.drawPath(path)
            if not self._last:
                painter.drawLine(self.width() - 1, 1, self.width() - 1, self.height() - 2)
            if self.hasFocus():
                painter.setPen(QPen(look.colour("on_accent" if self.isChecked() else "accent"), 1.5))
                painter.drawRoundedRect(self.rect().toRectF().adjusted(3.5, 3.5, -3.5, -3.5), 4, 4)
            painter.setPen(look.colour(self._text_role()))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())

    def _text_role(self) -> str:
        if not self.isEnabled():
            return "secondary"
        return "on_accent" if self.isChecked() else "text"


class ChoiceBox(QComboBox):
    """A box that opens a list of choices, each with a key."""

    def __init__(self, options: Iterable[tuple[str, str]], current: str, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        for key, title in options:
            self.addItem(title, key)
        self.setCurrentIndex(max(0, self.findData(current)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scrolling past it changes nothing."""
        event.ignore()


class TextField(QLineEdit):
    """A line of free text. `settled` after typing, where the text is another; blanks around it do not count."""

    settled = Signal(str)

    def __init__(self, text: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setAccessibleName(title)
        self._settled_text = text
        self.editingFinished.connect(self.settle)

    def show_settled(self, text: str) -> None:
        """Shows another text that is already known."""
        self._settled_text = text
        self.setText(text)

    def settle(self) -> None:
        """Takes the text as it is now for the wanted one."""
        if self.text().strip() != self._settled_text:
            self._settled_text = self.text().strip()
            self.settled.emit(self._settled_text)


class PathField(QWidget):
    """A path that can be typed or browsed for.

    `changed` after every change, also while typing; `settled` after typing or browsing, where the path is another.
    """

    changed = Signal(str)
    settled = Signal(str)
    mode = QFileDialog.FileMode.ExistingFile
    filters = ""

    def __init__(self, path: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.line = TextField(path, title)
        self.browse = button(self.tr("Browse…"), self._browse)
        self.line.textChanged.connect(self.changed)
        self.line.settled.connect(self.settled)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.GRID)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.browse)
        self.setFocusProxy(self.line)

    @property
    def path(self) -> str:
        """The path as it is typed, without blanks around it."""
        return self.line.text().strip()

    def _browse(self) -> None:
        dialog = QFileDialog(self, self._title, _nearest_folder(self.path))
        dialog.setFileMode(self.mode)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, self.mode == QFileDialog.FileMode.Directory)
        dialog.setNameFilter(self.filters)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._on_selected)
        dialog.open()

    def _on_selected(self, path: str) -> None:
        self.line.setText(path)
        self.line.settle()


class FolderField(PathField):
    """The path of a folder."""

    mode = QFileDialog.FileMode.Directory


class FileField(PathField):
    """The path of a file that exists; `filters` are those of the file dialog, separated by two semicolons."""


def _nearest_folder(path: str) -> str:
    """The folder, or the nearest one above it that exists."""
    folder = Path(path).expanduser() if path else Path.home()
    return str(next((each for each in (folder, *folder.parents) if each.is_dir()), Path.home()))
