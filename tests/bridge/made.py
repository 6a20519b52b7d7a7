"""Models as other frameworks leave them, made small enough for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from overread.bridge.nnunet.network import build
from overread.imaging.image import Image

ROI = (16, 16, 8)


def bundle_config(**changes: Any) -> dict[str, Any]:
    """inference.json of a bundle for CT that labels two organs."""
    return {
        "bundle_root": ".",
        "roi": list(ROI),
        "device": "$torch.device('cpu')",
        "network_def": {
            "_target_": "UNet",
            "spatial_dims": 3,
            "in_channels": 1,
            "out_channels": 3,
            "channels": [4, 8],
            "strides": [2],
            "norm": "batch",
        },
        "network": "$@network_def.to(@device)",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": "image"},
                {"_target_": "EnsureChannelFirstd", "keys": "image"},
                {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
                {"_target_": "Spacingd", "keys": "image", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"},
                {
                    "_target_": "ScaleIntensityRanged",
                    "keys": "image",
                    "a_min": -50,
                    "a_max": "$100 + 50",
                    "b_min": 0.0,
                    "b_max": 1.0,
                    "clip": True,
                },
                {"_target_": "EnsureTyped", "keys": "image"},
            ],
        },
        "inferer": {
            "_target_": "SlidingWindowInferer",
            "roi_size": "@roi",
            "sw_batch_size": 2,
            "overlap": 0.5,
            "mode": "gaussian",
        },
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "Activationsd", "keys": "pred", "softmax": True},
                {
                    "_target_": "Invertd",
                    "keys": "pred",
                    "transform": "@preprocessing",
                    "orig_keys": "image",
                    "nearest_interp": False,
                    "to_tensor": True,
                },
                {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
            ],
        },
    } | changes


def make_bundle(folder: Path, *, script: bool = False, **changes: Any) -> torch.nn.Module:
    """A bundle in ``folder`` with a network of random weights, which is returned."""
    from monai.networks.nets import UNet

    config = bundle_config(**changes)
    told = {k: v for k, v in config["network_def"].items() if k != "_target_"}
    torch.manual_seed(0)
    network = UNet(**told).eval()
    # Larger weights than a fresh network's: its answer then has all labels.
    with torch.no_grad():
        for p in network.parameters():
            p.mul_(2)
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    names = {"0": "background", "1": "liver", "2": "spleen"}
    metadata = {
        "version": "0.3.1",
        "name": "two organs",
        "copyright": "Copyright (c) Somebody",
        "network_data_format": {
            "inputs": {"image": {"type": "image", "modality": "CT", "num_channels": 1}},
            "outputs": {
                "pred": {
                    "type": "image",
                    "num_channels": told["out_channels"],
                    "channel_def": {k: names[k] for k in list(names)[: told["out_channels"]]},
                }
            },
        },
    }
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    if script:
        torch.jit.save(torch.jit.script(network), folder / "models" / "model.ts")
    else:
        torch.save(network.state_dict(), folder / "models" / "model.pt")
    return network


def volume(spatial: tuple[int, int, int] = (28, 22, 14), seed: int = 0) -> Image:
    """A CT of smooth noise, its axes to the left, the back and upwards."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    array = ndimage.gaussian_filter(rng.normal(size=spatial), 2) * 600 + 30
    affine = np.diag([-1.2, -1.2, 2.5, 1.0])
    affine[:3, 3] = 20, 30, -40
    return Image(array[None].astype(np.float32), affine, modality="CT")


def architecture(dimensions: int, *, residual: bool = False) -> dict[str, Any]:
    """``architecture`` of a plan: two stages, few channels."""
    depth = {"n_blocks_per_stage": [1, 1]} if residual else {"n_conv_per_stage": [2, 1]}
    kernels = [[3] * dimensions] * 2
    if dimensions == 3:
        kernels = [[1, 3, 3], [3, 3, 3]]
    return {
        "network_class_name": "dynamic_network_architectures.architectures.unet."
        + ("ResidualEncoderUNet" if residual else "PlainConvUNet"),
        "arch_kwargs": {
            "n_stages": 2,
            "features_per_stage": [4, 8],
            "conv_op": f"torch.nn.modules.conv.Conv{dimensions}d",
            "kernel_sizes": kernels,
            "strides": [[1] * dimensions, [2] * dimensions],
            **depth,
            "n_conv_per_stage_decoder": [1],
            "conv_bias": True,
            "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dimensions}d",
            "norm_op_kwargs": {"eps": 1e-05, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }


def make_nnunet(
    folder: Path,
    *,
    dimensions: int = 3,
    residual: bool = False,
    folds: int = 1,
    plans: dict[str, Any] | None = None,
    dataset: dict[str, Any] | None = None,
    configuration: dict[str, Any] | None = None,
    mirrored: tuple[int, ...] | None = (0, 1),
) -> list[torch.nn.Module]:
    """A results folder of nnU-Net with networks of random weights, which are returned, in nnU-Net's own axes."""
    name = "3d_fullres" if dimensions == 3 else "2d"
    told = {
        "patch_size": [8, 16, 16] if dimensions == 3 else [16, 16],
        "spacing": [2.5, 1.2, 1.2] if dimensions == 3 else [1.2, 1.2],
        "normalization_schemes": ["ZScoreNormalization"],
        "use_mask_for_norm": [False],
        "preprocessor_name": "DefaultPreprocessor",
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {
            "is_seg": False,
            "order": 1,
            "order_z": 0,
            "force_separate_z": None,
        },
        "architecture": architecture(dimensions, residual=residual),
    } | (configuration or {})
    plan = {
        "dataset_name": "Dataset007_Organs",
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {name: told},
    } | (plans or {})
    data = {
        "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "liver": 1, "spleen": 2},
        "file_ending": ".nii.gz",
    } | (dataset or {})
    folder.mkdir(parents=True)
    (folder / "plans.json").write_text(json.dumps(plan))
    (folder / "dataset.json").write_text(json.dumps(data))
    networks: list[torch.nn.Module] = []
    for fold in range(folds):
        torch.manual_seed(fold)
        network = build(
            told["architecture"]["network_class_name"], told["architecture"]["arch_kwargs"], 1, 3, "test"
        ).eval()
        with torch.no_grad():
            for p in network.parameters():
                p.mul_(2)
        (folder / f"fold_{fold}").mkdir()
        torch.save(
            {
                "network_weights": network.state_dict(),
                "optimizer_state": None,
                "grad_scaler_state": None,
                # As nnU-Net's log has them: numbers of NumPy.
                "logging": {"mean_fg_dice": [np.float64(0.5)], "epoch": [np.float32(1)]},
                "_best_ema": np.float64(0.5),
                "current_epoch": 1,
                "init_args": {"configuration": name, "fold": fold, "device": torch.device("cpu")},
                "trainer_name": "nnUNetTrainer",
                "inference_allowed_mirroring_axes": mirrored,
            },
            folder / f"fold_{fold}" / "checkpoint_final.pth",
        )
        networks.append(network)
    return networks
