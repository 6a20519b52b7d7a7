"""A segmentation package as a MONAI bundle, which MONAI runs without this project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from overread.bridge.export.plain_torch import codes_of
from overread.bridge.export.written import Written, write_texts
from overread.errors import InputError
from overread.runtime.manifest import Intensity, Manifest
from overread.runtime.package import Package
from overread.task import TASKS

README = """# {name}

A MONAI bundle, written from the package {name} {version} (sha256 {sha256}).

    cd {folder}
    pip install "monai[nibabel]" fire
    python -m monai.bundle run --config_file configs/inference.json --bundle_root . --datalist "['image.nii.gz']"

The answers lie in `eval/`. The network is `scripts/network.py`, its weights `models/model.pt`.

Status: {status}. Intended use: {use}.

## Where it differs from the package

{notes}
"""

INFER = '''"""Every image of a data set through the network and what follows it; MONAI and PyTorch are all it needs."""

import torch


def infer(network, inferer, dataset, postprocessing, device):
    network.eval()
    with torch.no_grad():
        for item in dataset:
            item["pred"] = inferer(item["image"][None].to(device), network)[0]
            postprocessing(item)
'''


def write_bundle(package: Package, out: Path) -> Written:
    """A bundle's folder. Raises InputError for another task than segmentation, and for preprocessing that MONAI's own
    transforms cannot say."""
    manifest = package.manifest
    if TASKS[manifest.task].answer != "label_map" or manifest.regions or manifest.windows is None:
        raise InputError(
            f"package {manifest.name}: a {manifest.task} package "
            f"{'with regions ' if manifest.regions else ''}is not written as a bundle; take --as torch"
        )
    before, notes = transforms(manifest)
    codes, worst = codes_of(package)
    if len(codes) > 1:
        notes.append(f"only the first of {len(codes)} networks is in the bundle")
    if manifest.views:
        notes.append(f"the {len(manifest.views)} mirrored or changed views of the package are left out")
    if manifest.windows.rule != "monai":
        notes.append("windows are laid and weighted by MONAI's rule")
    if manifest.windows.blend == "probability":
        notes.append("windows are blended as logits, in the package as probabilities")
    (out / "models").mkdir(parents=True)
    torch.save(codes[0].weights, out / "models" / "model.pt")
    texts = {
        "configs/metadata.json": json.dumps(_metadata(package), indent=2) + "\n",
        "configs/inference.json": json.dumps(_inference(manifest, before), indent=2) + "\n",
        "scripts/__init__.py": "",
        "scripts/infer.py": INFER,
        "scripts/network.py": codes[0].source,
        "docs/README.md": README.format(
            name=manifest.name,
            version=manifest.version,
            sha256=package.sha256,
            folder=out.name,
            status=manifest.model_card.get("status", "not stated"),
            use=manifest.model_card.get("intended_use", "not stated"),
            notes="\n".join(f"- {n}" for n in notes) or "- nowhere",
        ),
    }
    return Written([*write_texts(out, texts), "models/model.pt"], worst, notes)


def transforms(manifest: Manifest) -> tuple[list[dict[str, Any]], list[str]]:
    """MONAI's transforms from a file to the network's input, and where they differ from the package's."""
    spec, notes = manifest.preprocess, list[str]()
    if (
        spec.color != "as_is"
        or spec.bias
        or spec.window
        or spec.size
        or spec.zoom
        or any(i.suv for i in spec.intensity)
    ):
        raise InputError(
            f"package {manifest.name}: colour, bias, window, size, zoom or SUV before its network is not said by "
            "MONAI's transforms; take --as torch"
        )
    out: list[dict[str, Any]] = [
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
    ]
    if spec.orientation:
        out.append({"_target_": "Orientationd", "keys": "image", "axcodes": spec.orientation})
    if spec.crop:
        notes.append("the image is not cut to what is not empty; grey values of all of it count")
    grid = []
    if spec.spacing:
        rule = spec.resampling
        first = rule is not None and rule.keep == "first_voxel"
        order = 3 if rule is None else rule.order
        mode: Any = {0: "nearest", 1: "bilinear", 3: 3}[order]
        grid = [
            {
                "_target_": "Spacingd",
                "keys": "image",
                "pixdim": [mm or -1.0 for mm in spec.spacing],
                "mode": mode,
                "padding_mode": "nearest" if order == 3 else "border",
                "scale_extent": not first,
            }
        ]
        if not first or order == 3:
            notes.append(
                "grids are brought to the spacing by MONAI's Spacing, without smoothing before they shrink"
            )
    values = _values(manifest, spec.intensity)
    out += [*values, *grid] if spec.order == "values_first" else [*grid, *values]
    return [*out, {"_target_": "EnsureTyped", "keys": "image", "dtype": "$torch.float32"}], notes


