"""Collects every text of the window that can be translated: from the code of the window, and from the tables it shows.

In code these count, with literal texts only: `self.tr("...")` (its context is the class), `translate("Context", "...")`
in every spelling of QCoreApplication.translate, and `QT_TRANSLATE_NOOP("Context", "...")`. What a person would see
untranslated is collected too, as findings.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

from tsdesktop.core.assets import load_json
from tsdesktop.core.options import declarations
from tsdesktop.core.settings import Settings
from tsdesktop.core.tasks import catalogue
from tsdesktop.core.words import WORDS
from tsdesktop.gui import translation

TOP = Path(__file__).resolve().parents[1]
PACKAGE = TOP / "tsdesktop"
WINDOW = PACKAGE / "gui"
# Here texts of tables are looked up, which are no literals.
LOOK_UPS = ("gui/translation.py", "gui/words.py")
SHOWN_BY = {
    "setText", "setToolTip", "setWindowTitle", "setPlaceholderText", "setAccessibleName", "setAccessibleDescription",
    "setStatusTip", "setWhatsThis", "setTitle", "setSpecialValueText", "setInformativeText", "addAction", "addMenu",
    "addTab", "addButton", "addRow", "showMessage", "drawText", "QLabel", "QPushButton", "QCheckBox", "QRadioButton",
    "QGroupBox", "QAction", "QMenu", "heading", "one_line", "paragraph", "button", "small_button", "SearchBox",
    "show_name", "show_text",
}  # fmt: skip
_A_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, order=True)
class Text:
    """An English text and the context it is looked up in."""

    context: str
    source: str


@dataclass(frozen=True)
class Finding:
    """A place in the code where a text would stay English."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass
class Collection:
    """What was found in the code, in the order of files and lines."""

    texts: list[Text] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def all_texts() -> list[Text]:
    """Every text of the window, each once: the code's first, then the tables'."""
    return list(dict.fromkeys([*from_code().texts, *from_tables()]))


def from_code(folder: Path = WINDOW) -> Collection:
    """The texts and findings of all Python files in a folder."""
    found = Collection()
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(TOP).as_posix() if path.is_relative_to(TOP) else path.name
        tree = ast.parse(path.read_text(encoding="utf-8"))
        _Reader(name, found, _tables_in(tree)).visit(tree)
    return found


def from_tables() -> Iterator[Text]:
    """The texts of the tables the window shows."""
    for sentence, hint in WORDS.values():
        yield from _texts(translation.WORDS_CONTEXT, [sentence, hint])
    yield from _texts(translation.REASONS_CONTEXT, [*reasons(), *translation.REASONS])
    for each in fields(Settings):
        if each.metadata.get("title"):
            yield from _texts(translation.SETTINGS_CONTEXT, [each.metadata["title"], each.metadata["help"]])
    yield from _texts("Options", [each.help for each in declarations()])
    tasks = catalogue().tasks.values()
    for task in tasks:
        yield from _texts("Tasks", [task.title, task.description])
    yield from _texts("Structures", [each.title for task in tasks for each in task.classes])
    yield from _texts("Presets", [each["title"] for each in load_json("presets.json")["presets"]])


def reasons() -> list[str]:
    """The literal words with which the code fills gaps of sentences; a changing part is written as {0}, {1} ..."""
    found: list[str] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for scope in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(scope, ast.FunctionDef):
                found += _reasons_in(scope)
    return list(dict.fromkeys(found))


