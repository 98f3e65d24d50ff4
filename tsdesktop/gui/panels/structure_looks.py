"""Changes of how structures look, as steps that can be undone and are named in words: show, hide, colour, opacity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.structures import Rgb
from tsdesktop.gui.session import Look, Session
from tsdesktop.gui.words import structure_title, structures_text

translate = QCoreApplication.translate


def named(session: Session, labels: Iterable[int]) -> str:
    """One structure by its title, several by their number."""
    wanted = set(labels)
    found = [each for each in session.label_map or () if each.label in wanted]
    if len(found) == 1:
        return structure_title(found[0])
    return structures_text(len(wanted))


def present_labels(session: Session) -> tuple[int, ...]:
    """The labels of all structures that were found."""
    return tuple(each.label for each in session.label_map.present) if session.label_map else ()


def all_visible(session: Session, labels: Iterable[int]) -> bool:
    """Whether every one of them is shown."""
    return all(session.looks[label].visible for label in labels)


def show_or_hide(session: Session, labels: Iterable[int], visible: bool, name: str = "") -> None:
    """Shows or hides structures; `name` where they are called something together."""
    wanted = tuple(labels)
    what = translate("StructureLooks", "show {name}") if visible else translate("StructureLooks", "hide {name}")
    session.change_visible(what.format(name=name or named(session, wanted)), wanted, visible)


def toggle(session: Session, labels: Iterable[int], name: str = "") -> None:
    """Hides structures that are all shown, else shows them all."""
    wanted = tuple(labels)
    show_or_hide(session, wanted, not all_visible(session, wanted), name)


def show_all(session: Session) -> None:
    """Shows every structure."""
    session.change_visible(translate("StructureLooks", "show all structures"), session.looks, True)


def hide_all(session: Session) -> None:
    """Hides every structure."""
    session.change_visible(translate("StructureLooks", "hide all structures"), session.looks, False)


def is_solo(session: Session, labels: Iterable[int]) -> bool:
    """Whether these are shown and nothing else that was found."""
    return {label for label in present_labels(session) if session.looks[label].visible} == set(labels)


def show_only(session: Session, labels: Iterable[int], name: str = "") -> None:
    """Shows these and no others; again brings back what was shown before, or everything."""
    wanted = frozenset(labels)
    if is_solo(session, wanted):
        _show_as_before(session, wanted)
        return
    visible = (each for each in session.label_map or () if session.looks[each.label].visible)
    session.shown_before_solo = tuple(each.name for each in visible)
    what = translate("StructureLooks", "show only {name}").format(name=name or named(session, wanted))
    _show_exactly(session, what, wanted)


def recolour(session: Session, labels: Iterable[int], rgb: Rgb) -> None:
    """Gives structures one colour."""
    wanted = tuple(labels)
    session.change_looks(colour_step(session, wanted), {n: replace(session.looks[n], rgb=rgb) for n in wanted})


def own_colours(session: Session, labels: Iterable[int]) -> None:
    """Gives structures the colours they came with."""
    wanted = set(labels)
    own = {each.label: each.rgb for each in session.label_map or () if each.label in wanted}
    looks = {label: replace(session.looks[label], rgb=rgb) for label, rgb in own.items()}
    session.change_looks(colour_step(session, wanted), looks)


def set_opacity(session: Session, labels: Iterable[int], opacity: float) -> None:
    """Makes structures more or less see-through in 3D, from 0 to 1."""
    wanted = tuple(labels)
    looks = {n: replace(session.looks[n], opacity=opacity) for n in wanted}
    session.change_looks(opacity_step(session, wanted), looks)


def colour_step(session: Session, labels: Iterable[int]) -> str:
    """What a change of colour is called."""
    return translate("StructureLooks", "colour of {name}").format(name=named(session, labels))


def opacity_step(session: Session, labels: Iterable[int]) -> str:
    """What a change of opacity is called."""
    return translate("StructureLooks", "opacity of {name}").format(name=named(session, labels))


class LookTrial:
    """Looks that are shown while a control is being moved; kept, they are one step that can be undone."""

    def __init__(self, session: Session, labels: Iterable[int], what: str) -> None:
        self.labels = tuple(labels)
        self._session = session
        self._what = what
        self._map = session.label_map
        self._before = {label: session.looks[label] for label in self.labels}

    def show(self, change: Callable[[Look], Look]) -> None:
        """Shows the changed looks."""
        if self._is_current():
            self._session.set_looks({label: change(self._session.looks[label]) for label in self.labels})

    def keep(self) -> None:
        """Makes what is shown a step."""
        if self._is_current():
            after: Mapping[int, Look] = {label: self._session.looks[label] for label in self.labels}
            self._session.set_looks(self._before)
            self._session.change_looks(self._what, after)

    def drop(self) -> None:
        """Goes back to the looks before."""
        if self._is_current():
            self._session.set_looks(self._before)

    def _is_current(self) -> bool:
        # Other labels may stand for other structures.
        return self._map is self._session.label_map


def _show_as_before(session: Session, wanted: frozenset[int]) -> None:
    names = set(session.shown_before_solo)
    before = {each.label for each in session.label_map or () if each.name in names}
    what = translate("StructureLooks", "show others beside {name}").format(name=named(session, wanted))
    _show_exactly(session, what, before if before - wanted else session.looks)


def _show_exactly(session: Session, what: str, visible: Iterable[int]) -> None:
    shown = set(visible)
    session.change_looks(what, {label: replace(look, visible=label in shown) for label, look in session.looks.items()})
