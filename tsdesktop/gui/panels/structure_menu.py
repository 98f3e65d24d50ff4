"""The context menu of a structure, the same in the list, on slices and in 3D."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QCursor, QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from tsdesktop.core.statistics import StructureStatistics
from tsdesktop.gui.panels.structure_colour import ColourBox
from tsdesktop.gui.panels.structure_looks import (
    is_solo,
    named,
    present_labels,
    set_opacity,
    show_all,
    show_only,
    show_or_hide,
)
from tsdesktop.gui.session import Session

OPACITIES = (1.0, 0.6, 0.3)


class StructureMenu(QMenu):
    """What can be done with one structure or several. `export_wanted(labels)` and `print_wanted(labels)`."""

    export_wanted = Signal(tuple)
    print_wanted = Signal(tuple)

    def __init__(self, session: Session, label: int, parent: QWidget, labels: Iterable[int] = ()) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._owner = parent
        self._label = label
        self._labels = tuple(labels) or (label,)
        self._name = named(session, self._labels)
        self._add_looking()
        self.addSeparator()
        self._add_looks()
        self.addSeparator()
        self._add_taking_along()

    def _add_looking(self) -> None:
        session, labels = self._session, self._labels
        self._add(self.tr("Go there"), lambda: session.select(self._label, go_there=True))
        several = len(labels) > 1
        only = self.tr("Show only these") if several else self.tr("Show only this")
        solo = is_solo(session, labels)
        self._add(self.tr("Show others as before") if solo else only, lambda: show_only(session, labels))
        visible = any(session.looks[label].visible for label in labels)
        words = self.tr("Hide {name}") if visible else self.tr("Show {name}")
        self._add(words.format(name=self._name), lambda: show_or_hide(session, labels, not visible))
        everything = self._add(self.tr("Show all"), lambda: show_all(session))
        everything.setEnabled(not all(session.looks[label].visible for label in present_labels(session)))

    def _add_looks(self) -> None:
        self._add(self.tr("Colour…"), self._open_colours)
        submenu = self.addMenu(self.tr("Opacity in 3D"))
        group = QActionGroup(submenu)
        for opacity in OPACITIES:
            action = submenu.addAction(self.tr("{percent} %").format(percent=round(100 * opacity)))
            action.setCheckable(True)
            action.setChecked(all(abs(self._session.looks[n].opacity - opacity) < 0.005 for n in self._labels))
            action.triggered.connect(self._opacity_setter(opacity))
            group.addAction(action)

    def _add_taking_along(self) -> None:
        known = [self._session.statistics[n] for n in self._labels if n in self._session.statistics]
        copy = self._add(self.tr("Copy numbers"), lambda: QGuiApplication.clipboard().setText(numbers_text(known)))
        copy.setEnabled(bool(known))
        words = self.tr("Export {name}…").format(name=self._name)
        self._add(words, lambda: self.export_wanted.emit(self._labels))
        words = self.tr("Print {name}…").format(name=self._name)
        self._add(words, lambda: self.print_wanted.emit(self._labels))

    def _add(self, words: str, call: Callable[[], object]) -> QAction:
        # An ampersand in a name would become a mnemonic.
        action = self.addAction(words.replace("&", "&&"))
        action.triggered.connect(lambda: call())
        return action

    def _opacity_setter(self, opacity: float) -> Callable[[], None]:
        return lambda: set_opacity(self._session, self._labels, opacity)

    def _open_colours(self) -> None:
        place = self.pos() if self.pos() != QPoint() else QCursor.pos()
        ColourBox(self._session, self._labels, self._owner).open_beside(place)


def structure_menu(session: Session, label: int, parent: QWidget, labels: Iterable[int] | None = None) -> StructureMenu:
    """The menu of the structure `label`; of `labels` together where they are several and it is one of them."""
    several = tuple(labels or ())
    return StructureMenu(session, label, parent, several if label in several else (label,))


def numbers_text(statistics: Iterable[StructureStatistics]) -> str:
    """The numbers as lines with tabs, to be pasted into a table."""
    lines = ["structure\tvolume_ml\tmean\tsd\tmedian\tmin\tmax\ttouches_border"]
    for each in statistics:
        inside = each.intensity
        values = (inside.mean, inside.sd, inside.median, inside.minimum, inside.maximum) if inside else ()
        cells = [f"{each.volume_ml:.3f}", *(f"{value:.2f}" for value in values)] + [""] * (5 - len(values))
        lines.append("\t".join([each.structure.name, *cells, "yes" if each.touches_border else "no"]))
    return "\n".join(lines)
