"""When a run was made and what its results are, as a value: identifiers and times that are the same at every export.

DICOM objects need unique identifiers and times. Taken from chance and the clock, two exports of one run would differ;
taken from the labels and from the time of the run, they are the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from tsdesktop.core.volume import LabelMap

_UID_BITS = 128


@dataclass(frozen=True)
class Provenance:
    """`made_at`: the time of the run in UTC, whole seconds; `seed`: hex sha256 of the labels, their grid and task.

    `networks`: the networks that made the labels, with their versions, where they are known.

    Raises ValueError for a time without a zone and for a seed that is not hexadecimal.
    """

    made_at: datetime
    seed: str
    networks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.made_at.tzinfo is None:
            raise ValueError(f"the time of a run needs a time zone, got {self.made_at!r}")
        int(self.seed, 16)
        object.__setattr__(self, "made_at", self.made_at.astimezone(UTC).replace(microsecond=0))

    def uid(self, *what: str) -> str:
        """A DICOM unique identifier for `what` of this run: the same call gives the same one, at most 44 characters.

        The form is that of UUIDs as integers under the root 2.25 (DICOM PS3.5 B.2, ITU-T X.667).
        """
        text = "|".join((self.seed, *what))
        digest = hashlib.sha256(text.encode("utf-8")).digest()
        number = int.from_bytes(digest[: _UID_BITS // 8], "big")
        return f"2.25.{_as_version_8(number)}"


def provenance_of(label_map: LabelMap, made_at: datetime) -> Provenance:
    """The provenance of labels made at `made_at`. Raises ValueError for a time without a zone."""
    digest = hashlib.sha256()
    head = [label_map.task, str(label_map.geometry.shape), *(f"{each.label}={each.name}" for each in label_map.classes)]
    digest.update("\n".join(head).encode("utf-8"))
    digest.update(np.ascontiguousarray(label_map.affine, dtype="<f8").tobytes())
    for k in range(label_map.array.shape[2]):
        # Bytes in one fixed order and type, however the array lies in memory.
        digest.update(np.ascontiguousarray(label_map.array[:, :, k].T, dtype="<u2").data)
    return Provenance(made_at, digest.hexdigest())


def _as_version_8(number: int) -> int:
    """`number` with the bits that mark a UUID of version 8 (RFC 9562: contents of one's own making)."""
    number = number & ~(0xF << 76) | (0x8 << 76)
    return number & ~(0x3 << 62) | (0x2 << 62)
