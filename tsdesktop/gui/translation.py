"""The window's language: loads the translation, and looks up the sentences of core/words.py in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from tsdesktop.core.assets import assets_folder
from tsdesktop.core.words import WORDS

Language = Literal["auto", "en", "de"]
TRANSLATED = ("de",)
WORDS_CONTEXT = "words"
SETTINGS_CONTEXT = "settings"


def translated(sentence_id: str, arguments: Mapping[str, object]) -> str:
    """The sentence of an error or a note in the window's language. Raises KeyError as `sentence_of`."""
    return _looked_up(WORDS[sentence_id][0], arguments)


def translated_hint(sentence_id: str, arguments: Mapping[str, object]) -> str:
    """What to do about it in the window's language; may be empty."""
    return _looked_up(WORDS[sentence_id][1], arguments)


def setting_words(text: str) -> str:
    """A title or a help line of core/settings.py in the window's language."""
    return QCoreApplication.translate(SETTINGS_CONTEXT, text)


def chosen_language(language: Language) -> str:
    """The language to show: "auto" is the system's where there is a translation, else English."""
    if language != "auto":
        return language
    system = QLocale.system().name().split("_")[0]
    return system if system in TRANSLATED else "en"


def install(application: QCoreApplication, language: Language) -> list[QTranslator]:
    """Makes the application speak `language`; returns what was installed, for `uninstall`. English needs nothing."""
    code = chosen_language(language)
    QLocale.setDefault(QLocale(code) if language != "auto" else QLocale.system())
    if code not in TRANSLATED:
        return []
    ours = str(assets_folder() / "translations" / f"tsdesktop_{code}.qm")
    qts = f"{QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)}/qtbase_{code}.qm"
    installed = []
    # Qt's own words first: what is installed last is asked first.
    for file in (qts, ours):
        translator = QTranslator(application)
        if translator.load(file):
            application.installTranslator(translator)
            installed.append(translator)
    return installed


def uninstall(application: QCoreApplication, installed: list[QTranslator]) -> None:
    """Takes a language away again."""
    for each in installed:
        application.removeTranslator(each)


def _looked_up(english: str, arguments: Mapping[str, object]) -> str:
    # An empty text would be looked up as the description of the translation file.
    return QCoreApplication.translate(WORDS_CONTEXT, english).format(**arguments) if english else ""
