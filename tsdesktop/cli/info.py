"""`tsdesktop info`: tasks, structures, and which networks are on this computer."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tsdesktop.cli.printing import table
from tsdesktop.core.tasks import Task, Variant
from tsdesktop.weights.catalogue import full_catalogue, refusal
from tsdesktop.weights.places import presence

_EPILOG = """examples:
  tsdesktop info
  tsdesktop info total
  tsdesktop info total --json"""
_LICENCES = {"open": "", "licensed": "licence needed", "non_commercial": "non-commercial use only"}


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "info",
        help="list tasks, structures and networks",
        description="Lists all tasks, or the structures of one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", metavar="TASK", nargs="?", help="show this task's structures")
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.set_defaults(command=run)
    return parser


def run(given: argparse.Namespace) -> None:
    """Prints the list."""
    known = full_catalogue()
    tasks = [known.task(given.task)] if given.task else list(known.tasks.values())
    if given.json:
        facts = [task_facts(each, classes=bool(given.task)) for each in tasks]
        print(json.dumps(facts[0] if given.task else facts, indent=2))
    elif given.task:
        _print_task(tasks[0])
    else:
        _print_tasks(tasks)


def task_facts(task: Task, classes: bool) -> dict[str, Any]:
    """A task as plain data; its structures when asked for."""
    facts: dict[str, Any] = {
        "name": task.name,
        "title": task.title,
        "group": task.group,
        "modality": task.modality,
        "description": task.description,
        "status": task.status,
        "problem": task.problem,
        "licence": task.licence,
        "small_dataset": task.small_dataset,
        "papers": list(task.papers),
        "credits": list(task.credits),
        "num_classes": len(task.classes),
        "variants": {name: _variant_facts(each) for name, each in task.variants.items()},
    }
    if classes:
        facts["classes"] = {
            str(each.label): {"name": each.name, "ta2": each.ta2_name or None, "rgb": list(each.rgb)}
            for each in task.classes
        }
    return facts


def _variant_facts(variant: Variant) -> dict[str, Any]:
    return {
        "spacing_mm": variant.spacing_mm,
        "networks": [
            {
                "folder": part.network.dataset_folder,
                "state": presence(part.network).state,
                "zip_bytes": part.network.zip_bytes,
            }
            for part in variant.parts
        ],
    }


def _print_tasks(tasks: list[Task]) -> None:
    rows = [("task", "scan", "structures", "ready", "what")]
    for status in ("public", "more"):
        rows += [_row(each) for each in tasks if each.status == status]
    print(table(rows))
    print("\nready: which versions can run now (full, fast, fastest); the others need their networks first.")


def _row(task: Task) -> tuple[str, str, str, str, str]:
    problem = f"cannot be run here: {task.problem}" if task.problem else ""
    remarks = [_LICENCES[task.licence], "trained on little data" if task.small_dataset else "", problem]
    what = "; ".join([task.title, *(each for each in remarks if each)])
    return task.name, task.modality, str(len(task.classes)), _ready(task), what


def _ready(task: Task) -> str:
    if task.instant:
        return "instant"
    here = [name for name, each in task.variants.items() if _is_here(each) and not task.problem]
    return " ".join(here) or "-"


def _is_here(variant: Variant) -> bool:
    return all(presence(part.network).state == "here" for part in variant.parts)


def _print_task(task: Task) -> None:
    print(f"{task.name}: {task.title} ({task.modality})\n{task.description}\n")
    for remark in (_LICENCES[task.licence], "trained on little data: expect it to be less robust" * task.small_dataset):
        if remark:
            print(remark)
    if refused := refusal(task):
        print(refused.sentence)
    for name, variant in task.variants.items():
        for part in variant.parts:
            print(f"{name}: {part.network.dataset_folder} ({presence(part.network).state})")
    rows = [(str(each.label), each.name, each.ta2_name) for each in task.classes]
    print("\n" + table(rows))
    for paper in task.papers:
        print(f"please cite {paper}")
    for credit in task.credits:
        print(f"credits: {credit}")
