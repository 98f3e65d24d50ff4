"""The window's language: loads the translation, and looks up the sentences of core/words.py in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from tsdesktop.core.assets import assets_folder
from tsdesktop.core.words import WORDS

Language = Literal["auto", "en", "de"]
TRANSLATED = ("de",)
WORDS_CONTEXT = "words"
REASONS_CONTEXT = "reasons"
SETTINGS_CONTEXT = "settings"
STRUCTURES_CONTEXT = "Structures"
TASKS_CONTEXT = "Tasks"

# Gaps that hold what other people named, or what has to be typed as it is.
AS_THEY_ARE = {
    "name", "folder", "zip_name", "place", "task", "tasks", "near", "better", "choices", "endings", "option", "syntax",
    "axes", "variant", "member", "inner", "host", "address", "url", "command", "variable", "terms", "folders", "text",
    "letters",
}  # fmt: skip
_DECIMAL = re.compile(r"(?<=\d)\.(?=\d)")
# Words for gaps which the code composes or takes from elsewhere; all others are found where they are written.
REASONS = (
    "all {0} lie in the same place",
    "they are shifted sideways against each other by up to {0} mm",
    "two neighbours are {0} mm apart, most {1} mm",
    "its {0} GB do not fit in memory",
    "its sform says {0}, its qform {1}",
    "it would be {0} mm long",
    "{0} is a file, not a folder",
    "{0} may not be changed",
    "its plans cannot be read ({0})",
    "it needs {0} images at once ({1})",
    "its resampling has another {0}",
    "its training made labels in a way of its own",
    "its labels go up to {0}, and 255 are possible",
    "its labels are not 0, 1, 2 and so on without gaps",
    "two of its regions have the same label, or one has none",
    "{0} regions, but {1} labels for them",
    "it has no labels",
    "a label without a number",
    "its configurations inherit from each other",
    "configuration {0} inherits from itself",
    "not an order of three axes: {0}",
    "{0} does not undo {1}",
    "it asks for {0}",
    "the normalization {0}",
    "the network class {0}",
    "the import of {0}",
    "the operation {0}",
    "the resampling {0}",
    "a number from {0} to {1}",
    "the task {0}",
    "the MR task {0}",
    "the graphics card ({0})",
    "the computer",
    "NVIDIA graphics card",
    "Apple graphics",
    "processor, {0} threads of {1} cores",
    "this build of torch has no CUDA",
    "no card or no driver was found",
    "not available on this system",
    "it has {0} GB of memory, {1} are needed",
    "a test network did not run ({0})",
    "a test network gave wrong results (off by {0})",
    "the surface is not closed",
    "sheets of the surface meet in an edge or a point",
    "triangles have no area or are there twice",
    "triangles face inward",
    "the surface runs through itself",
    "segmentation",
    "radiotherapy structure set",
    "radiotherapy plan",
    "radiotherapy dose map",
    "radiotherapy object",
    "report",
    "presentation state",
    "secondary capture picture",
    "document",
    "registration",
    "parametric map",
    "DICOM directory",
    "it cannot be read",
    "it holds no certificates in PEM form",
    "{0} is empty",
    "{0} is missing",
    "{0} is not a table",
    "{0} is not in its list",
    "{0} is not what was packed",
    "{0} cannot be read ({1})",
    "--meshes {0}",
    "exit code {0}",
    "it lacks {0}",
    "only {0} can be read",
    "{0} has no surface",
    "it stopped with: {0}",
    "off by {0}, {1} other labels",
    "it is no quicker here",
    "this processor has no bfloat16",
    "OpenVINO does not compute it",
    "there is none",
    "DICOM segmentation",
    "DICOM RT structure set",
    "DICOM structured report",
    # libraries for graphics cards
    "the libraries fetched for it belong to another version of this program",
    "the libraries fetched for it are not whole",
    "the libraries fetched for it have not been tried yet",
    "the libraries fetched for it do not work ({0})",
    "the trial could not be started ({0})",
    "it did not answer in time",
    "it ended with code {0}",
    "another torch was loaded in their place",
    "no card was found",
    # ways of printing, materials, steps of a recipe, sides
    "FDM, nozzle {0} mm",
    "Resin (SLA, MSLA, DLP)",
    "Material jetting (PolyJet)",
    "Laser sintering (SLS)",
    "Resin",
    "keep-largest",
    "remove-islands",
    "fill-holes",
    "thicken",
    "merge",
    "struts",
    "hollow",
    "cut",
    "plate",
    "stand",
    "label",
    "scale",
    "fit-to-bed",
    "lay-flat",
    "front",
    "back",
    "left",
    "right",
    "top",
    "bottom",
    # values of a recipe
    "{0} is not known",
    "{0} must be from {1} to {2}, got {3}",
    "{0} must be three numbers, got {1}",
    "{0} must have 1 to {1} letters, got {2}",
    "{0} must be one of {1}, got {2}",
    "{0} is not of the kind {1}",
    "{0} is not a number",
    "{0} is not three numbers",
    "structures must have names",
    "normal_ras must point somewhere, got 0, 0, 0",
    # what a printed file, read back, has
    "it holds {0} objects instead of {1}",
    "it holds {0} triangles instead of {1}",
    "it holds places that are no numbers",
    "it lies {0} mm elsewhere",
    "it encloses {0} ml instead of {1} ml",
    "it has {0} open edges instead of {1}",
    "it has {0} edges of more than two triangles instead of {1}",
    # what a check of the installation tries, and parts of the window it looks for
    "files",
    "libraries",
    "network libraries",
    "devices",
    "export",
    "window system",
    "fonts, pictures and words",
    "closing the window",
    "opening the sample",
    "3D view",
    "picture of the window",
    "pictures of the kind {0}",
    "the font Inter",
    "words of the language {0}",
)
# Those of them whose gap holds another of them.
_AROUND_OTHERS = {
    "its plans cannot be read ({0})", "it asks for {0}", "the libraries fetched for it do not work ({0})",
}  # fmt: skip
# Sentences whose names are those of structures, not of files.
_OF_STRUCTURES = ("note.solid_", "solid.", "mend.", "print.not_sound", "note.part_mended")


@dataclass(frozen=True)
class Installed:
    """What `install` changed, for `uninstall`."""

    translators: tuple[QTranslator, ...]
    locale_before: QLocale


def translated(sentence_id: str, arguments: Mapping[str, object]) -> str:
    """The sentence of an error or a note in the window's language. Raises KeyError as `sentence_of`."""
    return _filled(WORDS[sentence_id][0], _with_titles(sentence_id, arguments))


