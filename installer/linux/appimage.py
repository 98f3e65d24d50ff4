"""Packs the folder of the portable archive as one file that starts with a double click: an AppImage of type 2.

Such a file is a small executable, the runtime, with a squashfs file system behind it, which it mounts (AppImage
specification, "Image format, type 2"). The runtime is the AppImage project's; it is not published as a package, so
whoever builds brings it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from installer import dev
from installer.facts import TOP, Facts

# Read by every runtime; newer ones know zstd as well.
COMPRESSION = "gzip"
_MAGIC_AT, _MAGIC = 8, b"AI\x02"


def make_appimage(facts: Facts, portable: Path, runtime: Path, goal: Path) -> Path:
    """Makes the AppImage in `goal` from the unpacked portable archive; returns its path.

    Raises dev.SetupError where the runtime is none or mksquashfs fails.
    """
    check_runtime(runtime)
    root = portable.with_name(f"{facts.name}.AppDir")
    stage(facts, portable, root)
    image = goal / f"{facts.name}-{facts.version}-x86_64.AppImage"
    image.parent.mkdir(parents=True, exist_ok=True)
    dev.heading(f"packing {image.name}")
    contents = root.with_name(f"{facts.name}.squashfs")
    command = ["mksquashfs", str(root), str(contents), "-comp", COMPRESSION, "-root-owned", "-noappend", "-quiet"]
    if shutil.which(command[0]) is None:
        raise dev.SetupError(f"mksquashfs is missing: {dev.apt_line(['squashfs-tools'])}.")
    if subprocess.call([*command, "-no-progress", "-all-time", "0", "-mkfs-time", "0"]):
        raise dev.SetupError("mksquashfs could not pack the program; its reason stands above.")
    with image.open("wb") as written:
        for part in (runtime, contents):
            with part.open("rb") as read:
                shutil.copyfileobj(read, written, 1 << 20)
    contents.unlink()
    image.chmod(0o755)
    return image


def check_runtime(runtime: Path) -> None:
    """Raises dev.SetupError for a file that is no runtime of type 2."""
    try:
        with runtime.open("rb") as file:
            head = file.read(_MAGIC_AT + len(_MAGIC))
    except OSError as error:
        raise dev.SetupError(f"{runtime} cannot be read: {error.strerror}.") from error
    if not head.startswith(b"\x7fELF") or head[_MAGIC_AT:] != _MAGIC:
        raise dev.SetupError(f"{runtime} is not the runtime of an AppImage of type 2.")


def stage(facts: Facts, portable: Path, root: Path) -> None:
    """Lays the program out as the specification wants it: what is started, menu entry and icon lie on top."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(portable, root, symlinks=True, ignore=partial(_left_out, portable))
    shutil.copytree(portable / "share", root / "usr" / "share")
    (root / "AppRun").symlink_to(facts.name)
    shutil.copyfile(root / "usr" / "share" / "applications" / f"{facts.name}.desktop", root / f"{facts.name}.desktop")
    shutil.copyfile(TOP / f"{facts.icon}-256.png", root / f"{facts.name}.png")
    (root / ".DirIcon").symlink_to(f"{facts.name}.png")


def _left_out(portable: Path, folder: str, names: Sequence[str]) -> list[str]:
    """What of a folder of the archive has no place in an AppImage. Libraries have files of the same names below."""
    return [name for name in names if Path(folder) == portable and name in ("menu-entry.sh", "README.txt", "share")]
