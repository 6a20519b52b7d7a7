"""The network of a plan as its training finds it: from chance, or from pretrained weights."""

from __future__ import annotations

from torch import nn

from overread.errors import InputError
from overread.learn.plan import Plan
from overread.learn.transfer.load import Loaded, load_weights
from overread.learn.weights.find import find_weights, read_weights
from overread.nets.networks import build


def built(plan: Plan) -> nn.Module:
    """The plan's network with numbers by chance; seed torch before. Raises InputError as `build`."""
    return build(plan.network.name, plan.dimensions, len(plan.channels), plan.outputs, plan.network.arguments)


def load_start(network: nn.Module, plan: Plan) -> Loaded | None:
    """Put the plan's pretrained weights into ``network``; None where it has none.

    Raises InputError for weights that are missing, are not those that the plan was made with, or do not fit.
    """
    if plan.transfer is None:
        return None
    path, origin = find_weights(plan.transfer.weights)
    stated = plan.transfer.origin.get("sha256", origin.sha256)
    if stated != origin.sha256:
        raise InputError(
            f"plan.json: transfer: {path}: found SHA-256 {origin.sha256[:12]}, expected {stated[:12]} as when the plan "
            "was made; plan again"
        )
    return load_weights(network, read_weights(path), where="plan.json: transfer")
