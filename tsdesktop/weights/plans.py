"""What plans.json and dataset.json say about a network, read as data only.

nnU-Net turns names in plans.json into Python objects by importing them; a hostile file could name anything. Here every
name is compared with a list first, and the result holds plain values. Both the plans of nnU-Net 2.0 ("UNet_class_name")
and the later ones ("architecture") are read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tsdesktop.core.errors import WeightsError
from tsdesktop.core.geometry import Shape

_UNETS = {
    "PlainConvUNet": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
    "ResidualEncoderUNet": "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet",
}
ALLOWED_ARCHITECTURES = frozenset(_UNETS.values())
ALLOWED_OPERATIONS = frozenset(
    {
        "torch.nn.modules.conv.Conv3d",
        "torch.nn.Conv3d",
        "torch.nn.modules.instancenorm.InstanceNorm3d",
        "torch.nn.InstanceNorm3d",
        "torch.nn.modules.batchnorm.BatchNorm3d",
        "torch.nn.BatchNorm3d",
        "torch.nn.LeakyReLU",
        "torch.nn.modules.activation.LeakyReLU",
        "torch.nn.ReLU",
        "torch.nn.modules.activation.ReLU",
        "torch.nn.Dropout3d",
        "torch.nn.modules.dropout.Dropout3d",
    }
)
ALLOWED_NORMALIZATIONS = frozenset(
    {"CTNormalization", "ZScoreNormalization", "NoNormalization", "RescaleTo01Normalization"}
)
# nnU-Net's two ways to resample: with splines, and in newer plans with torch, linearly.
_RESAMPLING: Mapping[str, Literal["spline", "torch"]] = {
    "resample_data_or_seg_to_shape": "spline",
    "resample_torch_fornnunet": "torch",
}
# Settings of the second one that plans may name but that no planner changes.
_TORCH_DEFAULTS = {"mode": "linear", "aniso_axis_mode": "nearest-exact", "separate_z_anisotropy_threshold": 3}
_OPERATION_KEYS = ("conv_op", "norm_op", "dropout_op", "nonlin")


@dataclass(frozen=True)
class Intensity:
    """The statistics CT normalization uses: percentiles, mean and standard deviation of the training foreground."""

    percentile_00_5: float
    percentile_99_5: float
    mean: float
    std: float


@dataclass(frozen=True)
class Resampling:
    """How nnU-Net resamples: spline `order` in plane, `order_z` along a coarse axis; None decides by anisotropy.

    `by` torch: linearly, and to the nearest along an axis that is resampled by itself.
    """

    order: int
    order_z: int
    force_separate_z: bool | None
    by: Literal["spline", "torch"] = "spline"


@dataclass(frozen=True, eq=False)
class NetworkPlans:
    """One configuration of a plans.json. `patch_shape` and `spacing_mm` are in the network's own axis order: [z, y, x]
    of the RAS image, permuted by `transpose_forward`.

    `regions` is empty for ordinary networks, whose outputs compete for every voxel. Where structures may overlap it has
    one label per output, in the order in which they are painted over each other; `labels` then has no background.
    """

    configuration: str
    patch_shape: Shape
    spacing_mm: tuple[float, float, float]
    normalization: str
    use_mask_for_norm: bool
    intensity: Intensity | None
    resampling_data: Resampling
    resampling_probabilities: Resampling
    transpose_forward: tuple[int, int, int]
    transpose_backward: tuple[int, int, int]
    architecture: str
    architecture_arguments: Mapping[str, Any]
    labels: Mapping[str, int]
    regions: tuple[int, ...] = ()

    @property
    def outputs(self) -> int:
        """Channels of the network's output: one per label, background included, or one per region."""
        return len(self.labels)


