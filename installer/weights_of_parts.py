"""How much each part of the packaged program weighs, as a table."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

_LEAST_MB = 3.0


def table(folder: Path) -> str:
    """Parts with their size in MB, the heaviest first; small ones together."""
    sizes = weights(folder)
    rows = [(name, size / 1e6) for name, size in sorted(sizes.items(), key=lambda each: -each[1])]
    shown = [(name, size) for name, size in rows if size >= _LEAST_MB]
    rest = sum(size for _, size in rows) - sum(size for _, size in shown)
    lines = [f"{name:24} {size:7.1f} MB" for name, size in [*shown, ("the rest", rest)]]
    return "\n".join([*lines, f"{'together':24} {sum(size for _, size in rows):7.1f} MB"])


def weights(folder: Path) -> dict[str, int]:
    """Bytes by part: what lies in one folder of the program's inner folder, with the libraries beside it."""
    inner = next((each for each in (folder / "_internal", folder / "Contents") if each.is_dir()), folder)
    sizes: dict[str, int] = defaultdict(int)
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            sizes[_part(path, inner)] += path.stat().st_size
    return dict(sizes)


def _part(path: Path, inner: Path) -> str:
    """The part that a file belongs to."""
    if inner not in path.parents:
        return "starter and modules"
    parts = path.relative_to(inner).parts
    if len(parts) == 1:
        return "libraries and Python"
    name = parts[0] if parts[0] not in ("Frameworks", "Resources", "MacOS") else parts[min(1, len(parts) - 2)]
    return name.removesuffix(".libs").split("-")[0]
