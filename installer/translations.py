"""Keeps the translations of the window complete. From the top of the checkout:

    .venv/bin/python -m installer.translations update          texts of the code and tables into the .ts files
    .venv/bin/python -m installer.translations missing         prints as JSON what has no translation yet
    .venv/bin/python -m installer.translations fill FILE.json  takes translations from such JSON
    .venv/bin/python -m installer.translations check           says what is wrong; exit code 1 when anything is

The first and the third also compile the .qm files, which the window loads. The .ts files are Qt Linguist's and may be
edited with it or with a text editor; texts that are no longer shown stay in them, marked as vanished, until
`update --forget`. docs/translating.md has the glossary.
"""

from __future__ import annotations

import argparse
import json
import string
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import PySide6
from PySide6.QtCore import QTranslator

from installer.texts import TOP, Text, all_texts, from_code
from tsdesktop.gui.translation import TRANSLATED

FOLDER = TOP / "assets" / "translations"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n'


@dataclass(frozen=True)
class Entry:
    """One text with its translation; "" while there is none. `vanished`: no longer shown anywhere."""

    text: Text
    translation: str = ""
    vanished: bool = False


def main(arguments: Sequence[str]) -> int:
    """Does what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("update").add_argument("--forget", action="store_true", help="drop texts that vanished")
    for name in ("missing", "check"):
        commands.add_parser(name)
    commands.add_parser("fill").add_argument("file", type=Path)
    for each in commands.choices.values():
        each.add_argument("--language", default="de", choices=TRANSLATED)
    given = parser.parse_args(arguments)
    match given.command:
        case "update":
            update(given.language, forget=given.forget)
        case "missing":
            print(json.dumps(missing(given.language), ensure_ascii=False, indent=1))
        case "fill":
            fill(given.language, json.loads(given.file.read_text(encoding="utf-8")))
        case _:
            found = problems(given.language)
            print("\n".join(found) or "everything is translated")
            return int(bool(found))
    return 0


def ts_file(language: str) -> Path:
    """The file translators edit."""
    return FOLDER / f"tsdesktop_{language}.ts"


def same_file(language: str) -> Path:
    """The list of texts whose translation equals the English on purpose."""
    name = {"de": "german"}.get(language, language)
    return FOLDER / f"same_in_{name}.txt"


def update(language: str, *, forget: bool = False) -> None:
    """Brings the .ts file up to date with the code and the tables, and the .qm file with it."""
    merged = merge(read_ts(ts_file(language)), all_texts())
    kept = [each for each in merged if not (forget and each.vanished)]
    ts_file(language).write_text(ts_text(kept, language), encoding="utf-8")
    compile_qm(language)
    vanished = sum(each.vanished for each in kept)
    open_ones = sum(not each.translation and not each.vanished for each in kept)
    print(f"{language}: {len(kept) - vanished} texts, {open_ones} without translation, {vanished} vanished")


def missing(language: str) -> dict[str, dict[str, str]]:
    """Texts without translation by context; where the same text is translated elsewhere, with that as a proposal."""
    entries = merge(read_ts(ts_file(language)), all_texts())
    elsewhere = {each.text.source: each.translation for each in entries if each.translation}
    found: dict[str, dict[str, str]] = {}
    for each in entries:
        if not each.translation and not each.vanished:
            found.setdefault(each.text.context, {})[each.text.source] = elsewhere.get(each.text.source, "")
    return found


def fill(language: str, translations: Mapping[str, Mapping[str, str]]) -> None:
    """Puts translations, by context and text, into the .ts file; empty ones and unknown texts are left out."""
    entries = merge(read_ts(ts_file(language)), all_texts())
    known = {each.text for each in entries}
    for context, texts in translations.items():
        for source in texts:
            if Text(context, source) not in known:
                print(f"not a text of the window: {context}: {source!r}", file=sys.stderr)
    filled = []
    for each in entries:
        given = translations.get(each.text.context, {}).get(each.text.source, "")
        filled.append(replace(each, translation=given) if given else each)
    ts_file(language).write_text(ts_text(filled, language), encoding="utf-8")
    update(language)


def merge(old: Sequence[Entry], texts: Sequence[Text]) -> list[Entry]:
    """The entries for `texts`, with the translations there were; what is gone stays, as vanished, if translated."""
    known = {each.text: each.translation for each in old}
    current = [Entry(text, known.get(text, "")) for text in texts]
    shown = set(texts)
    gone = [replace(each, vanished=True) for each in old if each.text not in shown and each.translation]
    return sorted([*current, *gone], key=lambda each: each.text)


def read_ts(path: Path) -> list[Entry]:
    """The entries of a .ts file; none where there is no file."""
    if not path.exists():
        return []
    found = []
    for context in ET.parse(path).getroot().iter("context"):
        name = context.findtext("name", "")
        for message in context.iter("message"):
            kind = "unfinished" if (node := message.find("translation")) is None else node.get("type", "")
            # Qt Linguist keeps what is not confirmed yet as unfinished.
            words = "" if kind == "unfinished" else message.findtext("translation", "")
            text = Text(name, message.findtext("source", ""))
            found.append(Entry(text, words, kind in ("vanished", "obsolete")))
    return found


def ts_text(entries: Sequence[Entry], language: str) -> str:
    """A .ts file as Qt Linguist writes it, in the order of contexts and texts, so that changes are easy to review."""
    root = ET.Element("TS", version="2.1", language=language, sourcelanguage="en")
    contexts: dict[str, ET.Element] = {}
    for each in entries:
        if each.text.context not in contexts:
            contexts[each.text.context] = ET.SubElement(root, "context")
            ET.SubElement(contexts[each.text.context], "name").text = each.text.context
        message = ET.SubElement(contexts[each.text.context], "message")
        ET.SubElement(message, "source").text = each.text.source
        words = ET.SubElement(message, "translation")
        words.text = each.translation
        if each.vanished or not each.translation:
            words.set("type", "vanished" if each.vanished else "unfinished")
    ET.indent(root, "    ")
    return _HEAD + ET.tostring(root, encoding="unicode", short_empty_elements=False) + "\n"


def compile_qm(language: str) -> None:
    """Makes the .qm file with Qt's own compiler, which comes with PySide6. Raises CalledProcessError when it fails."""
    compiler = Path(PySide6.__file__).parent / ("lrelease.exe" if sys.platform == "win32" else "lrelease")
    source = ts_file(language)
    subprocess.run([compiler, "-silent", source, "-qm", source.with_suffix(".qm")], check=True)