def translated_hint(sentence_id: str, arguments: Mapping[str, object]) -> str:
    """What to do about it in the window's language; may be empty."""
    return _filled(WORDS[sentence_id][1], _with_titles(sentence_id, arguments))


def setting_words(text: str) -> str:
    """A title or a help line of core/settings.py in the window's language."""
    return QCoreApplication.translate(SETTINGS_CONTEXT, text)


def reason_words(text: str) -> str:
    """The words the program itself puts into a gap of a sentence, such as "its header is damaged"; others unchanged."""
    words = QCoreApplication.translate(REASONS_CONTEXT, text) if text else ""
    if words != text:
        return words
    for plain, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found:
            words_of = reason_words if plain in _AROUND_OTHERS else _number_words
            values = [words_of(each) for each in found.groups()]
            return QCoreApplication.translate(REASONS_CONTEXT, plain).format(*values)
    return _number_words(text)


def chosen_language(language: str) -> str:
    """The language to show: "auto" is the first of the system's that there is, English where there is none."""
    wanted = [each.split("-")[0] for each in QLocale.system().uiLanguages()] if language == "auto" else [language]
    return next((each for each in wanted if each in ("en", *TRANSLATED)), "en")


def install(application: QCoreApplication, language: str) -> Installed:
    """Makes the application speak `language` and write numbers its way; `uninstall` takes it back."""
    before = QLocale()
    code = chosen_language(language)
    system = QLocale.system()
    # Austria and Switzerland speak German and have their own ways with numbers and dates.
    QLocale.setDefault(system if system.name().split("_")[0] == code else QLocale(code))
    if code not in TRANSLATED:
        return Installed((), before)
    ours = str(assets_folder() / "translations" / f"tsdesktop_{code}.qm")
    qts = f"{QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)}/qtbase_{code}.qm"
    # Qt's own words first: what is installed last is asked first.
    translators = [each for each in (_loaded(application, file) for file in (qts, ours)) if each is not None]
    for translator in translators:
        application.installTranslator(translator)
    return Installed(tuple(translators), before)


def uninstall(application: QCoreApplication, installed: Installed) -> None:
    """Takes a language away again."""
    for each in installed.translators:
        application.removeTranslator(each)
    QLocale.setDefault(installed.locale_before)


def _loaded(application: QCoreApplication, file: str) -> QTranslator | None:
    translator = QTranslator(application)
    return translator if translator.load(file) else None


def _with_titles(sentence_id: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
    """Structures in the window's language where names are theirs; a half of one keeps its letter."""
    if not sentence_id.startswith(_OF_STRUCTURES):
        return arguments
    titles = {key: str(arguments[key]).split(", ") for key in ("name", "names") if key in arguments}
    return {**arguments, **{key: ", ".join(map(_structure_words, each)) for key, each in titles.items()}}


def _structure_words(title: str) -> str:
    whole, _, half = title.rpartition(" ")
    if whole and half in ("A", "B"):
        return f"{_structure_words(whole)} {half}"
    return QCoreApplication.translate(STRUCTURES_CONTEXT, title) if title else ""


def _filled(english: str, arguments: Mapping[str, object]) -> str:
    # An empty text would be looked up as the description of the translation file.
    if not english:
        return ""
    words = {name: _argument_words(name, value) for name, value in arguments.items()}
    return QCoreApplication.translate(WORDS_CONTEXT, english).format(**words)


def _argument_words(name: str, value: object) -> object:
    if name in AS_THEY_ARE or not isinstance(value, str | float):
        return value
    if name == "title":
        return QCoreApplication.translate(TASKS_CONTEXT, str(value))
    words = reason_words(str(value))
    if name != "what" or words != value:
        return words
    return ", ".join(QCoreApplication.translate(STRUCTURES_CONTEXT, each) for each in words.split(", "))


def _number_words(text: str) -> str:
    try:
        float(text)
    except ValueError:
        return text
    return _DECIMAL.sub(QLocale().decimalPoint(), text)


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    changing = [each for each in REASONS if "{" in each]
    return [(each, re.compile(re.sub(r"\\\{\d\\\}", "(.+)", re.escape(each)))) for each in changing]
