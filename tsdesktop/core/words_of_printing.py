"""The part of the table of `core.words` about recipes and solids for printing."""

from __future__ import annotations

WORDS_OF_PRINTING: dict[str, tuple[str, str]] = {
    # recipes
    "recipe.not_json": ("{name} is not a recipe: it is no JSON text ({reason}).", "Save the recipe again."),
    "recipe.not_one": ("{name} is not a recipe for printing.", "Choose a file that the print studio saved."),
    "recipe.newer": ("{name} was saved by a newer version of this program.", "Update the program."),
    "recipe.unknown_step": ("{name} has a step that is not known: {step}.", "Steps are: {known}."),
    "recipe.bad_value": ("{name} cannot be followed: {reason}.", "Correct the value, or save the recipe again."),
    # solids
    "solid.not_closed": (
        "The surface of {name} is not closed, so no solid can be made of it.",
        "Make the surface again, with less smoothing.",
    ),
    "solid.nothing_left": (
        "Nothing is left to print after the step {step}.",
        "Choose other structures, or change that step.",
    ),
    "note.solid_absent": ("{name} is not in this scan and was left out.", "Choose structures that are there."),
    "note.solid_vanished": ("Nothing of {name} is left after the step {step}.", "Change that step."),
    "note.solid_too_thin": (
        "{name} is too thin for a cavity with walls of {wall_mm} mm and stays solid.",
        "Choose a thinner wall.",
    ),
    "note.solid_no_drain": (
        "{name} got {count} of {wanted} drain holes: no more fit.",
        "Choose narrower holes.",
    ),
    "note.solid_cavities": (
        "{count} of {all} cavities of {name} could get no drain hole and stay solid.",
        "Choose more or narrower holes.",
    ),
    "note.solid_closed": (
        "{count} cavities of {name} have no way out.",
        "A closed cavity keeps resin or powder inside: choose wider holes.",
    ),
    "note.solid_fewer_pins": (
        "{name} got {count} of {wanted} pins: no more fit inside the cut.",
        "Choose thinner pins or another place for the cut.",
    ),
    "note.solid_not_cut": ("The plane does not meet {name}, so it stays whole.", ""),
    "note.solid_some_not_cut": ("The plane does not meet {count} of {all} parts; they stay whole.", ""),
    "note.solid_apart": (
        "{count} pieces stay apart: the gaps are longer than {longest_mm} mm.",
        "Allow longer rods, or remove islands.",
    ),
    # labels, plates and the bed
    "labels.needs_scan": (
        "{name} is a structure set: contours on the slices of a scan, without a grid to print from.",
        "Open it beside its scan in the window, and print it there or export it as NIfTI.",
    ),
    "label.unknown_letters": (
        "The label has characters that the font does not have: {letters}.",
        "Write the label without them.",
    ),
    "label.empty": ("The label has no letters.", "Write a text, or leave the label out."),
    "label.no_room": (
        "There is no room for the label {text} on the {face} side.",
        "Choose smaller letters, a shorter text, another side, or the plate.",
    ),
    "label.no_plate": ("The label {text} has no plate to stand on.", "Add a base plate before it, or choose a side."),
    "print.no_input": (
        "It was not said what to print, or where to.",
        "Name a label map or the folder of a run, and the folder to write to with -o.",
    ),
    "print.bad_value": ("This cannot be printed: {reason}.", "`tsdesktop print --help` says what can be asked for."),
    "print.not_sound": (
        "{names} would not print: {reason}, and mending did not help. Nothing was written.",
        "Choose less smoothing, or leave out the last step.",
    ),
    "print.read_back": (
        "{name} is not what was to be written: {reason}. It was removed.",
        "Write it again, on another disk if it happens again.",
    ),
    "print.unknown_structure": (
        "The label map has no structure named {name}.",
        "Did you mean {near}? Without --structures all are printed.",
    ),
    "print.no_bed": ("Nothing says how large the bed is.", "Choose a printer, or enter the size of its bed."),
    "note.label_smaller": (
        "The letters of the label {text} are {height_mm} mm tall instead of {asked_mm} mm, so that it fits.",
        "",
    ),
    "note.label_shallower": (
        "The label {text} is {depth_mm} mm deep instead of {asked_mm} mm, so that half of the wall is left.",
        "",
    ),
    "note.plate_columns": (
        "What does not stand on the plate by itself is held by {count} columns, up to {diameter_mm} mm wide.",
        "Remove islands before if these are specks.",
    ),
    "note.scaled_to_fit": ("Everything was scaled to {percent} % to fit on the bed ({bed} mm).", ""),
    "note.fits_the_bed": ("Everything fits on the bed ({bed} mm) at its own size.", ""),
}
