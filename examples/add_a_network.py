"""A network of your own beside those that overread brings, for 2D and 3D.

Shows: an `Architecture`, one line in `NETWORKS`, and that plans, training and explanation then know it by name. In
the project itself it would be a file in overread/nets and the line stand in overread/nets/networks.py; outside,
registering it before the stages run will do.

Needs overread[train].

    python examples/add_a_network.py
"""

from __future__ import annotations

import json
import math
import statistics
import time
from typing import Any

import torch
from torch import nn

from overread.nets.architecture import Architecture, Need, by_name, full_resolution
from overread.nets.networks import NETWORKS, architecture, build, parameters_of


def build_plain(dimensions: int, channels: int, labels: int, *, widths: list[int]) -> nn.Module:
    """``(batch, channels, *spatial)`` to logits ``(batch, labels)``: a stage of convolution and halving per width."""
    conv, norm, pool = {
        2: (nn.Conv2d, nn.BatchNorm2d, nn.AdaptiveAvgPool2d),
        3: (nn.Conv3d, nn.BatchNorm3d, nn.AdaptiveAvgPool3d),
    }[dimensions]
    stages = [
        nn.Sequential(conv(before, width, 3, stride=2, padding=1), norm(width), nn.ReLU())
        for before, width in zip([channels, *widths], widths, strict=False)
    ]
    return nn.Sequential(*stages, pool(1), nn.Flatten(), nn.Linear(widths[-1], labels))


def arguments(need: Need) -> dict[str, Any]:
    """As many stages as the shortest axis can be halved down to 4 voxels, five at most; `layers` are their names."""
    count = max(1, min(5, int(math.log2(min(need.size) / 4))))
    return {"widths": [16 * 2**k for k in range(count)]}


PLAIN = Architecture(
    build=build_plain,
    answers=frozenset({"classes", "findings"}),
    arguments=arguments,
    multiple=full_resolution,
    layers=lambda network: [name for name, _ in network.named_children()][:-3],
    source="this example",
)


def main() -> None:
    """Register it, build it for 2D and 3D, and answer a batch with each."""
    NETWORKS["plain"] = PLAIN
    print("for classes:", ", ".join(name for name, made in NETWORKS.items() if "classes" in made.answers))
    for size in ((64, 64), (32, 32, 32)):
        need = Need(dimensions=len(size), size=size, spacing=(1.0,) * len(size), gpu=False)
        chosen = architecture("plain", answer="classes").arguments(need)
        network = build("plain", len(size), 1, 3, chosen).eval()
        batch, ms = torch.zeros(4, 1, *size), []
        with torch.no_grad():
            for _ in range(5):
                began = time.perf_counter()
                logits = by_name(network(batch))["logits"]
                ms.append(1000 * (time.perf_counter() - began))
        print(
            f"{len(size)}D, {chosen['widths']}: {parameters_of(network):,} parameters, logits {tuple(logits.shape)}, "
            f"4 images in {statistics.median(ms):.1f} ms ({min(ms):.1f} to {max(ms):.1f} ms in 5 runs)"
        )
    print("in plan.json:", json.dumps({"network": {"name": "plain", "arguments": chosen, "parameters": 0}}))


if __name__ == "__main__":
    main()
