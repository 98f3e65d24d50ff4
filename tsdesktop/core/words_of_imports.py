"""The part of the table of `core.words` about networks that are unpacked, imported, verified and bundled."""

from __future__ import annotations

WORDS_OF_IMPORTS: dict[str, tuple[str, str]] = {
    "weights.archive_empty": ("{name} is empty.", "Download or copy it again."),
    "weights.archive_web_page": (
        "{name} is a web page, not a network.",
        "A sign-in page may have answered instead of the server: open the address in a browser, then try again.",
    ),
    "weights.archive_unknown": (
        "{name} is not a zip archive.",
        "Choose the zip of a network, or the folder it was unpacked to.",
    ),
    "weights.archive_truncated": ("{name} ends too early: part of it is missing.", "Download or copy it again."),
    "weights.archive_damaged": ("{name} is damaged: {member} cannot be unpacked.", "Download or copy it again."),
    "weights.archive_protected": ("{name} is protected with a password.", "Unpack it, then choose the folder."),
    "weights.archive_compression": (
        "{name} is compressed in a way that cannot be unpacked here.",
        "Unpack it with another program, then choose the folder.",
    ),
    "weights.archive_outside": (
        "{name} is refused: it would write {member} outside of its folder.",
        "Use an archive from a source you trust.",
    ),
    "weights.archive_absolute": (
        "{name} is refused: {member} names a fixed place on the disk.",
        "Use an archive from a source you trust.",
    ),
    "weights.archive_drive": ("{name} is refused: {member} names a drive.", "Use an archive from a source you trust."),
    "weights.archive_backslash": (
        "{name} is refused: {member} has a backslash in its name.",
        "Pack it again with another program, or unpack it and choose the folder.",
    ),
    "weights.archive_link": (
        "{name} is refused: {member} is a link, not a file.",
        "Pack it again with the files themselves, or choose the folder.",
    ),
    "weights.archive_reserved": (
        "{name} is refused: {member} is a name that not every computer can hold.",
        "Give the file another name and pack it again.",
    ),
    "weights.archive_twice": ("{name} is refused: {member} is in it twice.", "Pack it again."),
    "weights.archive_case": (
        "{name} is refused: {member} and {other} would be one file on many computers.",
        "Keep one of them and pack it again.",
    ),
    "weights.archive_file_and_folder": (
        "{name} is refused: {member} is a file and a folder in it.",
        "Pack it again.",
    ),
    "weights.archive_bomb": (
        "{name} is refused: it would unpack to {times} times its size.",
        "Use an archive from a source you trust.",
    ),
    "weights.archive_many": (
        "{name} is refused: it holds {count} files, far more than networks have.",
        "Choose the zip of the network alone.",
    ),
    "weights.not_written": (
        "{name} could not be put in its place: {reason}.",
        "Check the permissions of the folder for networks, and that no run is using it.",
    ),
    "weights.not_readable": ("{name} cannot be read: {reason}.", "Check the path, or copy it to a folder of your own."),
    "weights.no_network": (
        "{name} holds no network.",
        "A network is a zip or folder Dataset... with plans.json, dataset.json and checkpoints inside.",
    ),
    "weights.is_scan": ("{name} holds a scan, not a network.", "Open it as a scan."),
    "weights.is_zip_in_zip": ("{name} holds only another archive: {inner}.", "Unpack it and choose what is inside."),
    "weights.is_version_1": (
        "{name} holds a network of nnU-Net version 1.",
        "This program runs networks of nnU-Net version 2; the current network has a zip named Dataset...",
    ),
    "weights.is_source_code": (
        "{name} holds the source code of a program, not a network.",
        "Choose the zip named Dataset... from the same page.",
    ),
    "weights.is_body_statistics": (
        "{name} holds models that guess weight, size, age and sex, which this program does not use.",
        "Nothing needs to be done.",
    ),
    "weights.is_obsolete": (
        "The network {folder} was replaced by a newer one and is not used any more.",
        "Get the network the task names now.",
    ),
    "weights.is_another": (
        "{name} holds {found}, not {folder}.",
        "Choose the zip of {folder}.",
    ),
    "weights.other_labels": (
        "The network {folder} finds {found} structures where a network of that name finds {wanted}.",
        "It is another network under the same name; get the published one.",
    ),
    "weights.already_here": ("{folder} is in its place already.", "Choose a zip or folder from somewhere else."),
    "weights.not_ours": (
        "The network {folder} belongs to another program and is only read here.",
        "Remove it there: {place}.",
    ),
    "weights.altered": (
        "The network {folder} is broken: {what} is not as it was installed.",
        "Get it again.",
    ),
    "weights.bundle_newer": (
        "{name} was made by a newer version of this program.",
        "Update the program, or make the bundle again with the older one.",
    ),
    "weights.bundle_broken": ("{name} is a damaged bundle of networks: {reason}.", "Make or copy it again."),
    "weights.bundle_empty": ("The bundle would be empty.", "Choose networks that are on this computer."),
    "weights.bundle_lacks": (
        "The bundle cannot be made: {folder} is not on this computer.",
        "Get it first, or leave it out.",
    ),
}
