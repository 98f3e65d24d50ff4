"""Whether a newer version of the program has been released. Asked once, on a click, and never by itself. No Qt here.

The answer is GitHub's for the latest release of a repository (REST API, "Get the latest release"): drafts and
pre-releases do not count.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tsdesktop.core.errors import WeightsError
from tsdesktop.core.version import REPOSITORY, __version__
from tsdesktop.weights.answers import Source, TryAgain, failure
from tsdesktop.weights.connection import Patience, open_client, send
from tsdesktop.weights.stopping import Stop

if TYPE_CHECKING:
    import httpx

# Another place to ask, which answers as GitHub does: a server of one's own.
ADDRESS_VARIABLE = "TSDESKTOP_VERSION_API"
_PATIENCE = Patience(connect_s=8.0, read_s=8.0)
_MOST_BYTES = 1 << 20
_NO_RELEASE_YET, _PROXY_LOGIN, _BUSY = 404, 407, (403, 429, 503)


@dataclass(frozen=True)
class Release:
    """A released version, for example "0.2.0", and the page that has its files."""

    version: str
    page: str

    @property
    def is_newer(self) -> bool:
        """Whether it is newer than this program."""
        return _numbers(self.version) > _numbers(__version__)


def release_address(repository: str = REPOSITORY) -> str:
    """Where the latest release is asked for; "" where no repository is known."""
    given = os.environ.get(ADDRESS_VARIABLE, "").strip()
    if given or not repository:
        return given
    name = repository.rstrip("/").removesuffix(".git").removeprefix("https://github.com/")
    return f"https://api.github.com/repos/{name}/releases/latest"


def latest_release(address: str, stop: Stop | None = None) -> Release | None:
    """The latest release; None when there is none yet. One question, not tried again. Slow.

    Raises WeightsError, in whose sentence stands why nothing was learned; Cancelled.
    """
    import httpx

    try:
        with open_client(_PATIENCE) as client:
            response = send(client, client.build_request("GET", address), stop or Stop())
            with closing(response):
                return _told_by(response)
    except httpx.HTTPError as error:
        reason = failure(error, Source(address, ""))
        raise (reason.error if isinstance(reason, TryAgain) else reason) from error
    except httpx.InvalidURL as error:
        raise WeightsError("weights.bad_address", address=address) from error


def _told_by(response: httpx.Response) -> Release | None:
    code, host = response.status_code, response.url.host
    if code == _NO_RELEASE_YET:
        return None
    if code == _PROXY_LOGIN:
        raise WeightsError("weights.proxy_refused", host=host)
    if code in _BUSY:
        raise WeightsError("weights.busy", host=host, code=code)
    if code != 200:
        raise WeightsError("weights.server_failed", host=host, code=code)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise WeightsError("weights.login_page", host=host)
    return _release_in(_body(response), host)


def _body(response: httpx.Response) -> bytes:
    body = b""
    for piece in response.iter_bytes():
        body += piece
        if len(body) > _MOST_BYTES:
            break
    return body


def _release_in(body: bytes, host: str) -> Release:
    try:
        told = json.loads(body)
        release = Release(str(told["tag_name"]).removeprefix("v"), str(told["html_url"]))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WeightsError("weights.wrong_answer", host=host) from error
    if not _numbers(release.version) or not release.page.startswith(("https://", "http://127.0.0.1")):
        raise WeightsError("weights.wrong_answer", host=host)
    return release


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version, without zeros at the end: 0.10.0 is newer than 0.9, and 1.0 is 1."""
    found = re.match(r"\d{1,6}(?:\.\d{1,6}){0,5}", version)
    numbers = [int(each) for each in found.group().split(".")] if found else []
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
