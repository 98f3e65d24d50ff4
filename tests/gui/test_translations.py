"""German is complete, and installing it makes the program speak it; taking it away leaves English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QLocale, QObject, QTranslator
from PySide6.QtWidgets import QApplication, QComboBox, QDialogButtonBox, QWidget
from pytestqt.qtbot import QtBot

from installer import texts, translations
from installer.texts import Text
from installer.translations import Entry
from tests.networks import BandNetwork, CtRange, write_band_network
from tsdesktop.core.assets import asset
from tsdesktop.core.errors import WeightsError
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.volume import LabelMap
from tsdesktop.gui import translation
from tsdesktop.gui.figures import decimal
from tsdesktop.gui.header import Header
from tsdesktop.gui.networks.sentences import problem_text
from tsdesktop.gui.opening.empty_state import EmptyState
from tsdesktop.gui.panels.left import LeftPanel
from tsdesktop.gui.panels.right import RightPanel
from tsdesktop.gui.panels.task_words import licence_text
from tsdesktop.gui.session import Session
from tsdesktop.gui.status_line import StatusLine
from tsdesktop.gui.translation import translated, translated_hint
from tsdesktop.gui.words import structure_title, task_description, task_title
from tsdesktop.scans.reader import read_scan
from tsdesktop.weights.catalogue import full_catalogue
from tsdesktop.weights.custom import add_custom
from tsdesktop.weights.progress import nobody
from tsdesktop.weights.stopping import Stop


@pytest.fixture
def german(qapp: QApplication) -> Iterator[None]:
    installed = translation.install(qapp, "de")
    yield
    translation.uninstall(qapp, installed)


MARKED = re.compile("⟦.*?(⟧|…)", re.DOTALL)
WORD = re.compile(r"[^\W\d_]{4,}")


class Marked(QTranslator):
    """Puts brackets around every text it is asked for."""

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, note: str | None = None, number: int = -1) -> str:
        return f"⟦{text}⟧"


@pytest.fixture
def marked(qapp: QApplication) -> Iterator[None]:
    translator = Marked()
    qapp.installTranslator(translator)
    yield
    qapp.removeTranslator(translator)


def shown(part: QWidget) -> Iterator[str]:
    """The texts a person can see or hear in a part."""
    for each in [part, *part.findChildren(QObject)]:
        for name in ("text", "title", "toolTip", "placeholderText", "accessibleName", "accessibleDescription"):
            value = each.property(name)
            if isinstance(value, str):
                yield value
        if isinstance(each, QComboBox):
            yield from (each.itemText(n) for n in range(each.count()))


def code(tmp_path: Path, text: str) -> texts.Collection:
    (tmp_path / "x.py").write_text(text, encoding="utf-8")
    return texts.from_code(tmp_path)


def collected(*english: str) -> list[Text]:
    return [Text("Box", each) for each in english]


# what is shipped


def test_everything_is_translated() -> None:
    told = "\n".join(translations.problems("de"))
    assert not told, f"docs/translating.md says what to do:\n{told}"


def test_every_place_that_fills_a_gap_is_known() -> None:
    composed = [each for each in texts.reasons() if "{" in each]
    assert composed and set(composed) <= set(translation.REASONS), "add them to REASONS in gui/translation.py"


def test_every_kind_of_dicom_object_is_known() -> None:
    from tsdesktop.scans import dicom_headers

    kinds = {what for _, what in dicom_headers._OTHER_OBJECTS}
    assert kinds <= set(translation.REASONS)


# the window in German


def test_errors_speak_german(german: None) -> None:
    assert translated("read.empty_file", {"name": "a.nii"}) == "a.nii ist leer."
    assert translated_hint("read.empty_file", {"name": "a.nii"}) == "Kopieren oder laden Sie es noch einmal."
    assert translated_hint("note.device", {}) == ""


def test_what_fills_a_gap_speaks_german(german: None) -> None:
    broken = translated("read.broken", {"name": "its header is damaged", "reason": "its header is damaged"})
    assert broken == "its header is damaged konnte nicht gelesen werden: der Header ist beschädigt."
    composed = translated("read.broken", {"name": "a.nii", "reason": "its 12 GB do not fit in memory"})
    assert composed == "a.nii konnte nicht gelesen werden: 12 GB passen nicht in den Speicher."
    assert "Leber, Milz" in translated("note.empty_crop", {"what": "liver, spleen"})
    assert translated("run.not_started", {"reason": "Permission denied"}).endswith("werden: Permission denied.")


def test_what_fills_a_gap_may_have_a_gap_itself(german: None) -> None:
    asked = translated("weights.unsupported", {"folder": "Liver", "reason": "it asks for the normalization Other"})
    assert asked == "Das Netz Liver kann hier nicht rechnen: es verlangt die Normalisierung Other."
    reason = "its plans cannot be read (2 regions, but 3 labels for them)"
    broken = translated("weights.broken", {"folder": "Liver", "reason": reason})
    assert broken == "Das Netz Liver ist defekt: die Pläne sind nicht lesbar (2 Bereiche, aber 3 Labels dafür)."
    # What is in this gap is a file's name, whatever it is called.
    named = translated("read.broken", {"name": "a", "reason": "report is a file, not a folder"})
    assert named == "a konnte nicht gelesen werden: report ist eine Datei, kein Ordner."


def test_what_is_wrong_with_a_network_speaks_german(german: None) -> None:
    altered = WeightsError("weights.altered", folder="Dataset291", what="plans.json").sentence
    assert (
        problem_text(altered) == "Das Netz Dataset291 ist defekt: plans.json ist nicht mehr, wie es eingerichtet wurde."
    )
    broken = WeightsError("weights.broken", folder="Dataset291", reason="plans.json is empty").sentence
    assert problem_text(broken) == "Das Netz Dataset291 ist defekt: plans.json ist leer."
    assert problem_text("Nothing known.") == "Nothing known."


def test_structures_in_notes_about_prints_speak_german(german: None) -> None:
    assert translated("note.solid_vanished", {"name": "liver", "step": "remove-islands"}) == (
        "Von Leber bleibt nach diesem Schritt nichts: Inseln entfernen."
    )
    assert translated("note.solid_not_cut", {"name": "liver B"}).startswith("Die Ebene trifft Leber B nicht")
    unsound = translated("print.not_sound", {"names": "liver, my model", "reason": "the surface is not closed"})
    assert unsound.startswith("Leber, my model: so nicht druckbar, die Oberfläche ist nicht geschlossen")


def test_what_a_person_wrote_is_told_as_it_is(german: None) -> None:
    assert "Beschriftung report " in translated("label.no_room", {"text": "report", "face": "left"})
    assert "linke Seite" in translated("label.no_room", {"text": "report", "face": "left"})


def test_every_step_side_and_way_of_printing_is_known() -> None:
    from tsdesktop.core.printers import processes
    from tsdesktop.core.printing import STEP_KINDS, Face

    assert {*STEP_KINDS, *get_args(Face)} <= set(translation.REASONS)
    known = [pattern for _, pattern in translation._patterns()]
    names = [name for each in processes() for name in (each.title, *(one.name for one in each.materials))]
    unknown = [each for each in names if each not in translation.REASONS and not any(p.fullmatch(each) for p in known)]
    assert all(each.isupper() or each == "Multi Jet Fusion (MJF)" for each in unknown)


def test_terms_name_the_task_in_german(german: None) -> None:
    told = translated("licence.terms", {"title": "Whole body", "task": "total", "terms": "CC BY-NC 4.0"})
    assert told.startswith("Ganzer Körper ist nur für nicht kommerzielle Nutzung (CC BY-NC 4.0)")


def test_a_network_of_ones_own_keeps_its_title(german: None, tmp_path: Path) -> None:
    training = "Dataset501_liver/nnUNetTrainer__nnUNetPlans__3d_fullres"
    network = BandNetwork(training, ((0.0, 40.0),), CtRange(-200, 300, 10, 100), (1.5, 2.0, 2.5))
    (added,) = add_custom(write_band_network(tmp_path, network), nobody, Stop())
    task = full_catalogue().task(added.name)
    assert task_title(task) == "Eigenes Netz: liver"
    description = "Ihr eigenes Netz Dataset501_liver (nnUNetTrainer, nnUNetPlans, 3d_fullres)."
    assert task_description(task) == description
    assert licence_text(task) == "nach Angabe des Herausgebers"


def test_numbers_have_a_comma(german: None) -> None:
    assert decimal(61.4, 1) == "61,4"
    assert "12,5 Grad" in translated("note.tilt", {"degrees": "12.5"})
    assert "12,5 Grad" in translated("note.tilt", {"degrees": 12.5})
    assert "0,4 mm" in translated("note.uneven_slices", {"least_mm": "0.4", "most_mm": "1", "spacing_mm": "0.4"})
    assert translated("read.empty_file", {"name": "1.5"}) == "1.5 ist leer."


def test_tables_speak_german(german: None) -> None:
    total = catalogue().task("total")
    names = {each.name: structure_title(each) for each in total.classes}
    assert task_title(total) == "Ganzer Körper"
    assert names["kidney_right"] == "Niere rechts"
    assert names["rib_left_5"] == "Rippe links 5"
    assert names["vertebrae_T12"] == "Wirbel Th12"
    assert names["inferior_vena_cava"] == "untere Hohlvene"


def test_structures_of_a_task_keep_names_of_their_own(german: None) -> None:
    for task in catalogue().tasks.values():
        titles = [structure_title(each) for each in task.classes]
        assert len(set(titles)) == len(titles), task.name


def test_qts_own_words_are_german(german: None, qtbot: QtBot) -> None:
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    qtbot.addWidget(box)
    assert box.button(QDialogButtonBox.StandardButton.Cancel).text() == "Abbrechen"


def test_a_class_finds_the_words_of_the_class_it_extends(german: None) -> None:
    class RecentCard(QObject):
        def words(self) -> str:
            return self.tr("no longer there")

    class OtherCard(RecentCard):
        pass

    assert OtherCard().words() == "nicht mehr da"


def test_english_comes_back(qapp: QApplication) -> None:
    before = QLocale()
    installed = translation.install(qapp, "de")
    translation.uninstall(qapp, installed)
    assert translated("read.empty_file", {"name": "a.nii"}) == "a.nii is empty."
    assert QCoreApplication.translate("Structures", "liver") == "liver"
    assert QLocale() == before


def test_english_has_points_on_a_german_system(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QLocale, "system", lambda: QLocale("de_DE"))
    installed = translation.install(qapp, "en")
    assert decimal(61.4, 1) == "61.4"
    assert translated("read.empty_file", {"name": "a.nii"}) == "a.nii is empty."
    translation.uninstall(qapp, installed)


@pytest.mark.parametrize(
    ("system", "shown"),
    [(["de-AT", "de"], "de"), (["en-GB"], "en"), (["fr-FR"], "en"), (["fr-FR", "de-CH", "en"], "de"), (["C"], "en")],
)
def test_auto_is_the_systems_language(monkeypatch: pytest.MonkeyPatch, system: list[str], shown: str) -> None:
    class System:
        def uiLanguages(self) -> list[str]:
            return system

    monkeypatch.setattr(QLocale, "system", System)
    assert translation.chosen_language("auto") == shown


def test_a_language_without_translation_is_english() -> None:
    assert translation.chosen_language("xx") == "en"
    assert translation.chosen_language("de") == "de"


def test_nothing_is_shown_in_english(marked: None, qtbot: QtBot) -> None:
    session = Session()
    parts = [Header(session), LeftPanel(session), RightPanel(session), StatusLine(session), EmptyState()]
    for part in parts:
        qtbot.addWidget(part)
    volume = read_scan(asset("sample/ct.nii.gz"))
    classes = catalogue().task("total").classes
    session.open_volume(volume)
    labels = np.zeros(volume.geometry.shape, np.uint8)
    labels.flat[: len(classes)] = [each.label for each in classes]
    session.show_labels(LabelMap(labels, volume.geometry, classes))
    session.select(5)
    english = {text for part in parts for text in shown(part) if WORD.search(MARKED.sub("", text))}
    # Codes and the files of networks are quoted as they are.
    quoted = {
        text for text in english if text[:6].isdigit() or text.startswith("Dataset") or volume.source.name in text
    }
    assert english == quoted


# how texts are found


def test_texts_are_found_in_every_spelling(tmp_path: Path) -> None:
    found = code(
        tmp_path,
        "translate = QCoreApplication.translate\n"
        "TABLE = {'a': QT_TRANSLATE_NOOP('Table', 'one')}\n"
        "class Box(QWidget):\n"
        "    def f(self):\n"
        "        self.tr('two'\n"
        "                ' parts')\n"
        "        translate('Box', 'three').format(n=1)\n"
        "        return QCoreApplication.translate('Box', 'four')\n",
    )
    assert found.texts == [Text("Table", "one"), *collected("two parts", "three", "four")]
    assert not found.findings


@pytest.mark.parametrize(
    "line",
    [
        "self.tr(f'{count} scans')",
        "self.tr('a' + name)",
        "other.tr('scans')",
        "translate('Box', text)",
        "QLabel('Drop a scan here')",
        "self.button.setText(f'Opened {name}')",
        "one_line('Drop a scan', 'title')",
    ],
)
def test_what_would_stay_english_is_told(tmp_path: Path, line: str) -> None:
    found = code(tmp_path, f"class Box(QWidget):\n    def f(self):\n        {line}\n")
    assert [each.place for each in found.findings] == ["x.py:3"]


def test_looking_up_while_importing_is_told(tmp_path: Path) -> None:
    found = code(tmp_path, "TITLE = QCoreApplication.translate('Box', 'scans')\n")
    assert "while importing" in found.findings[0].what


def test_a_marked_table_may_be_looked_up(tmp_path: Path) -> None:
    marked = (
        "_CONTEXT = 'Box'\nTITLES = [QT_TRANSLATE_NOOP('Box', 'one')]\ndef f(text):\n    translate(_CONTEXT, text)\n"
    )
    assert not code(tmp_path, marked).findings


def test_names_and_units_need_no_translation(tmp_path: Path) -> None:
    found = code(tmp_path, "def f():\n    QLabel('CT')\n    words(text, 'title')\n    button.setText(f'{value} mm')\n")
    assert not found.findings


# how translations are kept


def test_translations_survive_and_lost_texts_are_marked() -> None:
    old = [Entry(Text("Box", "one"), "eins"), Entry(Text("Box", "two"), "zwei"), Entry(Text("Box", "three"))]
    merged = translations.merge(old, collected("one", "new"))
    assert merged == [
        Entry(Text("Box", "new")),
        Entry(Text("Box", "one"), "eins"),
        Entry(Text("Box", "two"), "zwei", vanished=True),
    ]
    assert translations.merge(merged, collected("two"))[-1] == Entry(Text("Box", "two"), "zwei")


def test_files_keep_every_character(tmp_path: Path) -> None:
    entries = [
        Entry(Text("A", "one & <two>"), "eins & „zwei“"),
        Entry(Text("B", "line\nbreak")),
        Entry(Text("B", "x"), "y", vanished=True),
    ]
    file = tmp_path / "x.ts"
    file.write_text(translations.ts_text(entries, "de"), encoding="utf-8")
    assert translations.read_ts(file) == entries


def test_unfinished_words_of_qt_linguist_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "x.ts"
    text = translations.ts_text([Entry(Text("A", "one"))], "de")
    file.write_text(text.replace("></translation>", ">vielleicht</translation>"), encoding="utf-8")
    assert translations.read_ts(file) == [Entry(Text("A", "one"))]


def test_suspicious_translations_are_told() -> None:
    entries = [
        Entry(Text("A", "CT"), "CT"),
        Entry(Text("A", "scan"), "scan"),
        Entry(Text("A", "{n} scans"), "{m} Aufnahmen"),
        Entry(Text("A", "{n} tasks"), "{n} Aufgaben"),
        Entry(Text("A", "&File"), "Datei"),
    ]
    told = list(translations._suspicious(entries, ["CT", "MR"]))
    assert len(told) == 4
    assert "'scan'" in told[0] and "gaps" in told[1] and "menu" in told[2] and "'MR'" in told[3]
