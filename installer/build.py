"""Makes the installers, each on its own system.

    python3 installer/build.py linux      a .deb and a portable archive, by PyInstaller, dpkg-deb and tar
    python3 installer/build.py windows    a per-user .msi, by PyInstaller, then Briefcase with WiX
    python3 installer/build.py macos      a .dmg, by PyInstaller, then Briefcase (signed and notarised with an identity)

It needs nothing but Python: environments and tools are made below build/. The results lie in dist/. The program in them
brings its own interpreter; its facts stand in briefcase.toml, what is left out of it in installer/pruning.toml.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from installer import briefcase_route, dev, weights_of_parts
from installer.facts import TOP, Facts, read_facts
from installer.linux import appimage, deb, libraries, portable
from installer.program import Program, made, make_program

SYSTEMS = {"linux": "linux", "windows": "win32", "macos": "darwin"}
_REPOSITORY = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")
# The limit of one cabinet of an .msi, and the most files that one may hold.
MOST_FILES, MOST_BYTES = 65_535, 2 * 1024**3


def main(arguments: Sequence[str]) -> int:
    """Does what the command line asks for; returns the exit code."""
    given = parse(arguments)
    try:
        refuse_other_systems(given.platform, sys.platform)
        start = time.monotonic()
        facts = read_facts(repository=given.repository)
        for path in build(facts, given):
            dev.say(f"{path}: {path.stat().st_size / 1e6:.0f} MB")
        dev.say(f"built in {time.monotonic() - start:.0f} s")
    except dev.SetupError as error:
        dev.say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line. Exits with 2 for what it does not know."""
    parser = argparse.ArgumentParser(
        prog="python3 installer/build.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("platform", choices=list(SYSTEMS))
    parser.add_argument("--build", type=Path, default=TOP / "build", help="folder of the build (default: build)")
    parser.add_argument("--dist", type=Path, default=TOP / "dist", help="folder of the results (default: dist)")
    parser.add_argument(
        "--repository",
        type=repository,
        default=repository_of(os.environ),
        metavar="URL",
        help="where the result is published, https://github.com/OWNER/NAME; known by itself on GitHub's runners. The "
        "program looks there for newer versions; without one it offers no such look",
    )
    parser.add_argument(
        "--appimage-runtime",
        type=Path,
        metavar="FILE",
        help="on Linux, make an AppImage as well, with this runtime of the AppImage project",
    )
    parser.add_argument("--again", action="store_true", help="pack the program of the last build once more")
    return parser.parse_args(arguments)


def repository(text: str) -> str:
    """The address of a repository as given, without what is not needed. Raises argparse.ArgumentTypeError."""
    address = text.strip().rstrip("/").removesuffix(".git")
    if address and not _REPOSITORY.fullmatch(address):
        raise argparse.ArgumentTypeError(f"{text} is not of the form https://github.com/OWNER/NAME")
    return address


def repository_of(environment: Mapping[str, str]) -> str:
    """The repository a runner of GitHub works for; "" elsewhere."""
    server, name = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    return f"{server}/{name}" if server and name else ""


def refuse_other_systems(platform: str, running: str) -> None:
    """Raises dev.SetupError where this is not the system that the installer is for: none can be made for another."""
    if running != SYSTEMS[platform]:
        raise dev.SetupError(f"Installers for {platform} can only be made on {platform}.")


def build(facts: Facts, given: argparse.Namespace) -> list[Path]:
    """Makes the installers that the command line asks for; returns their paths. Raises dev.SetupError."""
    platform = given.platform
    place = given.build.resolve() / platform
    place.mkdir(parents=True, exist_ok=True)
    if given.appimage_runtime is not None:
        appimage.check_runtime(given.appimage_runtime)
    if given.again:
        python = place / "environment" / ("Scripts/python.exe" if platform == "windows" else "bin/python")
        program = made(facts, platform, place, python)
    else:
        program = make_program(facts, platform, place)
    dev.say(weights_of_parts.table(program.folder))
    check_limits(program)
    return pack(facts, given.platform, program, place, given.dist.resolve(), given.appimage_runtime)


def pack(
    facts: Facts, platform: str, program: Program, place: Path, goal: Path, runtime: Path | None = None
) -> list[Path]:
    """Packs a finished program in the forms of its platform."""
    if platform != "linux":
        return [briefcase_route.make_installer(facts, platform, program, place, goal)]
    needs = libraries.needs_of(libraries.binaries(program.folder))
    glibc = "{}.{}".format(*needs.glibc)
    dev.say(f"needs the GNU C library {glibc}")
    folder = portable.make_folder(facts, program, place, glibc)
    installers = [deb.make_deb(facts, program, place, goal), portable.make_portable(facts, folder, goal)]
    if runtime is not None:
        installers.append(appimage.make_appimage(facts, folder, runtime, goal))
    return installers


def check_limits(program: Program) -> None:
    """Raises dev.SetupError where the program has more files, or larger ones, than an .msi can hold."""
    files = [path for path in program.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    dev.say(f"{len(files)} files, {size / 1e6:.0f} MB")
    if len(files) > MOST_FILES or size > MOST_BYTES:
        raise dev.SetupError(f"The program has {len(files)} files and {size / 1e6:.0f} MB, more than an .msi can hold.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
