"""The command `tsdesktop`: parses, calls the pipeline, prints. Exit codes: 0 done, 1 failed (one sentence), 2 usage."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from importlib import import_module

from tsdesktop import __version__
from tsdesktop.cli.printing import say_error
from tsdesktop.core.errors import Cancelled, OptionsError, TsDesktopError

DONE, FAILED, USAGE = 0, 1, 2
# Each command and its module in this room.
_MODULES = {
    "segment": "segment",
    "print": "print",
    "info": "info",
    "devices": "devices",
    "convert": "convert",
    "share": "share",
    "weights": "weights",
    "runtime": "runtime",
    "license": "licence",
}
_SELF_TEST_HELP = "check this installation; write a report without private data to FILE, else print it"
_EPILOG = """examples:
  tsdesktop segment scan.nii.gz -o result --task total --fast --statistics --preview
  tsdesktop print result -o parts      parts for a 3D printer, one file per structure
  tsdesktop info                       which tasks there are, and which of their networks are here
  tsdesktop info total                 the structures of one task
  tsdesktop devices                    where networks can run on this computer
  tsdesktop convert DICOM_FOLDER -o scan.nii.gz
  tsdesktop share DICOM_FOLDER -o shared --format dicom     without the face and the patient
  tsdesktop weights download total     the networks of a task
  tsdesktop runtime install            torch for an NVIDIA graphics card
  tsdesktop license status             the licence number that some networks need
  tsdesktop --self-test                whether this installation is whole and works here

Not a medical device: for research and teaching, not for diagnosis or treatment."""

Command = Callable[[argparse.Namespace], None]


def run(arguments: list[str]) -> int:
    """Runs one command line (without the program's name) and returns the exit code."""
    parser = make_parser(arguments[0] if arguments else "")
    given = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if given.verbose else logging.ERROR, format="%(levelname)s %(name)s: %(message)s"
    )
    command: Command = given.command
    try:
        command(given)
    except OptionsError as error:
        say_error(error)
        return USAGE
    except TsDesktopError as error:
        say_error(error)
        logging.getLogger(__name__).debug("where it happened", exc_info=True)
        return FAILED
    except (Cancelled, KeyboardInterrupt):
        print("\nCancelled.", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough.
        sys.stderr.close()
        return FAILED
    return DONE


def make_parser(only: str = "") -> argparse.ArgumentParser:
    """The parser of the whole command line; its help texts are its documentation.

    `only` is the command that will be run: where it is known the others, which take time to load, are left out.
    """
    parser = argparse.ArgumentParser(
        prog="tsdesktop",
        description="Turns a CT or MR scan into labelled anatomy.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tsdesktop {__version__}")
    # For the help: tsdesktop.__main__ sees to it before anything here is imported.
    parser.add_argument("--self-test", nargs="?", metavar="FILE", help=_SELF_TEST_HELP)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in [_MODULES[only]] if only in _MODULES else _MODULES.values():
        sub = import_module(f"tsdesktop.cli.{name}").add_parser(commands)
        sub.add_argument("-q", "--quiet", action="store_true", help="print results and errors only")
        sub.add_argument("-v", "--verbose", action="store_true", help="print what happens inside")
    return parser
