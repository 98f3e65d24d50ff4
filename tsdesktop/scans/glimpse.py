"""One slice from the middle of a series, to recognise it by, without reading the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.errors import ReadError
from tsdesktop.scans.choices import SeriesSummary
from tsdesktop.scans.content import kind_of
from tsdesktop.scans.dicom_headers import OtherObject, read_header
from tsdesktop.scans.dicom_pixels import decode
from tsdesktop.scans.label_files import system_words
from tsdesktop.scans.streams import Request

Plane = NDArray[Any]


def glimpse(summary: SeriesSummary) -> tuple[Plane, float] | None:
    """The middle slice [row, column] as it stands in the files, and how tall its pixels are for their width.

    None where only reading the whole series would show it: in an archive, and for files of other formats than DICOM.
    Raises ReadError.
    """
    path = Path(summary.files[len(summary.files) // 2])
    if not path.is_absolute() or not path.is_file():
        return None
    with system_words(path):
        if kind_of(path) != "dicom":
            return None
        slices = read_header(path)
        if isinstance(slices, OtherObject):
            raise ReadError("read.derived_object", name=path.name, what=slices.what)
        middle = slices[len(slices) // 2]
        array, _ = decode([middle], path.name, Request())
    tall, wide = middle.pixel_spacing_mm or (1.0, 1.0)
    return np.asarray(array[:, :, 0]).T, (tall / wide if tall > 0 and wide > 0 else 1.0)
