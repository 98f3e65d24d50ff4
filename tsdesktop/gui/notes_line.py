"""One dismissible line above the views: what is worth knowing about the scan, or what just went wrong."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from tsdesktop.core.notes import Note
from tsdesktop.gui import theme
from tsdesktop.gui.parts import Popup, ShortLabel, button, hairline, one_line, paragraph, row, scrolled, small_button
from tsdesktop.gui.session import Session
from tsdesktop.gui.translation import translated, translated_hint

Role = Literal["error", "warning", "good"]
Action = tuple[str, Callable[[], object]]

_ICONS: dict[Role, str] = {
    "error": "mdi6.alert-circle-outline",
    "warning": "mdi6.alert-outline",
    "good": "mdi6.check-circle-outline",
}
# What has to be answered or may make results wrong comes first; what only tells how the scan was read comes last.
_FIRST = (
    "note.unknown_modality", "note.orientation", "note.no_orientation", "note.scaled_unit", "note.modality",
    "note.not_hounsfield", "note.filled_slices", "note.uneven_slices", "note.demo", "note.thick_slices",
    "note.empty_crop",
)  # fmt: skip
_LAST = ("note.device", "note.left_out", "note.first_volume", "note.other_series")
_MOST_MESSAGES, _MOST_ACTIONS = 5, 2
_POPUP_WIDTH = 460


@dataclass(frozen=True)
class Message:
    """Something to say in the line until it is dismissed."""

    text: str
    hint: str
    role: Role
    actions: tuple[Action, ...] = ()


def by_importance(notes: Iterable[Note]) -> list[Note]:
    """The notes, what may make results wrong first."""

    def place(note: Note) -> int:
        if note.id in _FIRST:
            return _FIRST.index(note.id) - len(_FIRST)
        return 1 + _LAST.index(note.id) if note.id in _LAST else 0

    return sorted(notes, key=place)


class NotesLine(QFrame):
    """The notes of the scan, or a message while there is one; hidden when there is neither.

    `volume_wanted` carries (number of volumes, index of the open one) when another volume of a file should be chosen,
    `series_wanted` comes when another series should be, `modality_chosen` carries "CT" or "MR" when a person says it.
    """

    volume_wanted = Signal(int, int)
    series_wanted = Signal()
    modality_chosen = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._messages: list[Message] = []
        self._dismissed: set[str] = set()
        self._role: Role = "warning"
        self._icon = QLabel()
        self._shown_actions: tuple[Action, ...] = ()
        self._build()
        session.notes_changed.connect(self._refresh)
        session.volume_changed.connect(self._on_volume_changed)
        self._refresh()

    def show_message(self, text: str, hint: str = "", role: Role = "error", action: Action | None = None) -> None:
        """Says something in place of the notes, until it is dismissed; what was said before comes back then.

        A good message gives way to the next one. Opening another scan takes all messages away.
        """
        new = Message(text, hint, role, () if action is None else (action,))
        kept = [each for each in self._messages if each.role != "good" and each.text != text]
        self._messages = [*kept, new][-_MOST_MESSAGES:]
        self._refresh()

    def dismiss(self) -> None:
        """Takes away what the line says now."""
        if self._messages:
            self._messages.pop()
        else:
            self._dismissed |= {each.sentence for each in self._session.notes}
        self._refresh()

    def open_details(self) -> None:
        """Shows all notes, with what to do about each; or all of what the line says, where there is no room for it."""
        popup = NotesPopup([] if self._messages else by_importance(self._session.notes), self)
        if self._messages:
            popup.say(self._messages[-1])
        popup.action_wanted.connect(self._act_on)
        popup.open_below(self)

    @property
    def said(self) -> str:
        """What the line says now; empty when it is hidden."""
        return "" if self.isHidden() else self._text.whole

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        """A box in a tint of the role's colour."""
        look = theme.current()
        tint = look.colour(self._role)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(theme.mixed(look.colour("panel"), tint, 0.12))
            painter.setPen(QPen(theme.mixed(look.colour("panel"), tint, 0.55), 1))
            painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """What is said may fit now, or no more."""
        super().resizeEvent(event)
        self._offer_details()

    def changeEvent(self, event: QEvent) -> None:
        """The icon follows the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_icon()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape dismisses."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
            return
        super().keyPressEvent(event)

    def _build(self) -> None:
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Notes"))
        self._text = ShortLabel(policy=QSizePolicy.Policy.Maximum)
        self._hint = ShortLabel("secondary", QSizePolicy.Policy.Maximum)
        self._more = one_line("", "secondary")
        self._actions = [button("", partial(self._act, n), "link") for n in range(_MOST_ACTIONS)]
        self._details = button(self.tr("Details"), self.open_details, "link")
        self._details.setToolTip(self.tr("All notes, and what to do about them"))
        cross = small_button("mdi6.close", self.tr("Dismiss"), self.dismiss, self.tr("Dismiss (Esc)"))
        parts = (self._icon, self._text, self._hint, self._more, None, *self._actions, self._details, cross)
        line = row(*parts)
        line.setContentsMargins(3 * theme.GRID, theme.GRID, theme.GRID, theme.GRID)
        line.setSpacing(2 * theme.GRID)
        self.setLayout(line)
        self.setMinimumHeight(36)

    def _on_volume_changed(self) -> None:
        self._messages = []
        self._dismissed = set()
        self._refresh()

    def _shown_notes(self) -> list[Note]:
        return [each for each in by_importance(self._session.notes) if each.sentence not in self._dismissed]

    def _refresh(self) -> None:
        notes = self._shown_notes()
        if self._messages:
            self._show(self._messages[-1], 0)
        elif notes:
            first = notes[0]
            actions = next((found for each in notes if (found := self._actions_for(each))), ())
            arguments = first.arguments
            self._show(Message(translated(first.id, arguments), "", "warning", actions), len(notes) - 1)
        self.setVisible(bool(self._messages or notes))
        self._offer_details()

    def _offer_details(self) -> None:
        """Details of notes always; of a message where it had to be shortened."""
        self._details.setVisible(self._is_cut() if self._messages else bool(self._shown_notes()))

    def _is_cut(self) -> bool:
        layout = self.layout()
        if layout is None:
            return False
        own = 0 if self._details.isHidden() else self._details.sizeHint().width() + layout.spacing()
        return layout.sizeHint().width() - own > self.width()

    def _show(self, message: Message, more: int) -> None:
        self._role = message.role
        self._text.show_text(message.text)
        self._hint.show_text(message.hint)
        self._hint.setVisible(bool(message.hint))
        self._more.setText(self.tr("and {count} more").format(count=more))
        self._more.setVisible(more > 0)
        self._shown_actions = message.actions
        for n, each in enumerate(self._actions):
            each.setVisible(n < len(message.actions))
            each.setText(message.actions[n][0] if n < len(message.actions) else "")
        self.setAccessibleDescription(f"{message.text} {message.hint}".strip())
        self._draw_icon()
        self.update()

    def _act(self, n: int) -> None:
        self._shown_actions[n][1]()

    def _actions_for(self, note: Note) -> tuple[Action, ...]:
        return tuple((title, partial(self._act_on, note, answer)) for answer, title in answers(note).items())

    def _act_on(self, note: Note, answer: str) -> None:
        if note.id == "note.unknown_modality":
            self.modality_chosen.emit(answer)
        elif note.id == "note.first_volume":
            self.volume_wanted.emit(int(note.arguments["count"]), int(note.arguments["index"]))
        else:
            self.series_wanted.emit()

    def _draw_icon(self) -> None:
        self._icon.setPixmap(theme.icon(_ICONS[self._role], self._role).pixmap(18, 18))


class NotesPopup(Popup):
    """All notes in a box over the window; Escape or a click elsewhere closes it.

    `action_wanted` carries the note and the answer to it, of `answers`.
    """

    action_wanted = Signal(object, str)

    def __init__(self, notes: Iterable[Note], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Notes about this scan"))
        inner = QWidget()
        self._lines = QVBoxLayout(inner)
        self._lines.setContentsMargins(4 * theme.GRID, 3 * theme.GRID, 4 * theme.GRID, 4 * theme.GRID)
        self._lines.setSpacing(theme.GRID)
        for n, note in enumerate(notes):
            self._add(note, with_line=n > 0)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(1, 1, 1, 1)
        outer.addWidget(scrolled(inner))

    def open_below(self, anchor: QWidget) -> None:
        """Opens under the right end of `anchor`, within the screen."""
        screen = anchor.screen().availableGeometry()
        self.setFixedWidth(_POPUP_WIDTH)
        wanted = self._lines.totalHeightForWidth(_POPUP_WIDTH - 6) + 6
        self.setFixedHeight(min(wanted, screen.height() * 2 // 3))
        self.open_on_screen(anchor.mapToGlobal(QPoint(anchor.width() - _POPUP_WIDTH, anchor.height() + theme.GRID)))
        self.setFocus()

    def say(self, message: Message) -> None:
        """Shows a message with all of its words."""
        self._lines.addWidget(paragraph(message.text))
        if message.hint:
            self._lines.addWidget(paragraph(message.hint, "secondary"))

    def _add(self, note: Note, *, with_line: bool) -> None:
        if with_line:
            self._lines.addSpacing(2 * theme.GRID)
            self._lines.addWidget(hairline())
            self._lines.addSpacing(2 * theme.GRID)
        arguments = note.arguments
        self._lines.addWidget(paragraph(translated(note.id, arguments)))
        hint = translated_hint(note.id, arguments)
        if hint:
            self._lines.addWidget(paragraph(hint, "secondary"))
        links = [self._link(title, note, answer) for answer, title in answers(note).items()]
        if links:
            self._lines.addLayout(row(*links, None))

    def _link(self, title: str, note: Note, answer: str) -> QPushButton:
        def act() -> None:
            self.close()
            self.action_wanted.emit(note, answer)

        return button(title, act, "link")


def answers(note: Note) -> dict[str, str]:
    """What can be done about a note by clicking, with the words for it; empty where nothing can."""
    if note.id == "note.unknown_modality":
        return {
            "CT": QCoreApplication.translate("NotesLine", "It is CT"),
            "MR": QCoreApplication.translate("NotesLine", "It is MR"),
        }
    if note.id == "note.first_volume":
        return {"volume": QCoreApplication.translate("NotesLine", "Choose volume…")}
    if note.id == "note.other_series":
        return {"series": QCoreApplication.translate("NotesLine", "Choose series…")}
    return {}
