"""Zip archives: the scans in them, unpacked to a folder of their own that is removed afterwards."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tsdesktop.core.errors import ReadError

# Room that unpacking leaves free on the disk.
_SPARE_BYTES = 1 << 28
_NAME_CHARACTERS = 80


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A temporary folder with the archive's files, folder by folder as in the archive; and which member each file is.

    Members never leave that folder, whatever their names say. Raises ReadError for a damaged, protected or too large
    archive.
    """
    with tempfile.TemporaryDirectory(prefix="tsdesktop-", ignore_cleanup_errors=True) as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                members = _extract(archive, Path(folder), path.name)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            # RuntimeError is zipfile's word for a password; a kind of it stands for an unknown compression.
            raise ReadError("read.bad_zip", name=path.name) from error
        yield Path(folder), members


def _extract(archive: zipfile.ZipFile, folder: Path, name: str) -> dict[str, str]:
    members = [each for each in archive.infolist() if not each.is_dir() and _is_wanted(each.filename)]
    size = sum(each.file_size for each in members)
    if size + _SPARE_BYTES > shutil.disk_usage(folder).free:
        raise ReadError("read.zip_too_large", name=name, size_gb=f"{size / 1e9:.1f}")
    places: dict[str, Path] = {}
    written: dict[str, str] = {}
    for n, member in enumerate(members):
        parent, _, base = member.filename.replace("\\", "/").rpartition("/")
        place = places.setdefault(parent, folder / f"{len(places):04d}")
        place.mkdir(exist_ok=True)
        target = place / _safe_name(base, n)
        with archive.open(member) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
        written[str(target)] = member.filename
    return written


def _is_wanted(name: str) -> bool:
    """Leaves out what macOS adds to archives."""
    return not name.startswith("__MACOSX/") and not name.rpartition("/")[2].startswith("._")


def _safe_name(base: str, n: int) -> str:
    kept = "".join(c for c in base if c.isalnum() or c in "._- ").strip(" .")[-_NAME_CHARACTERS:]
    return kept if kept and base == kept else f"{n:05d}-{kept}"
