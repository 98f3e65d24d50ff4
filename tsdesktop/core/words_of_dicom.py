"""The part of the table of `core.words` about results as DICOM objects: writing them, and opening them as labels."""

from __future__ import annotations

WORDS_OF_DICOM: dict[str, tuple[str, str]] = {
    "read.labels_first": ("{name} is a {what}: open the scan it was made from first, then this.", ""),
    "labels.not_parallel": (
        "The labels of {name} do not lie on parallel planes.",
        "Export them again on the slices of the scan.",
    ),
    "labels.no_contours": (
        "{name} holds no closed contours.",
        "Points and open lines are not labels; choose another structure set.",
    ),
    "export.dicom_only": (
        "{name} was not read from DICOM files, so there is no series that a {what} could refer to.",
        "Write NIfTI or NRRD instead, or open the DICOM series.",
    ),
    "export.dicom_source_gone": (
        "The DICOM files of {name}, to which a {what} refers, cannot be found or read any more.",
        "Put them back, or write NIfTI or NRRD instead.",
    ),
    "export.dicom_source_changed": (
        "The DICOM files of {name} are not those that were opened, so a {what} cannot refer to them.",
        "Open the series again, or write NIfTI or NRRD instead.",
    ),
    "export.dicom_identifiers": (
        "The DICOM files of {name} lack identifiers that a {what} must refer to ({missing}).",
        "Write NIfTI or NRRD instead.",
    ),
    "export.dicom_elsewhere": (
        "{name} was not written: the labels lie elsewhere in space than the slices of the scan.",
        "Open the scan the labels were made from.",
    ),
    "export.dicom_segmentation": (
        "{name} is no DICOM segmentation of the same study, so the report cannot refer to it.",
        "Write the segmentation first, or the report without it.",
    ),
    "export.dicom_too_large": (
        "{name} would be larger than a DICOM file may be (4 GB).",
        "Choose fewer structures, or the label map form.",
    ),
}
