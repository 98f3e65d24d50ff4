"""The licence number for networks that need one: its form, and the file that only this user may read. Never logged.

Nothing is sent anywhere here. Whoever can ask the server hands its question to `enter_licence`; without one only the
form of a number is known.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tsdesktop.core.errors import LicenceError
from tsdesktop.core.settings import data_folder

LicenceState = Literal["valid", "rejected", "unreachable", "not entered"]
Question = Callable[[str], Literal["valid", "rejected", "unreachable"]]
LICENCE_URL = "https://backend.totalsegmentator.com/license-academic/"
_FORM = re.compile(r"aca_[0-9A-Za-z]{14}")
_ONLY_OWNER = 0o600


def state_of(number: str) -> LicenceState:
    """What is known of a number from its form alone."""
    if not number.strip():
        return "not entered"
    return "valid" if _FORM.fullmatch(number.strip()) else "rejected"


def licence_file() -> Path:
    """Where the number is kept."""
    return data_folder() / "licence"


def stored_licence() -> str:
    """The number that was stored, "" when there is none or it may not be read."""
    try:
        return licence_file().read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def enter_licence(number: str, ask: Question | None = None) -> LicenceState:
    """Checks a number and keeps it unless it was rejected; slow where `ask` is given, which asks the server.

    Without `ask` "valid" means the form alone. "unreachable" keeps the number, so that it can be asked about again; an
    empty text changes nothing. Raises LicenceError when it cannot be written.
    """
    state = state_of(number)
    if state == "valid" and ask is not None:
        state = ask(number.strip())
    if state in ("valid", "unreachable"):
        store_licence(number)
    return state


def store_licence(number: str) -> None:
    """Keeps a number of the right form. Raises LicenceError for another form, or when it cannot be written."""
    if state_of(number) != "valid":
        raise LicenceError("licence.form")
    try:
        _write_private(licence_file(), number.strip())
    except OSError as error:
        raise LicenceError("licence.not_written", reason=error.strerror or "no access") from error


def forget_licence() -> None:
    """Removes the stored number. Raises LicenceError when that cannot be done."""
    try:
        licence_file().unlink(missing_ok=True)
    except OSError as error:
        raise LicenceError("licence.not_written", reason=error.strerror or "no access") from error


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
