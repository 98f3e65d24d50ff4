"""What the check of exported surfaces found: the structures that are not all good, and what is not good about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.parts import button, one_line, paragraph, row, scrolled
from tsdesktop.gui.translation import translated, translated_hint
from tsdesktop.gui.words import structure_title

if TYPE_CHECKING:
    from collections import Counter

    from tsdesktop.pipeline.mesh_exports import CheckedMesh

_ICONS = {"warning": "mdi6.alert", "bad": "mdi6.close-circle"}
_COLOURS = {"warning": "warning", "bad": "error"}
_ICON = QSize(15, 15)


class MeshFindings(Dialog):
    """The structures with a warning or a problem, the worst first, each with what was found and what helps."""

    def __init__(self, checked: Sequence[CheckedMesh], parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("MeshFindings", "Surfaces"), parent, (600, 520))
        inner = QWidget()
        self._grid = QGridLayout(inner)
        self._grid.setContentsMargins(0, 0, theme.GRID, 0)
        self._grid.setColumnStretch(1, 1)
        self._grid.setVerticalSpacing(theme.GRID)
        for each in sorted(checked, key=lambda one: one.light != "bad"):
            if each.concerns:
                self._add(each)
        self._grid.setRowStretch(self._grid.rowCount(), 1)
        layout = column(self)
        about = self.tr("Every surface was looked at as for 3D printing. Warnings keep no file from being written.")
        layout.addWidget(paragraph(about, "secondary"))
        layout.addWidget(scrolled(inner), 1)
        layout.addLayout(row(None, button(self.tr("Close"), self.close)))

    def _add(self, checked: CheckedMesh) -> None:
        line = self._grid.rowCount()
        self._grid.setRowMinimumHeight(line, theme.GRID)
        icon = QLabel()
        icon.setPixmap(theme.icon(_ICONS[checked.light], _COLOURS[checked.light]).pixmap(_ICON))
        self._grid.addWidget(icon, line + 1, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(one_line(structure_title(checked.structure)), line + 1, 1)
        for n, each in enumerate(checked.concerns):
            found = each.note
            words = f"{translated(found.id, found.arguments)} {translated_hint(found.id, found.arguments)}"
            self._grid.addWidget(paragraph(words.strip(), "secondary"), line + 2 + n, 1)


def lights_text(counts: Counter[str]) -> str:
    """How many surfaces print as they are: "Surfaces: 57 ready to print, 1 with a warning"; empty for none."""
    words = {
        "good": QCoreApplication.translate("MeshFindings", "{count} ready to print"),
        "warning": QCoreApplication.translate("MeshFindings", "{count} with a warning"),
        "bad": QCoreApplication.translate("MeshFindings", "{count} with a problem"),
    }
    parts = [words[light].format(count=counts[light]) for light in words if counts[light]]
    told = QCoreApplication.translate("MeshFindings", "Surfaces: {parts}")
    return told.format(parts=", ".join(parts)) if parts else ""