def problems(language: str) -> list[str]:
    """Everything that would be shown in English by mistake, or wrongly, in this language."""
    entries = [each for each in read_ts(ts_file(language)) if not each.vanished]
    return [
        *(str(each) for each in from_code().findings),
        *_incomplete(entries),
        *_suspicious(entries, same_texts(language)),
        *_not_compiled(entries, ts_file(language).with_suffix(".qm")),
    ]


def same_texts(language: str) -> list[str]:
    """The texts that are the same in both languages on purpose, one a line; lines with # are remarks."""
    lines = same_file(language).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _incomplete(entries: Sequence[Entry]) -> Iterator[str]:
    translated = {each.text for each in entries if each.translation}
    texts = all_texts()
    for text in texts:
        if text not in translated:
            yield f"not translated: {text.context}: {text.source!r}"
    for each in entries:
        if each.text not in set(texts):
            yield f"no longer a text of the window: {each.text.context}: {each.text.source!r}"


def _suspicious(entries: Sequence[Entry], same: Sequence[str]) -> Iterator[str]:
    for each in entries:
        if each.translation == each.text.source and each.text.source not in same:
            yield f"the same as in English and not in the list of such texts: {each.text.source!r}"
        if each.translation and gaps(each.translation) != gaps(each.text.source):
            yield f"other gaps than in English: {each.text.source!r}: {each.translation!r}"
        if each.translation and ("&" in each.translation) != ("&" in each.text.source):
            yield f"a key for the menu (&) on one side only: {each.text.source!r}: {each.translation!r}"
    needed = {each.text.source for each in entries if each.translation == each.text.source}
    for source in same:
        if source not in needed:
            yield f"listed as the same, but is not: {source!r}"


def _not_compiled(entries: Sequence[Entry], qm: Path) -> Iterator[str]:
    translator = QTranslator()
    if not translator.load(str(qm)):
        yield f"{qm.name} is missing or cannot be loaded"
        return
    for each in entries:
        if each.translation and translator.translate(each.text.context, each.text.source) != each.translation:
            yield f"{qm.name} is older than the .ts file: {each.text.context}: {each.text.source!r}"


def gaps(text: str) -> set[str]:
    """The names in braces. A text with a lone brace has one gap that no other text has."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        return {text}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
