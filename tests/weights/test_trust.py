"""Files of networks that are hostile, broken or of a kind that is not run: one sentence each, and nothing executed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.networks import BandNetwork, band_centres, write_band_network
from tsdesktop.core.errors import WeightsError
from tsdesktop.inference.networks import load_network
from tsdesktop.jobs.plan import NetworkRun
from tsdesktop.weights.plans import read_plans

_FOLDER = "Dataset901_bands/nnUNetTrainer__nnUNetPlans__3d_fullres"
Change = Callable[[dict[str, Any]], None]


class _Bomb:
    """Unpickles by running a command that leaves a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.trace}",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    centres = band_centres([0, 2, 1], -100.0, 150.0, 3)
    return write_band_network(tmp_path, BandNetwork(_FOLDER, (centres,), None, (3.0, 2.0, 1.5)))


def load(folder: Path) -> Any:
    return load_network(NetworkRun("901", str(folder), (0,), "", (1, 2)), torch.device("cpu"))


def refusal(folder: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        load(folder)
    assert folder.parent.name in caught.value.sentence
    return caught.value


def checkpoint(folder: Path) -> Path:
    return folder / "fold_0" / "checkpoint_final.pth"


def change_checkpoint(folder: Path, change: Change) -> None:
    state = torch.load(checkpoint(folder), weights_only=True)
    change(state)
    torch.save(state, checkpoint(folder))


def change_json(path: Path, change: Change) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_whole_network_loads(folder: Path) -> None:
    assert load(folder).plans.outputs == 3


def test_loss_curves_of_numpy_in_a_checkpoint_do_no_harm(folder: Path) -> None:
    curves = {"logging": {"losses": [np.float64(0.5), np.float32(0.25)], "epochs": np.arange(3)}}
    change_checkpoint(folder, lambda state: state.update(curves, init_args={"device": torch.device("cpu")}))
    assert load(folder).plans.outputs == 3


@pytest.mark.parametrize("place", ["network_weights", "init_args", "extra"])
def test_a_checkpoint_with_code_is_refused_and_runs_nothing(folder: Path, tmp_path: Path, place: str) -> None:
    trace = tmp_path / "it-ran"
    change_checkpoint(folder, lambda state: state.update({place: _Bomb(trace)}))
    assert refusal(folder).id == "weights.untrusted"
    assert not trace.exists()


def _set(*path: str, value: Any) -> Change:
    def change(content: dict[str, Any]) -> None:
        here: Any = content
        for key in path[:-1]:
            here = here[key]
        here[path[-1]] = value

    return change


_HERE = ("configurations", "3d_fullres")
_ARCHITECTURE = (*_HERE, "architecture")


@pytest.mark.parametrize(
    "change",
    [
        _set(*_ARCHITECTURE, "network_class_name", value="os.system"),
        _set(*_ARCHITECTURE, "network_class_name", value="dynamic_network_architectures.architectures.vgg.VGG16"),
        _set(*_ARCHITECTURE, "arch_kwargs", "conv_op", value="subprocess.call"),
        _set(*_ARCHITECTURE, "arch_kwargs", "nonlin", value="os.system"),
        _set(*_ARCHITECTURE, "arch_kwargs", "norm_op", value="builtins.exec"),
        _set(*_ARCHITECTURE, "_kw_requires_import", value=["conv_op", "n_stages"]),
        _set(*_HERE, "normalization_schemes", value=["MyNormalization"]),
        _set(*_HERE, "resampling_fn_data", value="my_resampling"),
        _set(*_HERE, "resampling_fn_probabilities", value="my_resampling"),
    ],
)
def test_plans_that_name_other_code_are_refused(folder: Path, change: Change) -> None:
    change_json(folder / "plans.json", change)
    assert refusal(folder).id == "weights.untrusted"


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("plans.json", _set(*_HERE, "patch_size", value=[64, 64]), "single slices (2D)"),
        ("plans.json", _set(*_HERE, "previous_stage", value="3d_lowres"), "cascade"),
        ("plans.json", _set(*_HERE, "normalization_schemes", value=["ZScoreNormalization"] * 2), "2 channels"),
        ("dataset.json", _set("labels", value={"background": 0, "whole": [1, 2], "core": 2}), "regions"),
    ],
)
def test_kinds_that_are_not_run_are_named(folder: Path, file: str, change: Change, words: str) -> None:
    change_json(folder / file, change)
    error = refusal(folder)
    assert error.id == "weights.unsupported" and words in error.sentence


@pytest.mark.parametrize("file", ["plans.json", "dataset.json", "fold_0/checkpoint_final.pth"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    error = refusal(folder)
    assert error.id == "weights.incomplete" and Path(file).name in error.sentence


@pytest.mark.parametrize("file", ["plans.json", "dataset.json", "fold_0/checkpoint_final.pth"])
@pytest.mark.parametrize("kept", [0, 40, -300])
def test_a_cut_file_is_broken(folder: Path, file: str, kept: int) -> None:
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[:kept])
    assert refusal(folder).id == "weights.broken"


def test_a_checkpoint_of_another_network_is_broken(folder: Path) -> None:
    def widen(state: dict[str, Any]) -> None:
        weights = state["network_weights"]
        key = next(iter(weights))
        weights[key] = torch.zeros(7, 7, 3, 3, 3)

    change_checkpoint(folder, widen)
    assert "does not fit its plans" in refusal(folder).sentence


def test_a_configuration_that_inherits_from_itself_is_broken(folder: Path) -> None:
    change_json(folder / "plans.json", _set(*_HERE, "inherits_from", value="3d_fullres"))
    assert refusal(folder).id == "weights.broken"


def test_plans_of_the_first_release_describe_the_same_network(folder: Path) -> None:
    new = read_plans(folder)

    def as_before(content: dict[str, Any]) -> None:
        configuration = content["configurations"]["3d_fullres"]
        arguments = configuration.pop("architecture")["arch_kwargs"]
        configuration |= {
            "UNet_class_name": "PlainConvUNet",
            "UNet_base_num_features": 12,
            "unet_max_num_features": 20,
            "n_conv_per_stage_encoder": [2, 2],
            "n_conv_per_stage_decoder": [2],
            "num_pool_per_axis": [1, 1, 1],
            "pool_op_kernel_sizes": arguments["strides"],
            "conv_kernel_sizes": arguments["kernel_sizes"],
        }

    change_json(folder / "plans.json", as_before)
    old = read_plans(folder)
    assert old.architecture == new.architecture and old.patch_shape == new.patch_shape
    made = old.architecture_arguments
    assert made["features_per_stage"] == [12, 20] and made["n_conv_per_stage"] == [2, 2]
    assert made["norm_op"] == "torch.nn.modules.instancenorm.InstanceNorm3d" and made["conv_bias"] is True
    assert made["nonlin_kwargs"] == {"inplace": True} and made["norm_op_kwargs"] == {"eps": 1e-05, "affine": True}
