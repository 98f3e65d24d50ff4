"""Colours, type and icons of the window, dark and light with equal contrast; everything painted asks here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import qtawesome
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from tsdesktop.core.assets import asset

BASE_PX = 13
GRID = 4
RADIUS = 7
APP_ICON_SIZES = (16, 20, 24, 32, 48, 64, 128, 256)
AXIAL, SAGITTAL, CORONAL = QColor("#f0716a"), QColor("#e5b567"), QColor("#46c28a")


@dataclass(frozen=True)
class Theme:
    """The colours of one theme. Slices are painted on pure black in both."""

    dark: bool
    background: str
    panel: str
    raised: str
    line: str
    text: str
    secondary: str
    accent: str
    on_accent: str
    good: str
    warning: str
    error: str

    def colour(self, name: str) -> QColor:
        """One colour by its name here."""
        return QColor(getattr(self, name))


DARK = Theme(
    dark=True,
    background="#14171c",
    panel="#1b1f26",
    raised="#232933",
    line="#2c333e",
    text="#e6e9ee",
    secondary="#98a2b1",
    accent="#4c9ffe",
    on_accent="#0b1420",
    good="#46c28a",
    warning="#e5b567",
    error="#f0716a",
)
LIGHT = Theme(
    dark=False,
    background="#eef0f3",
    panel="#f9fafb",
    raised="#ffffff",
    line="#d5dae1",
    text="#1c222b",
    secondary="#596474",
    accent="#1668cf",
    on_accent="#ffffff",
    good="#1d7f52",
    warning="#8a5a00",
    error="#c2362e",
)


def system_theme() -> Theme:
    """Dark or light, as the desktop is; dark where it does not say."""
    scheme = QGuiApplication.styleHints().colorScheme()
    return LIGHT if scheme == Qt.ColorScheme.Light else DARK


def current() -> Theme:
    """The theme the application wears now."""
    application = QApplication.instance()
    name = application.property("tsdesktop_theme") if application is not None else None
    return LIGHT if name == "light" else DARK


def wear(application: QApplication, theme: Theme) -> None:
    """Dresses the whole application: palette, font and style sheet."""
    application.setProperty("tsdesktop_theme", "dark" if theme.dark else "light")
    # Before the palette, whose change makes widgets ask for their icons again.
    icon.cache_clear()
    application.setStyle("Fusion")
    application.setPalette(_palette(theme))
    application.setFont(base_font())
    application.setStyleSheet(_style_sheet(theme))


@cache
def font_family() -> str:
    """Inter, loaded from the assets once."""
    families = ["Inter"]
    for weight in ("Regular", "Medium", "SemiBold"):
        number = QFontDatabase.addApplicationFont(str(asset(f"fonts/Inter-{weight}.otf")))
        families = QFontDatabase.applicationFontFamilies(number) or families
    return families[0].removesuffix(" Medium").removesuffix(" SemiBold")


def base_font(size_px: int = BASE_PX, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The one sans, with tabular figures, `size_px` high."""
    font = QFont(font_family())
    font.setPixelSize(size_px)
    font.setWeight(weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def app_icon() -> QIcon:
    """The program's own icon in the sizes that windows, task bars and switchers ask for."""
    found = QIcon()
    for size in APP_ICON_SIZES:
        found.addFile(str(asset(f"icons/app/tsdesktop-{size}.png")), QSize(size, size))
    return found


@cache
def icon(name: str, colour: str = "secondary") -> QIcon:
    """An icon of the one set (Material Design Icons, "mdi6.eye" and so on) in a colour of the theme."""
    theme = current()
    made: QIcon = qtawesome.icon(name, color=getattr(theme, colour), color_disabled=theme.line)
    return made


def mixed(ground: QColor, tint: QColor, share: float) -> QColor:
    """A colour between two: `share` 0 is the ground, 1 the tint."""
    pairs = (ground.redF(), tint.redF()), (ground.greenF(), tint.greenF()), (ground.blueF(), tint.blueF())
    return QColor.fromRgbF(*(a + share * (b - a) for a, b in pairs))


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.background,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.panel,
        QPalette.ColorRole.AlternateBase: theme.raised,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.Button: theme.raised,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.ToolTipBase: theme.raised,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.secondary,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.on_accent,
        QPalette.ColorRole.Link: theme.accent,
        QPalette.ColorRole.Mid: theme.line,
        QPalette.ColorRole.Dark: theme.line,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.secondary))
    return palette


