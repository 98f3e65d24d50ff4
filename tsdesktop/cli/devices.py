"""`tsdesktop devices`: where networks can run here, and why a device is not used."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from tsdesktop.cli.printing import table
from tsdesktop.pipeline import find_devices


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Adds the subcommand."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "devices",
        help="list graphics cards and why one is not used",
        description="Looks for graphics cards and checks each by running a small network on it.",
        epilog="examples:\n  tsdesktop devices\n  tsdesktop devices --json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="machine-readable")
    parser.set_defaults(command=run)
    return parser


def run(given: argparse.Namespace) -> None:
    """Prints the list, the device that "auto" takes first."""
    found = find_devices()
    if given.json:
        print(json.dumps(asdict(found), indent=2))
        return
    rows = [("device", "what", "memory", "state")]
    for each in found.devices:
        memory = f"{each.memory_gb:.1f} GB" if each.memory_gb else "-"
        state = f"not used: {each.refused}" if each.refused else "ready"
        rows.append((each.name, each.title, memory, state))
    print(table(rows))
    print(f"\n{found.library}; `--device auto` takes the first that is ready.")