class _Reader(ast.NodeVisitor):
    """Walks through one file."""

    def __init__(self, name: str, found: Collection, tables: set[str]) -> None:
        self._name, self._found, self._tables = name, found, tables
        self._classes: list[str] = []
        self._aliases = {"translate"}
        self._depth = 0

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._classes.append(node.name)
        self.generic_visit(node)
        self._classes.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for outside in (*node.decorator_list, node.args):
            self.visit(outside)
        self._depth += 1
        for inside in node.body:
            self.visit(inside)
        self._depth -= 1

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._depth += 1
        self.generic_visit(node)
        self._depth -= 1

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "translate":
            self._aliases |= {each.id for each in node.targets if isinstance(each, ast.Name)}
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = _called(node)
        if name == "tr" and isinstance(node.func, ast.Attribute):
            self._read_tr(node, node.func.value)
        elif self._is_translate(node.func):
            self._read_pair(node)
            self._refuse_import_time(node)
        elif name == "QT_TRANSLATE_NOOP":
            self._read_pair(node)
        elif name in SHOWN_BY:
            for each in (*node.args, *(keyword.value for keyword in node.keywords)):
                self._refuse_bare(each)
        self.generic_visit(node)

    def _is_translate(self, called: ast.expr) -> bool:
        if isinstance(called, ast.Attribute):
            return called.attr == "translate" and isinstance(called.value, ast.Name) and called.value.id[:1] == "Q"
        return isinstance(called, ast.Name) and called.id in self._aliases

    def _read_tr(self, node: ast.Call, owner: ast.expr) -> None:
        text = _literal(node.args)
        self._refuse_import_time(node)
        if not isinstance(owner, ast.Name) or owner.id != "self" or not self._classes:
            self._find(node, "tr of another object: its context is that object's class; use translate(context, text)")
        elif text is None:
            self._find(node, "tr needs one literal text; format it afterwards")
        else:
            self._found.texts.append(Text(self._classes[-1], text))

    def _read_pair(self, node: ast.Call) -> None:
        context, text = _literal(node.args), _literal(node.args[1:])
        if context is not None and text is not None:
            self._found.texts.append(Text(context, text))
        elif not self._name.endswith(LOOK_UPS) and not (node.args and ast.unparse(node.args[0]) in self._tables):
            self._find(node, "translate needs a literal context and a literal text; format it afterwards")

    def _refuse_import_time(self, node: ast.Call) -> None:
        if self._depth == 0:
            self._find(node, "is looked up while importing, before there is a language; use QT_TRANSLATE_NOOP")

    def _refuse_bare(self, node: ast.expr) -> None:
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        for each in parts:
            text = _literal([each])
            if text and _A_WORD.search(text) and (" " in text.strip() or text[0].isupper()):
                self._find(node, f"is shown without translation: {text!r}")

    def _find(self, node: ast.expr, what: str) -> None:
        self._found.findings.append(Finding(f"{self._name}:{node.lineno}", what))


def _tables_in(tree: ast.Module) -> set[str]:
    """The contexts, as they are written, that this file marks texts for: it may look these up by a variable."""
    contexts = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "QT_TRANSLATE_NOOP" and (name := _literal(node.args)):
            contexts.add(name)
    named = {
        each.targets[0].id
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name) and _literal([each.value]) in contexts
    }
    return named | {repr(each) for each in contexts}


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _literal(arguments: list[ast.expr]) -> str | None:
    first = arguments[0] if arguments else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _texts(context: str, sources: Iterable[str]) -> Iterator[Text]:
    return (Text(context, source) for source in sources if source)


def _reasons_in(scope: ast.FunctionDef) -> Iterator[str]:
    given: dict[str, list[ast.expr]] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            given.setdefault(node.targets[0].id, []).append(node.value)
    for node in ast.walk(scope):
        if isinstance(node, ast.Call) and any(_literal([each]) in WORDS for each in node.args):
            for each in node.keywords:
                if each.arg not in translation.AS_THEY_ARE:
                    yield from (text for text in _words_of(each.value, given) if _is_english(text))


def _words_of(value: ast.expr, given: dict[str, list[ast.expr]]) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            changing = iter(range(len(values)))
            yield "".join(_literal([each]) or f"{{{next(changing)}}}" for each in values)
        case ast.IfExp():
            yield from _words_of(value.body, given)
            yield from _words_of(value.orelse, given)
        case ast.BoolOp():
            for each in value.values:
                yield from _words_of(each, given)
        case ast.Name(id=name):
            for each in given.get(name, []):
                yield from _words_of(each, {})


def _is_english(text: str) -> bool:
    # An option such as --fast is no word.
    return bool(_A_WORD.search(text)) and (" " in text or not text.startswith("--"))
