"""No slot is overridden: PySide lets its connection outlive the object, and answers of threads find a dead widget."""

from __future__ import annotations

import ast
from pathlib import Path

import tsdesktop

PACKAGE = Path(tsdesktop.__file__).parent


def test_no_slot_is_overridden_in_a_subclass() -> None:
    classes = {
        node.name: node
        for path in (PACKAGE / "gui").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert "DrawnView" in classes and slots_of(classes["DrawnView"])
    overridden = [
        f"{name}.{method}"
        for name, node in classes.items()
        for base in bases_of(node, classes)
        for method in {each.name for each in methods_of(node)} & slots_of(base)
    ]
    assert overridden == []


def methods_of(node: ast.ClassDef) -> list[ast.FunctionDef]:
    return [each for each in node.body if isinstance(each, ast.FunctionDef)]


def slots_of(node: ast.ClassDef) -> set[str]:
    return {
        each.name
        for each in methods_of(node)
        if any(isinstance(mark, ast.Call) and ast.unparse(mark.func) == "Slot" for mark in each.decorator_list)
    }


def bases_of(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """The classes of the window that this one is made from, however far back."""
    direct = [classes[name] for each in node.bases if (name := ast.unparse(each).split(".")[-1]) in classes]
    return direct + [far for each in direct for far in bases_of(each, classes)]
