"""The frames of a segmentation: for each its place, source and segment, and the packed pixels, written one by one.

highdicom describes a segmentation; its frames are written here, because a scan of 600 slices with 117 structures has
more than ten thousand, and as objects in memory they cost half a minute and as many bytes as the scan.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdesktop.core.volume import Labels
from tsdesktop.exports.dicom.sources import SourceSlice
from tsdesktop.exports.dicom.study import CHARACTER_SET

Sink = Callable[[bytes], object]
_ITEM = struct.Struct("<HHI")
_LONG = struct.Struct("<HH2sHI")
MOST_BYTES = 2**32 - 2


@dataclass(frozen=True)
class Frame:
    """One frame: the index of its slice, the number of its segment, and its place in the dimensions (from 1)."""

    slice: int
    segment: int
    dimensions: tuple[int, ...]


def binary_frames(found: NDArray[np.bool_], labels: Sequence[int]) -> list[Frame]:
    """A frame per segment and slice that has any of it, segment by segment. `found`: [slice, label]."""
    used = np.flatnonzero(found[:, list(labels)].any(axis=1))
    place = {int(k): n for n, k in enumerate(used, 1)}
    return [
        Frame(int(k), number, (number, place[int(k)]))
        for number, label in enumerate(labels, 1)
        for k in np.flatnonzero(found[:, label])
    ]


def label_frames(found: NDArray[np.bool_], labels: Sequence[int]) -> list[Frame]:
    """A frame per slice that has any structure. `found`: [slice, label]."""
    used = np.flatnonzero(found[:, list(labels)].any(axis=1))
    return [Frame(int(k), 0, (n,)) for n, k in enumerate(used, 1)]


def labels_found(arrays: Labels) -> NDArray[np.bool_]:
    """Which labels occur on which slice: [slice, label], for [slice, row, column]."""
    count = int(arrays.max(initial=0)) + 1
    found = np.zeros((len(arrays), count), bool)
    for row, picture in zip(found, arrays, strict=True):
        row[:] = np.bincount(picture.ravel(), minlength=count) > 0
    return found


def write_groups(frames: Sequence[Frame], slices: Sequence[SourceSlice], sink: Sink) -> None:
    """Writes the per-frame functional groups (5200,9230), in explicit little-endian notation."""
    derivations = [encoded(_derivation(each)) for each in slices]
    positions = [encoded(_position(each)) for each in slices]
    segments: dict[int, bytes] = {0: b""}
    items = []
    for frame in frames:
        if frame.segment not in segments:
            segments[frame.segment] = encoded(_segment(frame.segment))
        content = _sequence(0x0020, 0x9111, _index(frame.dimensions))
        # In the order of the tags: 0008,9124 0020,9111 0020,9113 0062,000A.
        item = derivations[frame.slice] + content + positions[frame.slice] + segments[frame.segment]
        items.append(_ITEM.pack(0xFFFE, 0xE000, len(item)) + item)
    sink(_LONG.pack(0x5200, 0x9230, b"SQ", 0, sum(map(len, items))))
    for item in items:
        sink(item)


def binary_size(frames: int, pixels: int) -> int:
    """Bytes of so many frames of one bit per pixel, padded to an even number."""
    packed = (frames * pixels + 7) // 8
    return packed + packed % 2


def write_binary(frames: Sequence[Frame], arrays: Labels, labels: Sequence[int], sink: Sink) -> None:
    """Writes the pixel data (7FE0,0010) of binary frames: bits without gaps between frames, lowest bit first."""
    size = binary_size(len(frames), arrays[0].size)
    sink(_LONG.pack(0x7FE0, 0x0010, b"OB", 0, size))
    written, rest = 0, np.zeros(0, bool)
    for frame in frames:
        mask = arrays[frame.slice] == labels[frame.segment - 1]
        bits = np.concatenate([rest, mask.ravel()]) if rest.size else mask.ravel()
        whole = bits.size - bits.size % 8
        packed = np.packbits(bits[:whole], bitorder="little").tobytes()
        sink(packed)
        written, rest = written + len(packed), bits[whole:]
    last = np.packbits(rest, bitorder="little").tobytes()
    sink(last + b"\0" * (size - written - len(last)))


def write_labels(frames: Sequence[Frame], arrays: Labels, sink: Sink) -> None:
    """Writes the pixel data of a label map, each frame compressed without loss as runs (RLE Lossless)."""
    from highdicom.frame import encode_frame
    from pydicom.encaps import encapsulate
    from pydicom.uid import RLELossless

    bits = arrays.dtype.itemsize * 8
    packed = [
        encode_frame(arrays[frame.slice], RLELossless, bits, bits, "MONOCHROME2", pixel_representation=0)
        for frame in frames
    ]
    sink(_LONG.pack(0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF))
    sink(encapsulate(packed, has_bot=True))
    sink(_ITEM.pack(0xFFFE, 0xE0DD, 0))


def _index(dimensions: tuple[int, ...]) -> bytes:
    """The item with the dimension index values (0020,9157) of a frame."""
    values = struct.pack(f"<{len(dimensions)}I", *dimensions)
    return struct.pack("<HH2sH", 0x0020, 0x9157, b"UL", len(values)) + values


def _sequence(group: int, element: int, item: bytes) -> bytes:
    """A sequence with one item."""
    return _LONG.pack(group, element, b"SQ", 0, len(item) + 8) + _ITEM.pack(0xFFFE, 0xE000, len(item)) + item


def _derivation(slice: SourceSlice) -> Any:
    from pydicom.dataset import Dataset
    from pydicom.sr.codedict import codes

    source, derivation, ds = Dataset(), Dataset(), Dataset()
    source.ReferencedSOPClassUID = slice.sop_class_uid
    source.ReferencedSOPInstanceUID = slice.sop_instance_uid
    if slice.frame is not None:
        source.ReferencedFrameNumber = slice.frame
    source.SpatialLocationsPreserved = "YES"
    source.PurposeOfReferenceCodeSequence = [_code(codes.cid7202.SourceImageForImageProcessingOperation)]
    derivation.SourceImageSequence = [source]
    derivation.DerivationCodeSequence = [_code(codes.cid7203.SegmentationImageDerivation)]
    ds.DerivationImageSequence = [derivation]
    return ds


def _position(slice: SourceSlice) -> Any:
    from highdicom.content import PlanePositionSequence
    from pydicom.dataset import Dataset

    ds = Dataset()
    ds.PlanePositionSequence = PlanePositionSequence("PATIENT", slice.position_lps)
    return ds


def _segment(number: int) -> Any:
    from pydicom.dataset import Dataset

    segment, ds = Dataset(), Dataset()
    segment.ReferencedSegmentNumber = number
    ds.SegmentIdentificationSequence = [segment]
    return ds


def _code(code: Any) -> Any:
    from highdicom.sr.coding import CodedConcept

    return CodedConcept.from_code(code)


def encoded(ds: Any, *, implicit: bool = False) -> bytes:
    """A data set without file header in explicit, or `implicit`, little-endian notation; text is UTF-8.

    A part of an object may lack the element that says so, and pydicom would take Latin-1 then.
    """
    from pydicom.filebase import DicomIO
    from pydicom.filewriter import write_dataset

    buffer = io.BytesIO()
    file = DicomIO(buffer)
    file.is_implicit_VR, file.is_little_endian = implicit, True
    write_dataset(file, ds, CHARACTER_SET)
    return buffer.getvalue()
