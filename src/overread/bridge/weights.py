"""Weights of other people's files, read without running code that they may hold."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from overread.errors import InputError

NUMBERS: list[Any] = [
    np.dtype,
    np.ndarray,
    *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "u1", "?")),
]
"""What logs beside the weights hold: plain numbers of NumPy, which run nothing."""
UNSAFE = ("aten::save", "aten::from_file", "aten::_save", "aten::_load")
"""Operators of TorchScript that reach files."""


def read_checkpoint(path: Path, data: bytes | None = None) -> Any:
    """The content of a checkpoint as PyTorch saves it (``data``, or the file at ``path``), by the restricted reader.

    Raises InputError for a file that is none, or that holds objects whose reading would run code.
    """
    numbers = [*NUMBERS, _scalar()]
    try:
        with torch.serialization.safe_globals(numbers):
            return torch.load(
                path if data is None else io.BytesIO(data), map_location="cpu", weights_only=True
            )
    except Exception as error:  # the restricted reader raises types of pickle, zipfile and its own
        said = str(error)
        if "weights_only" in said or "Unsupported" in said:
            found = said.split("GLOBAL ", 1)[-1].split()[0] if "GLOBAL " in said else "objects of other types"
            raise InputError(
                f"{path}: holds {found}, whose reading could run code of whoever made the file; only files of tensors, "
                "numbers and text are read. Save its state_dict() alone (torch.save(network.state_dict(), ...)) where "
                "you trust it"
            ) from error
        raise InputError(
            f"{path}: is no checkpoint of PyTorch ({said.splitlines()[0] if said else type(error).__name__})"
        ) from error


def _scalar() -> Any:
    from numpy._core import multiarray

    return multiarray.scalar


def state_of(content: Any, path: Path, *, keys: tuple[str, ...] = ()) -> dict[str, Tensor]:
    """The weights in ``content``: itself, or under one of ``keys`` or the usual ones. Raises InputError without any."""
    usual = (*keys, "state_dict", "model", "network", "net", "model_state_dict", "network_weights")
    for found in (content, *(content.get(k) for k in usual if isinstance(content, Mapping))):
        if isinstance(found, Mapping) and found and all(isinstance(v, Tensor) for v in found.values()):
            # What DistributedDataParallel and torch.compile put in front.
            return {
                k.removeprefix("_orig_mod.").removeprefix("module.").removeprefix("_orig_mod."): v
                for k, v in found.items()
            }
    named = ", ".join(map(str, list(content)[:6])) if isinstance(content, Mapping) else type(content).__name__
    raise InputError(
        f"{path}: found {named}, expected a dictionary of tensors, or one under {', '.join(usual)}"
    )


def load_state(network: nn.Module, state: Mapping[str, Tensor], path: Path) -> nn.Module:
    """``network`` with all of ``state``, ready to answer. Raises InputError, naming a few, where they do not match."""
    own = network.state_dict()
    missing, unknown = sorted(set(own) - set(state)), sorted(set(state) - set(own))
    other = [k for k in own if k in state and own[k].shape != state[k].shape]
    for words, keys in (("lacks", missing), ("holds unknown", unknown), ("has other shapes of", other)):
        if keys:
            raise InputError(
                f"{path}: {words} {len(keys)} of the network's weights, such as {', '.join(keys[:3])}; the network "
                "that is described is not the one that was saved"
            )
    network.load_state_dict(dict(state))
    return network.eval()


def read_script(path: Path, data: bytes | None = None) -> nn.Module:
    """A TorchScript network. Raises InputError for no such file, or one whose code reaches for files."""
    try:
        network = torch.jit.load(path if data is None else io.BytesIO(data), map_location="cpu").eval()
    except Exception as error:  # RuntimeError of several kinds, none documented
        raise InputError(
            f"{path}: is no TorchScript file ({str(error).strip().splitlines()[0]}); a state_dict needs its network: "
            "import a MONAI bundle or nnU-Net folder, or export it to ONNX"
        ) from error
    used = {node.kind() for node in network.inlined_graph.findAllNodes("aten::save", recurse=True)}
    used |= {kind for kind in UNSAFE if network.inlined_graph.findAllNodes(kind, recurse=True)}
    if used:
        raise InputError(
            f"{path}: its code uses {', '.join(sorted(used))}, which reaches for files; not loaded"
        )
    return network
