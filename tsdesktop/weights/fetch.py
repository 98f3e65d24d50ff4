"""Downloads one file, however often the connection breaks: what has arrived stays, and the next try goes on from it.

Every try begins at the file's own address, because release pages lead on to addresses that are good for a short time.
"""

from __future__ import annotations

import logging
import random
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from tsdesktop.core.errors import WeightsError
from tsdesktop.weights.answers import (
    Source,
    TryAgain,
    content_range,
    failure,
    opened,
    refuse_other_answers,
    version_told,
)
from tsdesktop.weights.connection import Patience, open_client, send, shown_address
from tsdesktop.weights.parts import Part, Version, require_space, writing
from tsdesktop.weights.progress import Listen, Meter, Progress
from tsdesktop.weights.stopping import Stop

if TYPE_CHECKING:
    import httpx

__all__ = ["Patience", "Source", "fetch"]
log = logging.getLogger(__name__)
_TOLD_EVERY_S = 1.0


def fetch(source: Source, part: Path, listen: Listen, stop: Stop, patience: Patience | None = None) -> None:
    """Brings the whole file to `part`, going on with what is there; of checked length, and hash where one is known.

    Raises Cancelled when stopped (what has arrived is kept), WeightsError and LicenceError when it cannot be had.
    """
    with writing(part.parent):
        part.parent.mkdir(parents=True, exist_ok=True)
    _Fetching(source, part, listen, stop, patience or Patience()).run()


