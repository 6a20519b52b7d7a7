"""A MONAI bundle as a package: its metadata, its inference configuration, and the weights in models/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from overread.bridge.bundle.network import build
from overread.bridge.bundle.resolve import expressions, resolved
from overread.bridge.bundle.transforms import name_of, preprocessing, transforms_in
from overread.bridge.imported import Imported
from overread.bridge.onnx_graph import two_channels
from overread.bridge.source import hashes, plain, read_object
from overread.bridge.to_onnx import to_onnx
from overread.bridge.weights import load_state, read_checkpoint, read_script, state_of
from overread.errors import InputError
from overread.runtime.manifest import Channel, Intensity, Preprocess, Windows

METADATA = Path("configs") / "metadata.json"
INFERENCE = ("inference.json", "inference.yaml", "inference.yml")
MODALITIES = {
    "ct": "CT",
    "mr": "MR",
    "mri": "MR",
    "pt": "PT",
    "pet": "PT",
    "us": "US",
    "cr": "CR",
    "dx": "DX",
}
MULTIPLE = 32
"""Voxels per axis of the input by which a network without windows is converted."""


@dataclass(frozen=True)
class Decision:
    """What follows the network: ``one`` channel whose sigmoid decides, or the likeliest of several."""

    one: bool
    notes: tuple[str, ...]


def is_bundle(folder: Path) -> bool:
    """Whether ``folder`` is a MONAI bundle."""
    return folder.is_dir() and (folder / METADATA).is_file()


def from_bundle(folder: Path) -> Imported:
    """The bundle in ``folder``. Nothing in it is run: of its configuration only what is data is read.

    Raises InputError, naming the file and the key, for what is missing and for what a package cannot say.
    """
    metadata = read_object(folder / METADATA)
    found = [p for name in INFERENCE if (p := folder / "configs" / name).is_file()]
    if not found:
        raise InputError(f"{folder / 'configs'}: has no {' or '.join(INFERENCE)}")
    config, where = read_object(found[0]), str(found[0])
    channels = _channels(metadata, folder)
    before = transforms_in(resolved(config, "preprocessing", where), where, "preprocessing")
    said = preprocessing(before, len(channels), where)
    decision = _decision(resolved(config, "postprocessing", where), where)
    labels = _labels(metadata, decision, folder)
    windows, size = _windows(resolved(config, "inferer", where), where)
    dimensions = _dimensions(config, windows, where)
    preprocess = Preprocess(
        dimensions=dimensions,  # type: ignore[arg-type]
        orientation=said.orientation if dimensions == 3 else None,
        spacing=said.spacing[:dimensions] if said.spacing else None,
        intensity=said.intensity or [Intensity(method="fixed")] * len(channels),
        order="values_first" if said.values_first else "grid_first",
        crop=said.crop,  # type: ignore[arg-type]
        resampling=said.resampling,
    )
    network, files = _network(folder, resolved(config, "network_def", where), where)
    converted = to_onnx(network, len(channels), size or [MULTIPLE] * dimensions, free=windows is None)
    return Imported(
        name=str(metadata.get("name") or folder.name).replace("/", " ")[:128],
        version=str(metadata.get("version") or "1"),
        task="segmentation",
        channels=channels,
        labels=labels,
        preprocess=preprocess,
        windows=windows,
        networks=[two_channels(converted.model, where) if decision.one else converted.model],
        difference=converted.difference,
        inputs=2,
        origin={
            "framework": "MONAI bundle",
            "monai_version": plain(metadata.get("monai_version", "not stated")),
            "description": plain(metadata.get("description", "not stated")),
            "authors": plain(metadata.get("authors", "not stated")),
            "licence": _licence(metadata, folder),
            "intended_use": plain(metadata.get("intended_use", "not stated")),
            "data_source": plain(metadata.get("data_source", "not stated")),
            "evaluated_by_its_makers": plain(metadata.get("eval_metrics", "not stated")),
            "files": hashes(folder, [folder / METADATA, found[0], *files]),
        },
        notes=[
            *decision.notes,
            "probabilities are brought to the image's grid by linear interpolation before the likeliest label is "
            "taken; bundles differ in this, and many take the nearest voxel of the finished label map",
        ],
    )


def _channels(metadata: Mapping[str, Any], folder: Path) -> list[Channel]:
    told = _format(metadata, "inputs")
    image: Mapping[str, Any] = told.get("image") or next(iter(told.values()), {})
    count = int(image.get("num_channels") or 1)
    names = _definition(image.get("channel_def"))
    if names and len(names) != count:
        raise InputError(
            f"{folder / METADATA}: channel_def names {len(names)} channels, num_channels is {count}"
        )
    modality = MODALITIES.get(str(image.get("modality", "")).lower())
    default = ["image"] if count == 1 else [f"image{i}" for i in range(count)]
    return [
        Channel(name=n or d, modality=[modality] if modality else [])
        for n, d in zip(names or default, default, strict=True)
    ]


def _labels(metadata: Mapping[str, Any], decision: Decision, folder: Path) -> list[str]:
    told = _format(metadata, "outputs")
    pred: Mapping[str, Any] = told.get("pred") or next(iter(told.values()), {})
    names = _definition(pred.get("channel_def"))
    if decision.one:
        sought = [n for n in names if n.lower() != "background"]
        names = ["background", sought[0] if len(sought) == 1 else "foreground"]
    if len(names) < 2:
        raise InputError(
            f"{folder / METADATA}: network_data_format.outputs.pred.channel_def names {len(names)} labels, expected "
            "one for each of the network's channels, the background first"
        )
    return names


def _format(metadata: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = (metadata.get("network_data_format") or {}).get(key)
    return found if isinstance(found, Mapping) else {}


def _definition(told: Any) -> list[str]:
    if not isinstance(told, Mapping):
        return []
    return [str(told[k]).strip() for k in sorted(told, key=lambda k: int(k) if str(k).isdigit() else 0)]


def _decision(told: Any, where: str) -> Decision:
    one, notes, decided = False, [], False
    for step in transforms_in(told, where, "postprocessing"):
        name = name_of(step)
        match name:
            case "Activations":
                one = one or bool(step.get("sigmoid"))
            case "AsDiscrete":
                decided = True
                at = step.get("threshold")
                if at not in (None, False) and (not one or float(at) != 0.5):
                    raise InputError(
                        f"{where}: AsDiscrete with threshold {at!r} cannot be said in a package, which takes the "
                        "likeliest label; expected argmax, or 0.5 after a sigmoid"
                    )
            case "KeepLargestConnectedComponent" | "FillHoles" | "RemoveSmallObjects":
                notes.append(f"{name} after the network is not done; name it in the package's postprocess")
            case "Invert" | "SaveImage" | "EnsureType" | "CopyItems" | "Lambda" | "ToTensor" | "SelectItems":
                pass
            case _:
                notes.append(f"{name} after the network is not done")
    if told is not None and not decided:
        notes.append("the bundle itself gives scores and no labels; the likeliest label is taken")
    return Decision(one, tuple(notes))


def _windows(told: Any, where: str) -> tuple[Windows | None, list[int] | None]:
    """The windows, and the size by which the network is converted."""
    if not isinstance(told, Mapping) or name_of(told) == "SimpleInferer":
        return None, None
    if name_of(told) != "SlidingWindowInferer":
        raise InputError(
            f"{where}: inferer {told.get('_target_')}, expected SlidingWindowInferer or SimpleInferer"
        )
    size, overlap = told.get("roi_size"), told.get("overlap", 0.25)
    read = {k: told.get(k) for k in ("roi_size", "overlap", "mode", "sigma_scale", "padding_mode", "cval")}
    if expressions(list(read.values())):
        raise InputError(
            f"{where}: inferer has {expressions(list(read.values()))[0]!r}, which is Python that is not run; write its "
            "value there"
        )
    overlap = overlap[0] if isinstance(overlap, list) and len(set(overlap)) == 1 else overlap
    mode, padded = str(told.get("mode", "constant")), told.get("padding_mode", "constant")
    if (
        not isinstance(size, list)
        or not all(isinstance(n, int) and n > 0 for n in size)
        or not isinstance(overlap, int | float)
        or padded != "constant"
        or told.get("cval", 0.0) != 0.0
    ):
        raise InputError(
            f"{where}: inferer has roi_size {size!r}, overlap {overlap!r}, padding_mode {padded!r} and cval "
            f"{told.get('cval', 0.0)!r}; expected a size for each axis, one overlap, and padding by 0"
        )
    if mode not in ("constant", "gaussian") or not isinstance(told.get("sigma_scale", 0.125), int | float):
        raise InputError(
            f"{where}: inferer has mode {mode!r}, expected constant or gaussian with one sigma_scale"
        )
    windows = Windows(
        size=size,
        overlap=float(overlap),
        rule="monai",
        weight=mode,  # type: ignore[arg-type]
        sigma=float(told.get("sigma_scale", 0.125)),
        blend="logits",
    )
    return windows, list(size)


def _dimensions(config: Mapping[str, Any], windows: Windows | None, where: str) -> int:
    told = resolved(config, "network_def", where)
    found = told.get("spatial_dims") if isinstance(told, Mapping) else None
    if found is None and windows is not None:
        found = len(windows.size)
    if found not in (2, 3):
        raise InputError(f"{where}: network_def.spatial_dims is {found!r}, expected 2 or 3")
    return int(found)


def _network(folder: Path, told: Any, where: str) -> tuple[nn.Module, list[Path]]:
    """The network with its weights, and the files that it came from."""
    weights, script = folder / "models" / "model.pt", folder / "models" / "model.ts"
    if weights.is_file() and isinstance(told, Mapping):
        try:
            network = build(told, where)
        except InputError:
            if not script.is_file():
                raise
        else:
            state = state_of(read_checkpoint(weights), weights)
            return load_state(network, state, weights), [weights]
    if script.is_file():
        return read_script(script), [script]
    raise InputError(f"{folder / 'models'}: has neither model.ts, nor model.pt for a network_def")


def _licence(metadata: Mapping[str, Any], folder: Path) -> str:
    told = metadata.get("license") or metadata.get("licence") or metadata.get("copyright")
    if (folder / "LICENSE").is_file():
        text = (folder / "LICENSE").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        told = " ".join(line.strip() for line in text[:2]) if text else told
    return str(plain(told or "not stated"))
