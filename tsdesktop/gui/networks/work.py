"""What the window of networks does on other threads: verify, delete, discard. Plain functions, stopped by a `Stop`."""

from __future__ import annotations

from collections.abc import Sequence

from tsdesktop.core.errors import WeightsError
from tsdesktop.gui.networks.rows import Row
from tsdesktop.gui.networks.sentences import sentence_of
from tsdesktop.weights.custom import remove_custom
from tsdesktop.weights.downloads import forget_partial
from tsdesktop.weights.install import remove, verify
from tsdesktop.weights.packages import Package
from tsdesktop.weights.progress import Listen, Progress
from tsdesktop.weights.stopping import Stop

Results = list[tuple[str, str]]


def verify_rows(rows: Sequence[Row], listen: Listen, stop: Stop) -> Results:
    """By folder what is wrong with each network, nothing for whole ones. Raises Cancelled."""
    results: Results = []
    total, before = sum(row.entry.bytes_here for row in rows), 0
    for row in rows:
        package = row.entry.package
        if package is None:
            continue

        def tell(told: Progress, before: int = before, row: Row = row) -> None:
            share = told.share
            done = before + round((share or 0.0) * row.entry.bytes_here)
            listen(Progress("checking", done, total, told.bytes_per_s))

        try:
            verify(package, tell, stop)
        except WeightsError as error:
            results.append((row.key, sentence_of(error)))
        else:
            results.append((row.key, ""))
        before += row.entry.bytes_here
    return results


def delete_rows(rows: Sequence[Row], _listen: Listen, stop: Stop) -> int:
    """Deletes networks that this program keeps, and says how many bytes that freed; when stopped, those until then."""
    freed = 0
    for row in rows:
        if stop.is_set:
            break
        if row.entry.custom is not None:
            freed += remove_custom(row.entry.custom.name)
        else:
            # What is not used any more is in no package of the catalogue, yet in a folder like one.
            freed += remove(row.entry.package or Package(row.entry.folder, ()))
    return freed


def discard_rows(rows: Sequence[Row], _listen: Listen, _stop: Stop) -> int:
    """Removes what interrupted downloads have left, and says how many bytes that freed."""
    freed = 0
    for row in rows:
        if row.entry.package is not None:
            freed += row.entry.partial_bytes
            forget_partial(row.entry.package)
    return freed
