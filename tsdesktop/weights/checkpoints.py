"""What a checkpoint says about its network, read without torch and without running anything that it asks for.

A checkpoint is a pickle with tensors beside it. Ordinary unpickling calls whatever the file names. Here only names on
a list are answered, and with stand-ins that do nothing but remember a tensor's shape; any other name is refused.
"""

from __future__ import annotations

import collections
import math
import pickle
import re
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tsdesktop.core.errors import WeightsError
from tsdesktop.weights.archive import UNREADABLE
from tsdesktop.weights.hashing import Tell
from tsdesktop.weights.stopping import Stop

_BYTES_OF = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1, "Bool": 1,
    "ComplexFloat": 8, "ComplexDouble": 16, "Untyped": 1,
}  # fmt: skip
_TENSOR_MAKERS = {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3"}
_PARAMETER_MAKERS = {"_rebuild_parameter", "_rebuild_parameter_with_state"}
_TORCH_VALUE = re.compile(r"u?int\d+|float\d+\w*|bfloat16|complex\d+|bool|device|Size|Tensor")
_HARMLESS = {
    "collections.Counter",
    "torch.nn.parameter.Parameter",
    "torch.serialization._get_layout",
    "_codecs.encode",
    "builtins.bytearray",
    "builtins.complex",
    "builtins.set",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.dtypes.Float64DType",
    "numpy.dtypes.Float32DType",
    "numpy.dtypes.Int64DType",
    "numpy.dtypes.BoolDType",
}
_LAST_LAYER = re.compile(r"decoder\.seg_layers\.(\d+)\.weight")
_MOST_PICKLE_BYTES = 1 << 26
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_WRONG = (*UNREADABLE, pickle.UnpicklingError, struct.error, *(
    LookupError, TypeError, AttributeError, ImportError, ArithmeticError, MemoryError, AssertionError,
))  # fmt: skip


@dataclass(frozen=True)
class CheckpointFacts:
    """`outputs`: channels of the network's last layer; `configuration`: which one of its plans it was trained by."""

    outputs: int
    configuration: str | None


def checkpoint_outputs(path: Path) -> int:
    """How many channels the network of a checkpoint puts out, background included. Raises as `checkpoint_facts`."""
    return checkpoint_facts(path).outputs


def checkpoint_facts(path: Path) -> CheckpointFacts:
    """What a checkpoint file says about its network; its tensors are not read, but have to have their whole size.

    Raises WeightsError when it is missing, damaged, holds no network, or names anything that would run.
    """
    name = _name_of(path)
    try:
        state = _state_of(path)
    except FileNotFoundError as error:
        raise WeightsError("weights.incomplete", folder=name, what=f"{path.parent.name}/{path.name}") from error
    except _Refused as error:
        raise WeightsError("weights.untrusted", folder=name, what="code to be run while loading") from error
    except _WRONG as error:
        raise WeightsError("weights.broken", folder=name, reason="its checkpoint is damaged") from error
    if not isinstance(state, dict) or not isinstance(state.get("network_weights"), dict):
        raise WeightsError("weights.broken", folder=name, reason="its checkpoint holds no network")
    return CheckpointFacts(_outputs(state["network_weights"], name), _configuration(state.get("init_args")))


def check_every_byte(path: Path, tell: Tell, stop: Stop) -> None:
    """Compares the checksums that a checkpoint carries itself; those in torch's older format have none.

    Raises WeightsError for a damaged one, Cancelled.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            done = 0
            for member in archive.infolist():
                with archive.open(member) as source:
                    while piece := source.read(1 << 20):
                        stop.check()
                        done += len(piece)
                        tell(done)
    except UNREADABLE as error:
        raise WeightsError("weights.broken", folder=_name_of(path), reason="its checkpoint is damaged") from error


def _name_of(path: Path) -> str:
    """The dataset folder of "DatasetNNN_x/trainer__plans__configuration/fold_0/checkpoint_final.pth"."""
    return path.parts[-4] if len(path.parts) > 4 else path.name


class _Refused(Exception):
    """The pickle names something that is not on the list."""


@dataclass(frozen=True)
class _Storage:
    """Where a tensor's numbers lie: the name of the file in the archive, and how many bytes they are."""

    key: str
    size: int


class _Tensor:
    """A tensor without its numbers."""

    def __init__(self, storage: object, _offset: int, shape: tuple[int, ...], *_: object) -> None:
        if not isinstance(storage, _Storage) or not all(isinstance(each, int) and each >= 0 for each in shape):
            raise ValueError("not a tensor")
        self.shape = tuple(shape)

    def __setstate__(self, _: object) -> None:
        """Whatever else is set on it is left out."""


class _Anything:
    """Takes the place of every harmless value that says nothing about the network."""

    def __new__(cls, *_: object, **__: object) -> _Anything:
        return object.__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass

    def append(self, _: object) -> None:
        """What belongs into it is left out."""

    def extend(self, _: object) -> None:
        """What belongs into it is left out."""

    def add(self, _: object) -> None:
        """What belongs into it is left out."""

    def __setitem__(self, _: object, __: object) -> None:
        pass


class _StorageKind:
    """One of torch's classes of storage, as far as needed: how many bytes a number takes."""

    def __init__(self, name: str) -> None:
        self.bytes_each = _BYTES_OF[name]


def _parameter(data: object = None, *_: object) -> object:
    return data


class _Reader(pickle.Unpickler):
    """Answers with stand-ins, and raises _Refused for any name that is not on the list."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name."""
        whole = f"{module}.{name}"
        if whole == "collections.OrderedDict":
            return collections.OrderedDict
        if module == "torch._utils" and name in _TENSOR_MAKERS:
            return _Tensor
        if module == "torch._utils" and name in _PARAMETER_MAKERS:
            return _parameter
        if module in ("torch", "torch.cuda", "torch.storage") and name.removesuffix("Storage") in _BYTES_OF:
            return _StorageKind(name.removesuffix("Storage"))
        if whole in _HARMLESS or (module == "torch" and _TORCH_VALUE.fullmatch(name)):
            return _Anything
        raise _Refused(whole)

    def persistent_load(self, given: Any) -> _Storage:
        """Where a tensor's numbers lie."""
        word, kind, key, _, count, *_ = given
        if word != "storage" or not isinstance(kind, _StorageKind) or not isinstance(count, int) or count < 0:
            raise pickle.UnpicklingError("not a storage")
        return self.storages.setdefault(str(key), _Storage(str(key), count * kind.bytes_each))


def _state_of(path: Path) -> Any:
    if not zipfile.is_zipfile(path):
        return _legacy_state(path)
    with zipfile.ZipFile(path) as archive:
        sizes = {each.filename: each.file_size for each in archive.infolist()}
        name = next(each for each in sizes if each.endswith("data.pkl"))
        if sizes[name] > _MOST_PICKLE_BYTES:
            raise ValueError("its list of tensors is too long")
        with archive.open(name) as file:
            reader = _Reader(file)
            state = reader.load()
            # Reading to the end compares the checksum.
            file.read()
        top = name.removesuffix("data.pkl")
        for each in reader.storages.values():
            if sizes[f"{top}data/{each.key}"] != each.size:
                raise ValueError(f"tensor {each.key} is not whole")
    return state


def _legacy_state(path: Path) -> Any:
    """The format before torch 1.6: several pickles in a row, then every storage with its count in front."""
    with path.open("rb") as file:
        if _Reader(file).load() != _LEGACY_MAGIC:
            raise ValueError("not a checkpoint")
        _Reader(file).load()
        _Reader(file).load()
        reader = _Reader(file)
        state = reader.load()
        _Reader(file).load()
        rest = path.stat().st_size - file.tell()
    if rest != sum(8 + each.size for each in reader.storages.values()):
        raise ValueError("its tensors are not whole")
    return state


def _outputs(weights: Mapping[Any, Any], name: str) -> int:
    found: dict[int, int] = {}
    for key, tensor in weights.items():
        match = _LAST_LAYER.fullmatch(_plain_key(str(key)))
        if match and isinstance(tensor, _Tensor) and tensor.shape and math.prod(tensor.shape):
            found[int(match[1])] = tensor.shape[0]
    if not found:
        raise WeightsError("weights.broken", folder=name, reason="its checkpoint holds no network")
    return found[max(found)]


def _configuration(arguments: Any) -> str | None:
    given = arguments.get("configuration") if isinstance(arguments, dict) else None
    return given if isinstance(given, str) else None


def _plain_key(key: str) -> str:
    """Parameter names without the prefixes that training on several cards or compiled networks left in them."""
    return key.removeprefix("module.").removeprefix("_orig_mod.")