def _style_sheet(theme: Theme) -> str:
    """Names set with setObjectName or the property "role" choose among these looks."""
    return _frames_and_words(theme) + _buttons(theme) + _fields(theme) + _lists_and_bars(theme)


def _frames_and_words(t: Theme) -> str:
    return f"""
    QWidget {{ font-size: {BASE_PX}px; }}
    QMainWindow, QDialog {{ background: {t.background}; }}
    QFrame[role="panel"], QWidget[role="panel"] {{ background: {t.panel}; border: none; }}
    QWidget#header {{ border-bottom: 1px solid {t.line}; }}
    QWidget#status {{ border-top: 1px solid {t.line}; }}
    QFrame[role="popup"] {{ background: {t.panel}; border: 1px solid {t.line}; }}
    QFrame[role="hairline"] {{ background: {t.line}; border: none; max-height: 1px; min-height: 1px; }}
    QFrame[role="card"] {{ background: {t.raised}; border: 1px solid {t.line}; border-radius: {RADIUS}px; }}
    QLabel[role="heading"] {{ color: {t.secondary}; font-size: 11px; font-weight: 600; letter-spacing: 0.6px; }}
    QLabel[role="title"] {{ font-size: 15px; font-weight: 600; }}
    QLabel[role="secondary"] {{ color: {t.secondary}; }}
    QLabel[role="good"] {{ color: {t.good}; }}
    QLabel[role="warning"] {{ color: {t.warning}; }}
    QLabel[role="error"] {{ color: {t.error}; }}
    """


def _buttons(t: Theme) -> str:
    return f"""
    QPushButton, QToolButton {{ background: {t.raised}; border: 1px solid {t.line}; border-radius: {RADIUS}px;
        padding: 5px 12px; }}
    QPushButton:hover, QToolButton:hover {{ border-color: {t.secondary}; }}
    QPushButton:pressed, QToolButton:pressed, QToolButton:checked {{ background: {t.line}; }}
    QPushButton:focus, QToolButton:focus {{ border-color: {t.accent}; }}
    QPushButton:disabled, QToolButton:disabled {{ color: {t.secondary}; background: {t.panel}; }}
    QPushButton[role="primary"] {{ background: {t.accent}; color: {t.on_accent}; border: none; font-weight: 600;
        padding: 8px 16px; }}
    QPushButton[role="primary"]:focus {{ border: 2px solid {t.text}; padding: 6px 14px; }}
    QPushButton[role="primary"]:disabled {{ background: {t.line}; color: {t.secondary}; }}
    QPushButton[role="link"], QToolButton[role="link"] {{ background: transparent; border: none; color: {t.accent};
        padding: 2px; text-align: left; }}
    QPushButton[role="plain"] {{ background: transparent; border: none; padding: 2px; text-align: left;
        font-weight: 500; }}
    QPushButton[role="plain"]:focus {{ text-decoration: underline; }}
    QToolButton[role="chip"] {{ padding: 4px 9px; }}
    QToolButton[role="chip"]::menu-indicator {{ image: none; width: 0; }}
    QPushButton[role="link"]:focus, QToolButton[role="link"]:focus {{ text-decoration: underline; }}
    QToolButton[role="quiet"] {{ background: transparent; border: none; padding: 3px; }}
    QToolButton[role="quiet"]:hover {{ background: {t.raised}; border-radius: {RADIUS}px; }}
    QToolButton[role="quiet"]:focus {{ border: 1px solid {t.accent}; border-radius: {RADIUS}px; padding: 2px; }}
    """


