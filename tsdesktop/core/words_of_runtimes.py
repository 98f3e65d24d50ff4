"""The part of the table of `core.words` about libraries for graphics cards that are fetched after installation."""

from __future__ import annotations

_KEPT = "Try again later; what has arrived is kept."

WORDS_OF_RUNTIMES: dict[str, tuple[str, str]] = {
    # what a computer has
    "runtime.mac": ("There is nothing to fetch on a Mac: its own graphics are used as they are.", ""),
    "runtime.no_driver": (
        "No driver for an NVIDIA graphics card was found on this computer.",
        "With such a card, install NVIDIA's driver first. Everything works on the processor as well.",
    ),
    "runtime.no_card": (
        "NVIDIA's driver is installed, but it finds no card.",
        "Restart the computer, or install the driver again.",
    ),
    "runtime.old_card": (
        "{card} (compute capability {capability}) is too old: no build of torch has code for it.",
        "Everything works on the processor as well.",
    ),
    "runtime.old_driver": (
        "The driver of {card} is too old (CUDA {cuda}).",
        "Install a newer driver from NVIDIA, then look again.",
    ),
    "runtime.not_needed": ("The torch that is installed can use graphics cards by itself.", ""),
    "runtime.no_torch": ("This installation has no torch.", "Install the program again."),
    # looking for what to fetch
    "runtime.no_wheel": (
        "{index} has no torch {version} for this system and graphics card.",
        "A newer version of this program may be needed. Everything works on the processor as well.",
    ),
    "runtime.no_dependency": (
        "{index} has no {requirement} for this system, which torch needs.",
        "A newer version of this program may be needed. Everything works on the processor as well.",
    ),
    "runtime.no_hash": ("{index} states no SHA-256 for {name}, so it is not fetched.", "Use another address."),
    "runtime.no_page": ("{index} answered with something that is no list of packages.", _KEPT),
    "runtime.no_metadata": ("{index} does not tell what {name} needs.", "Use another address."),
    # fetching
    "runtime.disk_space": ("{name} need {needed_gb} GB, and {free_gb} GB are free.", "Free some space, then go on."),
    "runtime.disk_full": ("The disk is full.", "Free some space, then go on; what has arrived is kept."),
    "runtime.not_writable": (
        "The folder {place} cannot be written: {reason}.",
        "Check the permissions of the program's data folder.",
    ),
    "runtime.not_written": (
        "{name} could not be written: {reason}.",
        "Check the permissions of the program's data folder.",
    ),
    "runtime.refused": (
        "{host} does not hand out {name} (answer {code}).",
        "A firewall may block it: ask your IT, or set the address of a copy inside your network.",
    ),
    "runtime.not_there": (
        "{host} does not have {name} (answer {code}).",
        "A newer version of this program may know where it is now.",
    ),
    "runtime.wrong_answer": ("{host} answered with something that was not asked for.", _KEPT),
    "runtime.wrong_bytes": (
        "{name} arrived damaged {count} times.",
        "Something on the way changes it: try another network.",
    ),
    "runtime.bad_address": (
        "{address} is not an address to fetch libraries from.",
        "Correct the address of the package index, or leave it out.",
    ),
    "runtime.damaged": (
        "{name} is not what its own list of files says: {member}.",
        "Fetch it again; nothing of it was installed.",
    ),
    "runtime.incomplete": (
        "{name} needs {requirement}, which is not in the set.",
        "Nothing was installed. A newer version of this program may be needed.",
    ),
    # what is installed
    "runtime.none": ("No libraries for the graphics card are installed.", "Fetch them: `tsdesktop runtime install`."),
    "runtime.broken": (
        "The libraries for the graphics card are not whole: {member}.",
        "Remove them and fetch them again.",
    ),
    "runtime.not_removed": (
        "The libraries could not be removed: {reason}.",
        "They may be in use: wait until the run has ended, or close other windows of the program.",
    ),
    "runtime.not_working": (
        "The libraries were fetched, but the graphics card does not work with them: {reason}.",
        "Networks run on the processor. A newer driver may help; then check again.",
    ),
}
