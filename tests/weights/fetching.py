"""What the tests of downloads share: a file to fetch, little patience, and short ways to fetch it."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.weights.server import ReleaseServer
from tsdesktop.core.errors import WeightsError
from tsdesktop.weights.fetch import Patience, Source, fetch
from tsdesktop.weights.progress import Progress
from tsdesktop.weights.stopping import Stop

DATA = b"PK\3\4" + random.Random(1).randbytes(700_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
QUICK = Patience(tries=4, first_wait_s=0, most_wait_s=0, connect_s=2, read_s=0.2, slow_after_s=0.1)
NUMBER = "aca_12345678901234"


def source_at(server: ReleaseServer, name: str = "x.zip", **changes: object) -> Source:
    source = Source(f"{server.mirror}/v2.0.0-weights/{name}", name, len(DATA), SHA256)
    return replace(source, **changes)  # type: ignore[arg-type]


def fetched(source: Source, part: Path, patience: Patience = QUICK) -> list[Progress]:
    heard: list[Progress] = []
    fetch(source, part, heard.append, Stop(), patience)
    return heard


def told_by(source: Source, part: Path, patience: Patience = QUICK) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        fetched(source, part, patience)
    return caught.value


def ranges(server: ReleaseServer) -> list[str]:
    """What was asked of the store, "" for the whole file."""
    return [each.headers.get("Range", "") for each in server.requests if each.path.startswith("/store/")]
