"""The part of the details that only networks of one's own have: their name, what they need, classes and colours."""

# ruff: noqa: N802 - methods of Qt
from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import QColorDialog, QGridLayout, QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QWidget

from tsdesktop.core.structures import Rgb
from tsdesktop.gui.dialogs.controls import TextField
from tsdesktop.gui.networks.reading import Spacing
from tsdesktop.gui.networks.words import spacing_words
from tsdesktop.gui.panels.parts import MARGIN
from tsdesktop.gui.panels.structure_colour import COLUMNS, PALETTE, ColourButton
from tsdesktop.gui.panels.structure_tree import swatch
from tsdesktop.gui.parts import GAP, Popup, button, heading, one_line, paragraph, stacked
from tsdesktop.gui.words import structure_title
from tsdesktop.weights.custom import CustomNetwork
from tsdesktop.weights.places import FOLD_ALL

_STRUCTURE = Qt.ItemDataRole.UserRole
_LINE, _MOST_LINES = 24, 9


class CustomDetails(QWidget):
    """Name, needs and classes. `renamed(name, title)` and `recoloured(name, structure, rgb)` when they are changed."""

    renamed = Signal(str, str)
    recoloured = Signal(str, str, tuple)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._network: CustomNetwork | None = None
        self.name = TextField("", self.tr("Name of the network"))
        self.name.setToolTip(self.tr("What it is called in the list of tasks"))
        self.name.settled.connect(self._on_named)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(GAP)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnMinimumWidth(0, 84)
        self._grid.setColumnStretch(1, 1)
        self.channels = self._fact(self.tr("Images"), self.tr("What the network has to be given"))
        self.spacing = self._fact(self.tr("Voxels"), self.tr("The voxel size it works at"))
        self.folds = self._fact(self.tr("Folds"), self.tr("Trainings whose results are averaged"))
        self._heading = heading(self.tr("Structures"))
        self.classes = QListWidget()
        self.classes.setAccessibleName(self.tr("Structures it finds; Return changes the colour"))
        self.classes.setToolTip(self.tr("Click or press Return to change the colour"))
        self.classes.setIconSize(QSize(14, 14))
        self.classes.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.classes.itemClicked.connect(self._open_colours)
        self.classes.itemActivated.connect(self._open_colours)
        self.colours: NetworkColours | None = None
        self.setLayout(stacked(heading(self.tr("Name")), self.name, self._grid, self._heading, self.classes, gap=GAP))
        self._grid.setContentsMargins(0, 2, 0, GAP)

    def show_network(self, network: CustomNetwork, spacing_mm: Spacing | None) -> None:
        """Shows a network; what is being typed stays while it is still the same one."""
        same = self._network is not None and self._network.name == network.name
        if not same or self._network is None or self._network.title != network.title:
            self.name.show_settled(network.title)
        self._network = network
        self.channels.setText(" · ".join(network.channels))
        self.spacing.setText("" if spacing_mm is None else spacing_words(spacing_mm))
        self.folds.setText(self._folds_text(network.folds))
        for value in (self.channels, self.spacing, self.folds):
            value.setVisible(bool(value.text()))
            self._label_of(value).setVisible(bool(value.text()))
        self._show_classes(network)

    def _folds_text(self, folds: tuple[int, ...]) -> str:
        if FOLD_ALL in folds:
            return self.tr("one training on all cases")
        return ", ".join(str(each) for each in folds)

    def _show_classes(self, network: CustomNetwork) -> None:
        at = self.classes.currentRow()
        self.classes.clear()
        for structure in network.classes:
            item = QListWidgetItem(swatch(structure.rgb, 14), structure_title(structure))
            item.setData(_STRUCTURE, structure)
            self.classes.addItem(item)
        self.classes.setCurrentRow(min(at, self.classes.count() - 1))
        self._heading.setText(f"{self._heading.accessibleName().upper()}  {self.classes.count()}")
        self.classes.setFixedHeight(_LINE * max(1, min(self.classes.count(), _MOST_LINES)) + 4)

    def _fact(self, title: str, help: str) -> QLabel:
        line = self._grid.rowCount()
        name, value = one_line(title, "secondary"), paragraph()
        name.setToolTip(help)
        value.setMinimumWidth(1)
        self._grid.addWidget(name, line, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(value, line, 1)
        value.setAccessibleDescription(title)
        name.setBuddy(value)
        value.setProperty("of", name)
        return value

    def _label_of(self, value: QLabel) -> QWidget:
        label = value.property("of")
        return label if isinstance(label, QWidget) else value

    def _on_named(self, title: str) -> None:
        if self._network is None:
            return
        if title:
            self.renamed.emit(self._network.name, title)
        else:
            self.name.show_settled(self._network.title)

    def _open_colours(self, item: QListWidgetItem) -> None:
        if self._network is None:
            return
        network, structure = self._network.name, item.data(_STRUCTURE)
        box = self.colours = NetworkColours(item.text(), structure.rgb, self)

        def tell(rgb: Rgb) -> None:
            self.recoloured.emit(network, structure.name, rgb)

        box.chosen.connect(tell)
        box.more_wanted.connect(lambda: self._open_all_colours(box.accessibleName(), structure.rgb, tell))
        corner = self.classes.visualItemRect(item).bottomLeft() + QPoint(0, 4)
        box.open_on_screen(self.classes.viewport().mapToGlobal(corner))

    def _open_all_colours(self, title: str, now: Rgb, tell: Callable[[Rgb], None]) -> None:
        dialog = QColorDialog(QColor(*now), self)
        dialog.setWindowTitle(title)
        # The desktop's own dialogs do not all wear the theme.
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(lambda colour: tell((colour.red(), colour.green(), colour.blue())))
        dialog.open()


class NetworkColours(Popup):
    """Colours to choose from for one structure of a network. `chosen(rgb)`, or `more_wanted` for any other colour."""

    chosen = Signal(tuple)
    more_wanted = Signal()

    def __init__(self, title: str, now: Rgb, parent: QWidget) -> None:
        super().__init__(parent, QSize(0, 0))
        self.buttons = [ColourButton(QColor(each), self) for each in PALETTE]
        grid = QGridLayout()
        grid.setSpacing(2)
        for n, each in enumerate(self.buttons):
            each.setChecked(each.colour == QColor(*now))
            each.chosen.connect(self._on_chosen)
            grid.addWidget(each, n // COLUMNS, n % COLUMNS)
        self.more = button(self.tr("More…"), self._on_more, "link", self.tr("Any other colour"))
        foot = QHBoxLayout()
        foot.addStretch()
        foot.addWidget(self.more)
        words = self.tr("Colour of {name}").format(name=title)
        self.setAccessibleName(words)
        self.setLayout(stacked(heading(words), grid, foot, margin=MARGIN))
        self.adjustSize()
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

    def _on_chosen(self, rgb: Rgb) -> None:
        self.chosen.emit(rgb)
        self.close()

    def _on_more(self) -> None:
        self.more_wanted.emit()
        self.close()
