"""A results folder of nnU-Net v2 as a package: its folds together, its mirrored views, its preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from overread.bridge.imported import Imported
from overread.bridge.nnunet.network import build, own_weights
from overread.bridge.nnunet.plans import Configuration, channels_of, labels_of, read_configuration
from overread.bridge.source import hashes, plain, read_object
from overread.bridge.to_onnx import Turned, to_onnx
from overread.bridge.weights import load_state, read_checkpoint, state_of
from overread.errors import InputError

NEEDED = ("dataset.json", "plans.json")


def is_nnunet(folder: Path) -> bool:
    """Whether ``folder`` is a trained model of nnU-Net, or holds some."""
    return folder.is_dir() and (
        _complete(folder) or any(_complete(p) for p in folder.iterdir() if p.is_dir())
    )


def from_nnunet(
    folder: Path,
    *,
    configuration: str | None = None,
    folds: Sequence[int] | None = None,
    checkpoint: str = "checkpoint_final.pth",
    orientation: str | None = None,
) -> Imported:
    """The model in ``folder`` (``nnUNetTrainer__nnUNetPlans__3d_fullres``, or the folder that holds several).

    Raises InputError for an incomplete folder, and for what a package cannot say.
    """
    folder = _one_model(folder, configuration)
    plans, dataset = read_object(folder / "plans.json"), read_object(folder / "dataset.json")
    files = _checkpoints(folder, folds, checkpoint)
    contents = [read_checkpoint(file) for file in files]
    name = configuration or _configuration(contents[0], folder)
    where = str(folder)
    told = read_configuration(plans, dataset, name, where, orientation=orientation)
    labels, regions = labels_of(dataset, where)
    channels = channels_of(dataset, where)
    outputs = len(regions) or len(labels)
    networks, worst = [], 0.0
    for file, content in zip(files, contents, strict=True):
        network = load_state(
            build(told.network, told.arguments, len(channels), outputs, where),
            own_weights(state_of(content, file, keys=("network_weights",))),
            file,
        )
        converted = to_onnx(_turned(network, told), len(channels), told.window)
        networks.append(converted.model)
        worst = max(worst, converted.difference)
    mirrored = contents[0].get("inference_allowed_mirroring_axes") or ()
    return Imported(
        name=str(plans.get("dataset_name") or folder.parent.name or "nnunet"),
        version="1",
        task="segmentation",
        channels=channels,
        labels=labels,
        regions=regions,
        preprocess=told.preprocess,
        windows=told.windows(),
        views=told.views([int(axis) for axis in mirrored]),
        networks=networks,
        together="stacked" if len(networks) > 1 and not regions else "average",
        difference=worst,
        inputs=2,
        origin={
            "framework": "nnU-Net v2",
            "configuration": name,
            "network": told.network,
            "trainer": plain(contents[0].get("trainer_name", "not stated")),
            "folds": [f.parent.name.removeprefix("fold_") for f in files],
            "licence": plain(dataset.get("licence") or dataset.get("license") or "not stated"),
            "files": hashes(folder, [*(folder / n for n in NEEDED), *files]),
        },
        notes=_notes(told, bool(regions), len(networks)),
    )


def _turned(network: nn.Module, told: Configuration) -> nn.Module:
    if told.order in ((0, 1), (0, 1, 2)) and not told.slices:
        return network
    return Turned(network, told.order, slices=told.slices)


def _notes(told: Configuration, regions: bool, count: int) -> list[str]:
    out = []
    if told.preprocess.dimensions == 3 and told.preprocess.orientation is None:
        out.append(
            "the network sees volumes along the axes of their files, as nnU-Net does; where other files than the "
            "training's are answered, name the training's orientation at the import"
        )
    if regions and count > 1:
        out.append("folds are averaged as probabilities of each region, where nnU-Net averages logits")
    return out


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in NEEDED) and any(folder.glob("fold_*"))


def _one_model(folder: Path, configuration: str | None) -> Path:
    if _complete(folder):
        return folder
    found = sorted(p for p in folder.iterdir() if p.is_dir() and _complete(p))
    named = [p for p in found if configuration is None or p.name.endswith(f"__{configuration}")]
    if len(named) != 1:
        raise InputError(
            f"{folder}: found {', '.join(p.name for p in found) or 'no trained model'}; expected dataset.json, "
            "plans.json and fold_0, or name one of several by its configuration"
        )
    return named[0]


def _checkpoints(folder: Path, folds: Sequence[int] | None, checkpoint: str) -> list[Path]:
    if Path(checkpoint).name != checkpoint:
        raise InputError(
            f"checkpoint: found {checkpoint!r}, expected a file's name, such as checkpoint_best.pth"
        )
    names = sorted(p.name for p in folder.glob("fold_*") if (p / checkpoint).is_file())
    wanted = names if folds is None else [f"fold_{n}" for n in folds]
    if folds is None and "fold_all" in wanted and len(wanted) > 1:
        wanted.remove("fold_all")
    missing = [n for n in wanted if n not in names]
    if missing or not wanted:
        raise InputError(
            f"{folder}: no {checkpoint} in {', '.join(missing) or 'any fold'}; found {', '.join(names) or 'none'}"
        )
    return [folder / n / checkpoint for n in wanted]


def _configuration(content: Any, folder: Path) -> str:
    told = content.get("init_args") if isinstance(content, dict) else None
    if isinstance(told, dict) and isinstance(told.get("configuration"), str):
        return str(told["configuration"])
    name = folder.name.rsplit("__", 1)[-1]
    if "__" not in folder.name:
        raise InputError(f"{folder}: no file says which configuration it is; name it")
    return name
