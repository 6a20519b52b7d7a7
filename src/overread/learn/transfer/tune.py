"""Which parameters go on learning from pretrained weights, how fast, and from when on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from overread.learn.plan import Plan
from overread.learn.transfer.lora import add_lora
from overread.nets.architecture import Architecture

GRADUAL = 0.5
"""Of the training, the share after which every stage learns where they are freed one after the other."""


def groups(network: nn.Module, plan: Plan, made: Architecture) -> list[dict[str, Any]]:
    """Parameters by stage for the optimiser: ``scale`` of the learning rate, and the progress ``since`` it counts.

    The stages are those where explanations look, from the image to the head; what stands before the first of them
    learns with it. Each learns by ``layer_decay`` slower than the one above (Howard 2018, arXiv 1801.06146; Clark 2020,
    arXiv 2003.10555), and with ``gradual`` begins after it. Norms' scales and biases do not decay.
    """
    assert plan.transfer is not None
    how = plan.transfer
    layers = list(made.layers(network))
    if how.how == "features":
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(not name.startswith("body."))
    if how.how == "lora":
        add_lora(network, rank=how.rank)
    top = len(layers)
    found: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        below = top - stage_of(name, layers)
        kernel = parameter.ndim > 1
        group = found.setdefault(
            (below, kernel),
            {
                "params": [],
                "weight_decay": plan.weight_decay if kernel else 0.0,
                "scale": how.layer_decay**below,
                "since": GRADUAL * below / max(top, 1) if how.how == "gradual" else 0.0,
            },
        )
        group["params"].append(parameter)
    return list(found.values())


def stage_of(name: str, layers: Sequence[str]) -> int:
    """Of a parameter: the index of its stage among ``layers``, their number for head and pool.

    What belongs to none of them stands before the first, or where a name sorts it after the last, beside the head.
    """
    if not name.startswith("body."):
        return len(layers)
    return next((i for i, layer in enumerate(layers) if name.startswith(f"{layer}.")), 0)


def hold_norms(network: nn.Module) -> None:
    """Batch normalisations go on with the statistics that they have; after each ``train()``."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.eval()


def free(groups: Sequence[dict[str, Any]], progress: float) -> None:
    """Make gradients only for the groups that learn from them at ``progress``."""
    for group in groups:
        learns = progress >= group.get("since", 0.0)
        for parameter in group["params"]:
            parameter.requires_grad_(learns)
