"""Zips of networks, small and whole, and every kind of bad one that a person or a broken connection may bring."""

from __future__ import annotations

import io
import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch

from tsdesktop.core.assets import asset
from tsdesktop.core.errors import Cancelled
from tsdesktop.core.tasks import Network, catalogue
from tsdesktop.weights.packages import Package, package_named
from tsdesktop.weights.places import own_weights_folder
from tsdesktop.weights.stopping import Stop

Members = dict[str, bytes]
DEMO = "demo/Dataset900_phantom/nnUNetTrainer__nnUNetPlans__3d_fullres"
ONE_FOLDER = "Dataset150_icb_v0"
TWO_TRAININGS_FOLDER = "Dataset831_TotalSegmentator_part1_organs_1830subj"
FIVE_FOLDS_FOLDER = "Dataset713_annulus_proper_48subj"


class Malice:
    """Unpickling this runs a command that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def package(folder: str = ONE_FOLDER) -> Package:
    """A package of the catalogue."""
    found = package_named(folder, catalogue())
    assert found is not None
    return found


@cache
def checkpoint_bytes(outputs: int, configuration: str = "3d_fullres", prefix: str = "") -> bytes:
    """The least that a training's checkpoint has: the last layers and what nnU-Net writes beside them."""
    weights = {
        f"{prefix}encoder.stages.0.0.convs.0.conv.weight": torch.ones(2, 1, 3, 3, 3),
        f"{prefix}decoder.seg_layers.0.weight": torch.zeros(outputs, 4, 1, 1, 1),
        f"{prefix}decoder.seg_layers.0.bias": torch.zeros(outputs),
        f"{prefix}decoder.seg_layers.1.weight": torch.zeros(outputs, 2, 1, 1, 1),
        f"{prefix}decoder.seg_layers.1.bias": torch.zeros(outputs),
    }
    state = {
        "network_weights": weights,
        "trainer_name": "nnUNetTrainer",
        "init_args": {"configuration": configuration, "device": torch.device("cpu")},
        "inference_allowed_mirroring_axes": (0, 1, 2),
    }
    return saved(state)