class _Fetching:
    """One file on its way."""

    def __init__(self, source: Source, part: Path, listen: Listen, stop: Stop, patience: Patience) -> None:
        self._source = source
        self._part = Part(part, shown_address(source.address))
        self._listen = listen
        self._stop = stop
        self._patience = patience
        self._furthest = self._part.length
        self._doubts = 0

    def run(self) -> None:
        """Until the file is whole and right."""
        for times in range(1, self._patience.whole_again + 2):
            self._bring()
            if self._is_right():
                return
            log.warning("%s arrived damaged (%d)", self._source.name, times)
            self._part.discard()
            self._furthest = 0
        count = self._patience.whole_again + 1
        raise WeightsError("weights.wrong_bytes", name=self._source.name, count=count)

    def _bring(self) -> None:
        vain = 0
        while not self._part.is_whole:
            try:
                self._try()
            except TryAgain as again:
                further = self._part.length > self._furthest and not again.useless
                self._furthest = max(self._furthest, self._part.length)
                vain = 0 if further else vain + 1
                log.info("downloading %s: %s, %d tries in vain", self._source.name, again.error.id, vain)
                if vain >= self._patience.tries:
                    raise again.error from again.__cause__
                self._wait(self._pause_s(vain, again))

    def _try(self) -> None:
        import httpx

        self._listen(Progress("connecting", self._part.length, self._total))
        try:
            with open_client(self._patience) as client:
                response = send(client, self._request(client), self._stop)
                with closing(response), self._stop.watching(_socket(response)):
                    self._receive(response)
        except httpx.InvalidURL:
            raise WeightsError("weights.bad_address", address=shown_address(self._source.address)) from None
        except httpx.HTTPError as error:
            # Whoever stops ends the connection.
            self._stop.check()
            raise failure(error, self._source) from error
        if not self._part.is_whole:
            raise TryAgain(WeightsError("weights.interrupted", host=self._source.host))

    def _request(self, client: httpx.Client) -> httpx.Request:
        headers = {}
        version = self._part.version
        if version is not None and self._part.length:
            headers["Range"] = f"bytes={self._part.length}-"
            if version.validator:
                headers["If-Range"] = version.validator
        body = self._source.body
        return client.build_request("GET" if body is None else "POST", self._source.address, json=body, headers=headers)

    def _receive(self, response: httpx.Response) -> None:
        refuse_other_answers(response, self._source)
        told = version_told(response, shown_address(self._source.address))
        if response.status_code == 200:
            self._receive_from_start(response, told)
            return
        version = self._part.version
        where = content_range(response)
        fits = where is not None and where[0] == self._part.length > 0
        if version is None or not fits or not version.is_same_as(told):
            # Also 416: more is asked for than there is, so what is here belongs to another version.
            self._part.discard()
            raise TryAgain(WeightsError("weights.wrong_answer", host=response.url.host))
        if version.total is None and told.total is not None:
            self._part.note(replace(version, total=told.total))
        self._store(response.iter_raw(), response)

    def _receive_from_start(self, response: httpx.Response, told: Version) -> None:
        """A server that does not go on, or a file that has changed: only then is what was here given up."""
        self._doubt(told.total, response)
        pieces = response.iter_raw()
        head = opened(pieces, response, self._source)
        more = None if told.total is None else told.total - self._part.length
        require_space(self._part.path.parent, more, self._source.name)
        self._part.begin(told)
        self._store(chain([head], pieces), response)
        if told.total is None:
            self._doubt(self._part.length, response)
            self._part.note(replace(told, total=self._part.length))

    def _doubt(self, total: int | None, response: httpx.Response) -> None:
        """A length the catalogue does not know is asked for again, then believed: the zip's own sums decide.

        Where the release page states a hash, that decides.
        """
        unexpected = self._source.expected_bytes is not None and total not in (None, self._source.expected_bytes)
        if unexpected and not self._source.sha256 and self._doubts < self._patience.whole_again:
            self._doubts += 1
            raise TryAgain(WeightsError("weights.wrong_answer", host=response.url.host))

    def _store(self, pieces: Iterator[bytes], response: httpx.Response) -> None:
        length, total = self._part.length, self._total
        meter = Meter(self._listen, "downloading", total or self._source.expected_bytes)
        pace = _Pace(self._patience, response.url.host)
        with self._part.appending() as file:
            for piece in pieces:
                self._stop.check()
                length += len(piece)
                if total is not None and length > total:
                    raise TryAgain(WeightsError("weights.wrong_answer", host=response.url.host))
                self._part.append(file, piece)
                meter.moved(length)
                pace.moved(len(piece))

    def _is_right(self) -> bool:
        if not self._source.sha256:
            return True
        found = self._part.sha256(Meter(self._listen, "checking", self._part.length), self._stop)
        return found == self._source.sha256.lower()

    def _pause_s(self, vain: int, again: TryAgain) -> float:
        patience = self._patience
        if again.wait_s is not None:
            return min(max(again.wait_s, patience.first_wait_s), patience.most_asked_wait_s)
        most = min(patience.first_wait_s * 2.0 ** max(0, vain - 1), patience.most_wait_s)
        # Many computers that lost the same server must not come back at the same moment.
        return most * random.uniform(0.5, 1.0)  # noqa: S311

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        rest = seconds
        while True:
            self._listen(Progress("retrying", self._part.length, self._total, retry_in_s=rest))
            self._stop.wait(min(_TOLD_EVERY_S, rest))
            rest = end - time.monotonic()
            if rest <= 0:
                return

    @property
    def _total(self) -> int | None:
        return self._source.expected_bytes if self._part.version is None else self._part.version.total


class _Pace:
    """Notices a connection that only drips, which no timeout does."""

    def __init__(self, patience: Patience, host: str) -> None:
        self._patience = patience
        self._host = host
        self._since_s = time.monotonic()
        self._bytes = 0

    def moved(self, count: int) -> None:
        """More has come. Raises TryAgain when it was too little for too long."""
        self._bytes += count
        seconds = time.monotonic() - self._since_s
        if seconds < self._patience.slow_after_s:
            return
        if self._bytes < self._patience.least_bytes_per_s * seconds:
            raise TryAgain(WeightsError("weights.too_slow", host=self._host), useless=True)
        self._since_s, self._bytes = time.monotonic(), 0


def _socket(response: httpx.Response) -> socket.socket | None:
    stream = response.extensions.get("network_stream")
    found = None if stream is None else stream.get_extra_info("socket")
    return found if isinstance(found, socket.socket) else None
