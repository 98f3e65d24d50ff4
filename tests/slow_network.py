"""A network that means nothing and takes long: one tile is many seconds on a processor."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

_CLASS = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
_IMPORTS = ["conv_op", "norm_op", "nonlin"]


def write_slow_network(folder: Path, labels: int, patch: int = 128, features: int = 48) -> None:
    """Writes a model folder in nnU-Net's layout: patch^3 windows at 3 mm, random weights."""
    architecture = {
        "n_stages": 2,
        "features_per_stage": [features, features],
        "conv_op": "torch.nn.modules.conv.Conv3d",
        "kernel_sizes": [[3, 3, 3]] * 2,
        "strides": [[1, 1, 1], [2, 2, 2]],
        "n_conv_per_stage": [4, 2],
        "n_conv_per_stage_decoder": [4],
        "conv_bias": True,
        "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    network = get_network_from_plans(_CLASS, architecture, _IMPORTS, 1, labels + 1, deep_supervision=False)
    resampling = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}
    configuration = {
        "patch_size": [patch] * 3,
        "spacing": [3.0, 3.0, 3.0],
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": resampling,
        "resampling_fn_probabilities_kwargs": resampling,
        "architecture": {"network_class_name": _CLASS, "arch_kwargs": architecture, "_kw_requires_import": _IMPORTS},
    }
    intensity = {"percentile_00_5": -1000.0, "percentile_99_5": 1000.0, "mean": 0.0, "std": 300.0}
    plans = {
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "foreground_intensity_properties_per_channel": {"0": intensity},
        "configurations": {"3d_fullres": configuration},
    }
    names = {"background": 0, **{f"label_{n}": n for n in range(1, labels + 1)}}
    (folder / "fold_0").mkdir(parents=True)
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps({"channel_names": {"0": "CT"}, "labels": names}))
    state = {"network_weights": network.state_dict(), "init_args": {"configuration": "3d_fullres"}}
    torch.save(state, folder / "fold_0" / "checkpoint_final.pth")
