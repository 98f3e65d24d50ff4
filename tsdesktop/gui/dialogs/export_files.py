"""The list of files in the export dialog: which will be written, are in the way, or have been written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from tsdesktop.gui import theme
from tsdesktop.gui.folders import is_there


class ExportFiles(QListWidget):
    """Files by their names below the folder of the export."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Files that will be written"))

    def show_files(
        self, files: Sequence[Path], manifest: Path, *, existing: Collection[Path] = (), written: bool = False
    ) -> None:
        """Lists `files`, the `manifest` among them; those in `existing` are in the way, unless `written`."""
        self.clear()
        labels = {each.with_suffix("").with_suffix(".json") for each in files if each.name.endswith(".nii.gz")}
        for each in files:
            item = QListWidgetItem(each.relative_to(manifest.parent).as_posix())
            if each in labels:
                item.setToolTip(self.tr("Which number stands for which structure, with colours and codes"))
            elif each == manifest:
                item.setToolTip(self.tr("How the other files were made, and what to cite"))
            if written:
                item.setIcon(theme.icon("mdi6.check", "good"))
            elif each in existing:
                item.setIcon(theme.icon("mdi6.alert-outline", "warning"))
                item.setToolTip(self.tr("This file exists already"))
            else:
                item.setIcon(theme.icon("mdi6.file-outline"))
            self.addItem(item)


def existing_files(files: Collection[Path]) -> frozenset[Path]:
    """Those that are there. Looks at the disk: call it in the background."""
    return frozenset(each for each in files if is_there(each))


def files_text(count: int) -> str:
    """How many files will be written."""
    if count == 0:
        return QCoreApplication.translate("ExportDialog", "Nothing is chosen.")
    if count == 1:
        return QCoreApplication.translate("ExportDialog", "1 file will be written:")
    return QCoreApplication.translate("ExportDialog", "{count} files will be written:").format(count=count)


def written_text(count: int) -> str:
    """How many files were written."""
    if count == 1:
        return QCoreApplication.translate("ExportDialog", "1 file written")
    return QCoreApplication.translate("ExportDialog", "{count} files written").format(count=count)


def conflict_text(existing: int, count: int) -> str:
    """How many of `count` files are in the way."""
    if count == 1:
        return QCoreApplication.translate("ExportDialog", "This file exists already.")
    if existing == count:
        return QCoreApplication.translate("ExportDialog", "All of them exist already.")
    if existing == 1:
        return QCoreApplication.translate("ExportDialog", "1 of them exists already.")
    return QCoreApplication.translate("ExportDialog", "{count} of them exist already.").format(count=existing)
