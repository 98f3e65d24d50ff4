"""The part of the table of `core.words` about what is looked at before a mesh is written or printed."""

from __future__ import annotations

WORDS_OF_PREFLIGHT: dict[str, tuple[str, str]] = {
    # one finding each: good, warning or bad
    "preflight.empty": ("There are no triangles.", "Choose structures that are in the label map."),
    "preflight.closed": ("The surface is closed.", ""),
    "preflight.open": ("The surface is open at {edges} edges.", "Fill the holes."),
    "preflight.manifold": ("Every edge joins two triangles, and every point one sheet.", ""),
    "preflight.not_manifold": (
        "The surface is not manifold: {edges} edges with more than two triangles, {vertices} points where sheets meet.",
        "Separate the sheets.",
    ),
    "preflight.no_degenerate": ("Every triangle has three corners, and none is there twice.", ""),
    "preflight.degenerate": (
        "{degenerate} triangles have two corners at one place, and {double} are there twice.",
        "Remove them.",
    ),
    "preflight.outward": ("All triangles face outward.", ""),
    "preflight.not_outward": (
        "Not all triangles face outward: {edges} edges at which they disagree, {pieces} pieces inside out.",
        "Turn them round.",
    ),
    "preflight.no_self_intersection": ("The surface does not run through itself.", ""),
    "preflight.self_intersections": (
        "The surface runs through itself: {pairs} pairs of triangles.",
        "Join what overlaps and smooth what folds.",
    ),
    "preflight.many_self_intersections": (
        "The surface runs through itself: more than {pairs} pairs of triangles.",
        "Make the surface again, with less smoothing.",
    ),
    "preflight.one_piece": ("It is one piece.", ""),
    "preflight.pieces": (
        "It is in {pieces} pieces, which print as separate bodies.",
        "Connect them with struts, or keep the largest.",
    ),
    "preflight.small_pieces": (
        "It is in {pieces} pieces, {small} of them smaller than {percent} % of the largest.",
        "Remove the small ones.",
    ),
    "preflight.cavities": (
        "Closed cavities inside, which keep resin or powder: {cavities}.",
        "Fill the cavities, or hollow it with drain holes.",
    ),
    "preflight.wall": ("The thinnest wall is {wall_mm} mm, and {process} holds {limit_mm} mm.", ""),
    "preflight.no_wall": ("No wall is thin.", ""),
    "preflight.some_thin": (
        "The thinnest wall is {wall_mm} mm, less than the {limit_mm} mm that hold ({process}).",
        "Thicken what is thin, or print it larger.",
    ),
    "preflight.thin": (
        "More than a twentieth of the walls are thinner than {limit_mm} mm ({process}): the thinnest is {wall_mm} mm.",
        "Thicken what is thin, or print it larger.",
    ),
    "preflight.size": ("It is {x_mm} x {y_mm} x {z_mm} mm; no printer is chosen.", ""),
    "preflight.fits": ("It is {x_mm} x {y_mm} x {z_mm} mm and fits the {bed}.", ""),
    "preflight.fits_turned": (
        "It is {x_mm} x {y_mm} x {z_mm} mm and fits the {bed} only when it is turned over.",
        "Lay it flat.",
    ),
    "preflight.too_large": (
        "It is {x_mm} x {y_mm} x {z_mm} mm, too large for the {bed} ({bed_mm} mm).",
        "Scale it to the bed, or cut it.",
    ),
    "preflight.file": ("{triangles} triangles, about {size_mb} MB as STL.", ""),
    "preflight.large_file": (
        "{triangles} triangles, about {size_mb} MB as STL: many programs become slow.",
        "Allow an error of some hundredths of a mm to save triangles.",
    ),
    "preflight.unit": ("Lengths are in mm.", ""),
    "preflight.odd_unit": (
        "Its longest side is {longest_mm} mm, which is unlikely for lengths in mm.",
        "Check the unit of the scan, or the scale.",
    ),
    "preflight.material": ("{volume_ml} ml, {grams} g of {material} when it is printed solid.", ""),
    "preflight.no_volume": ("Its volume cannot be told.", "Mend the surface first."),
    "preflight.faithful": (
        "It differs from the label map by {volume_percent} % of volume; 95 % lie within {p95_mm} mm, all within "
        "{largest_mm} mm.",
        "",
    ),
    "preflight.unfaithful": (
        "It differs from the label map by {volume_percent} % of volume; 95 % lie within {p95_mm} mm, all within "
        "{largest_mm} mm.",
        "Smooth less, or allow a smaller error.",
    ),
    # mending
    "mend.not_filled": (
        "The holes of {name} could not be closed without the surface running through itself.",
        "Make the surface again, with less smoothing.",
    ),
    "mend.not_resolved": (
        "{name} still runs through itself after all attempts: {pairs} pairs of triangles.",
        "Make the surface again, with less smoothing.",
    ),
    "mend.in_vain": ("{name} has defects that cannot be mended.", "Make the surface again, with less smoothing."),
    "note.part_mended": ("The surface of {name} had defects; it was mended.", ""),
    "mend.nothing_left": ("Nothing would be left of {name}.", "Choose another way to mend it."),
}
