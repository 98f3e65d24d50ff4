"""Sets tsdesktop up in a clone, and runs or tests it.

    python3 installer/dev.py run [ARGUMENTS]     the program; without arguments, its window with the bundled sample
                                                 scan, or where there is no display a tour of it
    python3 installer/dev.py test [ARGUMENTS]    every check; with arguments only pytest, which gets them

This is the first thing that runs on a fresh machine, so it uses the standard library only. It makes the environment
`.venv` and installs into it; where nothing has changed since, that costs a fraction of a second and no network.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[1]
VENV = TOP / ".venv"
STAMP = VENV / "tsdesktop-installed.json"
CONSTRAINTS = TOP / "installer" / "constraints.txt"
SAMPLE = TOP / "assets" / "sample" / "ct.nii.gz"
TOUR = TOP / "tsdesktop-demo"
TOUR_TASKS = ("demo", "bone", "skin", "lungs", "fat_soft_bone")
OLDEST_PYTHON = (3, 11)
# Tells its maker over the network what openvino's tools are used for. Openvino works without it, and the program does
# not let it be loaded either.
UNWANTED = ("openvino-telemetry",)
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"

# The whole suite runs in a process for each core, up to four; tests with windows stay in one (tests/conftest.py).
IN_PROCESSES = ("-n", "logical", "--maxprocesses", "4")
# What `test` needs from the system where there is no display, with the Debian package of each command. The tour needs
# nothing: meshes and pictures are made without OpenGL and X (tried in a container that has neither).
SCREEN = {"xvfb-run": "xvfb", "xauth": "xauth"}
# Programs of others that tests let open what was written; tests that want one are skipped where it is missing.
READERS = {"assimp": "assimp-utils", "dciodvfy": "dicom3tools"}
# What Qt needs from the system to open a window on X, with the Debian package of each library. Desktops have most.
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}


class SetupError(Exception):
    """Something a person has to do first, in one sentence."""


@dataclass(frozen=True)
class Stamp:
    """What was installed: a fingerprint of what was asked for, and the optional extras among it."""

    fingerprint: str
    extras: tuple[str, ...]

    def covers(self, fingerprint: str, extras: Sequence[str]) -> bool:
        """True when nothing needs to be installed."""
        return self.fingerprint == fingerprint and set(extras) <= set(self.extras)


@dataclass(frozen=True)
class Check:
    """One step of the test command."""

    name: str
    command: tuple[str, ...]


def main(arguments: Sequence[str]) -> int:
    """Does what the command line asks for; returns the exit code."""
    refusal = refuse_old_python(sys.version_info[:3], sys.executable)
    if refusal:
        say(refusal)
        return 1
    command, rest = parse(arguments)
    try:
        return test(rest) if command == "test" else run(rest)
    except SetupError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def parse(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The command, and the arguments that are handed on untouched. Exits with 2 for anything else."""
    parser = argparse.ArgumentParser(
        prog="python3 installer/dev.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["run", "test"])
    return parser.parse_args(arguments[:1]).command, list(arguments[1:])


def refuse_old_python(version: Sequence[int], executable: str) -> str:
    """A sentence when this Python is too old, else nothing."""
    if tuple(version[:2]) >= OLDEST_PYTHON:
        return ""
    wanted, found = ".".join(map(str, OLDEST_PYTHON)), ".".join(map(str, version))
    return f"tsdesktop needs Python {wanted} or newer, and {executable} is {found}: start this with a newer one."


def run(arguments: Sequence[str]) -> int:
    """Starts tsdesktop with these arguments; without any, with the sample, or the tour where no window can be shown."""
    python = prepare(extras=())
    if not arguments and not has_display(os.environ, sys.platform):
        return take_tour(python)
    if has_display(os.environ, sys.platform):
        install_libraries()
    command = [str(python), "-m", "tsdesktop", *(arguments or [str(SAMPLE)])]
    if os.name == "posix":
        sys.stdout.flush()
        os.execv(command[0], command)  # the program gets Ctrl-C and the exit code is its own
    return subprocess.call(command)


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a window can be shown."""
    if not platform.startswith("linux"):
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def take_tour(python: Path) -> int:
    """Segments the bundled sample with the demo network and every instant task, and says where the results are."""
    for task in TOUR_TASKS:
        heading(f"task {task}")
        code = subprocess.call([str(python), "-m", "tsdesktop", *tour_arguments(task)], cwd=TOP)
        if code:
            say(f"The task {task} ended with exit code {code}.")
            return code
    heading("results")
    say(f"{TOUR}: a folder for each task. Look at its preview.png first.")
    say("The scan is a phantom that comes with the program; it shows no person.")
    return 0


def tour_arguments(task: str) -> list[str]:
    """The command line that segments the sample with one task."""
    out = str(TOUR / task)
    wanted = ["--meshes", "stl", "--statistics", "--preview", "--overwrite"]
    return ["segment", str(SAMPLE), "-o", out, "--task", task, *wanted]


def test(arguments: Sequence[str]) -> int:
    """Runs the checks one after the other up to the first that fails; pytest is the last."""
    python = prepare(extras=("test",))
    install_virtual_screen(os.environ)
    install_readers()
    taken: list[str] = []
    for check in checks(python, arguments, on_virtual_screen(os.environ)):
        if check.name == "pytest" and taken:
            say("\n" + ", ".join(taken))
        heading(check.name)
        start = time.monotonic()
        code = subprocess.call(check.command, cwd=TOP)
        if code:
            if check.name != "pytest":
                say(f"{check.name} ended with exit code {code}.")
            return code
        taken.append(f"{check.name} {time.monotonic() - start:.1f} s")
    return 0


def checks(python: Path, arguments: Sequence[str], screen: Sequence[str]) -> list[Check]:
    """What `test` runs; `screen` is put before pytest."""
    tool = (str(python), "-m")
    # import-linter has no module to run with -m, and scripts in bin/ break when the folder is moved.
    lint_imports = "from importlinter.cli import lint_imports_command as main; main()"
    every = [
        Check("ruff check", (*tool, "ruff", "check", ".")),
        Check("ruff format", (*tool, "ruff", "format", "--check", ".")),
        Check("mypy", (*tool, "mypy")),
        Check("lint-imports", (str(python), "-c", lint_imports)),
    ]
    pytest = (*screen, *tool, "pytest")
    if arguments:
        return [Check("pytest", (*pytest, *arguments))]
    return [*every, Check("pytest", (*pytest, *IN_PROCESSES))]


def on_virtual_screen(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What to put before a command that may open windows: xvfb-run on a Linux without a display, else nothing."""
    if not sys.platform.startswith("linux") or environment.get("DISPLAY") or not shutil.which("xvfb-run"):
        return ()
    return ("xvfb-run", "-a", "-s", "-screen 0 1280x1024x24")


def prepare(extras: Sequence[str]) -> Path:
    """Makes the environment ready and returns its Python. Raises SetupError when a person has to help."""
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    version = version_of(python)
    if not version:
        make_environment()
        version = version_of(python)
        if not version:
            raise SetupError(f"{VENV} was made, but its Python does not start: delete that folder and try again.")
    fingerprint, before = fingerprint_of(version), read_stamp(STAMP)
    if not before.covers(fingerprint, extras):
        install(python, Stamp(fingerprint, tuple(sorted({*before.extras, *extras}))))
    return python


def version_of(python: Path) -> str:
    """The version of an environment's Python; nothing where it is missing, too old, broken or without pip."""
    # pip's own RECORD is the last thing the making of an environment writes.
    question = (
        "import sys; from importlib.metadata import distribution; print('.'.join(map(str, sys.version_info[:2]))); "
        f"sys.exit(sys.version_info < {OLDEST_PYTHON} or not distribution('pip').read_text('RECORD'))"
    )
    try:
        answer = subprocess.run([str(python), "-c", question], capture_output=True, text=True, check=True, cwd=TOP)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return answer.stdout.strip()


def make_environment() -> None:
    """Makes `.venv` afresh. Raises SetupError where the system's Python comes without ensurepip."""
    package = "python{}.{}-venv".format(*sys.version_info[:2])
    if importlib.util.find_spec("ensurepip") is None and not apt_install([package]):
        raise SetupError(f"Python's venv module is not complete: {apt_line([package])} and try again.")
    heading(f"making {VENV}")
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        raise SetupError(f"The environment {VENV} could not be made; the reason stands above.")


def install(python: Path, stamp: Stamp) -> None:
    """Installs torch, then the project with everything it needs, and removes what it does not want.

    Raises SetupError when pip could not.
    """
    heading("installing; the first time this fetches up to 1 GB and takes some minutes")
    start = time.monotonic()
    remove_half_installed(VENV)
    before = STAMP.read_text(encoding="utf-8") if STAMP.exists() else ""
    STAMP.unlink(missing_ok=True)
    try:
        install_torch(python)
        what = f".[{','.join(stamp.extras)}]" if stamp.extras else "."
        if pip(python, "install", "--constraint", str(CONSTRAINTS), "--editable", what):
            raise SetupError("The packages could not be installed; pip's reason stands above.")
    except SetupError:
        # pip resolves and fetches everything before it changes anything: what was there still works.
        if before:
            STAMP.write_text(before, encoding="utf-8")
        raise
    pip(python, "uninstall", "--yes", "--quiet", *UNWANTED)
    found = complaints(python)
    if found:
        say("\n".join(found))
        raise SetupError(f"The installed packages do not fit together: delete {VENV} and try again.")
    STAMP.write_text(json.dumps({"fingerprint": stamp.fingerprint, "extras": stamp.extras}), encoding="utf-8")
    say(f"installed in {time.monotonic() - start:.0f} s")


def install_torch(python: Path) -> None:
    """Installs the CPU build of torch on Linux; elsewhere the plain index has no other.

    Only the name with "+cpu" is asked for, so the CUDA build of several GB is never taken. A package folder of pip's
    own configuration may have that name; otherwise PyTorch's index does. It is asked for this one package only:
    where it cannot be reached, that costs seconds once, and not seconds for each of a hundred packages.
    Another build of the same version that is already installed is kept: so a person may have CUDA.
    """
    version = pinned_version("torch", CONSTRAINTS.read_text(encoding="utf-8"))
    question = "from importlib.metadata import version; print(version('torch'))"
    installed = subprocess.run([str(python), "-c", question], capture_output=True, text=True, check=False).stdout
    if not sys.platform.startswith("linux") or installed.strip().split("+")[0] == version:
        return
    patience = ["--retries", "2", "--timeout", "15"]
    index = ["--extra-index-url", TORCH_CPU_INDEX]
    if pip(python, "install", "--no-deps", *patience, *index, f"torch=={version}+cpu"):
        raise SetupError(
            f"The CPU build of torch {version} could not be fetched: check the connection to {TORCH_CPU_INDEX}, "
            f"or install a torch {version} yourself ({python} -m pip install ...), then try again."
        )


def complaints(python: Path) -> list[str]:
    """What pip says about packages that lack another or ask for another version; UNWANTED ones are not missed."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=TOP)
    if done.returncode == 0:
        return []
    lines = [line for line in done.stdout.splitlines() if line.strip()] or [done.stderr.strip()]
    not_missed = tuple(f"requires {name}, which is not installed." for name in UNWANTED)
    return [line for line in lines if not line.endswith(not_missed)]


def pip(python: Path, *arguments: str) -> int:
    """Runs pip in the environment; raises KeyboardInterrupt when it was interrupted, else returns the exit code."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_USER": "0"}
    code = subprocess.call([str(python), "-m", "pip", *arguments], cwd=TOP, env=environment)
    if code < 0 or code == 130:
        raise KeyboardInterrupt
    return code


