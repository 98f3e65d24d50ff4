"""What is known about the selected structure, or several together, and what can be done with it."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from tsdesktop.core.statistics import Intensity, StructureStatistics
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui import theme
from tsdesktop.gui.figures import decimal, unit_of, volume_text
from tsdesktop.gui.panels.parts import MARGIN
from tsdesktop.gui.panels.structure_list_delegate import border_help
from tsdesktop.gui.panels.structure_list_model import NO_NUMBER
from tsdesktop.gui.panels.structure_looks import LookTrial, named, opacity_step
from tsdesktop.gui.parts import GAP, one_line, paragraph, set_role, small_button, stacked
from tsdesktop.gui.session import Session

_KEPT_AFTER_MS = 500
_LEAST_PERCENT = 5
_ICON_BUTTON = 44
_AXES = "R\u2013L \u00d7 A\u2013P \u00d7 S\u2013I"
translate = QCoreApplication.translate


class StructureDetails(QWidget):
    """The foot of the right side; hidden while nothing is selected.

    `export_wanted(labels)` and `print_wanted(labels)` by its buttons.
    """

    export_wanted = Signal(tuple)
    print_wanted = Signal(tuple)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._labels: tuple[int, ...] = ()
        self.title = paragraph(role="title")
        self.view = one_line(role="secondary")
        self._head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self.numbers = QGridLayout()
        self.values: dict[str, QLabel] = {}
        self._add_rows()
        self.opacity = OpacityRow(session)
        self.go_there = QPushButton(self.tr("Go there"))
        self.go_there.setAccessibleName(self.tr("Go there"))
        self.go_there.setToolTip(self.tr("Move the crosshair to its centre (Return in the list)"))
        self.go_there.clicked.connect(self._on_go_there_clicked)
        self.export = QPushButton(self.tr("Export surface…"))
        self.export.setToolTip(self.tr("Write its surface as a file, for printing or other programs"))
        self.export.clicked.connect(lambda: self.export_wanted.emit(self._labels))
        self.print = small_button(
            "mdi6.printer-3d",
            self.tr("Print…"),
            lambda: self.print_wanted.emit(self._labels),
            self.tr("Print: as a part for a printer, checked first"),
        )
        self.setLayout(stacked(self._filled_head(), self.numbers, self.opacity, self._foot(), gap=GAP))
        session.statistics_changed.connect(self._on_statistics_changed)
        self.show_labels(())

    @property
    def labels(self) -> tuple[int, ...]:
        """What is shown."""
        return self._labels

    def show_labels(self, labels: Iterable[int]) -> None:
        """Shows these structures of the session's labels; nothing hides the details."""
        known = {each.label for each in self._session.label_map or ()}
        self._labels = tuple(label for label in labels if label in known)
        self.opacity.show_labels(self._labels)
        self._on_statistics_changed()
        self.setVisible(bool(self._labels))

    def minimumSizeHint(self) -> QSize:
        """Narrow enough for an icon in place of the first button's words."""
        needed = self.export.sizeHint().width() + self.print.sizeHint().width() + 2 * GAP + _ICON_BUTTON
        return QSize(needed, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The first button's words become an icon where they have no room."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """The icon follows the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._fit()

    def _fit(self) -> None:
        self._fit_head()
        title = self.go_there.accessibleName()
        words = self.go_there.fontMetrics().horizontalAdvance(title) + 2 * (MARGIN + 1)
        narrow = words + 2 * GAP + self.export.sizeHint().width() + self.print.sizeHint().width() > self.width()
        self.go_there.setText("" if narrow else title)
        self.go_there.setIcon(theme.icon("mdi6.crosshairs-gps", "text") if narrow else QIcon())

    def _filled_head(self) -> QBoxLayout:
        self.title.setMinimumWidth(1)
        self._head.addWidget(self.title, 1)
        self._head.addWidget(self.view)
        return self._head

    def _fit_head(self) -> None:
        """Name and view stand side by side where both fit, else one below the other."""
        needed = self.title.fontMetrics().horizontalAdvance(self.title.text()) + GAP + self.view.sizeHint().width()
        beside = needed < self.width()
        way = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._head.setDirection(way)
        self._head.setSpacing(GAP if beside else 0)

    def _foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.go_there)
        row.addWidget(self.export)
        row.addWidget(self.print)
        row.addStretch()
        return row

    def _add_rows(self) -> None:
        self.numbers.setContentsMargins(0, 0, 0, 0)
        self.numbers.setHorizontalSpacing(GAP)
        self.numbers.setVerticalSpacing(2)
        self.numbers.setColumnMinimumWidth(0, 88)
        self.numbers.setColumnStretch(1, 1)
        for key, title in self._titles().items():
            row = self.numbers.rowCount()
            value = paragraph()
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setMinimumWidth(1)
            label = one_line(title, "secondary")
            label.setToolTip(self._helps()[key])
            value.setToolTip(label.toolTip())
            self.numbers.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            self.numbers.addWidget(value, row, 1)
            self.values[key] = value
            value.setProperty("title", label)

    def _titles(self) -> dict[str, str]:
        return {
            "volume": self.tr("Volume"),
            "mean": self.tr("Mean"),
            "median": self.tr("Median"),
            "range": self.tr("Range"),
            "size": self.tr("Size"),
            "snomed": self.tr("SNOMED CT"),
            "ta2": self.tr("TA2"),
        }

    def _helps(self) -> dict[str, str]:
        return {
            "volume": self.tr("What its voxels take up in the scan"),
            "mean": self.tr("Mean and standard deviation of the scan's values inside"),
            "median": self.tr("Half of the values inside are lower"),
            "range": self.tr("The lowest and the highest value inside"),
            "size": f"{_AXES}\n" + self.tr("Its box: from right to left, front to back, foot to head"),
            "snomed": self.tr("Its code in SNOMED CT, as DICOM files name it"),
            "ta2": self.tr("Its name in Terminologia Anatomica, second edition"),
        }

    def _on_statistics_changed(self) -> None:
        found = [self._session.statistics.get(label) for label in self._labels]
        known = [each for each in found if each is not None]
        self.title.setText(named(self._session, self._labels))
        self._show_view(known if len(known) == len(self._labels) else [])
        texts = {"volume": volume_text(sum(each.volume_ml for each in known)) if known else NO_NUMBER}
        if len(self._labels) == 1:
            texts |= self._texts_of_one(self._labels[0], found[0])
        for key, value in self.values.items():
            self._show_value(value, texts.get(key, ""))
        self.values["snomed"].setToolTip(self._snomed_help())
        self._fit_head()
        self.go_there.setVisible(len(self._labels) == 1)
        self.go_there.setEnabled(bool(known) and known[0].centroid_ras_mm is not None)

    def _texts_of_one(self, label: int, found: StructureStatistics | None) -> dict[str, str]:
        label_map, volume = self._session.label_map, self._session.volume
        if label_map is None:
            return {}
        structure = label_map.structure(label)
        unit = "" if volume is None else unit_of(volume)
        texts = {"mean": NO_NUMBER, "median": NO_NUMBER, "range": NO_NUMBER, "size": NO_NUMBER}
        if found is not None and found.intensity is not None:
            texts |= intensity_texts(found.intensity, unit)
        if found is not None and found.box is not None:
            texts["size"] = size_text(found, label_map)
        return texts | {"snomed": snomed_text(structure), "ta2": structure.ta2_name}

    def _snomed_help(self) -> str:
        if self._session.label_map is None or len(self._labels) != 1:
            return ""
        return snomed_help(self._session.label_map.structure(self._labels[0]))

    def _show_value(self, value: QLabel, text: str) -> None:
        value.setText(text)
        value.setVisible(bool(text))
        title = value.property("title")
        title.setVisible(bool(text))
        value.setAccessibleName(f"{title.text()}: {text}")

    def _show_view(self, known: list[StructureStatistics]) -> None:
        cut = sum(each.touches_border for each in known)
        one = len(known) == 1
        words = self.tr("touches the border") if one else self.tr("{count} at the border").format(count=cut)
        self.view.setText((words if cut else self.tr("whole in view")) if known else "")
        self.view.setToolTip(border_help() if cut else "")
        set_role(self.view, "warning" if cut else "secondary")

    def _on_go_there_clicked(self) -> None:
        if self._labels:
            self._session.select(self._labels[0], go_there=True)


