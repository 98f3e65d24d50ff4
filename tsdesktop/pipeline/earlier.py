"""Results of earlier runs, kept in the cache folder and found again by content.

The same voxels on the same grid, the same networks and the same choices give the same labels: asked again, they are
read instead of computed. An entry is one gzip stream of a line of JSON and the labels, so that damage shows; an entry
that cannot be read is removed. The folder is bounded in size: what was not used for longest goes first.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from isal import igzip, isal_zlib
from numpy.typing import NDArray

from tsdesktop.core.files import written_whole
from tsdesktop.core.notes import Note
from tsdesktop.core.settings import cache_folder, load_settings
from tsdesktop.core.version import __version__
from tsdesktop.jobs.job import Job
from tsdesktop.jobs.messages import Finished
from tsdesktop.jobs.plan import NetworkRun
from tsdesktop.jobs.wire import converter

log = logging.getLogger(__name__)
_ENDING = ".labels.gz"
_LIMIT_BYTES = 2 << 30
_PIECE_BYTES = 16 << 20
_MOST_THREADS = 4
_FASTEST = 1
_DAMAGE: tuple[Any, ...] = (OSError, EOFError, ValueError, KeyError, TypeError, isal_zlib.error)
Check = Callable[[], None]


@dataclass(frozen=True, eq=False)
class Earlier:
    """What the inference process gave: labels [i, j, k], where they lie, how and when they came about, and notes."""

    labels: NDArray[Any]
    finished: Finished
    notes: tuple[Note, ...]
    made_at: datetime


class EarlierResults:
    """The folder of kept results. Nothing here ever fails a run: a folder that cannot be used keeps nothing."""

    def __init__(self, folder: Path | None = None, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._folder = folder or cache_folder() / "results"
        self._limit_bytes = limit_bytes

    def about(self, job: Job, array: NDArray[Any]) -> Question:
        """The question whether `job` was run before on the scan's voxels `array`."""
        return Question(self, job, array)

    @property
    def used_bytes(self) -> int:
        """How much room the kept results take."""
        return sum(size for _, size, _ in self._entries())

    def clear(self) -> None:
        """Removes all kept results."""
        for path, _, _ in self._entries():
            self._remove(path)

    def known(self, asked: str) -> bool:
        """Whether there is any result whose key begins so: without one no scan needs to be looked through."""
        return any(path.name.startswith(asked) for path, _, _ in self._entries())

    def read(self, key: str) -> Earlier | None:
        """The result kept under `key`; one that cannot be read is removed."""
        path = self._folder / (key + _ENDING)
        try:
            found = _read(path)
            os.utime(path)
        except FileNotFoundError:
            return None
        except _DAMAGE as error:
            log.warning("a kept result was damaged and is removed: %s", type(error).__name__)
            self._remove(path)
            return None
        return found

    def write(self, key: str, result: Earlier) -> None:
        """Keeps a result, and removes those not used for longest where there are too many."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with written_whole(self._folder / (key + _ENDING)) as temporary:
                _write(temporary, result)
        except OSError as error:
            log.warning("a result could not be kept: %s", error.strerror)
        self._prune()

    def _prune(self) -> None:
        left = self._limit_bytes
        for path, size, _ in sorted(self._entries(), key=lambda entry: entry[2], reverse=True):
            left -= size
            if left < 0:
                self._remove(path)

    def _entries(self) -> list[tuple[Path, int, int]]:
        """Path, size and time of last use of every entry."""
        try:
            with os.scandir(self._folder) as found:
                entries = [(Path(each.path), each.stat()) for each in found if each.name.endswith(_ENDING)]
        except OSError:
            return []
        return [(path, stat.st_size, stat.st_mtime_ns) for path, stat in entries]

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("a kept result could not be removed: %s", error.strerror)


def earlier_results(wanted: bool | None = None) -> EarlierResults | None:
    """Where results are kept; None where none are. None as a wish means what the settings say."""
    if wanted is None:
        wanted = load_settings().keep_results
    return EarlierResults() if wanted else None


class Question:
    """Whether one run was made before. The voxels are looked through at most once."""

    def __init__(
        self, results: EarlierResults, job: Job, array: NDArray[Any], content: Future[str] | None = None
    ) -> None:
        self._results = results
        self._array = array
        self._asked = _asked(job, array)
        self._content = content

    def about_same_voxels(self, job: Job) -> Question:
        """The question about another job on the same scan."""
        return Question(self._results, job, self._array, self._content)

    def answer(self, check: Check) -> Earlier | None:
        """The result of the earlier run, if there was one. `check` is called now and then and may raise."""
        if not self._results.known(self._asked):
            return None
        self.prepare(check)
        return self._results.read(self._key())

    def prepare(self, check: Check = lambda: None) -> None:
        """Begins to look through the voxels, so that `keep` need not wait for it."""
        if self._content is None:
            pool = ThreadPoolExecutor(1, thread_name_prefix="content")
            self._content = pool.submit(_content, self._array, check)
            pool.shutdown(wait=False)

    def keep(self, result: Earlier) -> None:
        """Keeps the result for next time."""
        self.prepare()
        self._results.write(self._key(), result)

    def _key(self) -> str:
        assert self._content is not None  # noqa: S101
        return self._asked + self._content.result()


def _asked(job: Job, array: NDArray[Any]) -> str:
    """What is asked, but for the voxels: the job without its folder and without what does not change labels."""
    plan = replace(job.plan, draft=None) if job.plan else None
    asked = replace(job, folder="", plan=plan, threads=0, drafts=False)
    networks = job.plan.all_networks if job.plan else ()
    described = [__version__, converter().dumps(asked), str(array.dtype), [_files(each) for each in networks]]
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()[:32] + "-"


def _files(network: NetworkRun) -> list[tuple[str, int, int]]:
    """Names, sizes and times of the files of a network: another network has others."""
    folder = Path(network.folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in files]


def _content(array: NDArray[Any], check: Check) -> str:
    """A digest of the voxels [i, j, k], whatever their order in memory."""
    step = max(1, _PIECE_BYTES // max(1, array[:, :, :1].nbytes))

    def piece(start: int) -> bytes:
        check()
        digest = hashlib.sha256()
        for k in range(start, min(start + step, array.shape[2])):
            digest.update(np.ascontiguousarray(array[:, :, k].T).data)
        return digest.digest()

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="content") as pool:
        pieces = list(pool.map(piece, range(0, array.shape[2], step)))
    return hashlib.sha256(b"".join(pieces)).hexdigest()


def _write(path: Path, result: Earlier) -> None:
    labels, fortran = result.labels, result.labels.flags.f_contiguous
    head = {
        "shape": labels.shape,
        "dtype": labels.dtype.str,
        "order": "F" if fortran else "C",
        "finished": converter().unstructure(result.finished),
        "notes": [each.to_data() for each in result.notes],
        "made_at": result.made_at.isoformat(),
    }
    with igzip.open(path, "wb", compresslevel=_FASTEST) as file:
        file.write(json.dumps(head).encode() + b"\n")
        for part in _pieces(labels.T if fortran else labels):
            file.write(np.ascontiguousarray(part).data)


def _pieces(planes: NDArray[Any]) -> Iterator[NDArray[Any]]:
    step = max(1, _PIECE_BYTES // max(1, planes[:1].nbytes))
    return (planes[start : start + step] for start in range(0, len(planes), step))


def _read(path: Path) -> Earlier:
    with igzip.open(path, "rb") as file:
        head = json.loads(file.readline())
        labels = np.empty(head["shape"], np.dtype(head["dtype"]), order=head["order"])
        for part in _pieces(labels.T if head["order"] == "F" else labels):
            if file.readinto(part.data.cast("B")) != part.nbytes:
                raise EOFError
        if file.read(1):
            raise ValueError("the entry is longer than it should be")
    notes = tuple(Note(each["id"], each["arguments"]) for each in head["notes"])
    finished = converter().structure(head["finished"], Finished)
    return Earlier(labels, finished, notes, datetime.fromisoformat(head["made_at"]))
