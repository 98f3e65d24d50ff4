"""What a server's answer to a download means: go on, try again, or say in plain words why not."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from tsdesktop.core.errors import LicenceError, WeightsError
from tsdesktop.weights.connection import shown_address
from tsdesktop.weights.parts import Version

if TYPE_CHECKING:
    import httpx

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_MOST_TOLD_BYTES = 65_536
_HEAD_BYTES = 64
_BUSY, _LATER, _GONE = (429, 503), (408, 425), (404, 410)
_LOGIN_NEEDED, _PROXY_LOGIN = 511, 407


@dataclass(frozen=True)
class Source:
    """What is downloaded: a zip named `name` at `address`; with `body`, that is sent there as JSON."""

    address: str
    name: str
    expected_bytes: int | None = None
    sha256: str = ""
    body: Mapping[str, str] | None = None

    @property
    def host(self) -> str:
        """The computer it comes from."""
        return shown_address(self.address).partition("://")[2].partition("/")[0].partition(":")[0] or "the server"


class TryAgain(Exception):
    """This try came to nothing, another one may not; `error` is what is said when none does.

    `wait_s` is what the server asks to wait. `useless`: bytes that came do not count as getting further.
    """

    def __init__(self, error: WeightsError, wait_s: float | None = None, *, useless: bool = False) -> None:
        super().__init__(error.id)
        self.error = error
        self.wait_s = wait_s
        self.useless = useless


def version_told(response: httpx.Response, address: str) -> Version:
    """Which version of the file an answer says it holds."""
    headers = response.headers
    where = content_range(response)
    length = headers.get("Content-Length", "")
    total = where[1] if where is not None else int(length) if response.status_code == 200 and length.isdigit() else None
    return Version(address, headers.get("ETag", ""), headers.get("Last-Modified", ""), total)


def content_range(response: httpx.Response) -> tuple[int, int | None] | None:
    """Where the part that is sent begins, and the length of the whole; None when the answer does not say."""
    found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if found is None:
        return None
    return int(found[1]), None if found[3] == "*" else int(found[3])


def refuse_other_answers(response: httpx.Response, source: Source) -> None:
    """Passes an answer that holds the file, or says that no more of it is there (416).

    Raises WeightsError and LicenceError when trying again is of no use, TryAgain when it may be.
    """
    if source.body is not None and _kind(response) == "application/json":
        _refuse_told(response)
    code, host = response.status_code, response.url.host
    if code in (200, 206, 416):
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise TryAgain(WeightsError("weights.wrong_answer", host=host))
        return
    wait_s = _asked_wait_s(response)
    if code in _BUSY or (code == 403 and wait_s is not None):
        raise TryAgain(WeightsError("weights.busy", host=host, code=code), wait_s)
    if code == _LOGIN_NEEDED:
        raise WeightsError("weights.login_page", host=source.host)
    if code in _LATER or code >= 500:
        raise TryAgain(WeightsError("weights.server_failed", host=host, code=code), wait_s)
    if code in _GONE:
        raise WeightsError("weights.not_there", host=host, name=source.name, code=code)
    if code == _PROXY_LOGIN:
        raise WeightsError("weights.proxy_refused", host=host)
    if code >= 400:
        raise WeightsError("weights.refused", host=host, name=source.name, code=code)
    raise TryAgain(WeightsError("weights.wrong_answer", host=host))


def opened(pieces: Iterator[bytes], response: httpx.Response, source: Source) -> bytes:
    """The first bytes of a whole file, which must be those of a zip; raises as `refuse_other_answers`."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= _HEAD_BYTES:
            break
    if head[:2] == b"PK":
        return head
    if _kind(response) == "text/html" or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise WeightsError("weights.login_page", host=source.host)
    raise TryAgain(WeightsError("weights.wrong_answer", host=response.url.host))


def failure(error: httpx.HTTPError, source: Source) -> Exception:
    """What is raised for a connection that failed: TryAgain, or WeightsError when trying again is of no use."""
    import httpx

    host = _host_of(error) or source.host
    if isinstance(error, httpx.ProxyError):
        refused = WeightsError("weights.proxy_refused", host=host)
        return TryAgain(refused) if str(error).startswith("5") else refused
    if isinstance(error, httpx.UnsupportedProtocol):
        return WeightsError("weights.bad_address", address=shown_address(source.address))
    if isinstance(error, httpx.TimeoutException):
        return TryAgain(WeightsError("weights.no_answer", host=host))
    if isinstance(error, httpx.ConnectError):
        reasons = [each for each in _causes(error) if isinstance(each, ssl.SSLError)]
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in reasons):
            return WeightsError("weights.certificate", host=host)
        return TryAgain(WeightsError("weights.no_safe_connection" if reasons else "weights.unreachable", host=host))
    if isinstance(error, httpx.TooManyRedirects):
        return TryAgain(WeightsError("weights.wrong_answer", host=host))
    return TryAgain(WeightsError("weights.interrupted", host=host))


def _refuse_told(response: httpx.Response) -> None:
    """The licence server tells what it thinks of a number as JSON; networks come as something else."""
    told = b""
    for piece in response.iter_raw():
        told += piece
        if len(told) > _MOST_TOLD_BYTES:
            break
    try:
        status = json.loads(told).get("status")
    except (ValueError, AttributeError, RecursionError):
        status = None
    if isinstance(status, str) and status.endswith("_license") and status != "valid_license":
        raise LicenceError("licence.rejected")
    if response.status_code == 200:
        raise TryAgain(WeightsError("weights.wrong_answer", host=response.url.host))


def _asked_wait_s(response: httpx.Response) -> float | None:
    told = response.headers.get("Retry-After", "").strip()
    if told.isdigit():
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _kind(response: httpx.Response) -> str:
    told: str = response.headers.get("Content-Type", "")
    return told.partition(";")[0].strip().lower()


def _host_of(error: httpx.HTTPError) -> str:
    try:
        return error.request.url.host
    except RuntimeError:
        return ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
