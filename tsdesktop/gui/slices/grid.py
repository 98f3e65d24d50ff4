"""The views side by side: four in two rows that stay in line, one large with the others small, or one alone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal, get_args

from PySide6.QtCore import QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.slices.plane import PlaneName

ViewName = Literal["axial", "coronal", "sagittal", "scene"]
LayoutName = Literal["four", "slices", "3d", "axial", "coronal", "sagittal", "scene"]
_VIEWS: tuple[ViewName, ...] = get_args(ViewName)
_LAYOUTS: tuple[LayoutName, ...] = get_args(LayoutName)
# Where the lines between the views are at first, as parts of width and height.
_FIRST_SPLITS: dict[str, tuple[float, float]] = {"four": (0.5, 0.5), "slices": (0.66, 0.5), "3d": (0.72, 0.5)}
_LINE = 1
_LEAST_PX = 120


class ViewGrid(QWidget):
    """Arranges the slice views and the 3D view; a view that asks by `double_clicked` is shown alone, and back.

    Layouts: "four"; "slices", the axial view large; "3d", the 3D view large; or the name of a view for it alone.
    """

    layout_changed = Signal()

    def __init__(self, slices: Mapping[PlaneName, QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._layout: LayoutName = "four"
        self._before: LayoutName = "four"
        self._splits = dict(_FIRST_SPLITS)
        self._views: dict[ViewName, QWidget] = {"scene": _Placeholder(self)}
        self._across, self._down = _Handle(self, True, False), _Handle(self, False, True)
        self._both = _Handle(self, True, True)
        for name, view in slices.items():
            self._take(name, view)
        self._arrange()

    def set_scene(self, scene: QWidget) -> None:
        """Puts the 3D view where there was none."""
        before = self._views.pop("scene")
        before.hide()
        before.deleteLater()
        self._take("scene", scene)
        self._arrange()

    @property
    def layout_name(self) -> str:
        """The arrangement that is shown."""
        return self._layout

    def set_layout(self, name: str) -> None:
        """Shows another arrangement; an unknown name (from another version of the program) is "four"."""
        self._show(name if name in _LAYOUTS else "four")

    def maximise(self, name: str | None) -> None:
        """Shows one view alone; None goes back to the arrangement before."""
        if name is None:
            self._show(self._before)
        else:
            self.set_layout("scene" if name == "3d" else name)

    def state(self) -> dict[str, Any]:
        """The arrangement and where its lines are, for `restore` at another time; can be written as JSON."""
        return {"layout": self._layout, "splits": {name: list(split) for name, split in self._splits.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes what `state` gave; what does not make sense is left out."""
        splits = state.get("splits")
        for name, split in splits.items() if isinstance(splits, Mapping) else ():
            if name in _FIRST_SPLITS and _is_split(split):
                self._splits[name] = float(split[0]), float(split[1])
        self.set_layout(str(state.get("layout", "four")))
        self._arrange()

    def move_lines(self, x: int | None, y: int | None) -> None:
        """Puts the lines between the views at pixels of the grid; None leaves one where it is."""
        across, down = self._splits[self._layout]
        if x is not None:
            across = _part(x, self.width())
        if y is not None:
            down = _part(y, self.height())
        self._splits[self._layout] = across, down
        self._arrange()

    def reset_lines(self) -> None:
        """Puts the lines where they were at first."""
        self._splits[self._layout] = _FIRST_SPLITS[self._layout]
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """The views keep their parts."""
        super().resizeEvent(event)
        self._arrange()

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        """Hairlines between the views."""
        QPainter(self).fillRect(self.rect(), theme.current().colour("line"))

    @Slot()
    def _on_double_clicked(self) -> None:
        asking = self.sender()
        name = next((name for name, view in self._views.items() if view is asking), None)
        self.maximise(None if name == self._layout else name)

    def _take(self, name: ViewName, view: QWidget) -> None:
        self._views[name] = view
        view.setParent(self)
        # The placeholder of a view and views of tests do not ask.
        asking = getattr(view, "double_clicked", None)
        if asking is not None:
            asking.connect(self._on_double_clicked)

    def _show(self, name: LayoutName) -> None:
        if name in _VIEWS and self._layout not in _VIEWS:
            self._before = self._layout
        changed, self._layout = self._layout != name, name
        self._arrange()
        if changed:
            self.layout_changed.emit()

    def _arrange(self) -> None:
        split = self._splits.get(self._layout, (1.0, 1.0))
        x, y = _clamped(split[0], self.width()), _clamped(split[1], self.height())
        places = _places(self._layout, self.width(), self.height(), x, y)
        for name, view in self._views.items():
            place = places.get(name)
            if place is not None:
                view.setGeometry(place)
            view.setVisible(place is not None)
        self._place_handles(x, y)
        self.update()

    def _place_handles(self, x: int, y: int) -> None:
        """The handles lie over the views, right of a line: the left view has its scroll mark there."""
        width, height = self.width(), self.height()
        is_split = self._layout in _FIRST_SPLITS
        self._across.setVisible(is_split)
        self._down.setVisible(self._layout in ("four", "slices"))
        self._both.setVisible(self._layout in ("four", "slices"))
        self._across.setGeometry(x, 0, 6, height)
        left = 0 if self._layout == "four" else x
        self._down.setGeometry(left, y - 3, width - left, 6)
        self._both.setGeometry(x - 4, y - 5, 12, 11)
        for handle in (self._across, self._down, self._both):
            handle.raise_()