def read_plans(folder: Path, configuration_name: str | None = None) -> NetworkPlans:
    """The plans of a model folder "DatasetNNN_x/trainer__plans__configuration", or of another configuration in it.

    Raises WeightsError when the files are missing, broken, ask for something not allowed, or describe a network that is
    not run here (2D, cascades, several images at once).
    """
    name = folder.parent.name
    try:
        plans = json.loads((folder / "plans.json").read_text(encoding="utf-8"))
        dataset = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        configuration_name = configuration_name or folder.name.split("__")[2]
        configuration = _configuration(plans["configurations"], configuration_name)
        return _plans(name, configuration_name, plans, configuration, dataset)
    except FileNotFoundError as error:
        raise WeightsError("weights.incomplete", folder=name, what=Path(error.filename).name) from error
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError("weights.broken", folder=name, reason=f"its plans cannot be read ({error})") from error


def channel_names(dataset: Mapping[str, Any]) -> tuple[str, ...]:
    """The images a network needs at once, by the names of its dataset.json. Raises KeyError or TypeError."""
    named = dataset["channel_names"] if "channel_names" in dataset else dataset["modality"]
    return tuple(str(named[key]) for key in sorted(named, key=int))


def read_labels(dataset: Mapping[str, Any]) -> tuple[dict[str, int], tuple[int, ...]]:
    """The labels of a dataset.json in the order of the network's outputs, and its regions (see `NetworkPlans`).

    Raises ValueError, KeyError or TypeError for labels that nnU-Net would not accept.
    """
    # nnU-Net's name for voxels that training leaves out; no output stands for it.
    given = {str(name): value for name, value in dataset["labels"].items() if name != "ignore"}
    groups = {name: _numbers(value) for name, value in given.items()}
    if all(len(group) == 1 for group in groups.values()):
        numbers = {name: group[0] for name, group in groups.items()}
        return dict(sorted(numbers.items(), key=lambda pair: pair[1])), ()
    names = [name for name, group in groups.items() if set(group) != {0}]
    order = tuple(int(label) for label in dataset["regions_class_order"])
    if len(order) != len(names):
        raise ValueError(f"{len(names)} regions, but {len(order)} labels for them")
    return dict(zip(names, order, strict=True)), order


def _numbers(value: Any) -> tuple[int, ...]:
    numbers = tuple(int(each) for each in value) if isinstance(value, list | tuple) else (int(value),)
    if not numbers:
        raise ValueError("a label without a number")
    return numbers


def _plans(
    name: str,
    configuration_name: str,
    plans: Mapping[str, Any],
    configuration: Mapping[str, Any],
    dataset: Mapping[str, Any],
) -> NetworkPlans:
    if len(configuration["patch_size"]) != 3:
        raise WeightsError("weights.unsupported", folder=name, reason="it is a network for single slices (2D)")
    if configuration.get("previous_stage"):
        raise WeightsError("weights.unsupported", folder=name, reason="it is the second stage of a cascade")
    schemes = configuration["normalization_schemes"]
    channels = channel_names(dataset)
    count = max(len(schemes), len(channels))
    if count != 1:
        names = ", ".join(channels)
        raise WeightsError("weights.unsupported", folder=name, reason=f"it needs {count} images at once ({names})")
    if schemes[0] not in ALLOWED_NORMALIZATIONS:
        raise WeightsError("weights.untrusted", folder=name, what=f"the normalization {schemes[0]}")
    class_name, arguments = _architecture(name, configuration)
    forward, backward = _permutation(plans["transpose_forward"]), _permutation(plans["transpose_backward"])
    if any(backward[axis] != place for place, axis in enumerate(forward)):
        raise ValueError(f"{backward} does not undo {forward}")
    i, j, k = (int(n) for n in configuration["patch_size"])
    z, y, x = (float(mm) for mm in configuration["spacing"])
    labels, regions = read_labels(dataset)
    return NetworkPlans(
        configuration=configuration_name,
        patch_shape=(i, j, k),
        spacing_mm=(z, y, x),
        normalization=schemes[0],
        use_mask_for_norm=bool(configuration["use_mask_for_norm"][0]),
        intensity=_intensity(plans, needed=schemes[0] == "CTNormalization"),
        resampling_data=_resampling(name, configuration, "data"),
        resampling_probabilities=_resampling(name, configuration, "probabilities"),
        transpose_forward=forward,
        transpose_backward=backward,
        architecture=class_name,
        architecture_arguments=arguments,
        labels=labels,
        regions=regions,
    )


