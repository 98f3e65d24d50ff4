"""The quiet strip of tools in the corner of the 3D view."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.scene.stage import ClipKind

LETTERS = "APLRSI"
_LETTERS_FROM_PX = 400  # narrower, they would stand on the orientation marker
_LEAST_PX = 190, 130
_ICON_PX = 17
_PLAIN = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.KeypadModifier


def side_letter(event: QKeyEvent) -> str:
    """The side of the body that a key looks from; "" for other keys and with Ctrl or Alt."""
    letter = event.text().upper()
    return letter if letter and letter in LETTERS and event.modifiers() in _PLAIN else ""


class ToolStrip(QFrame):
    """Standard views, clip, skin, slices, fading, turntable, reset. Says what is wished; does nothing itself."""

    view_asked = Signal(str)
    clip_asked = Signal(str)
    skin_toggled = Signal(bool)
    slices_toggled = Signal(bool)
    fading_toggled = Signal(bool)
    turntable_toggled = Signal(bool)
    reset_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scene-tools")
        self.setProperty("role", "card")
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._icons: list[tuple[QToolButton, str]] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(4, 2, 4, 2)
        self._row.setSpacing(0)
        self._letters = [self._letter(each, name) for each, name in zip(LETTERS, self._view_names(), strict=True)]
        self.clip = self._clip_button()
        self.skin = self._toggle("mdi6.human", self.tr("Skin: the body around the structures"))
        self.slices = self._toggle("mdi6.layers-triple-outline", self.tr("Slices: the three slices in their place"))
        self.fading = self._toggle("mdi6.circle-opacity", self.tr("Fade: see through all but the selected structure"))
        self.turntable = self._toggle("mdi6.rotate-360", self.tr("Turntable: turn the body slowly"))
        self.reset = self._button("mdi6.fit-to-page-outline", self.tr("Reset: everything in view, from the front"))
        self.skin.toggled.connect(self.skin_toggled)
        self.slices.toggled.connect(self.slices_toggled)
        self.fading.toggled.connect(self.fading_toggled)
        self.turntable.toggled.connect(self.turntable_toggled)
        self.reset.clicked.connect(self.reset_asked)
        self.dress()

    def dress(self) -> None:
        """Takes the icons of the theme that is worn now."""
        for button, name in self._icons:
            button.setIcon(theme.icon(name, "accent" if button.isChecked() else "secondary"))

    def fit(self, width: int, height: int) -> None:
        """Leaves out what a view of this size has no room for: the letters, or all (the keys still work)."""
        self.setVisible(width >= _LEAST_PX[0] and height >= _LEAST_PX[1])
        for letter in self._letters:
            letter.setVisible(width >= _LETTERS_FROM_PX)
        self.adjustSize()

    def _view_names(self) -> tuple[str, ...]:
        return (
            self.tr("From the front (A)"),
            self.tr("From behind (P)"),
            self.tr("From the patient's left (L)"),
            self.tr("From the patient's right (R)"),
            self.tr("From above (S)"),
            self.tr("From below (I)"),
        )

    def _letter(self, letter: str, name: str) -> QToolButton:
        button = self._plain(name)
        button.setText(letter)
        button.setFixedSize(22, 24)
        button.clicked.connect(lambda: self.view_asked.emit(letter))
        return button

    def _button(self, icon: str, name: str) -> QToolButton:
        button = self._plain(name)
        button.setIconSize(QSize(_ICON_PX, _ICON_PX))
        button.setFixedSize(27, 24)
        self._icons.append((button, icon))
        return button

    def _toggle(self, icon: str, name: str) -> QToolButton:
        button = self._button(icon, name)
        button.setCheckable(True)
        button.toggled.connect(self.dress)
        return button

    def _plain(self, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("role", "quiet")
        button.setToolTip(name)
        button.setAccessibleName(name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._row.addWidget(button)
        return button

    def _clip_button(self) -> QToolButton:
        button = self._button("mdi6.content-cut", self.tr("Clip: cut away what lies before the crosshair"))
        button.setCheckable(True)
        menu = QMenu(button)
        group = QActionGroup(menu)
        for kind, name in self._clip_names():
            action = menu.addAction(name)
            action.setCheckable(True)
            action.setData(kind)
            group.addAction(action)
        group.actions()[0].setChecked(True)
        group.triggered.connect(self._on_clip_chosen)
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        return button

    def _clip_names(self) -> tuple[tuple[ClipKind, str], ...]:
        return (
            ("none", self.tr("Not clipped")),
            ("view", self.tr("Across the view")),
            ("axial", self.tr("Axial, at the crosshair")),
            ("coronal", self.tr("Coronal, at the crosshair")),
            ("sagittal", self.tr("Sagittal, at the crosshair")),
        )

    def _on_clip_chosen(self, action: QAction) -> None:
        self.clip.setChecked(action.data() != "none")
        self.dress()
        self.clip_asked.emit(action.data())