class _Placeholder(QWidget):
    """The place of the 3D view until it is loaded."""

    def paintEvent(self, _: QPaintEvent) -> None:  # noqa: N802
        QPainter(self).fillRect(self.rect(), theme.current().colour("panel"))


class _Handle(QWidget):
    """Takes hold of one line between views, or of both where they cross. A double click puts them back."""

    def __init__(self, grid: ViewGrid, across: bool, down: bool) -> None:
        super().__init__(grid)
        self._grid = grid
        self._is_across, self._is_down = across, down
        shapes = Qt.CursorShape
        self.setCursor(
            shapes.SizeAllCursor if across and down else shapes.SplitHCursor if across else shapes.SplitVCursor
        )

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        place: QPoint = self.mapToParent(event.position().toPoint())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._grid.move_lines(place.x() if self._is_across else None, place.y() if self._is_down else None)

    def mouseDoubleClickEvent(self, _: QMouseEvent) -> None:  # noqa: N802
        self._grid.reset_lines()


def _places(layout: LayoutName, width: int, height: int, x: int, y: int) -> dict[ViewName, QRect]:
    """Where the views of a layout are, with its lines at `x` and `y`."""
    right = QRect(x + _LINE, 0, width - x - _LINE, height)
    top, bottom = QRect(0, 0, width, y), QRect(0, y + _LINE, width, height - y - _LINE)
    if layout == "four":
        left = QRect(0, 0, x, height)
        return {
            "axial": left & top,
            "scene": right & top,
            "coronal": left & bottom,
            "sagittal": right & bottom,
        }
    if layout == "slices":
        return {"axial": QRect(0, 0, x, height), "coronal": right & top, "sagittal": right & bottom}
    if layout == "3d":
        ends = [round(n * (height + _LINE) / 3) for n in range(4)]
        small = [QRect(right.x(), first, right.width(), end - first - _LINE) for first, end in pairwise(ends)]
        return {"scene": QRect(0, 0, x, height), "axial": small[0], "coronal": small[1], "sagittal": small[2]}
    return {layout: QRect(0, 0, width, height)}


def _clamped(part: float, length: int) -> int:
    """A part of a length in pixels, with room on both sides where there is any."""
    least = min(_LEAST_PX, length // 3)
    return min(max(round(part * length), least), max(least, length - least))


def _part(pixels: int, length: int) -> float:
    return min(max(pixels / max(1, length), 0.05), 0.95)


def _is_split(split: Any) -> bool:
    return (
        isinstance(split, list | tuple)
        and len(split) == 2
        and all(isinstance(each, int | float) and 0 < each < 1 for each in split)
    )
