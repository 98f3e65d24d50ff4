"""All there is to know about a task before it is run: what it finds, how finely, for how long, whom to cite."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QTextBrowser, QWidget

from tsdesktop.core.structures import StructureClass
from tsdesktop.core.tasks import Task
from tsdesktop.gui import theme
from tsdesktop.gui.panels.choices import RunChoices, qualities
from tsdesktop.gui.panels.figures import about_text, decimal
from tsdesktop.gui.panels.finder import fits
from tsdesktop.gui.panels.parts import MARGIN, Popup, plain_label, small_button, stacked
from tsdesktop.gui.panels.quality_words import quality_title
from tsdesktop.gui.panels.systems import by_system
from tsdesktop.gui.panels.task_words import badge_of, cautions, resolution_text, unfit_text
from tsdesktop.gui.panels.words import structure_title, structures_text, system_title, task_description, task_title

_TOTALSEGMENTATOR = "https://doi.org/10.1148/ryai.230024"
_NNUNET = "https://doi.org/10.1038/s41592-020-01008-z"


class TaskPage(Popup):
    """The page about one task; its button chooses the task."""

    def __init__(self, task: Task, choices: RunChoices, parent: QWidget) -> None:
        super().__init__(parent, QSize(420, 520))
        self.task = task
        self._choices = choices
        self.setAccessibleName(task_title(task))
        title = plain_label(task_title(task), "title")
        close = small_button("mdi6.close", self.tr("Close"), self.close)
        self.text = QTextBrowser()
        self.text.setOpenExternalLinks(True)
        self.text.setHtml(self._html())
        self.choose = QPushButton(self.tr("Choose this task"))
        self.choose.setProperty("role", "primary")
        self.choose.clicked.connect(self._on_choose_clicked)
        top = QHBoxLayout()
        top.addWidget(title, 1)
        top.addWidget(close)
        self.setLayout(stacked(top, self.text, self.choose, margin=MARGIN))
        self.text.setFocus()

    def _on_choose_clicked(self) -> None:
        self._choices.choose_task(self.task)
        self.close()

    def _html(self) -> str:
        task, worn = self.task, theme.current()
        warned = (
            cautions(task) if fits(task, self._choices.modality) else [unfit_text(task, self._choices), *cautions(task)]
        )
        parts = [f"<p>{escape(task_description(task))}</p>"]
        parts += [f"<p style='color:{worn.warning}'>{escape(line)}</p>" for line in warned]
        parts.append(self._facts())
        for system, structures in by_system(task.classes).items():
            names = " &nbsp; ".join(_swatch(each) for each in structures)
            parts.append(f"<p><b>{escape(system_title(system))}</b> {len(structures)}<br>{names}</p>")
        return "".join([*parts, self._citations()])

    def _facts(self) -> str:
        task = self.task
        rows = [
            (self.tr("Scan"), task.modality),
            (self.tr("Finds"), structures_text(len(task.classes))),
            (self.tr("Resolution"), resolution_text(task)),
            (self.tr("State"), badge_of(self._choices.state(task))[0]),
        ]
        for quality in qualities(task) or ("full",):
            cost = self._choices.cost(task, quality)
            if cost is not None:
                time, memory = about_text(cost.seconds), decimal(cost.memory_gb, 1)
                text = self.tr("about {time}, {memory} GB of memory").format(time=time, memory=memory)
                rows.append((quality_title(quality) if qualities(task) else self.tr("Here"), text))
        colour = theme.current().secondary
        cells = [
            f"<tr><td style='color:{colour};padding-right:16px'>{a}</td><td>{escape(b)}</td></tr>" for a, b in rows
        ]
        return f"<table>{''.join(cells)}</table>"

    def _citations(self) -> str:
        task = self.task
        if task.instant is not None or task.group in ("demo", "custom"):
            links = [*task.papers, *task.credits]
        else:
            links = [*task.papers, *task.credits, _TOTALSEGMENTATOR, _NNUNET]
        if not links:
            return ""
        colour = theme.current().accent
        lines = [f"<a style='color:{colour}' href='{escape(link)}'>{escape(_short(link))}</a>" for link in links]
        title = self.tr("Please cite")
        return f"<p><b>{title}</b><br>{'<br>'.join(lines)}</p>"


def _swatch(structure: StructureClass) -> str:
    name = escape(structure_title(structure)).replace(" ", "&nbsp;")
    return f"<span style='color:rgb{structure.rgb}'>■</span>&nbsp;{name}"


def _short(link: str) -> str:
    return link.split("://", 1)[-1].removeprefix("www.")
