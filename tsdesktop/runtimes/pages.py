"""Reads small answers of package indexes and parts of their files, with a few tries. Only when somebody asked.

Errors of a transfer are those of `weights`, in words that suit libraries.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tsdesktop.core.errors import LibraryError, WeightsError
from tsdesktop.core.words import WORDS
from tsdesktop.weights.answers import Source, TryAgain, content_range, failure, refuse_other_answers
from tsdesktop.weights.connection import Patience, open_client, send, shown_address
from tsdesktop.weights.stopping import Stop

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)
T = TypeVar("T")
_PATIENCE = Patience(tries=3, first_wait_s=1.0, most_wait_s=4.0, connect_s=10.0, read_s=15.0)
_MOST_BYTES = 32_000_000


@dataclass(frozen=True)
class Page:
    """An answer: its bytes, what kind it says it is, and the address it came from in the end."""

    body: bytes
    kind: str
    address: str


@dataclass(frozen=True)
class Part:
    """Some bytes of a file, and how long the whole is; None where the server does not say."""

    body: bytes
    total_bytes: int | None


class Reader:
    """Asks one thing after the other over kept connections; use as a context manager. Raises WeightsError at its start
    when the settings' proxy or certificates cannot be used.
    """

    def __init__(self, stop: Stop, patience: Patience | None = None) -> None:
        self._stop = stop
        self._patience = patience or _PATIENCE
        self._client = open_client(self._patience)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def page(self, address: str, accept: str = "*/*") -> Page:
        """A whole answer. Raises Cancelled, WeightsError and LibraryError."""

        def read(response: httpx.Response) -> Page:
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Page(self._body(response), kind, str(response.url))

        return self._with_tries(address, {"Accept": accept}, read)

    def part(self, address: str, first: int, last: int) -> Part | None:
        """The bytes from `first` to `last` of a file, or the last ones for a negative `first`, whatever `last` is.

        Without bytes where the server only hands out whole files, and None where it does not even tell their length.
        Raises as `page`.
        """

        def read(response: httpx.Response) -> Part | None:
            where = content_range(response)
            if response.status_code == 206 and where is not None:
                return Part(self._body(response), where[1])
            length = response.headers.get("Content-Length", "")
            return Part(b"", int(length)) if length.isdigit() and response.status_code == 200 else None

        wanted = f"bytes={first}" if first < 0 else f"bytes={first}-{last}"
        return self._with_tries(address, {"Range": wanted}, read)

    def _with_tries(self, address: str, headers: Mapping[str, str], read: Callable[[httpx.Response], T]) -> T:
        with in_our_words():
            times = 0
            while True:
                times += 1
                try:
                    return self._ask(address, headers, read)
                except TryAgain as again:
                    if times == self._patience.tries:
                        raise again.error from again.__cause__
                    log.info("asking again: %s", again.error.id)
                    self._stop.wait(_pause_s(times, again, self._patience))

    def _ask(self, address: str, headers: Mapping[str, str], read: Callable[[httpx.Response], T]) -> T:
        """One try. Raises TryAgain when another one may help."""
        import httpx

        source = Source(address, shown_name(address))
        try:
            response = send(self._client, self._client.build_request("GET", address, headers=dict(headers)), self._stop)
            with closing(response):
                refuse_other_answers(response, source)
                return read(response)
        except httpx.InvalidURL:
            raise WeightsError("weights.bad_address", address=shown_address(address)) from None
        except httpx.HTTPError as error:
            self._stop.check()
            raise failure(error, source) from error

    def _body(self, response: httpx.Response) -> bytes:
        body = bytearray()
        for piece in response.iter_raw():
            self._stop.check()
            body += piece
            if len(body) > _MOST_BYTES:
                raise TryAgain(WeightsError("weights.wrong_answer", host=response.url.host))
        return bytes(body)


def shown_name(address: str) -> str:
    """What is at an address, for an error: the last part of its path."""
    return shown_address(address).rstrip("/").rpartition("/")[2] or "the list"


@contextmanager
def in_our_words() -> Iterator[None]:
    """Errors of a transfer of networks become those of libraries where their words would mislead: LibraryError."""
    try:
        yield
    except WeightsError as error:
        id = error.id.replace("weights.", "runtime.")
        if id not in WORDS:
            raise
        raise LibraryError(id, **error.arguments) from error


def _pause_s(times: int, again: TryAgain, patience: Patience) -> float:
    wanted = again.wait_s if again.wait_s is not None else patience.first_wait_s * 2.0 ** (times - 1)
    return min(wanted, patience.most_wait_s)
