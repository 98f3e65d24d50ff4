"""plans.json and dataset.json: both formats are read, what is not run here is refused, and nothing in them is run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.networks import BandNetwork, CtRange, write_band_network
from tsdesktop.core.errors import WeightsError
from tsdesktop.weights.plans import Resampling, read_plans

_FOLDER = "Dataset901_bands/nnUNetTrainer__nnUNetPlans__3d_fullres"
Change = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], Any]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    bands = BandNetwork(_FOLDER, ((0.0, 40.0, 80.0),), CtRange(-200, 300, 10, 100), (1.5, 2.0, 2.5), folds=())
    return write_band_network(tmp_path, bands)


def change(model: Path, edit: Change) -> None:
    """Edits (plans, its 3d_fullres configuration, dataset) in place."""
    plans, dataset = (json.loads((model / name).read_text()) for name in ("plans.json", "dataset.json"))
    edit(plans, plans["configurations"]["3d_fullres"], dataset)
    (model / "plans.json").write_text(json.dumps(plans))
    (model / "dataset.json").write_text(json.dumps(dataset))


def test_new_plans(model: Path) -> None:
    plans = read_plans(model)
    assert (plans.patch_shape, plans.spacing_mm, plans.outputs) == ((32, 40, 36), (1.5, 2.0, 2.5), 3)
    assert plans.intensity is not None
    assert (plans.intensity.percentile_00_5, plans.intensity.percentile_99_5) == (-200, 300)
    assert (plans.intensity.mean, plans.intensity.std) == (10, 100)
    assert (plans.resampling_data.order, plans.resampling_probabilities.order) == (3, 1)


def test_old_plans_mean_the_same_network(model: Path) -> None:
    """nnU-Net 2.0 wrote down numbers; its code made InstanceNorm, LeakyReLU and biases of them."""
    arguments = {
        "n_stages": 6,
        "features_per_stage": [32, 64, 128, 256, 320, 320],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]],
        "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2], [2, 2, 2], [1, 2, 2]],
        "n_conv_per_stage": [2, 2, 2, 2, 2, 2],
        "n_conv_per_stage_decoder": [2, 2, 2, 2, 2],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    change(model, lambda plans, own, dataset: own["architecture"].update(arch_kwargs=arguments))
    new = read_plans(model)

    def age(plans: dict[str, Any], own: dict[str, Any], dataset: dict[str, Any]) -> None:
        del own["architecture"]
        own.update(
            UNet_class_name="PlainConvUNet",
            UNet_base_num_features=32,
            unet_max_num_features=320,
            n_conv_per_stage_encoder=[2] * 6,
            n_conv_per_stage_decoder=[2] * 5,
            conv_kernel_sizes=arguments["kernel_sizes"],
            pool_op_kernel_sizes=arguments["strides"],
            num_pool_per_axis=[3, 5, 5],
        )
        newer = plans.pop("foreground_intensity_properties_per_channel")
        plans["foreground_intensity_properties_by_modality"] = newer

    change(model, age)
    old = read_plans(model)
    assert old.architecture == new.architecture
    assert dict(old.architecture_arguments) == dict(new.architecture_arguments)
    assert old.intensity == new.intensity


def test_old_plans_of_residual_networks(model: Path) -> None:
    def age(plans: dict[str, Any], own: dict[str, Any], dataset: dict[str, Any]) -> None:
        del own["architecture"]
        own.update(UNet_class_name="ResidualEncoderUNet", UNet_base_num_features=32, unet_max_num_features=320)
        own.update(n_conv_per_stage_encoder=[1, 3], n_conv_per_stage_decoder=[1])
        own.update(conv_kernel_sizes=[[3, 3, 3]] * 2, pool_op_kernel_sizes=[[1, 1, 1], [2, 2, 2]])

    change(model, age)
    plans = read_plans(model)
    assert plans.architecture.endswith(".ResidualEncoderUNet")
    assert plans.architecture_arguments["n_blocks_per_stage"] == [1, 3]


def test_residual_networks_under_their_earlier_name(model: Path) -> None:
    earlier = "dynamic_network_architectures.architectures.residual_unet.ResidualEncoderUNet"
    change(model, lambda plans, own, dataset: own["architecture"].update(network_class_name=earlier))
    assert read_plans(model).architecture == "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet"


def test_configurations_inherit(model: Path) -> None:
    def high(plans: dict[str, Any], own: dict[str, Any], dataset: dict[str, Any]) -> None:
        plans["configurations"]["3d_fullres_high"] = {"inherits_from": "3d_fullres", "spacing": [0.7, 0.8, 0.9]}

    change(model, high)
    plans = read_plans(model, "3d_fullres_high")
    assert (plans.spacing_mm, plans.patch_shape) == ((0.7, 0.8, 0.9), (32, 40, 36))


def test_label_to_ignore_has_no_output(model: Path) -> None:
    change(model, lambda plans, own, dataset: dataset["labels"].update(ignore=3))
    assert read_plans(model).outputs == 3


def regions(order: list[int] | None, **labels: int | list[int]) -> Change:
    def edit(plans: dict[str, Any], own: dict[str, Any], dataset: dict[str, Any]) -> None:
        dataset["labels"] = {"background": 0, **labels}
        if order is not None:
            dataset["regions_class_order"] = order

    return edit


def test_regions_have_one_output_each_and_no_background(model: Path) -> None:
    change(model, regions([1, 2, 3], whole=[1, 2, 3], ignore=4, core=[2, 3], enhancing=3))
    plans = read_plans(model)
    assert (plans.outputs, plans.regions) == (3, (1, 2, 3))
    assert list(plans.labels.items()) == [("whole", 1), ("core", 2), ("enhancing", 3)]


def test_lists_of_one_label_are_ordinary_labels(model: Path) -> None:
    change(model, regions(None, b=[2], a=1))
    plans = read_plans(model)
    assert (plans.outputs, plans.regions) == (3, ())
    assert list(plans.labels) == ["background", "a", "b"], "in the order of the outputs"


@pytest.mark.parametrize("order", [None, [1], [1, 2, 3]])
def test_regions_without_their_order_are_broken(model: Path, order: list[int] | None) -> None:
    change(model, regions(order, whole=[1, 2], core=2))
    with pytest.raises(WeightsError) as caught:
        read_plans(model)
    assert caught.value.id == "weights.broken"


@pytest.mark.parametrize("force", [None, True, False])
def test_torch_resampling_of_newer_plans(model: Path, force: bool | None) -> None:
    how = {"is_seg": False, "force_separate_z": force, "memefficient_seg_resampling": False}
    change(model, own(resampling_fn_probabilities="resample_torch_fornnunet", resampling_fn_probabilities_kwargs=how))
    plans = read_plans(model)
    assert plans.resampling_probabilities == Resampling(1, 0, force, "torch")
    assert plans.resampling_data.by == "spline"


def arch(**values: Any) -> Change:
    return lambda plans, own, dataset: own["architecture"].update(values)


def kwarg(**values: Any) -> Change:
    return lambda plans, own, dataset: own["architecture"]["arch_kwargs"].update(values)


def own(**values: Any) -> Change:
    return lambda plans, own, dataset: own.update(values)


def age_hostile(plans: dict[str, Any], own: dict[str, Any], dataset: dict[str, Any]) -> None:
    del own["architecture"]
    own["UNet_class_name"] = "os.system"


HOSTILE: dict[str, Change] = {
    "network class": arch(network_class_name="os.system"),
    "network class in the same library": arch(
        network_class_name="dynamic_network_architectures.building_blocks.helper.get_matching_pool_op"
    ),
    "network class that is not a U-Net": arch(
        network_class_name="dynamic_network_architectures.architectures.vgg.VGG16"
    ),
    "network class of old plans": age_hostile,
    "convolution": kwarg(conv_op="subprocess.call"),
    "norm": kwarg(norm_op="builtins.eval"),
    "nonlinearity": kwarg(nonlin="os.system"),
    "dropout": kwarg(dropout_op="shutil.rmtree"),
    "import of another argument": arch(_kw_requires_import=["conv_op", "features_per_stage"]),
    "normalisation": own(normalization_schemes=["os.system"]),
    "resampling of data": own(resampling_fn_data="os.system"),
    "resampling of logits": own(resampling_fn_probabilities="resample_torch_simple"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_names_that_are_not_on_the_list_are_refused(model: Path, what: str) -> None:
    change(model, HOSTILE[what])
    with pytest.raises(WeightsError) as caught:
        read_plans(model)
    assert caught.value.id == "weights.untrusted"
    assert "Dataset901_bands" in caught.value.sentence


UNSUPPORTED: dict[str, tuple[Change, str]] = {
    "2D": (own(patch_size=[256, 256]), "it is a network for single slices (2D)"),
    "cascade": (own(previous_stage="3d_lowres"), "it is the second stage of a cascade"),
    "two channels": (
        own(normalization_schemes=["CTNormalization", "CTNormalization"]),
        "it needs 2 images at once (CT)",
    ),
    "two channels in dataset.json": (
        lambda plans, own, dataset: dataset.update(channel_names={"0": "CT", "1": "PET"}),
        "it needs 2 images at once (CT, PET)",
    ),
    "torch resampling of another kind": (
        own(resampling_fn_data="resample_torch_fornnunet", resampling_fn_data_kwargs={"mode": "bicubic"}),
        "its resampling has another mode",
    ),
}


@pytest.mark.parametrize("what", UNSUPPORTED)
def test_networks_that_are_not_run_here(model: Path, what: str) -> None:
    edit, reason = UNSUPPORTED[what]
    change(model, edit)
    with pytest.raises(WeightsError) as caught:
        read_plans(model)
    assert caught.value.id == "weights.unsupported"
    assert caught.value.sentence == f"The network Dataset901_bands cannot be run here: {reason}."


def loop(plans: dict[str, Any], own: dict[str, Any], dataset: dict[str, Any]) -> None:
    own["inherits_from"] = "3d_fullres"


BROKEN: dict[str, Change] = {
    "no configuration": lambda plans, own, dataset: plans.update(configurations={}),
    "inherits from itself": loop,
    "no spacing": lambda plans, own, dataset: own.pop("spacing"),
    "axes that are none": lambda plans, own, dataset: plans.update(transpose_forward=[0, 0, 2]),
    "axes that do not lead back": lambda plans, own, dataset: plans.update(
        transpose_forward=[1, 2, 0], transpose_backward=[1, 2, 0]
    ),
    "no intensities": lambda plans, own, dataset: plans.pop("foreground_intensity_properties_per_channel"),
    "numbers that are words": own(patch_size=["a", "b", "c"]),
    "class name that is none": arch(network_class_name=7),
    "labels that are none": lambda plans, own, dataset: dataset.update(labels=[1, 2]),
}


@pytest.mark.parametrize("what", BROKEN)
def test_plans_that_contradict_themselves(model: Path, what: str) -> None:
    change(model, BROKEN[what])
    with pytest.raises(WeightsError) as caught:
        read_plans(model)
    assert caught.value.id == "weights.broken"


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"x"', "[" * 100_000])
@pytest.mark.parametrize("name", ["plans.json", "dataset.json"])
def test_files_that_are_no_plans(model: Path, name: str, content: str) -> None:
    (model / name).write_text(content)
    with pytest.raises(WeightsError) as caught:
        read_plans(model)
    assert caught.value.id == "weights.broken"


@pytest.mark.parametrize("name", ["plans.json", "dataset.json"])
def test_missing_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(WeightsError) as caught:
        read_plans(model)
    assert caught.value.sentence == f"The network Dataset901_bands is incomplete: {name} is missing."
