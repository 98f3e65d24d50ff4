"""The package indexes that libraries come from: what they list of a package, as JSON (PEP 691) or HTML (PEP 503).

Python's own index tells sizes and hashes as JSON, torch's has links with `#sha256=`. Both, and copies of them inside a
company, are read the same way.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from tsdesktop.core.errors import LibraryError, WeightsError
from tsdesktop.runtimes.pages import Page, Reader, in_our_words
from tsdesktop.weights.connection import shown_address

PACKAGE_INDEX_VARIABLE = "TSDESKTOP_PACKAGE_INDEX"
TORCH_INDEX_VARIABLE = "TSDESKTOP_TORCH_INDEX"
_PACKAGE_INDEX = "https://pypi.org/simple"
_TORCH_INDEX = "https://download.pytorch.org/whl"
_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Wheel:
    """A file with a library, as an index lists it. `size` None and `sha256` "" where the index does not tell.

    `has_metadata`: what it needs can be asked for by itself, at its address with ".metadata" behind (PEP 658).
    """

    name: str
    version: Version
    tags: frozenset[Tag]
    file_name: str
    address: str
    size: int | None = None
    sha256: str = ""
    has_metadata: bool = False
    metadata_sha256: str = ""


def package_index() -> str:
    """The address of Python's package index, or of what stands for it."""
    return (os.environ.get(PACKAGE_INDEX_VARIABLE) or _PACKAGE_INDEX).strip().rstrip("/")


def torch_index(build: str) -> str:
    """The address of torch's own index for a build such as "cu130", or of what stands for it."""
    given = (os.environ.get(TORCH_INDEX_VARIABLE) or _TORCH_INDEX).strip().rstrip("/")
    return f"{given}/{build}"


def host_of(address: str) -> str:
    """The computer an address belongs to."""
    return urlsplit(address).hostname or shown_address(address)


def wheels_of(index: str, name: str, reader: Reader) -> tuple[Wheel, ...]:
    """Every wheel that `index` lists for a package, withdrawn ones left out; none for a package it does not have.

    Raises Cancelled, LibraryError and WeightsError when the index cannot be asked, or tells something else.
    """
    try:
        page = reader.page(f"{index}/{canonicalize_name(name)}/", _ACCEPT)
    except LibraryError as error:
        # What a store of files answers for a name that it does not have: 404, or 403 where it keeps that to itself.
        if error.arguments.get("code") in (403, 404):
            return ()
        raise
    entries = _entries_of_json(page, index) if page.kind.endswith("json") else _entries_of_html(page)
    found = (_wheel(page, each) for each in entries)
    return tuple(each for each in found if each is not None and each.name == canonicalize_name(name))


@dataclass(frozen=True)
class _Entry:
    file_name: str
    link: str
    size: int | None = None
    sha256: str = ""
    metadata: object = None
    yanked: bool = False


def _entries_of_json(page: Page, index: str) -> list[_Entry]:
    try:
        return [_entry_of_json(each) for each in json.loads(page.body)["files"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LibraryError("runtime.no_page", index=host_of(index)) from error


def _entry_of_json(told: Mapping[str, Any]) -> _Entry:
    size, metadata = told.get("size"), told.get("core-metadata", told.get("dist-info-metadata"))
    return _Entry(
        str(told["filename"]),
        str(told["url"]),
        size if isinstance(size, int) else None,
        str(told.get("hashes", {}).get("sha256", "")),
        metadata.get("sha256", "") if isinstance(metadata, dict) else metadata,
        bool(told.get("yanked")),
    )


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.entries: list[_Entry] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag != "a" or not told.get("href"):
            return
        link, mark = urldefrag(told["href"] or "")
        sha256 = mark.removeprefix("sha256=") if mark.startswith("sha256=") else ""
        # "sha256=..." where its hash is told, "true" or nothing where it is only there.
        metadata = told.get("data-core-metadata", told.get("data-dist-info-metadata"))
        file_name = unquote(urlsplit(link).path.rpartition("/")[2])
        self.entries.append(_Entry(file_name, link, None, sha256, metadata, "data-yanked" in told))


def _entries_of_html(page: Page) -> list[_Entry]:
    links = _Links()
    links.feed(page.body.decode("utf-8", "replace"))
    return links.entries


def _wheel(page: Page, entry: _Entry) -> Wheel | None:
    """None for what is no wheel or was withdrawn. Raises LibraryError for a link that leaves encryption."""
    if entry.yanked or not entry.file_name.endswith(".whl"):
        return None
    try:
        name, version, _, tags = parse_wheel_filename(entry.file_name)
    except InvalidWheelFilename:
        return None
    address = urljoin(page.address, entry.link)
    _require_encryption(page.address, address)
    metadata = entry.metadata
    return Wheel(
        name,
        version,
        frozenset(tags),
        entry.file_name,
        address,
        entry.size,
        entry.sha256.lower() if _SHA256.fullmatch(entry.sha256) else "",
        metadata not in (None, False, "false"),
        metadata.rpartition("=")[2].lower() if isinstance(metadata, str) and len(metadata) >= 64 else "",
    )


def _require_encryption(page: str, address: str) -> None:
    with in_our_words():
        scheme, host = urlsplit(address).scheme, urlsplit(address).hostname
        if scheme not in ("http", "https"):
            raise WeightsError("weights.bad_address", address=shown_address(address))
        if scheme == "http" and urlsplit(page).scheme == "https" and host not in _LOOPBACK:
            raise WeightsError("weights.insecure", host=host or "the server")
