"""Files that are either whole or not there: written under a temporary name beside the target, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path` with the same endings; renames it to `path` when the block ends well.

    When the block raises, the temporary file is removed and `path` is as it was. Raises OSError.
    """
    suffix = "".join(path.suffixes[-2:])
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tsdesktop-", suffix=suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; a result is as readable as any file the person makes.
        temporary.chmod(0o666 & ~_UMASK)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _read_umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


# Asked once, while the module is imported: asking sets it for the whole process for a moment.
_UMASK = _read_umask()