def _values(manifest: Manifest, intensity: list[Intensity]) -> list[dict[str, Any]]:
    one = intensity[0]
    if (
        any(i != one for i in intensity)
        or one.method in ("tissue", "zscore", "nyul")
        or one.inside == "filled"
    ):
        found = ", ".join(sorted({i.method for i in intensity}))
        raise InputError(
            f"package {manifest.name}: grey values by {found} are not said by MONAI's transforms; take --as torch"
        )
    to = (-one.mean / one.std, (1 - one.mean) / one.std)
    match one.method:
        case "fixed":
            low, high = one.low, one.high
            if (low is None) != (high is None):
                raise InputError(
                    f"package {manifest.name}: grey values cut on one side only; take --as torch"
                )
            cut = low is not None and high is not None
            a, b = (low, high) if low is not None and high is not None else (one.mean, one.mean + one.std)
            return [
                {
                    "_target_": "ScaleIntensityRanged",
                    "keys": "image",
                    "a_min": a,
                    "a_max": b,
                    "b_min": (a - one.mean) / one.std,
                    "b_max": (b - one.mean) / one.std,
                    "clip": cut,
                }
            ]
        case "whole":
            return [
                {
                    "_target_": "NormalizeIntensityd",
                    "keys": "image",
                    "nonzero": one.inside == "nonzero",
                    "channel_wise": True,
                }
            ]
        case "minmax":
            return [
                {
                    "_target_": "ScaleIntensityd",
                    "keys": "image",
                    "minv": to[0],
                    "maxv": to[1],
                    "channel_wise": True,
                }
            ]
        case _:
            assert one.percentiles is not None
            low, high = one.percentiles
            ends = to if one.method == "range" else (0.0, 1.0)
            return [
                {
                    "_target_": "ScaleIntensityRangePercentilesd",
                    "keys": "image",
                    "lower": low,
                    "upper": high,
                    "b_min": ends[0],
                    "b_max": ends[1],
                    "clip": one.clip,
                    "channel_wise": True,
                }
            ]


def _inference(manifest: Manifest, before: list[dict[str, Any]]) -> dict[str, Any]:
    windows = manifest.windows
    assert windows is not None
    return {
        "imports": ["$import torch", "$from scripts.infer import infer"],
        "bundle_root": ".",
        "output_dir": "$@bundle_root + '/eval'",
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "datalist": [],
        "network_def": {"_target_": "scripts.network.Network"},
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": before},
        "dataset": {
            "_target_": "Dataset",
            "data": "$[{'image': i} for i in @datalist]",
            "transform": "@preprocessing",
        },
        "inferer": {
            "_target_": "SlidingWindowInferer",
            "roi_size": windows.size,
            "sw_batch_size": 1,
            "overlap": windows.overlap,
            "mode": windows.weight,
            "sigma_scale": windows.sigma,
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
                {
                    "_target_": "SaveImaged",
                    "keys": "pred",
                    "output_dir": "@output_dir",
                    "output_dtype": "$torch.uint8",
                    "resample": False,
                    "separate_folder": False,
                },
            ],
        },
        "run": [
            "$@network.load_state_dict(torch.load(@bundle_root + '/models/model.pt', weights_only=True, "
            "map_location=@device))",
            "$infer(@network, @inferer, @dataset, @postprocessing, @device)",
        ],
    }


def _metadata(package: Package) -> dict[str, Any]:
    manifest = package.manifest
    from importlib.metadata import version

    shape = list(manifest.windows.size) if manifest.windows else []
    channels = {str(i): c.name for i, c in enumerate(manifest.channels)}
    labels = {str(i): label for i, label in enumerate(manifest.labels)}
    modality = next((m for c in manifest.channels for m in c.modality), "n/a")
    return {
        "schema": "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json",
        "version": manifest.version,
        "changelog": {manifest.version: f"written from a package of sha256 {package.sha256}"},
        "monai_version": version("monai"),
        "pytorch_version": torch.__version__.split("+")[0],
        "numpy_version": version("numpy"),
        "required_packages_version": {"nibabel": version("nibabel")},
        "name": manifest.name,
        "task": "segmentation",
        "description": f"{manifest.name}: {', '.join(manifest.labels[1:])}",
        "intended_use": str(manifest.model_card.get("intended_use", "not stated")),
        "network_data_format": {
            "inputs": {
                "image": {
                    "type": "image",
                    "format": "hounsfield" if modality == "CT" else "magnitude",
                    "modality": modality,
                    "num_channels": len(channels),
                    "spatial_shape": shape,
                    "dtype": "float32",
                    "value_range": [],
                    "is_patch_data": True,
                    "channel_def": channels,
                }
            },
            "outputs": {
                "pred": {
                    "type": "image",
                    "format": "segmentation",
                    "num_channels": len(labels),
                    "spatial_shape": shape,
                    "dtype": "float32",
                    "value_range": [0, len(labels) - 1],
                    "is_patch_data": True,
                    "channel_def": labels,
                }
            },
        },
    }
