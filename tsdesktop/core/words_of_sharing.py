"""The part of the table of `core.words` about scans that are shared without face and patient."""

from __future__ import annotations

WORDS_OF_SHARING: dict[str, tuple[str, str]] = {
    "share.burned_in": (
        "{name} says that the patient is named in the picture itself, so it was not shared.",
        "Choose the original series, without text in its pictures.",
    ),
    "share.pixels": (
        "{name} cannot be written as DICOM again: {reason}.",
        "Choose NIfTI.",
    ),
    "share.more_frames": (
        "{name} holds {frames} pictures in one file, of which {used} are open, so the others would keep the face.",
        "Choose NIfTI, which holds what is open.",
    ),
    "share.lookup_table": (
        "{name} has a lookup table for its intensities, through which a face cannot be taken out.",
        "Choose NIfTI.",
    ),
    "share.not_dicom": (
        "{name} was not read from DICOM files, so it cannot be shared as DICOM.",
        "Choose NIfTI, or open the DICOM series.",
    ),
    "share.patient_id": (
        "{value} cannot stand for a patient: it needs 1 to 64 letters, digits, - or _.",
        "Choose another name, such as study7-003.",
    ),
    # how the face was found
    "share.found_network": ("The face was found by the network of the task {task}.", ""),
    "share.found_labels": ("The face was taken from the open labels.", ""),
    "share.found_skin": (
        "The face was found from the skin of the head: the network of the task {task} is not on this computer.",
        "",
    ),
    "share.found_skin_after": (
        "The face was found from the skin of the head: the network of the task {task} found none.",
        "",
    ),
    "share.no_head": ("No head with a face was found, nothing was removed.", "Look at the scan before you share it."),
    "share.kept": ("The face was kept, as you chose.", ""),
    # what was not done
    "share.captured": (
        "The pictures were captured from a screen or are of a kind that often names the patient in the picture.",
        "Look at every slice before you share them.",
    ),
    "share.no_guarantee": (
        "This is no guarantee that nobody can be recognised.",
        "Look at the result before you share it.",
    ),
    "share.text_in_pixels": ("Text in the pixels was not looked for.", ""),
    "share.rest_of_head": ("Ears, teeth, skull and implants were not changed.", ""),
    "share.kept_words": (
        "Words about the scanner and how the scan was made were kept where the profile keeps them.",
        "",
    ),
}