def _fields(t: Theme) -> str:
    marks, look = asset("icons").as_posix(), "dark" if t.dark else "light"
    return f"""
    QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox, QPlainTextEdit, QTextBrowser {{ background: {t.raised};
        border: 1px solid {t.line}; border-radius: {RADIUS}px; padding: 6px 8px; selection-background-color: {t.accent};
        selection-color: {t.on_accent}; }}
    QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus {{ border-color: {t.accent}; }}
    QComboBox::drop-down {{ border: none; width: 22px; }}
    QComboBox::down-arrow, QAbstractSpinBox::down-arrow {{ image: url("{marks}/down-{look}.svg"); width: 10px; }}
    QAbstractSpinBox::up-arrow {{ image: url("{marks}/up-{look}.svg"); width: 10px; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: 18px; }}
    QCheckBox {{ spacing: {2 * GRID}px; }}
    QCheckBox::indicator, QTreeView::indicator, QListView::indicator {{ width: 14px; height: 14px; border-radius: 4px;
        border: 1px solid {t.secondary}; background: {t.raised}; }}
    QCheckBox::indicator:checked, QTreeView::indicator:checked, QListView::indicator:checked {{ background: {t.accent};
        border-color: {t.accent}; image: url("{marks}/check-{look}.svg"); }}
    QTreeView::indicator:indeterminate {{ background: {t.accent}; border-color: {t.accent};
        image: url("{marks}/some-{look}.svg"); }}
    QCheckBox::indicator:focus {{ border-color: {t.accent}; }}
    QCheckBox::indicator:disabled {{ border-color: {t.line}; }}
    """


def _lists_and_bars(t: Theme) -> str:
    return f"""
    QComboBox QAbstractItemView, QMenu {{ background: {t.raised}; border: 1px solid {t.line}; padding: 4px; }}
    QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {t.line}; }}
    QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}
    QMenuBar {{ background: transparent; border: none; }}
    QMenuBar::item {{ padding: 4px 9px; background: transparent; }}
    QMenuBar::item:selected {{ background: {t.raised}; border-radius: 4px; }}
    QTreeView, QListView {{ background: transparent; border: none; outline: none; }}
    QTreeView::item, QListView::item {{ padding: 3px 2px; border-radius: 4px; }}
    QTreeView::item:hover, QListView::item:hover {{ background: {t.raised}; }}
    QTreeView::item:selected, QListView::item:selected {{ background: {t.line}; color: {t.text}; }}
    QHeaderView::section {{ background: {t.panel}; color: {t.secondary}; border: none;
        border-bottom: 1px solid {t.line}; padding: 4px 6px; }}
    QProgressBar {{ background: {t.line}; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }}
    QProgressBar::chunk {{ background: {t.accent}; border-radius: 2px; }}
    QScrollArea {{ border: none; background: transparent; }}
    QScrollBar:vertical {{ background: transparent; width: 9px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 9px; margin: 0; }}
    QScrollBar::handle {{ background: {t.line}; border-radius: 4px; min-height: 28px; min-width: 28px; }}
    QScrollBar::handle:hover {{ background: {t.secondary}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QSplitter::handle {{ background: {t.line}; }}
    QSplitter::handle:horizontal {{ width: 1px; }}
    QSplitter::handle:vertical {{ height: 1px; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.line}; padding: 4px 6px; }}
    QTabBar::tab {{ background: transparent; color: {t.secondary}; padding: 6px 12px; border: none; }}
    QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.accent}; }}
    QTabWidget::pane {{ border: none; border-top: 1px solid {t.line}; }}
    QSlider::groove:horizontal {{ background: {t.line}; height: 4px; border-radius: 2px; }}
    QSlider::handle:horizontal {{ background: {t.text}; width: 14px; margin: -5px 0; border-radius: 7px; }}
    QSlider::sub-page:horizontal {{ background: {t.accent}; border-radius: 2px; }}
    """