class OpacityRow(QWidget):
    """How see-through structures are in 3D. Moving the slider shows at once and is one step to undo."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._labels: tuple[int, ...] = ()
        self._trial: LookTrial | None = None
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(_LEAST_PERCENT, 100)
        self.slider.setPageStep(10)
        self.slider.setAccessibleName(self.tr("Opacity in 3D"))
        self.slider.setToolTip(self.tr("How much of what lies behind it the 3D view lets through"))
        self.value = one_line()
        self.value.setMinimumWidth(44)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_KEPT_AFTER_MS)
        self._pause.timeout.connect(self._keep)
        self._lay_out()
        self.slider.valueChanged.connect(self._on_moved)
        self.slider.sliderReleased.connect(self._keep)
        session.looks_changed.connect(self._on_looks_changed)

    def show_labels(self, labels: tuple[int, ...]) -> None:
        """The structures whose opacity it is."""
        if labels != self._labels:
            self._keep()
            self._labels = labels
        self._on_looks_changed()

    def _lay_out(self) -> None:
        title = one_line(self.tr("Opacity"), "secondary")
        title.setMinimumWidth(88)
        title.setBuddy(self.slider)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(title)
        row.addWidget(self.slider, 1)
        row.addWidget(self.value)

    def _on_looks_changed(self) -> None:
        if not self._labels or self._labels[0] not in self._session.looks:
            return
        percent = round(100 * self._session.looks[self._labels[0]].opacity)
        self.value.setText(self.tr("{percent} %").format(percent=percent))
        self.slider.blockSignals(True)
        self.slider.setValue(percent)
        self.slider.blockSignals(False)

    def _on_moved(self, percent: int) -> None:
        if self._trial is None:
            self._trial = LookTrial(self._session, self._labels, opacity_step(self._session, self._labels))
        self._trial.show(lambda look: replace(look, opacity=percent / 100))
        # Keys and wheel move in small steps without an end: a pause ends them.
        if not self.slider.isSliderDown():
            self._pause.start()

    def _keep(self) -> None:
        self._pause.stop()
        if self._trial is not None:
            trial, self._trial = self._trial, None
            trial.keep()


def intensity_texts(inside: Intensity, unit: str) -> dict[str, str]:
    """Mean with standard deviation, median and range of the scan's values; `unit` is " HU" or empty."""
    digits = 0 if unit or inside.maximum - inside.minimum > 20 else 2
    return {
        "mean": f"{decimal(inside.mean, digits)} ± {decimal(inside.sd, digits)}{unit}",
        "median": f"{decimal(inside.median, digits)}{unit}",
        "range": translate("StructureDetails", "{low} to {high}").format(
            low=decimal(inside.minimum, digits), high=decimal(inside.maximum, digits) + unit
        ),
    }


def size_text(found: StructureStatistics, label_map: LabelMap) -> str:
    """The sides of the bounding box in mm, from right to left, front to back and foot to head."""
    if found.box is None:
        return NO_NUMBER
    sides_mm = [0.0, 0.0, 0.0]
    for (world, _), count, step in zip(label_map.geometry.ras_axes, found.box.shape, label_map.spacing_mm, strict=True):
        sides_mm[world] = count * step
    return " × ".join(decimal(side, 0) for side in sides_mm) + " mm"  # noqa: RUF001


def snomed_text(structure: StructureClass) -> str:
    """The code of a structure, with its side in words; empty where it has none."""
    if structure.codes is None:
        return ""
    sides = {"Left": translate("StructureDetails", "left"), "Right": translate("StructureDetails", "right")}
    side = structure.codes.type_modifier
    return ", ".join([structure.codes.type.value, *([sides[side.meaning]] if side and side.meaning in sides else [])])


def snomed_help(structure: StructureClass) -> str:
    """What the codes of a structure mean."""
    if structure.codes is None:
        return ""
    codes = [code for code in (structure.codes.type, structure.codes.type_modifier) if code is not None]
    return "\n".join(f"{code.value}  {code.meaning}" for code in codes)
