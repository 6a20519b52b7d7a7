"""Weights of timm by name: fetched once, because a person asked for them by name, and kept with their hash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from overread.errors import InputError
from overread.files import atomic_path, sha256_file, write_json
from overread.learn.store.place import default_root
from overread.learn.weights.origin import TIMM, Origin


def folder() -> Path:
    """Where fetched weights lie: ``weights`` in the cache (`OVERREAD_CACHE`)."""
    return default_root() / "weights"


def kept(name: str) -> tuple[Path, Origin]:
    """The file of the weights ``timm:<model>`` and what timm says of it; fetched where it is not here yet.

    Raises InputError where a kept file is not what was fetched, timm is not installed or does not know the model, or
    the weights cannot be fetched; it says how to bring them to a machine without a network.
    """
    model = name.removeprefix(TIMM)
    path = folder() / f"{model.replace('/', '-')}.pt"
    about = path.with_suffix(".json")
    if not (path.is_file() and about.is_file()):
        fetch(name, path)
    origin = Origin(**json.loads(about.read_text(encoding="utf-8")))
    found = sha256_file(path)
    if found != origin.sha256:
        raise InputError(
            f"weights {name}: {path}: found SHA-256 {found[:12]}, expected {origin.sha256[:12]} as it was fetched; "
            "remove the file, and it is fetched again"
        )
    return path, origin


def fetch(name: str, path: Path) -> None:
    """Write timm's weights to ``path``, and what it says of them beside it. Raises InputError as `kept`."""
    model = name.removeprefix(TIMM)
    try:
        import timm
    except (ImportError, RuntimeError) as error:
        raise InputError(
            f"weights {name}: timm cannot be imported ({error}); run pip install timm, or take the weights "
            "efficientnet_lite0, which need nothing else"
        ) from error
    if not timm.is_model(model.split(".")[0]):
        near = ", ".join(timm.list_models(f"*{model[:6]}*")[:5]) or "see timm.list_models()"
        raise InputError(f"weights {name}: timm knows no model {model!r}; such as {near}")
    try:
        network = timm.create_model(model, pretrained=True, num_classes=0)
    except Exception as error:
        raise InputError(
            f"weights {name}: cannot be fetched ({type(error).__name__}: {' '.join(str(error).split())[:120]}); "
            f"ask for them on a machine with a network and copy {path.parent} here, or take efficientnet_lite0, which "
            "an installed package carries"
        ) from error
    said: dict[str, Any] = dict(network.pretrained_cfg)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        torch.save(network.state_dict(), temporary)
    mean, std = said.get("mean") or (0.5,), said.get("std") or (0.25,)
    origin = Origin(
        name=name,
        network=None,
        learnt_on=str(said.get("tag") or "as timm says"),
        source=f"timm {timm.__version__}, {said.get('hf_hub_id') or said.get('url') or model}",
        licence=str(said.get("license") or "not stated"),
        sha256=sha256_file(path),
        mean=sum(mean) / len(mean),
        std=sum(std) / len(std),
    )
    write_json(path.with_suffix(".json"), origin.record())
