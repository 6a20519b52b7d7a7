"""A network of MONAI by its name and plain arguments: nothing else that a bundle names is imported."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from overread.bridge.bundle.resolve import expressions
from overread.errors import InputError


def build(told: Mapping[str, Any], where: str) -> nn.Module:
    """The network of ``network_def``. Raises InputError for one that is not MONAI's, and for arguments that are Python
    or that it does not take."""
    target = str(told.get("_target_", ""))
    module, _, name = target.rpartition(".")
    from monai.networks import nets

    kind = getattr(nets, name, None)
    of_monai = module in ("", "monai.networks.nets") or module.startswith("monai.networks.nets.")
    if not of_monai or not inspect.isclass(kind) or not issubclass(kind, nn.Module):
        raise InputError(
            f"{where}: network_def is {target!r}, expected a class of monai.networks.nets; save the network as "
            "TorchScript in models/model.ts and leave model.pt out"
        )
    arguments = {k: _without_names(v) for k, v in told.items() if not k.startswith("_")}
    found = expressions(arguments)
    if found:
        raise InputError(
            f"{where}: network_def has {found[0]!r}, which is Python that is not run; write its value there"
        )
    try:
        network: nn.Module = kind(**arguments)
    except Exception as error:  # networks check their arguments with errors of every kind
        raise InputError(
            f"{where}: network_def: {name} cannot be made of these arguments ({error})"
        ) from error
    return network


def _without_names(value: Any) -> Any:
    """Arguments as they are; MONAI's own constants by their names (``$monai.networks.layers.Norm.BATCH``)."""
    texts = expressions(value) if not isinstance(value, Mapping | list) else []
    if len(texts) == 1:
        head, _, last = texts[0].removeprefix("$").rpartition(".")
        if head in ("monai.networks.layers.Norm", "monai.networks.layers.Act", "Norm", "Act"):
            return last.lower()
    return value
