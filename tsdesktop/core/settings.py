"""What the program remembers between starts. Each setting is declared once, with default and one line for people."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import platformdirs

from tsdesktop.core.files import written_whole

log = logging.getLogger(__name__)
DATA_FOLDER_VARIABLE = "TSDESKTOP_DATA_DIR"


Kind = Literal["", "folder", "file", "device"]


def setting(default: Any, help: str, *, title: str = "", kind: Kind = "", limits: tuple[int, int] | None = None) -> Any:
    """Declares a field of `Settings`; one with a `title` is shown in the preferences, with `help` beneath it.

    `kind` says what a text stands for, `limits` the least and the greatest whole number that is allowed.
    """
    return field(default=default, metadata={"help": help, "title": title, "kind": kind, "limits": limits})


@dataclass(frozen=True)
class Settings:
    """All settings. `extra` keeps keys a newer or older version of the program wrote."""

    theme: Literal["auto", "dark", "light"] = setting("auto", "Dark, light, or as the desktop is", title="Appearance")
    language: Literal["auto", "en", "de"] = setting(
        "auto", "Language of the window; changes when the program starts again", title="Language"
    )
    convention: Literal["radiological", "neurological"] = setting(
        "radiological", "Radiological: the patient's right is on the left of the picture", title="Slices"
    )
    mouse_profile: Literal["crosshair", "window"] = setting(
        "crosshair",
        "What dragging with the left button does in slices: move the crosshair, or change brightness and contrast",
        title="Mouse",
    )
    device: str = setting("auto", "Where networks run: auto, cpu, gpu, gpu:N or mps", title="Runs on", kind="device")
    draft_first: bool = setting(True, "Show a quick draft while the full result is computed", title="Draft first")
    keep_results: bool = setting(
        True,
        "Keep labels on this computer, so that the same run of the same scan is shown at once; off removes them",
        title="Keep results",
    )
    weights_folder: str = setting(
        "", "Folder of networks; empty for the program's own data folder", title="Networks folder", kind="folder"
    )
    download_mirror: str = setting(
        "", "Address that networks are downloaded from; empty for their makers' release page", title="Download address"
    )
    proxy: str = setting("", "Proxy for downloads, as http://host:port; empty for the system's", title="Proxy")
    certificates: str = setting(
        "", "File of certificates to trust besides the system's, in PEM form", title="Certificates", kind="file"
    )
    terms_accepted: str = setting("", "Tasks whose terms of use were accepted, with commas")
    mesh_frame: Literal["LPS", "RAS"] = setting("LPS", "Coordinates of exported meshes", title="Mesh coordinates")
    label_style: Literal["filled", "outlined"] = setting("filled", "Whether labels are filled in slices or outlined")
    label_opacity: int = setting(45, "Opacity of filled labels in percent", limits=(0, 100))
    smooth_slices: bool = setting(True, "Whether slices are interpolated between voxels")
    window_geometry: str = setting("", "Place and size of the window, in base64 as Qt writes it")
    window_state: str = setting("", "How the window is divided, as JSON")
    window_layout: str = setting("four", "Which views are shown")
    left_open: bool = setting(True, "Whether the side with tasks is open")
    right_open: bool = setting(True, "Whether the side with structures is open")
    open_folder: str = setting("", "The folder a scan was opened from last", kind="folder")
    export_folder: str = setting("", "The folder results were exported to last", kind="folder")
    export_kinds: str = setting("nifti", "What was exported last, with commas")
    export_layout: Literal["per-structure", "merged", "parts", "per-structure,merged"] = setting(
        "per-structure", "In which files surfaces were exported last"
    )
    export_smoothing: Literal["faithful", "smooth", "very smooth"] = setting(
        "faithful", "How smooth the surfaces were that were exported last"
    )
    export_dicom_seg: Literal["binary", "deflated", "labelmap"] = setting(
        "binary", "How DICOM segmentations were stored that were exported last"
    )
    print_bed: str = setting("", "The printer that was chosen last in the print studio")
    print_process: str = setting("", "The way of printing that was chosen last in the print studio")
    print_format: str = setting("3mf", "The format in which parts were written last by the print studio")
    extra: Mapping[str, Any] = field(default_factory=dict)


def data_folder() -> Path:
    """The program's own data folder; the environment variable TSDESKTOP_DATA_DIR overrides it."""
    given = os.environ.get(DATA_FOLDER_VARIABLE)
    return Path(given) if given else Path(platformdirs.user_data_dir("tsdesktop", appauthor=False))


def cache_folder() -> Path:
    """Where things are kept that can be made again, such as the folders of running computations."""
    given = os.environ.get(DATA_FOLDER_VARIABLE)
    return Path(given) / "cache" if given else Path(platformdirs.user_cache_dir("tsdesktop", appauthor=False))


def settings_file() -> Path:
    """Where settings are kept; beside the data when TSDESKTOP_DATA_DIR is set."""
    if os.environ.get(DATA_FOLDER_VARIABLE):
        return data_folder() / "settings.json"
    return Path(platformdirs.user_config_dir("tsdesktop", appauthor=False)) / "settings.json"


def load_settings(path: Path | None = None) -> Settings:
    """Settings from their file; defaults where there is none, and for values that are not allowed (with a warning)."""
    file = path or settings_file()
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        log.warning("settings could not be read and are ignored: %s", error)
        return Settings()
    return _settings_from(stored if isinstance(stored, dict) else {})


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Writes settings as a whole file. Raises OSError when the place cannot be written."""
    file = path or settings_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    known = {each.name: getattr(settings, each.name) for each in fields(Settings) if each.name != "extra"}
    with written_whole(file) as temporary:
        temporary.write_text(json.dumps({**settings.extra, **known}, indent=2), encoding="utf-8")


def _settings_from(stored: Mapping[str, Any]) -> Settings:
    hints = get_type_hints(Settings)
    values: dict[str, Any] = {}
    for each in fields(Settings):
        if each.name == "extra" or each.name not in stored:
            continue
        value = stored[each.name]
        if _is_allowed(value, hints[each.name], each.metadata["limits"]):
            values[each.name] = value
        else:
            log.warning("setting %s has a value that is not allowed; the default is used", each.name)
    known = {each.name for each in fields(Settings)}
    return Settings(**values, extra={key: value for key, value in stored.items() if key not in known})


def _is_allowed(value: Any, hint: Any, limits: tuple[int, int] | None) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    # Yes and no are numbers to Python, and to nobody else.
    return type(value) is hint and (limits is None or limits[0] <= value <= limits[1])
