"""Unpacks a zip that nobody vouches for: every name and size is looked at before anything is written."""

from __future__ import annotations

import lzma
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tsdesktop.core.errors import WeightsError
from tsdesktop.weights.hashing import FileFact, Tell, pour
from tsdesktop.weights.parts import require_space
from tsdesktop.weights.progress import Listen, Meter
from tsdesktop.weights.stopping import Stop

# Room that unpacking leaves free on the disk.
SPARE_BYTES = 1 << 27
# Checkpoints hardly shrink when packed. Small files of text may, whatever their share.
_MOST_TIMES = 50
_ALWAYS_ALLOWED_BYTES = 1 << 24
_MOST_FILES = 20_000
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_ENCRYPTED = 1
_START = b"PK\x03\x04"
_DRIVE = re.compile(r"[A-Za-z]:")
_NOT_ON_WINDOWS = re.compile(r'[\x00-\x1f<>:"|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
# What Python's reader raises for a zip that is not as it should be; RuntimeError is its word for a password.
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError)
_LEFT_BY_SYSTEMS = {"__macosx", "thumbs.db", "desktop.ini"}


def unpack(
    path: Path, folder: Path, listen: Listen, stop: Stop, name: str = "", without: tuple[str, ...] = ()
) -> tuple[FileFact, ...]:
    """Unpacks the files of a zip below `folder` and says what they are; what systems add to archives is left out.

    `name` is what errors call the archive. Members that begin with one of `without` are only read and compared, as
    every member's checksum is. Raises WeightsError, with part of the files written when a member turns out to be
    damaged; Cancelled.
    """
    name = name or path.name
    with open_archive(path, name) as archive:
        members = _checked(archive, path.stat().st_size, name)
        total = sum(each.file_size for each in members)
        require_space(folder, total + SPARE_BYTES, name)
        meter = Meter(listen, "unpacking", total)
        facts, done = [], 0
        for member in members:
            stop.check()

            def tell(count: int, before: int = done) -> None:
                meter.moved(before + count)

            place = None if is_left_out(member.filename) or member.filename.startswith(without) else folder
            digest = _unpack_member(archive, member, place, (name, tell, stop))
            done += member.file_size
            if place is not None:
                facts.append(FileFact(str(PurePosixPath(member.filename)), member.file_size, digest))
    return tuple(facts)


def open_archive(path: Path, name: str = "") -> zipfile.ZipFile:
    """Opens a zip for reading. Raises WeightsError that says what the file is instead."""
    name = name or path.name
    try:
        archive = zipfile.ZipFile(path)
    except OSError as error:
        if error.filename is not None:
            raise WeightsError("weights.not_readable", name=name, reason=error.strerror or "no access") from error
        raise WeightsError(_what_it_is(path), name=name) from error
    except UNREADABLE as error:
        raise WeightsError(_what_it_is(path), name=name) from error
    if _is_only_the_end(archive):
        archive.close()
        raise WeightsError("weights.archive_truncated", name=name)
    return archive


def is_left_out(member: str) -> bool:
    """Whether a file was added by the system on which the archive was made, or is hidden."""
    parts = [part for part in member.split("/") if part != "."]
    return any(part.startswith(".") or part.lower() in _LEFT_BY_SYSTEMS for part in parts)


def _is_only_the_end(archive: zipfile.ZipFile) -> bool:
    """Whether what was found is a checkpoint, a zip itself, at the end of another zip that was cut off behind it."""
    first = min((each.header_offset for each in archive.infolist()), default=0)
    with Path(archive.filename or "").open("rb") as file:
        return first > 0 and file.read(4) == _START


def _what_it_is(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        return "weights.archive_empty"
    if start.startswith(_START):
        return "weights.archive_truncated"
    if re.match(rb"\s*(<!doctype html|<html|<head|<\?xml)", start, re.IGNORECASE):
        return "weights.archive_web_page"
    return "weights.archive_unknown"


def _checked(archive: zipfile.ZipFile, packed_bytes: int, name: str) -> list[zipfile.ZipInfo]:
    """The files of the archive when all of it is safe to unpack."""
    members = archive.infolist()
    if len(members) > _MOST_FILES:
        raise WeightsError("weights.archive_many", name=name, count=len(members))
    for member in members:
        _check_kind(member, name)
        _check_name(member, name)
    _check_unique(members, name)
    unpacked = sum(each.file_size for each in members)
    if unpacked > _ALWAYS_ALLOWED_BYTES + _MOST_TIMES * packed_bytes:
        raise WeightsError("weights.archive_bomb", name=name, times=unpacked // max(1, packed_bytes))
    return [each for each in members if not each.is_dir()]


def _check_kind(member: zipfile.ZipInfo, name: str) -> None:
    if member.flag_bits & _ENCRYPTED:
        raise WeightsError("weights.archive_protected", name=name)
    if member.compress_type not in _READABLE:
        raise WeightsError("weights.archive_compression", name=name)
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise WeightsError("weights.archive_link", name=name, member=member.filename)


def _check_name(member: zipfile.ZipInfo, name: str) -> None:
    """Looks at the name as it stands in the file: Python's own reading of it changes separators on Windows."""
    given = member.orig_filename
    parts = given.rstrip("/").split("/")
    if "\\" in given:
        id = "weights.archive_backslash"
    elif given.startswith("/"):
        id = "weights.archive_absolute"
    elif _DRIVE.match(given):
        id = "weights.archive_drive"
    elif ".." in parts:
        id = "weights.archive_outside"
    elif not is_left_out(given) and any(not _fits_every_system(part) for part in parts):
        id = "weights.archive_reserved"
    else:
        return
    raise WeightsError(id, name=name, member=given)


def _fits_every_system(part: str) -> bool:
    if part == ".":
        return True
    if not part or part != part.rstrip(". ") or len(part.encode("utf-8", "replace")) > 255:
        return False
    return not _NOT_ON_WINDOWS.search(part) and not _DEVICES.fullmatch(part)


def _check_unique(members: Iterable[zipfile.ZipInfo], name: str) -> None:
    """No two entries may be one file on a system that does not tell "a" from "A", and no file may be a folder."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for member in members:
        whole = str(PurePosixPath(member.filename))
        if is_left_out(whole):
            continue
        for parent in (*PurePosixPath(whole).parents, *([PurePosixPath(whole)] if member.is_dir() else [])):
            folders.setdefault(_folded(str(parent)), str(parent))
        if not member.is_dir():
            seen = files.setdefault(_folded(whole), "")
            if seen:
                id = "weights.archive_twice" if seen == whole else "weights.archive_case"
                raise WeightsError(id, name=name, member=whole, other=seen)
            files[_folded(whole)] = whole
    if both := files.keys() & folders.keys():
        raise WeightsError("weights.archive_file_and_folder", name=name, member=files[min(both)])


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _unpack_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path | None, how: tuple[str, Tell, Stop]
) -> str:
    """Writes a file below `folder`, for None only reads it, and returns its SHA-256."""
    name, tell, stop = how
    try:
        with archive.open(member) as source:
            return pour(source, None if folder is None else folder / member.filename, tell, stop)
    except UNREADABLE as error:
        raise WeightsError("weights.archive_damaged", name=name, member=member.filename) from error
