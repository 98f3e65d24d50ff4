"""Facts found out about this computer, by key, in a small file of the data folder."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from tsdesktop.core.files import written_whole

log = logging.getLogger(__name__)
# More networks than there are; older facts are of files or drivers that are gone.
_KEPT = 300


class Remembered:
    """Facts by key. A file that cannot be read or written costs finding out again, never a run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> dict[str, Any]:
        """What is known of `key`; nothing when that is not known."""
        found = self._read().get(key)
        return found if isinstance(found, dict) else {}

    def keep(self, key: str, facts: dict[str, Any]) -> None:
        """Remembers facts, in place of earlier ones."""
        known = {other: kept for other, kept in self._read().items() if other != key}
        known[key] = facts
        latest = dict(list(known.items())[-_KEPT:])
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(self._path) as temporary:
                temporary.write_text(json.dumps(latest, indent=1), encoding="utf-8")
        except OSError as error:
            log.warning("what was found could not be kept in %s: %s", self._path.name, error)

    def _read(self) -> dict[str, Any]:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("%s could not be read: %s", self._path.name, error)
            return {}
        return stored if isinstance(stored, dict) else {}
