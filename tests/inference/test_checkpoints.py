"""Checkpoints are read without running anything in them; those that cannot be used say why in one sentence."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.networks import BandNetwork, write_band_network
from tsdesktop.core.errors import WeightsError
from tsdesktop.inference.networks import LoadedNetwork, load_network
from tsdesktop.jobs.plan import NetworkRun

_FOLDER = "Dataset901_bands/{}__nnUNetPlans__3d_fullres"


class Malice:
    """Unpickling this runs a command that makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write(tmp_path)


def write(place: Path, trainer: str = "nnUNetTrainer", **changes: Any) -> Path:
    given = BandNetwork(_FOLDER.format(trainer), ((-0.5, 0.0, 0.5),), None, (1.5, 1.5, 1.5), **changes)
    return write_band_network(place, given)


def load(model: Path) -> LoadedNetwork:
    return load_network(NetworkRun("901", str(model), (0,), "", (1, 2)), torch.device("cpu"))


def file_of(model: Path) -> Path:
    return model / "fold_0" / "checkpoint_final.pth"


def change(model: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    state = torch.load(file_of(model), weights_only=True)
    edit(state)
    torch.save(state, file_of(model))


def refusal(model: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        load(model)
    return caught.value


@pytest.mark.parametrize("where", ["network_weights", "init_args", "logging", "whole file", "old format", "pickle"])
def test_hostile_checkpoint_runs_nothing(model: Path, tmp_path: Path, where: str) -> None:
    trace = tmp_path / "trace"
    if where == "pickle":
        file_of(model).write_bytes(pickle.dumps(Malice(trace), protocol=2))
    elif where in ("whole file", "old format"):
        torch.save(Malice(trace), file_of(model), _use_new_zipfile_serialization=where == "whole file")
    else:
        change(model, lambda state: state.update({where: Malice(trace)}))
    error = refusal(model)
    assert error.id == "weights.untrusted"
    assert error.sentence == (
        "The network Dataset901_bands asks for code to be run while loading, which this program does not run."
    )
    assert not trace.exists()
    pickle.loads(pickle.dumps(Malice(trace)))
    assert trace.exists(), "read the ordinary way, it would have run"


def test_old_checkpoint_cut_anywhere(model: Path) -> None:
    state = torch.load(file_of(model), weights_only=True)
    torch.save(state, file_of(model), _use_new_zipfile_serialization=False)
    content = file_of(model).read_bytes()
    for end in range(1, 3000, 37):
        file_of(model).write_bytes(content[:end])
        # A name cut short is a name that is not known to be harmless.
        assert refusal(model).id in {"weights.broken", "weights.untrusted"}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
@pytest.mark.parametrize("new_format", [True, False])
def test_truncated_checkpoint(model: Path, share: float, new_format: bool) -> None:
    state = torch.load(file_of(model), weights_only=True)
    torch.save(state, file_of(model), _use_new_zipfile_serialization=new_format)
    content = file_of(model).read_bytes()
    file_of(model).write_bytes(content[: int(len(content) * share)])
    assert refusal(model).sentence == "The network Dataset901_bands is broken: its checkpoint is damaged."


@pytest.mark.parametrize("content", [b"", b"x", b"<html>Not found</html>", bytes(5000), b"PK\x03\x04" + bytes(200)])
def test_file_that_is_no_checkpoint(model: Path, content: bytes) -> None:
    file_of(model).write_bytes(content)
    assert refusal(model).id == "weights.broken"


def test_missing_checkpoint(model: Path) -> None:
    file_of(model).unlink()
    sentence = "The network Dataset901_bands is incomplete: fold_0/checkpoint_final.pth is missing."
    assert refusal(model).sentence == sentence


@pytest.mark.parametrize(
    "state", [{}, {"network_weights": [1, 2]}, [1, 2], torch.zeros(3)], ids=["empty", "list inside", "list", "tensor"]
)
def test_checkpoint_without_a_network(model: Path, state: Any) -> None:
    torch.save(state, file_of(model))
    assert refusal(model).sentence == "The network Dataset901_bands is broken: its checkpoint holds no network."


WRONG: dict[str, Callable[[dict[str, torch.Tensor]], Any]] = {
    "shape": lambda weights: weights.update({"decoder.seg_layers.0.bias": torch.zeros(7)}),
    "missing": lambda weights: weights.pop("decoder.seg_layers.0.bias"),
    "surplus": lambda weights: weights.update(other=torch.zeros(2)),
    "no tensor": lambda weights: weights.update({"decoder.seg_layers.0.bias": 3}),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("what", WRONG)
def test_checkpoint_that_does_not_fit_its_plans(model: Path, what: str) -> None:
    change(model, lambda state: WRONG[what](state["network_weights"]))
    sentence = "The network Dataset901_bands is broken: its checkpoint does not fit its plans."
    assert refusal(model).sentence == sentence


def test_configuration_the_checkpoint_names_counts(model: Path) -> None:
    change(model, lambda state: state["init_args"].update(configuration="3d_lowres"))
    assert refusal(model).id == "weights.broken"


@pytest.mark.parametrize("value", [None, "text", {}, {"configuration": None}])
def test_checkpoint_without_configuration_goes_by_its_folder(model: Path, value: Any) -> None:
    change(model, lambda state: state.update(init_args=value))
    assert load(model).plans.configuration == "3d_fullres"


@pytest.mark.parametrize("module", [b"numpy._core.multiarray", b"numpy.core.multiarray"])
def test_numbers_of_numpy_inside_a_checkpoint_load(model: Path, module: bytes) -> None:
    """Real trainings keep their loss curves as numpy numbers; numpy 1 and 2 give them different modules."""
    curves = {
        "mean_fg_dice": [np.float32(0.5), np.float64(0.25)],
        "dice_per_class": [np.array([0.5, 0.25])],
        "epochs": np.int64(3),
        "best": np.bool_(True),
    }
    change(model, lambda state: state.update(logging=curves, device=torch.device("cpu"), grad_scaler_state=None))
    with zipfile.ZipFile(file_of(model)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file_of(model), "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content.replace(b"numpy._core.multiarray", module))
    assert any(module in content for content in members.values()) == (module == b"numpy._core.multiarray")
    assert load(model).plans.outputs == 3


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_names_of_parallel_and_compiled_trainings(model: Path, prefix: str) -> None:
    def rename(state: dict[str, Any]) -> None:
        weights = state["network_weights"]
        state["network_weights"] = {prefix + key: value for key, value in weights.items()}

    change(model, rename)
    assert load(model).plans.outputs == 3


@pytest.mark.parametrize("trainer", ["nnUNetTrainerSkeletonRecall", "nnUNetTrainer_NobodyKnows"])
def test_trainer_need_not_be_known(tmp_path: Path, trainer: str) -> None:
    assert load(write(tmp_path, trainer)).plans.outputs == 3


def test_hostile_plans_build_nothing(model: Path) -> None:
    plans = model / "plans.json"
    plans.write_text(plans.read_text().replace("torch.nn.LeakyReLU", "os.system"))
    assert refusal(model).sentence == (
        "The network Dataset901_bands asks for the operation os.system, which this program does not run."
    )


def test_loaded_networks_compute_what_was_written(model: Path) -> None:
    loaded = load(model)
    x = torch.linspace(-2, 2, 64).reshape(1, 1, 4, 4, 4)
    with torch.inference_mode():
        labels = loaded.folds[0](x)[0].argmax(0)
    centres = torch.tensor([-0.5, 0.0, 0.5])
    assert torch.equal(labels, (x[0, 0, ..., None] - centres).abs().argmin(-1))