def saved(state: Any, *, legacy: bool = False) -> bytes:
    """What torch.save makes of it."""
    file = io.BytesIO()
    torch.save(state, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def plans_bytes(dataset: str, plans_name: str, configuration: str) -> bytes:
    plans = json.loads((asset(DEMO) / "plans.json").read_text())
    own = plans["configurations"]["3d_fullres"]
    plans |= {"dataset_name": dataset, "plans_name": plans_name, "configurations": {configuration: own}}
    return json.dumps(plans).encode()


def dataset_bytes(labels: int) -> bytes:
    named = {"background": 0} | {f"structure_{n}": n for n in range(1, labels + 1)}
    return json.dumps({"channel_names": {"0": "CT"}, "labels": named, "file_ending": ".nii.gz"}).encode()


def training(folder: str, labels: int, folds: Iterable[int] = (0,)) -> Members:
    """The files of one training; `folder` is "DatasetNNN_x/trainer__plans__configuration"."""
    dataset, name = folder.split("/")
    _, plans_name, configuration = name.split("__")
    files = {
        f"{folder}/plans.json": plans_bytes(dataset, plans_name, configuration),
        f"{folder}/dataset.json": dataset_bytes(labels),
    }
    return files | {
        f"{folder}/fold_{fold}/checkpoint_final.pth": checkpoint_bytes(labels + 1, configuration) for fold in folds
    }


def members_of(wanted: Package) -> Members:
    """The files of a package as its zip has them."""
    files: Members = {}
    for each in wanted.networks:
        files |= network_members(each)
    return files


def network_members(network: Network) -> Members:
    return training(network.folder, network.labels, network.folds or (0,))


def custom_members(folder: str = "Dataset777_kidneys/nnUNetTrainer__nnUNetPlans__3d_fullres") -> Members:
    """A network that the catalogue does not know."""
    return training(folder, 3)


def write_zip(path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_files(place: Path, members: Mapping[str, bytes]) -> Path:
    for name, content in members.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


def good_zip(path: Path, folder: str = ONE_FOLDER) -> Path:
    return write_zip(path, members_of(package(folder)))


def with_entry(path: Path, entry: str | zipfile.ZipInfo, content: bytes = b"x") -> Path:
    """A whole network, and something that should not be beside it."""
    with zipfile.ZipFile(good_zip(path), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, content)
    return path


def changed(path: Path, ending: str, content: bytes | None) -> Path:
    """A network with one file changed, or left out."""
    members = members_of(package())
    name = next(each for each in members if each.endswith(ending))
    if content is None:
        del members[name]
    else:
        members[name] = content
    return write_zip(path, members)


def patched(path: Path, edit: Callable[[bytearray, int, int], None]) -> Path:
    """Edits the bytes of a zip: gets them, and where the headers of its checkpoint begin (local, central)."""
    good_zip(path)
    with zipfile.ZipFile(path) as archive:
        info = next(each for each in archive.infolist() if each.filename.endswith(".pth"))
    content = bytearray(path.read_bytes())
    name = info.filename.encode()
    edit(content, info.header_offset, content.rindex(name) - 46)
    path.write_bytes(content)
    return path


def _set_short(content: bytearray, local: int, central: int, offset: int, value: int) -> None:
    """A field that stands in both headers, two bytes later in the central one."""
    struct.pack_into("<H", content, local + offset, value)
    struct.pack_into("<H", content, central + offset + 2, value)


def _wrong_crc(path: Path) -> Path:
    write_zip(path, members_of(package()), zipfile.ZIP_STORED)
    with zipfile.ZipFile(path) as archive:
        info = next(each for each in archive.infolist() if each.filename.endswith(".pth"))
    content = bytearray(path.read_bytes())
    content[info.header_offset + 30 + len(info.filename) + info.file_size // 2] ^= 0xFF
    path.write_bytes(content)
    return path


def _link(path: Path) -> Path:
    info = zipfile.ZipInfo(f"{ONE_FOLDER}/link")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return with_entry(path, info, b"/etc/passwd")


def _raw_name(path: Path, name: str) -> Path:
    """An entry whose name Python would tidy up while writing."""
    stand_in = "q" * len(name)
    with_entry(path, stand_in)
    path.write_bytes(path.read_bytes().replace(stand_in.encode(), name.encode()))
    return path


def _twice(path: Path) -> Path:
    name = next(iter(members_of(package())))
    return _raw_name(path, name)


def _outputs_differ(path: Path) -> Path:
    return changed(path, ".pth", checkpoint_bytes(5))


def _half_checkpoint(path: Path) -> Path:
    whole = checkpoint_bytes(2)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        inner = {name: archive.read(name) for name in archive.namelist()}
    name = next(each for each in inner if "/data/" in each)
    inner[name] = inner[name][:-5]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for each, content in inner.items():
            archive.writestr(each, content)
    return changed(path, ".pth", packed.getvalue())


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _cut(path: Path) -> Path:
    content = good_zip(path).read_bytes()
    return _written(path, content[: len(content) * 2 // 3])


def _many(path: Path) -> Path:
    with zipfile.ZipFile(good_zip(path), "a") as archive:
        for n in range(20_001):
            archive.writestr(f"{ONE_FOLDER}/{n}", b"")
    return path


def _nested(path: Path) -> Path:
    inner = good_zip(path.with_name("inner.zip"))
    content = inner.read_bytes()
    inner.unlink()
    return write_zip(path, {f"weights/{ONE_FOLDER}.zip": content, "__MACOSX/weights/._x": b"x", ".DS_Store": b"x"})


_TASK = (
    "nnUNet/3d_fullres/Task251_TotalSegmentator_part1_organs_1139subj/nnUNetTrainerV2_ep4000_nomirror__nnUNetPlansv2.1"
)
BAD: dict[str, Callable[[Path], Path]] = {
    "empty": lambda path: _written(path, b""),
    "no zip": lambda path: _written(path, bytes(range(256)) * 20),
    "web page": lambda path: _written(path, b"\n<!DOCTYPE html><html><body>Sign in</body></html>" * 9),
    "cut off": _cut,
    "wrong checksum": _wrong_crc,
    "encrypted": lambda path: patched(path, lambda content, a, b: _set_short(content, a, b, 6, 1)),
    "outside": lambda path: with_entry(path, f"{ONE_FOLDER}/../../outside"),
    "absolute": lambda path: with_entry(path, "/tmp/absolute"),
    "drive": lambda path: with_entry(path, "C:/Windows/drive"),
    "backslash": lambda path: with_entry(path, f"{ONE_FOLDER}\\plans.json"),
    "link": _link,
    "bomb": lambda path: with_entry(path, f"{ONE_FOLDER}/zeros", bytes(20_000_000)),
    "many files": _many,
    "compression": lambda path: patched(path, lambda content, a, b: _set_short(content, a, b, 8, 9)),
    "no plans": lambda path: changed(path, "plans.json", None),
    "no dataset": lambda path: changed(path, "dataset.json", None),
    "no checkpoint": lambda path: changed(path, ".pth", None),
    "checkpoint garbage": lambda path: changed(path, ".pth", bytes(range(256)) * 30),
    "checkpoint cut off": lambda path: changed(path, ".pth", checkpoint_bytes(2)[:-700]),
    "checkpoint with half a tensor": _half_checkpoint,
    "checkpoint without network": lambda path: changed(path, ".pth", saved({"epoch": 3})),
    "plans broken": lambda path: changed(path, "plans.json", b'{"configurations": '),
    "other labels": lambda path: changed(path, "dataset.json", dataset_bytes(7)),
    "outputs": _outputs_differ,
    "twice": _twice,
    "case": lambda path: with_entry(path, f"{ONE_FOLDER}/NNUNetTrainer__nnUNetPlans__3d_fullres/PLANS.json"),
    "file and folder": lambda path: with_entry(path, f"{ONE_FOLDER}/nnUNetTrainer__nnUNetPlans__3d_fullres"),
    "reserved": lambda path: with_entry(path, f"{ONE_FOLDER}/con.txt"),
    "zip in zip": _nested,
    "nnU-Net 1": lambda path: write_zip(path, {f"{_TASK}/plans.pkl": b"x", f"{_TASK}/fold_0/model.model.pkl": b"x"}),
    "scan": lambda path: write_zip(path, {"study/IM0001": bytes(128) + b"DICM" + bytes(99), "study/IM0002": b"x"}),
    "scan as NIfTI": lambda path: write_zip(path, {"ct.nii.gz": b"x" * 300, "readme.txt": b"x"}),
    "source code": lambda path: write_zip(path, {"TotalSegmentator-2.18/setup.py": b"x", "a/reference.nii.gz": b"x"}),
    "body statistics": lambda path: write_zip(path, {"body_stats_models_2026_02_11/weight.pkl": b"x"}),
    "something else": lambda path: write_zip(path, {"holiday/beach.jpg": b"x"}),
    "obsolete": lambda path: write_zip(path, custom_members(f"Dataset302_vertebrae_body_1559subj/{_PLAIN}")),
    "runs code": lambda path: changed(path, ".pth", saved({"network_weights": Malice(path.parent / "trace")})),
}  # fmt: skip
_PLAIN = "nnUNetTrainer__nnUNetPlans__3d_fullres"


def visible() -> list[str]:
    """Everything in the program's folder of networks but its notes."""
    own = own_weights_folder()
    return sorted(each.relative_to(own).as_posix() for each in own.glob("*") if each.name != ".records")


def files_in(folder: Path) -> dict[str, bytes]:
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


class StopAt(Stop):
    """Set when it is asked for the n-th time, counted from none."""

    def __init__(self, moment: int) -> None:
        super().__init__()
        self.moment, self.asked = moment, 0

    def check(self) -> None:
        self.asked += 1
        if self.asked > self.moment:
            raise Cancelled


def is_cancelled(work: Callable[[Stop], object], moment: int) -> bool:
    """Whether `work` was still asking when it was stopped at that moment."""
    try:
        work(StopAt(moment))
    except Cancelled:
        return True
    return False