def _configuration(all_of_them: Mapping[str, Any], name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    if name in seen:
        raise ValueError(f"configuration {name} inherits from itself")
    own = dict(all_of_them[name])
    parent = own.get("inherits_from")
    return own if parent is None else {**_configuration(all_of_them, parent, (*seen, name)), **own}


def _architecture(name: str, configuration: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    found = configuration.get("architecture")
    if found is None:
        return _old_architecture(name, configuration)
    class_name, arguments = found["network_class_name"], dict(found["arch_kwargs"])
    # Earlier releases of the library had this class in a module of its own.
    class_name = class_name.replace(".residual_unet.ResidualEncoderUNet", ".unet.ResidualEncoderUNet")
    if class_name not in ALLOWED_ARCHITECTURES:
        raise WeightsError("weights.untrusted", folder=name, what=f"the network class {class_name}")
    for key in found["_kw_requires_import"]:
        if key not in _OPERATION_KEYS:
            raise WeightsError("weights.untrusted", folder=name, what=f"the import of {key}")
    for key in _OPERATION_KEYS:
        if arguments.get(key) is not None and arguments[key] not in ALLOWED_OPERATIONS:
            raise WeightsError("weights.untrusted", folder=name, what=f"the operation {arguments[key]}")
    return class_name, arguments


def _old_architecture(name: str, configuration: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The network of plans from nnU-Net 2.0, where only its numbers are written down and the rest was fixed."""
    unet = configuration["UNet_class_name"]
    if unet not in _UNETS:
        raise WeightsError("weights.untrusted", folder=name, what=f"the network class {unet}")
    convolutions = [int(n) for n in configuration["n_conv_per_stage_encoder"]]
    base, most = int(configuration["UNet_base_num_features"]), int(configuration["unet_max_num_features"])
    return _UNETS[unet], {
        "n_stages": len(convolutions),
        "features_per_stage": [min(base * 2**stage, most) for stage in range(len(convolutions))],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": configuration["conv_kernel_sizes"],
        "strides": configuration["pool_op_kernel_sizes"],
        "n_conv_per_stage" if unet == "PlainConvUNet" else "n_blocks_per_stage": convolutions,
        "n_conv_per_stage_decoder": [int(n) for n in configuration["n_conv_per_stage_decoder"]],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


def _intensity(plans: Mapping[str, Any], needed: bool) -> Intensity | None:
    newer, older = "foreground_intensity_properties_per_channel", "foreground_intensity_properties_by_modality"
    found = plans.get(newer) or plans.get(older)
    if not needed and not found:
        return None
    channel = (found or {})["0"]
    return Intensity(
        float(channel["percentile_00_5"]),
        float(channel["percentile_99_5"]),
        float(channel["mean"]),
        float(channel["std"]),
    )


def _resampling(name: str, configuration: Mapping[str, Any], what: str) -> Resampling:
    function = configuration[f"resampling_fn_{what}"]
    if function not in _RESAMPLING:
        raise WeightsError("weights.untrusted", folder=name, what=f"the resampling {function}")
    settings = configuration[f"resampling_fn_{what}_kwargs"]
    force = settings.get("force_separate_z")
    separate = None if force is None else bool(force)
    if _RESAMPLING[function] == "spline":
        return Resampling(int(settings["order"]), int(settings.get("order_z", 0)), separate)
    for key, usual in _TORCH_DEFAULTS.items():
        if settings.get(key, usual) != usual:
            raise WeightsError("weights.unsupported", folder=name, reason=f"its resampling has another {key}")
    return Resampling(1, 0, separate, "torch")


def _permutation(values: Any) -> tuple[int, int, int]:
    a, b, c = (int(value) for value in values)
    if sorted((a, b, c)) != [0, 1, 2]:
        raise ValueError(f"not an order of three axes: {values}")
    return a, b, c
