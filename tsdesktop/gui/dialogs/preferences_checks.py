"""Whether what is typed in the preferences can work: addresses, and files of certificates."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import urlsplit

from PySide6.QtCore import QCoreApplication

_SCHEMES = ("http", "https")
translate = QCoreApplication.translate


def address_problem(text: str) -> str:
    """What is wrong with the address of a server, in words; empty for a good one, and for none."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        # Asking for the port is what finds out whether it is a number.
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
        parts = urlsplit("")
    if parts.scheme not in _SCHEMES and "://" not in text:
        return translate("Preferences", "The address has to begin with http:// or https://")
    if not named or parts.scheme not in _SCHEMES or " " in text:
        return translate("Preferences", "This is not an address; it looks like https://server:port")
    return ""


def certificates_problem(text: str) -> str:
    """What is wrong with a file of certificates, in words; empty for a good one, and for none. Slow: it is read."""
    if not text:
        return ""
    try:
        path = Path(text).expanduser()
        if not path.is_file():
            return translate("Preferences", "There is no such file.")
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return translate("Preferences", "There are no certificates in PEM form in this file.")
    except (OSError, RuntimeError, ValueError):
        return translate("Preferences", "This file may not be read.")
    return ""
