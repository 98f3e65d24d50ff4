"""About: what the program is and is not, what to cite, and whose work it stands on."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

import tsdesktop
from tsdesktop.gui import theme
from tsdesktop.gui.dialogs.bug_report import report_box
from tsdesktop.gui.dialogs.dialog import Dialog, column
from tsdesktop.gui.dialogs.third_party import Work, own_licence, third_party_works
from tsdesktop.gui.parts import button, heading, one_line, paragraph, row

# Name of the work, authors and journal, where it is.
CITATIONS = (
    ("TotalSegmentator", "Wasserthal et al., Radiology: Artificial Intelligence 2023", "https://doi.org/10.1148/ryai.230024"),
    ("TotalSegmentator MRI", "Akinci D'Antonoli et al., Radiology 2025", "https://doi.org/10.1148/radiol.241613"),
    ("nnU-Net", "Isensee et al., Nature Methods 2021", "https://doi.org/10.1038/s41592-020-01008-z"),
)  # fmt: skip
_WORK = Qt.ItemDataRole.UserRole
_ICON = 56


class About(Dialog):
    """Two pages: about the program, and licences. The licences are read in the background."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(QCoreApplication.translate("About", "About tsdesktop"), parent, (820, 520))
        self.works = QListWidget()
        self.works.setAccessibleName(self.tr("Works that come with the program"))
        self.works.currentItemChanged.connect(self._on_work_chosen)
        self.text = report_box("", self.tr("Text of the licence"))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self._count = one_line(self.tr("Reading the licences…"), "secondary")
        self.pages = QTabWidget()
        self.pages.addTab(self._first_page(), self.tr("About"))
        self.pages.addTab(self._licences_page(), self.tr("Licences"))
        layout = column(self)
        layout.addWidget(self.pages, 1)
        close = button(self.tr("Close"), self.close)
        close.setDefault(True)
        layout.addLayout(row(None, close))
        self.in_background(_works_and_own, self._on_works_read, lambda _: self._on_works_read([]))

    def _first_page(self) -> QWidget:
        page = QWidget()
        layout = column(page, margin=4 * theme.GRID)
        layout.addLayout(self._name_and_version())
        layout.addWidget(paragraph(self.tr("Turns a CT or MR scan into labelled anatomy, on this computer.")))
        warning = self.tr(
            "Not a medical device. Not for diagnosis or treatment: results can be wrong in ways that look right."
        )
        layout.addWidget(paragraph(warning, "warning"))
        layout.addWidget(one_line(self.tr("Scans and results stay on this computer; nothing is sent."), "secondary"))
        layout.addSpacing(2 * theme.GRID)
        layout.addWidget(heading(self.tr("Please cite")))
        for title, source, link in CITATIONS:
            layout.addLayout(self._citation(title, source, link))
        more = self.tr("The page of each task names the papers behind its networks.")
        layout.addWidget(paragraph(more, "secondary"))
        layout.addStretch(1)
        return page

    def _name_and_version(self) -> QHBoxLayout:
        picture = QLabel()
        picture.setPixmap(theme.app_icon().pixmap(QSize(_ICON, _ICON), self.devicePixelRatioF()))
        name = one_line("tsdesktop", "title")
        name.setStyleSheet("font-size: 22px; font-weight: 600;")
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(name)
        words.addWidget(one_line(self.tr("Version {version}").format(version=tsdesktop.__version__), "secondary"))
        line = QHBoxLayout()
        line.setSpacing(3 * theme.GRID)
        line.addWidget(picture)
        line.addLayout(words)
        line.addStretch(1)
        return line

    def _citation(self, title: str, source: str, link: str) -> QHBoxLayout:
        opened = button(title, lambda: QDesktopServices.openUrl(QUrl(link)), "link")
        opened.setToolTip(link)
        return row(opened, one_line(source, "secondary"), None)

    def _licences_page(self) -> QWidget:
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 3 * theme.GRID, 0, 0)
        layout.addWidget(self._count)
        line = QHBoxLayout()
        line.setSpacing(3 * theme.GRID)
        self.works.setFixedWidth(250)
        line.addWidget(self.works)
        line.addWidget(self.text, 1)
        layout.addLayout(line, 1)
        return page

    def _on_works_read(self, works: list[Work]) -> None:
        self._count.setText(self.tr("The program stands on {count} works of others.").format(count=len(works) - 1))
        for each in works:
            item = QListWidgetItem(f"{each.name} {each.version}")
            item.setToolTip(each.licence)
            item.setData(_WORK, each)
            self.works.addItem(item)
        self.works.setCurrentRow(0)

    def _on_work_chosen(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        work: Work = item.data(_WORK)
        text = work.text or self.tr("Its package brings no text of the licence.")
        self.text.setPlainText("\n\n".join(each for each in (work.licence, work.address, text) if each))


def _works_and_own() -> list[Work]:
    own = Work("tsdesktop", tsdesktop.__version__, "Apache-2.0", own_licence())
    return [own, *third_party_works()]
