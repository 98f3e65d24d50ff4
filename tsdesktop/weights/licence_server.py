"""The licence server of the networks' makers: where it is, and the one question it is asked.

Only its own clear answer counts. A network that fails, a proxy's refusal or the page of a hotel's network say nothing
about a licence.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from tsdesktop.core.errors import LicenceError, TsDesktopError

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)
Answer = Literal["valid", "rejected", "unreachable"]
SERVER_VARIABLE = "TSDESKTOP_LICENCE_SERVER"
LICENCE_SERVER = "https://backend.totalsegmentator.com:443"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PATIENCE_S = 8.0
_MOST_BYTES = 65_536


def server_address(path: str) -> str:
    """The address of a page of the licence server; TSDESKTOP_LICENCE_SERVER names another server.

    Raises LicenceError for one that would get the number unencrypted over a network.
    """
    base = os.environ.get(SERVER_VARIABLE) or LICENCE_SERVER
    parts = urlsplit(base)
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        raise LicenceError("licence.address", variable=SERVER_VARIABLE)
    return f"{base.rstrip('/')}/{path.lstrip('/')}"


def ask_server(number: str, patience_s: float = _PATIENCE_S) -> Answer:
    """What the server says of a number; slow, and with a limit. Whatever is not its clear answer is "unreachable".

    Raises LicenceError for an address that is not allowed.
    """
    address = server_address("is_valid_license_number")
    answers: list[Answer] = []
    # Looking up a name has no limit of its own: the thread may be left to itself.
    thread = threading.Thread(
        target=lambda: answers.append(_asked(address, number, patience_s)), name="licence server", daemon=True
    )
    thread.start()
    thread.join(patience_s)
    return answers[0] if answers else "unreachable"


def _asked(address: str, number: str, patience_s: float) -> Answer:
    import httpx

    from tsdesktop.weights.connection import open_client

    deadline = time.monotonic() + patience_s
    try:
        with (
            open_client() as client,
            # Not followed elsewhere: the number is this server's business alone.
            client.stream(
                "POST", address, json={"license_number": number}, timeout=patience_s, follow_redirects=False
            ) as response,
        ):
            return _answer(response.status_code, _body(response, deadline))
    except TsDesktopError as error:
        log.warning("the licence server could not be asked: %s", error.id)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
        log.warning("the licence server could not be reached: %s", type(error).__name__)
    return "unreachable"


def _body(response: httpx.Response, deadline: float) -> bytes:
    """The answer as far as it may matter; nothing of one that is long, or that comes drop by drop."""
    body = b""
    for piece in response.iter_bytes():
        body += piece
        if len(body) > _MOST_BYTES or time.monotonic() > deadline:
            return b""
    return body


def _answer(code: int, body: bytes) -> Answer:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    status = told.get("status") if isinstance(told, dict) else None
    if status == "valid_license" and 200 <= code < 300:
        return "valid"
    if isinstance(status, str) and status.endswith("_license") and status != "valid_license" and code < 500:
        return "rejected"
    log.warning("the licence server gave no clear answer (%d)", code)
    return "unreachable"
