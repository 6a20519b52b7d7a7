"""Networks as the planner chooses them, only with few channels: the same road in a fraction of the time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from overread.nets import stages
from overread.nets.networks import NETWORKS

FEWEST = 8


def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on every planned network begins with `FEWEST` channels."""
    resnet = NETWORKS["resnet"]
    widths = [FEWEST * 2**i for i in range(4)]
    few = replace(resnet, arguments=lambda need: {**resnet.arguments(need), "widths": widths})
    monkeypatch.setitem(NETWORKS, "resnet", few)
    monkeypatch.setattr(stages, "first_width", lambda dimensions, gpu: FEWEST)
