"""All there is to know about a task before it is run: what it finds, how finely, for how long, whom to cite."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QImage, QTextDocument
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTextBrowser, QWidget

from tsdesktop.core.assets import assets_folder
from tsdesktop.core.options import Quality
from tsdesktop.core.structures import StructureClass
from tsdesktop.core.tasks import Task
from tsdesktop.gui import theme
from tsdesktop.gui.figures import about_text, decimal
from tsdesktop.gui.panels.choices import RunChoices, qualities
from tsdesktop.gui.panels.finder import fits
from tsdesktop.gui.panels.parts import MARGIN
from tsdesktop.gui.panels.quality_words import quality_title, spacing_text
from tsdesktop.gui.panels.systems import by_system
from tsdesktop.gui.panels.task_words import cautions, licence_text, resolution_text, state_text, unfit_text
from tsdesktop.gui.parts import Popup, paragraph, small_button, stacked
from tsdesktop.gui.words import structure_title, structures_text, system_title, task_description, task_title

_TOTALSEGMENTATOR = "https://doi.org/10.1148/ryai.230024"
_NNUNET = "https://doi.org/10.1038/s41592-020-01008-z"
_PICTURE = QUrl("picture:task")
_PICTURE_WIDTH = 340


class TaskPage(Popup):
    """The page about one task; its button chooses the task."""

    def __init__(self, task: Task, choices: RunChoices, parent: QWidget) -> None:
        super().__init__(parent, QSize(440, 680))
        self.task = task
        self._choices = choices
        self.setAccessibleName(task_title(task))
        title = paragraph(task_title(task), "title")
        close = small_button("mdi6.close", self.tr("Close"), self.close)
        self.text = QTextBrowser()
        self.text.setOpenExternalLinks(True)
        self.text.setStyleSheet("QTextBrowser { background: transparent; border: none; padding: 0; }")
        self.picture = task_picture(task, self.devicePixelRatio())
        if self.picture is not None:
            self.text.document().addResource(QTextDocument.ResourceType.ImageResource, _PICTURE, self.picture)
        self.text.setHtml(self._html())
        chosen = task is choices.task
        self.choose = QPushButton(self.tr("This task is chosen") if chosen else self.tr("Choose this task"))
        self.choose.setProperty("role", "primary")
        self.choose.setEnabled(not chosen)
        self.choose.clicked.connect(self._on_choose_clicked)
        top = QHBoxLayout()
        top.addWidget(title, 1)
        top.addWidget(close)
        self.setLayout(stacked(top, self.text, self.choose, margin=MARGIN))
        self._fit_height()
        (self.text if chosen else self.choose).setFocus()

    def _fit_height(self) -> None:
        """No higher than the text needs."""
        document = self.text.document().clone()
        document.setTextWidth(self.width() - 2 * MARGIN)
        around = self.minimumSizeHint().height() - self.text.minimumSizeHint().height()
        self.resize(self.width(), min(self.height(), round(document.size().height()) + around + MARGIN))

    def _on_choose_clicked(self) -> None:
        self._choices.choose_task(self.task)
        self.close()

    def _html(self) -> str:
        task, worn = self.task, theme.current()
        unfit = [] if fits(task, self._choices.modality) else [unfit_text(task, self._choices)]
        parts = [_paragraph(escape(task_description(task)))]
        parts += [_paragraph(escape(line), worn.warning) for line in [*unfit, *cautions(task)]]
        parts += [self._pictured(), self._facts()]
        for system, structures in by_system(task.classes).items():
            names = " &nbsp; ".join(_swatch(each) for each in structures)
            parts.append(_paragraph(f"<b>{escape(system_title(system))}</b> {len(structures)}<br>{names}"))
        return "".join([*parts, self._citations()])

    def _pictured(self) -> str:
        if self.picture is None:
            return ""
        known = {each.name for each in self._choices.catalogue.task("demo").classes}
        count = sum(each.name in known for each in self.task.classes)
        if self.task.instant is not None or self.task.group == "demo":
            caption = self.tr("What it finds in the program's own phantom, which is no patient.")
        else:
            caption = self.tr("{count} of its structures in the program's own phantom, which is no patient.")
        colour = theme.current().secondary
        words = escape(caption.format(count=count))
        image = f"<p align='center' style='margin:6px 0 0 0'><img src='{_PICTURE.toString()}'></p>"
        return f"{image}<p align='center' style='margin:2px 0 10px 0; color:{colour}; font-size:11px'>{words}</p>"

    def _facts(self) -> str:
        task = self.task
        rows = [
            (self.tr("Scan"), task.modality),
            (self.tr("Finds"), structures_text(len(task.classes))),
            (self.tr("Resolution"), resolution_text(task)),
            (self.tr("Licence"), licence_text(task)),
            *(self._each_quality() if len(qualities(task)) > 1 else self._only_quality()),
        ]
        colour = theme.current().secondary
        cells = [
            f"<tr><td style='color:{colour};padding-right:16px'>{escape(a)}</td><td>{escape(b)}</td></tr>"
            for a, b in rows
        ]
        return f"<table style='margin-top:4px; margin-bottom:4px'>{''.join(cells)}</table>"

    def _only_quality(self) -> list[tuple[str, str]]:
        rows = [(self.tr("Network"), state_text(self._choices.state(self.task)))]
        cost = self._cost("full")
        return [*rows, (self.tr("Here"), cost)] if cost else rows

    def _each_quality(self) -> list[tuple[str, str]]:
        rows = []
        for quality in qualities(self.task):
            state = state_text(self._choices.state(self.task, quality))
            parts = [spacing_text(self.task, quality), self._cost(quality), state]
            rows.append((quality_title(quality), " · ".join(filter(None, parts))))
        return rows

    def _cost(self, quality: Quality) -> str:
        """Time and memory on this computer; empty without a scan or where the task does not fit it."""
        fitting = fits(self.task, self._choices.modality)
        cost = self._choices.cost(self.task, quality) if fitting else None
        if cost is None:
            return ""
        text = self.tr("about {time}, {memory} GB of memory")
        return text.format(time=about_text(cost.seconds), memory=decimal(cost.memory_gb, 1))

    def _citations(self) -> str:
        task = self.task
        own = [*task.papers, *task.credits]
        upstream = task.instant is None and task.group not in ("demo", "custom")
        links = [*own, _TOTALSEGMENTATOR, _NNUNET] if upstream else own
        if not links:
            return ""
        colour = theme.current().accent
        lines = [f"<a style='color:{colour}' href='{escape(link)}'>{escape(_short(link))}</a>" for link in links]
        return _paragraph(f"<b>{escape(self.tr('Please cite'))}</b><br>{'<br>'.join(lines)}")


def task_picture(task: Task, density: float) -> QImage | None:
    """What the task finds in the program's own phantom, for a screen of `density`; None where that is not drawn."""
    path = assets_folder() / "pictures" / f"{task.name}.png"
    image = QImage(str(path)) if path.is_file() else QImage()
    if image.isNull():
        return None
    wide = round(_PICTURE_WIDTH * density)
    shown = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    shown = shown.scaledToWidth(wide, Qt.TransformationMode.SmoothTransformation)
    shown.setDevicePixelRatio(density)
    return shown


def _paragraph(html: str, colour: str = "") -> str:
    return f"<p style='margin:0 0 8px 0;{f' color:{colour}' if colour else ''}'>{html}</p>"


def _swatch(structure: StructureClass) -> str:
    name = escape(structure_title(structure)).replace(" ", "&nbsp;")
    return f"<span style='color:rgb{structure.rgb}'>■</span>&nbsp;{name}"


def _short(link: str) -> str:
    return link.split("://", 1)[-1].removeprefix("www.")