def remove_half_installed(environment: Path) -> None:
    """Removes what an interrupted pip left behind, so that the next one installs those packages again.

    pip writes INSTALLER and RECORD last, and renames what it is about to replace to a name with a leading "~".
    """
    for packages in [*environment.glob("lib/python*/site-packages"), *environment.glob("Lib/site-packages")]:
        for each in packages.glob("~*"):
            shutil.rmtree(each, ignore_errors=True)
        for each in packages.glob("*.dist-info"):
            if not ((each / "INSTALLER").is_file() and (each / "RECORD").is_file()):
                shutil.rmtree(each)


def fingerprint_of(python_version: str) -> str:
    """A hash of all that decides what is installed: the project's table, the constraints, Python and the place."""
    import tomllib  # here, so that an older Python gets as far as its one sentence

    table: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [
        {key: table.get(key) for key in ("build-system", "project")},
        CONSTRAINTS.read_text(encoding="utf-8"),
        python_version,
        str(TOP),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_stamp(path: Path) -> Stamp:
    """What was installed last; an empty stamp where that is not known."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return Stamp(str(table["fingerprint"]), tuple(str(each) for each in table["extras"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Stamp("", ())


def pinned_version(name: str, constraints: str) -> str:
    """The version a constraints file holds a package at. Raises ValueError where it does not."""
    for line in constraints.splitlines():
        requirement = line.partition("#")[0].partition(";")[0].strip()
        if requirement.startswith(f"{name}=="):
            return requirement.split("==")[1].strip()
    raise ValueError(f"the constraints do not hold {name}")


def install_virtual_screen(environment: Mapping[str, str]) -> None:
    """Gets a virtual screen on Debian and Ubuntu as root; else says which line does, and goes on."""
    if not sys.platform.startswith("linux"):
        return
    install_libraries()
    if environment.get("DISPLAY"):
        return
    missing = missing_packages(SCREEN, lambda command: shutil.which(command) is not None)
    if missing and not apt_install(missing):
        say(f"Tests that open windows need a virtual screen: {apt_line(missing)}.")


def install_readers() -> None:
    """Gets programs that check written files on Debian and Ubuntu as root; else says which line does, and goes on."""
    if not sys.platform.startswith("linux"):
        return
    missing = missing_packages(READERS, lambda command: shutil.which(command) is not None)
    if missing and not apt_install(missing):
        say(f"Tests that let other programs open what was written need them: {apt_line(missing)}.")


def install_libraries() -> None:
    """Gets the libraries of a window on Debian and Ubuntu as root; else says which line does, and goes on."""
    if not sys.platform.startswith("linux"):
        return
    missing = missing_packages(LIBRARIES, can_be_loaded)
    if missing and not apt_install(missing):
        say(f"The window needs libraries of the system: {apt_line(missing)}.")


def can_be_loaded(library: str) -> bool:
    """Whether the system has this library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_packages(packages: Mapping[str, str], has: Callable[[str], bool]) -> list[str]:
    """The Debian packages of what is not here; `has` tells whether a command or library is."""
    return [package for name, package in packages.items() if not has(name)]


def apt_install(packages: Sequence[str]) -> bool:
    """Installs packages with apt-get where this process may; returns whether that worked."""
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    heading(f"installing {' '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    patience = ["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=15"]
    install = ["apt-get", *patience, "install", "-y", "--no-install-recommends", *packages]
    if subprocess.call(install, env=environment) == 0:
        return True
    # A bare container comes without lists of packages.
    subprocess.call(["apt-get", *patience, "update"], env=environment)
    return subprocess.call(install, env=environment) == 0


def apt_line(packages: Sequence[str]) -> str:
    """What a person has to run to get these packages."""
    if shutil.which("apt-get"):
        return f"run `sudo apt-get install {' '.join(packages)}`"
    return f"install what Debian calls {' '.join(packages)} with your system's package manager"


def heading(words: str) -> None:
    """Starts a new part of the output."""
    say(f"\n=== {words}")


def say(words: str) -> None:
    """Prints at once, so that lines stand before those of the program started next."""
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
