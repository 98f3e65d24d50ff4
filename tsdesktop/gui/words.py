"""The catalogue's own words in the person's language: tasks, structures, groups, systems, options.

Names that come from tables are looked up by their English text, in one context per table.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from tsdesktop.core.structures import StructureClass, System
from tsdesktop.core.tasks import Task
from tsdesktop.gui.figures import decimal
from tsdesktop.gui.translation import reason_words
from tsdesktop.jobs.messages import Device
from tsdesktop.weights.catalogue import TITLE


def QT_TRANSLATE_NOOP(_context: str, text: str) -> str:  # noqa: N802 - the name by which texts to translate are found
    """Marks a text of a table for translators."""
    return text


SYSTEMS: Mapping[System, str] = {
    "vessels": QT_TRANSLATE_NOOP("Systems", "Vessels"),
    "heart": QT_TRANSLATE_NOOP("Systems", "Heart"),
    "lungs": QT_TRANSLATE_NOOP("Systems", "Lungs and airways"),
    "digestive": QT_TRANSLATE_NOOP("Systems", "Digestive and spleen"),
    "urinary": QT_TRANSLATE_NOOP("Systems", "Urinary"),
    "glands": QT_TRANSLATE_NOOP("Systems", "Glands"),
    "spine": QT_TRANSLATE_NOOP("Systems", "Spine"),
    "ribs": QT_TRANSLATE_NOOP("Systems", "Ribs and sternum"),
    "pelvis": QT_TRANSLATE_NOOP("Systems", "Pelvis"),
    "limbs": QT_TRANSLATE_NOOP("Systems", "Limbs"),
    "muscles": QT_TRANSLATE_NOOP("Systems", "Muscles"),
    "head": QT_TRANSLATE_NOOP("Systems", "Head and brain"),
    "teeth": QT_TRANSLATE_NOOP("Systems", "Teeth"),
    "tissues": QT_TRANSLATE_NOOP("Systems", "Tissues and cavities"),
    "other": QT_TRANSLATE_NOOP("Systems", "Other"),
}
GROUPS: Mapping[str, str] = {
    "whole_body": QT_TRANSLATE_NOOP("Groups", "Whole body"),
    "head_neck": QT_TRANSLATE_NOOP("Groups", "Head and neck"),
    "chest": QT_TRANSLATE_NOOP("Groups", "Chest"),
    "abdomen": QT_TRANSLATE_NOOP("Groups", "Abdomen"),
    "musculoskeletal": QT_TRANSLATE_NOOP("Groups", "Bones and muscles"),
    "vessels": QT_TRANSLATE_NOOP("Groups", "Vessels"),
    "mr": QT_TRANSLATE_NOOP("Groups", "MR"),
    "instant": QT_TRANSLATE_NOOP("Groups", "Instant, without a network"),
    "custom": QT_TRANSLATE_NOOP("Groups", "Your own networks"),
    "demo": QT_TRANSLATE_NOOP("Groups", "Demonstration"),
    "more": QT_TRANSLATE_NOOP("Groups", "More, for special purposes"),
}

# The presets of windowing.CT_PRESETS.
BRIGHTNESS: Mapping[str, str] = {
    "Soft tissue": QT_TRANSLATE_NOOP("Brightness", "Soft tissue"),
    "Lung": QT_TRANSLATE_NOOP("Brightness", "Lung"),
    "Liver": QT_TRANSLATE_NOOP("Brightness", "Liver"),
    "Bone": QT_TRANSLATE_NOOP("Brightness", "Bone"),
    "Brain": QT_TRANSLATE_NOOP("Brightness", "Brain"),
    "Angio": QT_TRANSLATE_NOOP("Brightness", "Angio"),
}
OPTIONS: Mapping[str, str] = {
    "robust_crop": QT_TRANSLATE_NOOP("OptionTitles", "Robust crop"),
    "body_crop": QT_TRANSLATE_NOOP("OptionTitles", "Crop to the body"),
    "resampling_order": QT_TRANSLATE_NOOP("OptionTitles", "Resampling order"),
    "smooth_labels": QT_TRANSLATE_NOOP("OptionTitles", "Smooth labels"),
    "smooth_labels_legacy": QT_TRANSLATE_NOOP("OptionTitles", "Smooth labels, the earlier way"),
    "force_split": QT_TRANSLATE_NOOP("OptionTitles", "Compute in three parts"),
    "remove_small_blobs": QT_TRANSLATE_NOOP("OptionTitles", "Remove pieces up to"),
    "threads": QT_TRANSLATE_NOOP("OptionTitles", "Processor threads"),
    "precision": QT_TRANSLATE_NOOP("OptionTitles", "Processor precision"),
    "bone_threshold_hu": QT_TRANSLATE_NOOP("OptionTitles", "Bone from"),
    "model_size": QT_TRANSLATE_NOOP("OptionTitles", "Networks"),
}
OPTION_CHOICES: Mapping[str, str] = {
    "single": QT_TRANSLATE_NOOP("OptionChoices", "single"),
    "half": QT_TRANSLATE_NOOP("OptionChoices", "half"),
    "big": QT_TRANSLATE_NOOP("OptionChoices", "big"),
    "small": QT_TRANSLATE_NOOP("OptionChoices", "small"),
}

translate = QCoreApplication.translate


def _in(context: str, text: str) -> str:
    return translate(context, text)


def system_title(system: System) -> str:
    """What a body system is called."""
    return _in("Systems", SYSTEMS[system])


def group_title(group: str) -> str:
    """What a group of tasks is called."""
    return _in("Groups", GROUPS[group])


def task_title(task: Task) -> str:
    """What a task is called. Those of a person's own networks keep the titles they were given."""
    if task.group == "custom":
        return translate("Tasks", "Custom: {title}").format(title=task.title.removeprefix(TITLE.format(title="")))
    return _in("Tasks", task.title)


