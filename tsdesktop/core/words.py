"""Every English sentence of an error or a note, by id: first what happened, then what to do. Translators start here."""

from __future__ import annotations

from collections.abc import Mapping

from tsdesktop.core.words_of_dicom import WORDS_OF_DICOM
from tsdesktop.core.words_of_imports import WORDS_OF_IMPORTS
from tsdesktop.core.words_of_installation import WORDS_OF_INSTALLATION
from tsdesktop.core.words_of_preflight import WORDS_OF_PREFLIGHT
from tsdesktop.core.words_of_printing import WORDS_OF_PRINTING
from tsdesktop.core.words_of_runtimes import WORDS_OF_RUNTIMES
from tsdesktop.core.words_of_sharing import WORDS_OF_SHARING

WORDS: dict[str, tuple[str, str]] = {
    # files and folders
    "read.missing": ("{name} does not exist.", "Check the path, or whether the drive is still connected."),
    "read.not_allowed": ("{name} may not be read: {reason}.", "Ask for access, or copy it to a folder of your own."),
    "read.empty_file": ("{name} is empty.", "Copy or download it again."),
    "read.empty_folder": ("{name} holds no files.", "Choose the folder with the scan's files."),
    "read.truncated": ("{name} ends too early: part of the image is missing.", "Copy or download it again."),
    "read.unknown_format": (
        "{name} is not a scan this program can read.",
        "It reads NIfTI, DICOM (folder, zip or file), NRRD, MHA/MHD and MGZ.",
    ),
    "read.broken": ("{name} could not be read: {reason}.", "Copy or download it again, or convert it to NIfTI."),
    "read.mesh": ("{name} could not be read as a mesh: {reason}.", "Write or copy it again."),
    "read.bad_zip": ("{name} is a damaged or protected zip archive.", "Download it again, or unpack it yourself."),
    "read.zip_too_large": (
        "{name} would unpack to {size_gb} GB, more than this disk can hold.",
        "Unpack it yourself on a larger disk.",
    ),
    "read.no_scan_inside": (
        "{name} holds no CT or MR scan.",
        "Choose the folder with the image files; reports, plans and segmentations are not scans.",
    ),
    "read.derived_object": (
        "{name} is a {what}, not a scan.",
        "Open the series of images it was made from.",
    ),
    "read.colour": ("{name} is a colour picture, not a scan.", "Choose the original CT or MR series."),
    "read.complex": ("{name} holds complex numbers.", "Export the magnitude image and open that."),
    "read.two_dimensional": ("{name} is a flat picture of {shape} pixels.", "Choose the whole series of slices."),
    "read.too_many_dimensions": (
        "{name} has {count} dimensions; a scan has three, or four with time.",
        "Save one three-dimensional volume and open that.",
    ),
    "read.volume_index": (
        "Volume {index} was asked for, but {name} holds {count} (0 to {last}).",
        "Choose a volume that exists.",
    ),
    "read.compression": (
        "{name} is compressed in a way that cannot be decoded here ({syntax}).",
        "Export it uncompressed from the archive.",
    ),
    "read.no_pixels": ("{name} holds no image.", "Choose the original CT or MR series."),
    "read.no_finite_voxel": ("{name} holds no valid number at all.", "Export the scan again."),
    "read.pick_series": (
        "{name} holds {count} series and {wanted} is not one of them.",
        "Choose one of: {choices}.",
    ),
    # label maps
    "labels.elsewhere": (
        "{name} lies elsewhere in space: it shares no part with the open scan.",
        "Open the scan it was made from, then the label map.",
    ),
    "labels.not_labels": (
        "{name} holds no labels: {reason}.",
        "A label map holds whole numbers from 0 to 65535; anything else opens as a scan.",
    ),
    "labels.too_many": ("{name} holds {count} structures, more than can be shown.", "Split it into several files."),
    "labels.no_geometry": (
        "{name} does not say where its voxels lie in space.",
        "Keep {stem}.json or {stem}.pkl beside it; where only a part of the scan was computed, open the label map.",
    ),
    "labels.overlapping": (
        "{name} holds probabilities of structures that lie in each other: a voxel has no single label.",
        "Open the label map of that run.",
    ),
    "labels.empty_folder": ("{name} holds no label maps.", "Choose the folder with one NIfTI file per structure."),
    # geometry
    "geometry.bad_affine": (
        "{name} does not say where its voxels lie in space.",
        "Convert it again with its position and spacing.",
    ),
    "geometry.too_few_slices": (
        "{name} has too few slices ({count}); at least {least} are needed.",
        "Choose a series with more slices; this may be a localizer.",
    ),
    "geometry.slice_orientations": (
        "The slices of {name} do not lie parallel to each other.",
        "Choose a series of parallel slices; this may be a localizer or a set of views.",
    ),
    "geometry.slice_sizes": (
        "The slices of {name} differ in size or pixel spacing.",
        "Choose a series whose slices are alike.",
    ),
    "geometry.frames_of_reference": (
        "The slices of {name} belong to {count} different frames of reference, so their places do not fit together.",
        "Choose slices of one acquisition.",
    ),
    "geometry.missing_slices": (
        "Slices are missing from {name} ({missing}), with a gap of {gap_mm} mm.",
        "Copy the whole series again.",
    ),
    "geometry.no_position": (
        "{name} does not say where its slices lie.",
        "Export the series with image position and orientation.",
    ),
    "geometry.slices_do_not_form_volume": (
        "The slices of {name} do not form one volume: {reason}.",
        "Choose another series, or export this one again.",
    ),
    "geometry.too_small": (
        "{name} has only {shape} voxels.",
        "A scan needs at least 2 voxels in every direction.",
    ),
    # notes about a scan
    "note.tilt": (
        "The gantry was tilted by {degrees} degrees; the slices were resampled upright.",
        "Results lie on the upright grid.",
    ),
    "note.uneven_slices": (
        "Slices are unevenly spaced ({least_mm} to {most_mm} mm); they were resampled to {spacing_mm} mm.",
        "Thin structures near the gaps may be wrong.",
    ),
    "note.filled_slices": (
        "Missing slices ({missing}) were filled in from their neighbours.",
        "Structures near them may be wrong.",
    ),
    "note.duplicate_slices": (
        "Slices came twice ({count}); the first of each was kept.",
        "If they differ, choose one acquisition.",
    ),
    "note.left_out": ("Files of {name} were left out ({count}): {reason}.", ""),
    "note.other_series": (
        "{count} series were found; {name} was opened.",
        "Choose another one, in the window or with --series.",
    ),
    "note.sheared": (
        "The voxel axes are not at right angles (off by {degrees} degrees); the scan was resampled upright.",
        "Results lie on the upright grid.",
    ),
    "note.not_finite": ("{count} voxels held no valid number and were set to {value}.", ""),
    "note.first_volume": (
        "The file holds {count} volumes; volume {index} was opened.",
        "Choose another one, in the window or with --volume-index.",
    ),
    "note.scaled_unit": (
        "Intensities lie between {low} and {high}: they cannot be Hounsfield units.",
        "Networks for CT expect Hounsfield units; open the original CT.",
    ),
    "note.not_hounsfield": (
        "Intensities from {low} to {high} are unlikely Hounsfield units.",
        "Networks for CT expect air at about -1000 and water at 0.",
    ),
    "note.orientation": (
        "The scan's orientation looks implausible: {reason}.",
        "Check left and right, and that the head is up, before you trust labels.",
    ),
    "note.no_orientation": (
        "The file does not state the patient's orientation; the voxel order was taken as {axes}.",
        "Check left and right before you trust labels.",
    ),
    "note.thick_slices": (
        "Slices are {spacing_mm} mm thick: small structures may be missing.",
        "Use a thinner reconstruction if there is one.",
    ),
    "note.modality": (
        "This looks like an {scan} scan, and {task} was made for {wanted}.",
        "Choose a task for {scan}, for example {better}.",
    ),
    "note.unknown_modality": ("The file does not say whether it is CT or MR; {guess} was assumed.", ""),
    "note.empty_crop": ("The crop found nothing of {what}, so the result is empty.", "Check that the scan shows it."),
    "note.device": ("{asked} was asked for; {used} is used: {reason}.", ""),
    "note.card_unused": ("{card} is not used: {reason}.", "Networks run on the processor: slower, same labels."),
    "note.network_on_processor": (
        "{card} did not compute {network} as the processor does ({reason}), so the processor is used for it.",
        "Labels are right, it takes longer. A newer driver may help.",
    ),
    "note.network_by_torch": (
        "OpenVINO did not compute {network} as torch does ({reason}), so torch computes it.",
        "Labels are right, it takes longer.",
    ),
    "note.no_half_precision": (
        "{network} was not computed in half precision: {reason}.",
        "It was computed in single precision, which takes longer.",
    ),
    "note.demo": ("The demo network only knows artificial phantoms.", "Do not use it on patients' scans."),
    "note.earlier_result": (
        "The same run was done before; its result is shown.",
        "Without the setting Keep results (or with --no-cache) it is computed again.",
    ),
    "note.label_dropped": ("{count} labels of the file have no name; they were named label_N.", ""),
    # tasks, options
    "options.unknown_task": ("There is no task named {name}.", "Did you mean {near}? `tsdesktop info` lists all."),
    "options.unknown_class": (
        "{task} has no structure named {name}.",
        "Did you mean {near}? `tsdesktop info {task}` lists all.",
    ),
    "options.no_variant": ("{task} has no {variant} version.", "Run it without that option."),
    "options.no_roi_subset": (
        "{task} always computes all its structures.",
        "Choosing structures works for: {tasks}.",
    ),
    "options.needs": ("{option} needs {other}.", "Add it, or leave {option} out."),
    "options.conflict": ("{option} and {other} cannot be used together.", "Leave one of them out."),
    "options.value": ("{value} is not a value of {option}.", "Use {allowed}."),
    "options.nothing_named": (
        "No task was named.",
        "Name tasks or dataset folders; `--help` shows what else can be asked for.",
    ),
    "options.version_not_task": ("{name} is a version of the task {task}.", "Use {task} --fast."),
    "options.unknown_device": ("{name} is not a device.", "Use auto, cpu, gpu, gpu:N or mps."),
    # weights
    "weights.missing": (
        "The network {folder} is not on this computer.",
        "Download it in the window, or with `{command}`. Without internet: get {zip_name} from {url} on another "
        "computer and unpack it in {place}.",
    ),
    "weights.missing_licensed": (
        "The licensed network {folder} is not on this computer.",
        "Get a licence number ({url}), then download it in the window, or with `{command}`. Without internet: bring "
        "its folder from another computer to {place}.",
    ),
    "weights.not_downloaded": (
        "Not downloaded: {folders}.",
        "The same command tries again and goes on where it stopped.",
    ),
    "weights.not_imported": ("Not imported: {names}.", "What is wrong with each is said above."),
    "weights.some_broken": (
        "Not whole: {folders}.",
        "`tsdesktop weights verify --repair` downloads them again.",
    ),
    "weights.nothing_here": (
        "Nothing of {names} is on this computer.",
        "`tsdesktop weights list` shows what is here.",
    ),
    "weights.incomplete": (
        "The network {folder} is incomplete: {what} is missing.",
        "Get it again, or from another source.",
    ),
    "weights.broken": ("The network {folder} is broken: {reason}.", "Get it again, or from another source."),
    "weights.untrusted": (
        "The network {folder} asks for {what}, which this program does not run.",
        "Use networks of nnU-Net v2 from a source you trust.",
    ),
    "weights.unsupported": (
        "The network {folder} cannot be run here: {reason}.",
        "Networks that run here look at one 3D image, in one stage.",
    ),
    # downloads
    "weights.unreachable": (
        "{host} cannot be reached.",
        "Check the internet connection, and the proxy in the preferences; what has arrived is kept.",
    ),
    "weights.no_answer": ("{host} does not answer in time.", "Try again later; what has arrived is kept."),
    "weights.interrupted": (
        "The connection to {host} broke off again and again.",
        "Try again later or on another network; what has arrived is kept.",
    ),
    "weights.too_slow": (
        "{host} sends too slowly.",
        "Try again later or on another network; what has arrived is kept.",
    ),
    "weights.certificate": (
        "The certificate of {host} is not trusted.",
        "Your network may inspect its traffic: ask your IT for its certificate file and choose it in Preferences, "
        "Certificates.",
    ),
    "weights.no_safe_connection": (
        "No encrypted connection to {host} can be made.",
        "Something on the way may block it: try another network, or ask your IT.",
    ),
    "weights.bad_certificates": (
        "The certificate file {name} cannot be used: {reason}.",
        "Choose a file in PEM form in Preferences, Certificates.",
    ),
    "weights.bad_proxy": (
        "The proxy {proxy} cannot be used.",
        "Write it as http://host:port in Preferences, Proxy, or leave that empty.",
    ),
    "weights.proxy_refused": (
        "The proxy refuses to connect to {host}.",
        "Ask your IT; a proxy that wants a name and password is written as http://name:password@host:port in "
        "Preferences, Proxy.",
    ),
    "weights.login_page": (
        "A web page answered instead of {host}, perhaps the login page of this network.",
        "Open any page in a browser, log in to the network, then try again.",
    ),
    "weights.refused": (
        "{host} does not hand out {name} (answer {code}).",
        "A firewall may block it: ask your IT, or download it on another computer and drop the zip on the window.",
    ),
    "weights.not_there": (
        "{host} does not have {name} (answer {code}).",
        "A newer version of this program may know where it is now.",
    ),
    "weights.busy": ("{host} is too busy (answer {code}).", "Try again later; what has arrived is kept."),
    "weights.server_failed": ("{host} has a fault (answer {code}).", "Try again later; what has arrived is kept."),
    "weights.wrong_answer": (
        "{host} answered with something that was not asked for.",
        "Try again later, or download the zip on another computer and drop it on the window.",
    ),
    "weights.wrong_bytes": (
        "{name} arrived damaged {count} times.",
        "Something on the way changes it: try another network, or get the zip on another computer and drop it here.",
    ),
    "weights.insecure": (
        "{host} leads to an address without encryption.",
        "Use another network or another download address; nothing was sent there.",
    ),
    "weights.bad_address": (
        "{address} is not an address to download from.",
        "Check the download address in the preferences.",
    ),
    "weights.disk_space": (
        "{name} needs {needed_gb} GB, and {free_gb} GB are free.",
        "Free some space, or choose another networks folder in the preferences.",
    ),
    "weights.disk_full": (
        "The disk is full.",
        "Free some space, then go on; what has arrived is kept.",
    ),
    "weights.not_writable": (
        "The networks folder {place} cannot be written: {reason}.",
        "Choose a folder you may write to in the preferences.",
    ),
    **WORDS_OF_IMPORTS,
    **WORDS_OF_DICOM,
    **WORDS_OF_PRINTING,
    **WORDS_OF_PREFLIGHT,
    **WORDS_OF_RUNTIMES,
    **WORDS_OF_SHARING,
    **WORDS_OF_INSTALLATION,
    # licence
    "licence.form": (
        "This is not the form of a licence number.",
        "It starts with aca_ and has 14 more characters.",
    ),
    "licence.needed": (
        "{folder} is handed out for a licence number only, and none is stored.",
        "Enter one in the window or with `tsdesktop license set -`; for non-commercial use it is free.",
    ),
    "licence.not_written": (
        "The licence number could not be stored: {reason}.",
        "Check the data folder's permissions.",
    ),
    "licence.not_removed": (
        "The licence number could not be removed: {reason}.",
        "Unlock the password store, or check the data folder's permissions.",
    ),
    "licence.locked": (
        "The licence number could not be read: the system's password store is locked.",
        "Unlock it and try again, or enter the number again.",
    ),
    "licence.rejected": (
        "The licence server rejected the licence number.",
        "Check it for typing mistakes, or get another one.",
    ),
    "licence.not_found": (
        "No TotalSegmentator on this computer has a licence number.",
        "Enter the number: `tsdesktop license set -`.",
    ),
    "licence.address": (
        "The address of the licence server in {variable} is not an encrypted one.",
        "Use an address that begins with https://, or leave the variable out.",
    ),
    "licence.terms": (
        "{title} is for non-commercial use only ({terms}), which has not been confirmed yet.",
        "Confirm it in the window, or with: tsdesktop license accept {task}",
    ),
    "licence.terms_not_kept": (
        "It could not be stored that the terms are accepted: {reason}.",
        "Check the permissions of the settings' folder.",
    ),
    # runs
    "run.out_of_memory": (
        "The memory of {device} did not suffice.",
        "Close other programs, choose fewer structures or a faster quality, or run on the CPU.",
    ),
    "run.crashed": (
        "The computation ended unexpectedly (exit code {code}).",
        "Your scan and earlier results are kept. Try again, or run on the CPU.",
    ),
    "run.not_started": ("The computation could not be started: {reason}.", "Install the program again."),
    "run.failed": ("The computation failed: {reason}.", "Please report this with the log."),
    "run.disk_full": ("The disk is full.", "Free some space and run again."),
    # exports
    "export.not_written": (
        "{name} could not be written: {reason}.",
        "Choose a folder you may write to and with room for it.",
    ),
    "export.exists": ("{name} exists already.", "Choose another name, or allow overwriting (--overwrite)."),
    "export.nothing": ("There is nothing to write: {reason}.", "Choose structures that are in the label map."),
    "export.ending": ("{name} must end in {endings}.", "Add the ending to the name."),
    "export.no_parts": (
        "A file of the format {format} holds one object only.",
        "Write one file per structure, or choose 3MF, which keeps parts.",
    ),
    "export.too_many_labels": (
        "The label map has {count} structures; this format holds {most}.",
        "Write one file per structure.",
    ),
}


def sentence_of(id: str, arguments: Mapping[str, object]) -> str:
    """The sentence of `id` with its gaps filled. Raises KeyError for an unknown id or a missing argument."""
    return WORDS[id][0].format(**arguments)


def hint_of(id: str, arguments: Mapping[str, object]) -> str:
    """What to do, for `id`; may be empty. Raises as `sentence_of`."""
    return WORDS[id][1].format(**arguments)
