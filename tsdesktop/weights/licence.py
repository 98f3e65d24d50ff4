"""The licence number for networks that need one: its form, where it is kept, and what its server says of it.

It is kept in the system's own password store where there is one, else in a file that only this user may read. Either
way that file says where: it holds the number, or the word for the store. So nobody is asked to unlock a store in which
nothing is kept. The number is never logged.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tsdesktop.core.errors import LicenceError
from tsdesktop.core.settings import data_folder
from tsdesktop.weights.licence_server import Answer, ask_server
from tsdesktop.weights.password_store import StoreRefused, drop_secret, has_store, keep_secret, read_secret

LicenceState = Literal["valid", "rejected", "unreachable", "not entered"]
Question = Callable[[str], Answer]
Place = Literal["keyring", "file", ""]
LICENCE_URL = "https://backend.totalsegmentator.com/license-academic/"
_FORM = re.compile(r"aca_[\x21-\x7e]{14}")
_IN_KEYRING = "keyring"
_ONLY_OWNER = 0o600
_MOST_CONFIG_BYTES = 1_000_000


def has_form(number: str) -> bool:
    """Whether a text has the form of a licence number; blanks around it do not count."""
    return _FORM.fullmatch(number.strip()) is not None


def licence_file() -> Path:
    """The private file that holds the number, or says that the system's password store does."""
    return data_folder() / "licence"


def where_stored() -> Place:
    """Where a number is kept, "" when none is. Quick; opens no password store."""
    kept = _kept()
    return "" if not kept else "keyring" if kept == _IN_KEYRING else "file"


def stored_licence() -> str:
    """The number that was stored, "" when there is none. Slow: a password store may have to be unlocked.

    Raises LicenceError when it is in a password store that stays locked.
    """
    kept = _kept()
    if kept != _IN_KEYRING:
        return kept
    try:
        return read_secret()
    except StoreRefused as error:
        raise LicenceError("licence.locked") from error


def enter_licence(number: str, ask: Question | None = None) -> LicenceState:
    """Asks the server about a number and keeps it unless it is rejected; slow.

    Another form is rejected without asking; an empty text changes nothing. "unreachable" keeps the number, so that it
    can be asked about again. `ask` takes the place of the real server. Raises LicenceError when it cannot be written.
    """
    if not number.strip():
        return "not entered"
    if not has_form(number):
        return "rejected"
    answer = (ask or ask_server)(number.strip())
    if answer != "rejected":
        store_licence(number)
    return answer


def store_licence(number: str) -> None:
    """Keeps a number of the right form without asking about it; slow as `stored_licence`.

    One that was in the file moves to the password store with it. Raises LicenceError for another form, or when it
    cannot be written.
    """
    if not has_form(number):
        raise LicenceError("licence.form")
    kept = number.strip()
    try:
        keep_secret(kept)
        kept = _IN_KEYRING
    except StoreRefused:
        # No password store, or one that is locked: the private file holds it.
        pass
    try:
        _write_private(licence_file(), kept)
    except OSError as error:
        raise LicenceError("licence.not_written", reason=error.strerror or "no access") from error


def forget_licence() -> None:
    """Removes the stored number, wherever it is; slow as `stored_licence`. Raises LicenceError when it cannot be."""
    place = where_stored()
    if not place:
        return
    try:
        if has_store():
            # Also where the file holds it: a store that was locked then may still have an earlier number.
            drop_secret()
    except StoreRefused as error:
        if place == "keyring":
            raise LicenceError("licence.not_removed", reason="the system's password store refused") from error
    try:
        licence_file().unlink(missing_ok=True)
    except OSError as error:
        raise LicenceError("licence.not_removed", reason=error.strerror or "no access") from error


def found_licence() -> str:
    """The number in the configuration of a TotalSegmentator on this computer, "" when there is none; only reads."""
    return next((number for each in _totalsegmentator_homes() if (number := _configured(each / "config.json"))), "")


def _totalsegmentator_homes() -> list[Path]:
    given = os.environ.get("TOTALSEG_HOME_DIR")
    home = Path.home()
    # Upstream's own rule for containers whose user has no home.
    own = Path("/tmp/.totalsegmentator") if home == Path("/") else home / ".totalsegmentator"  # noqa: S108
    return [*([Path(given)] if given else []), own]


def _configured(config: Path) -> str:
    try:
        if config.stat().st_size > _MOST_CONFIG_BYTES:
            return ""
        told = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    number = told.get("license_number") if isinstance(told, dict) else None
    return number.strip() if isinstance(number, str) and has_form(number) else ""


def _kept() -> str:
    try:
        return licence_file().read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def _write_private(path: Path, text: str) -> None:
    """Never readable by others, not even while it is written: mkstemp makes private files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tsdesktop-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
        temporary.chmod(_ONLY_OWNER)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