def task_description(task: Task) -> str:
    """What a task does, in a sentence or two."""
    if task.group == "custom":
        *_, dataset, training = task.variants["full"].parts[0].network.folder.split("/")
        trainer, plans, configuration = training.split("__")[:3]
        words = translate("Tasks", "Your own network {dataset} ({trainer}, {plans}, {configuration}).")
        return words.format(dataset=dataset, trainer=trainer, plans=plans, configuration=configuration)
    return _in("Tasks", task.description)


def structure_title(structure: StructureClass) -> str:
    """What a structure is called."""
    return _in("Structures", structure.title)


def part_title(title: str) -> str:
    """What a printed part is called: a structure, perhaps with the letter of its half."""
    whole, _, half = title.rpartition(" ")
    if whole and half in ("A", "B"):
        return f"{part_title(whole)} {half}"
    return _in("Structures", title) if title else ""


def preset_title(title: str) -> str:
    """What a preset of structures is called."""
    return _in("Presets", title)


def brightness_title(name: str) -> str:
    """What a preset of brightness is called."""
    return _in("Brightness", BRIGHTNESS[name])


def option_title(name: str) -> str:
    """What an option is called."""
    return _in("OptionTitles", OPTIONS.get(name, name.replace("_", " ").capitalize()))


def option_choice(value: str) -> str:
    """What one of an option's values is called."""
    return _in("OptionChoices", OPTION_CHOICES.get(value, value))


def option_help(text: str) -> str:
    """The line that explains an option."""
    return _in("Options", text)


def structures_text(count: int) -> str:
    """How many structures."""
    if count == 1:
        return translate("Counts", "1 structure")
    return translate("Counts", "{count} structures").format(count=count)


def device_title(device: Device) -> str:
    """What a device is called: "CPU, 8 cores" or the card's name with its memory."""
    if device.name == "cpu":
        cores = os.cpu_count() or 1
        if cores == 1:
            return translate("DeviceRow", "CPU, 1 core")
        return translate("DeviceRow", "CPU, {cores} cores").format(cores=cores)
    name = reason_words(device.title or device.name)
    if not device.memory_gb:
        return name
    return translate("DeviceRow", "{device}, {memory} GB").format(device=name, memory=decimal(device.memory_gb, 0))
