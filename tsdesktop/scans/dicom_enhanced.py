"""Multi-frame objects: every frame as a slice, from the shared and the per-frame functional groups."""

from __future__ import annotations

from typing import Any

from tsdesktop.scans.dicom_headers import ImageFile, Moment, Slice, number, text, vector, window_of, words


class _Groups:
    """The functional groups of one frame: its own first, then the shared ones, then the data set itself."""

    def __init__(self, ds: Any, frame: int) -> None:
        own = ds.get("PerFrameFunctionalGroupsSequence") or []
        shared = ds.get("SharedFunctionalGroupsSequence") or []
        self._ds = ds
        self._places = [*own[frame : frame + 1], *shared[:1]]

    def group(self, sequence: str) -> Any:
        """The group's item, or the data set itself where no group of that name exists."""
        for place in self._places:
            found = place.get(sequence)
            if found:
                return found[0]
        return self._ds


def frame_slices(file: ImageFile, ds: Any) -> list[Slice]:
    """One slice per frame of a multi-frame data set."""
    return [_frame_slice(file, ds, frame) for frame in range(file.frames)]


def _frame_slice(file: ImageFile, ds: Any, frame: int) -> Slice:
    groups = _Groups(ds, frame)
    measures = groups.group("PixelMeasuresSequence")
    values = groups.group("PixelValueTransformationSequence")
    content = groups.group("FrameContentSequence")
    return Slice(
        file=file,
        frame=frame,
        sop_uid=text(ds, "SOPInstanceUID"),
        instance=float(frame),
        rows=int(number(ds, "Rows")),
        columns=int(number(ds, "Columns")),
        position_lps=vector(groups.group("PlanePositionSequence"), "ImagePositionPatient", 3),
        orientation_lps=vector(groups.group("PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        pixel_spacing_mm=vector(measures, "PixelSpacing", 2),
        thickness_mm=number(measures, "SliceThickness"),
        slope=number(values, "RescaleSlope", 1.0) or 1.0,
        intercept=number(values, "RescaleIntercept"),
        frame_of_reference=text(ds, "FrameOfReferenceUID"),
        stack=text(content, "StackID"),
        window=window_of(groups.group("FrameVOILUTSequence")),
        moment=_moment(ds, groups, content),
    )


def _moment(ds: Any, groups: _Groups, content: Any) -> Moment:
    diffusion = groups.group("MRDiffusionSequence")
    direction = (diffusion.get("DiffusionGradientDirectionSequence") or [diffusion])[0]
    frame_type = groups.group("MRImageFrameTypeSequence")
    if frame_type is ds:
        frame_type = groups.group("CTImageFrameTypeSequence")
    return Moment(
        image_type=words(frame_type, "FrameType") or words(ds, "ImageType"),
        echo_ms=number(groups.group("MREchoSequence"), "EffectiveEchoTime"),
        b_value=number(diffusion, "DiffusionBValue"),
        gradient=vector(direction, "DiffusionGradientOrientation", 3) or (),
        temporal=number(content, "TemporalPositionIndex"),
        trigger_ms=number(groups.group("CardiacSynchronizationSequence"), "NominalCardiacTriggerDelayTime"),
        acquisition=number(content, "FrameAcquisitionNumber"),
    )
