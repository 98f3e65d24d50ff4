"""A box with colours to choose from for one structure or several; any other through Qt's own dialog, tried out live."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QColorDialog, QGridLayout, QHBoxLayout, QWidget

from tsdesktop.core.structures import Rgb
from tsdesktop.gui import theme
from tsdesktop.gui.panels.parts import MARGIN
from tsdesktop.gui.panels.structure_looks import LookTrial, colour_step, named, own_colours, recolour
from tsdesktop.gui.parts import Popup, button, heading, stacked
from tsdesktop.gui.session import Session

COLUMNS = 6
# Rows: arteries and muscles, bone and bowel, veins and airways, glands and nerves; each told apart from its neighbours.
PALETTE: tuple[str, ...] = (
    "#d8544a", "#e8795b", "#f09a7c", "#b5484a", "#8f4038", "#d77fa1",
    "#f1e3c4", "#e5c98f", "#d9b24c", "#c79a6b", "#a77f5c", "#80634b",
    "#3f7fd0", "#63a5e8", "#9cc9f0", "#3fb6c4", "#6fd0c0", "#4f8f8a",
    "#5fae5b", "#93c563", "#c6d75f", "#8d6cc4", "#b796dd", "#c9ced6",
)  # fmt: skip
_SIDE = 26


class ColourBox(Popup):
    """Opens beside a structure's row. A choice counts at once, as one step that can be undone."""

    def __init__(self, session: Session, labels: Iterable[int], parent: QWidget) -> None:
        super().__init__(parent, QSize(0, 0))
        self._session = session
        self._labels = tuple(labels)
        self.buttons = [ColourButton(QColor(each), self) for each in PALETTE]
        grid = QGridLayout()
        grid.setSpacing(2)
        for n, each in enumerate(self.buttons):
            each.setChecked(each.colour == QColor(*session.looks[self._labels[0]].rgb))
            each.chosen.connect(self._on_colour_chosen)
            grid.addWidget(each, n // COLUMNS, n % COLUMNS)
        self.own = button(self.tr("As it came"), self._on_own_clicked, "link", self.tr("The colour it had at first"))
        self.more = button(self.tr("More…"), self._on_more_clicked, "link", self.tr("Any other colour"))
        foot = QHBoxLayout()
        foot.addWidget(self.own)
        foot.addStretch()
        foot.addWidget(self.more)
        title = colour_title(session, self._labels)
        self.setAccessibleName(title)
        self.setLayout(stacked(heading(title), grid, foot, margin=MARGIN))
        self.adjustSize()
        session.labels_changed.connect(self.close)

    def open_beside(self, corner: QPoint) -> None:
        """Opens with its corner at a place of the screen, moved to fit on it; the first button has the focus."""
        self.open_on_screen(corner)
        checked = [each for each in self.buttons if each.isChecked()]
        (checked or self.buttons)[0].setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk through the colours."""
        step = {
            Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -COLUMNS, Qt.Key.Key_Down: COLUMNS,
        }.get(Qt.Key(event.key()))  # fmt: skip
        at = next((n for n, each in enumerate(self.buttons) if each.hasFocus()), None)
        if step is None or at is None:
            super().keyPressEvent(event)
        elif 0 <= at + step < len(self.buttons):
            self.buttons[at + step].setFocus(Qt.FocusReason.TabFocusReason)

    def _on_colour_chosen(self, rgb: Rgb) -> None:
        self.close()
        recolour(self._session, self._labels, rgb)

    def _on_own_clicked(self) -> None:
        self.close()
        own_colours(self._session, self._labels)

    def _on_more_clicked(self) -> None:
        self.close()
        open_colour_dialog(self._session, self._labels, self._owner)


class ColourButton(QAbstractButton):
    """One colour. `chosen(rgb)` when it is clicked or Return is pressed on it."""

    chosen = Signal(tuple)

    def __init__(self, colour: QColor, parent: QWidget) -> None:
        super().__init__(parent)
        self.colour = colour
        self.setCheckable(True)
        self.setFixedSize(_SIDE, _SIDE)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(colour.name())
        self.clicked.connect(self._on_clicked)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A rounded square, with a ring where it is the present colour, has the focus or is under the mouse."""
        worn = theme.current()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            box = QRectF(self.rect()).adjusted(3.5, 3.5, -3.5, -3.5)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.colour)
            painter.drawRoundedRect(box, 4, 4)
            ring = "accent" if self.hasFocus() else "text" if self.isChecked() or self.underMouse() else ""
            if ring:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(worn.colour(ring), 1.5))
                painter.drawRoundedRect(box.adjusted(-2.5, -2.5, 2.5, 2.5), 6, 6)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return chooses, as Space does; arrows are the box's."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _on_clicked(self) -> None:
        self.chosen.emit((self.colour.red(), self.colour.green(), self.colour.blue()))


def open_colour_dialog(session: Session, labels: Iterable[int], parent: QWidget) -> QColorDialog:
    """Any colour, shown on the structures while it is being chosen; the window stays usable."""
    wanted = tuple(labels)
    trial = LookTrial(session, wanted, colour_step(session, wanted))
    dialog = QColorDialog(QColor(*session.looks[wanted[0]].rgb), parent)
    dialog.setWindowTitle(colour_title(session, wanted))
    # The desktop's own dialogs do not all tell of colours before one is accepted.
    dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.currentColorChanged.connect(lambda colour: trial.show(lambda look: replace(look, rgb=_rgb(colour))))
    dialog.accepted.connect(trial.keep)
    dialog.rejected.connect(trial.drop)
    session.labels_changed.connect(dialog.reject)
    dialog.show()
    return dialog


def colour_title(session: Session, labels: Iterable[int]) -> str:
    """What stands above the colours."""
    return QCoreApplication.translate("ColourBox", "Colour of {name}").format(name=named(session, labels))


def _rgb(colour: QColor) -> Rgb:
    return colour.red(), colour.green(), colour.blue()
