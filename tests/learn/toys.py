"""Tiny sets and plans, one for each task, that a small network learns in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from overread.learn.example import Example
from overread.learn.plan import Augment, Named, Network, Plan
from overread.learn.tasks.segmentation import with_places

RESNET = {"widths": [8, 8, 16, 16], "blocks": [1, 1, 1, 1], "small_stem": True}


def plan(**changes: object) -> Plan:
    """Classification of `squares`, unless changed."""
    base: dict = {
        "task": "classification",
        "dimensions": 2,
        "inputs": ["image"],
        "channels": ["image"],
        "labels": ["dark", "bright"],
        "preprocess": {"dimensions": 2, "size": [12, 12], "intensity": [{"method": "fixed"}]},
        "patch": [12, 12],
        "batch": 16,
        "network": Network(name="resnet", arguments=RESNET, parameters=1),
        "loss": Named(name="cross_entropy"),
        "augment": Augment(rotate_deg=5, grey_values={"noise": 0.05}),
        "learning_rate": 3e-3,
        "weight_decay": 1e-3,
        "epochs": 6,
        "most_epochs": 9999,
        "follow_clock": False,
        "steps_per_epoch": 6,
        "seconds_per_step": 0.1,
        "train_seconds": 120.0,
        "memory_gib": 0.0,
        "seed": 3,
        "reasons": [],
    }
    return Plan.model_validate(base | changes)


def plan_for_network(
    task: str, name: str, arguments: Mapping[str, Any], size: Sequence[int], *, channels: int, labels: int
) -> Plan:
    """A plan with nothing in it but a network and its input."""
    d = len(size)
    return plan(
        task=task,
        dimensions=d,
        channels=[f"c{i}" for i in range(channels)],
        labels=[f"l{i}" for i in range(labels)],
        preprocess={"dimensions": d, "intensity": [{"method": "fixed"}] * channels},
        patch=list(size),
        network=Network(name=name, arguments=dict(arguments), parameters=1),
    )


MULTILABEL: dict[str, Any] = {
    "task": "multilabel",
    "labels": ["bright", "dark"],
    "loss": Named(name="binary_cross_entropy"),
}
ORDINAL: dict[str, Any] = {
    "task": "ordinal",
    "labels": ["none", "mild", "severe"],
    "loss": Named(name="corn"),
}
REGRESSION: dict[str, Any] = {
    "task": "regression",
    "labels": ["brightness"],
    "quantity": {"unit": "1"},
    "decoding": {"centre": 0.5, "scale": 0.3},
    "loss": Named(name="gaussian_nll"),
    "epochs": 12,
}
UNET = {"widths": [8, 16, 16], "strides": [[1, 1], [2, 2], [2, 2]], "kernels": [[3, 3]] * 3}
SEGMENTATION: dict[str, Any] = {
    "task": "segmentation",
    "labels": ["background", "square"],
    "preprocess": {"dimensions": 2, "intensity": [{"method": "fixed"}]},
    "patch": [16, 16],
    "batch": 4,
    "network": Network(name="unet", arguments=UNET, parameters=1),
    "loss": Named(name="dice_cross_entropy"),
    "foreground_share": 0.5,
    "epochs": 8,
    "steps_per_epoch": 8,
    "learning_rate": 5e-3,
}
DETECTION: dict[str, Any] = {
    "task": "detection",
    "labels": ["square", "bar"],
    "preprocess": {"dimensions": 2, "intensity": [{"method": "fixed"}]},
    "patch": [32, 32],
    "batch": 4,
    "network": Network(
        name="centernet",
        arguments={
            "widths": [16, 16, 32],
            "strides": [[2, 2], [2, 2], [2, 2]],
            "kernels": [[3, 3]] * 3,
            "stride": [2, 2],
            "object_size": [8, 8],
        },
        parameters=1,
    ),
    "loss": Named(name="center_focal"),
    "augment": Augment(shift=0.05, grey_values={"noise": 0.05}),
    "foreground_share": 0.5,
    "epochs": 8,
    "steps_per_epoch": 8,
    "learning_rate": 5e-3,
}


def squares(n: int, seed: int = 0) -> list[Example]:
    """Noise, with a bright square where the class is 1."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        x = rng.normal(0, 0.3, (1, 12, 12)).astype(np.float32)
        x[:, 3:9, 3:9] += i % 2
        out.append(Example(str(i), x, {"label": np.array(i % 2)}))
    return out


def grades(n: int, seed: int = 0) -> list[Example]:
    """Noise, with a square as bright as the grade, 0 to 2."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        x = rng.normal(0, 0.3, (1, 12, 12)).astype(np.float32)
        x[:, 3:9, 3:9] += i % 3
        out.append(Example(str(i), x, {"label": np.array(i % 3)}))
    return out


def numbers(n: int, seed: int = 0) -> list[Example]:
    """Noise, with a square whose brightness, 0 to 1, is the number."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        x = rng.normal(0, 0.1, (1, 12, 12)).astype(np.float32)
        value = rng.random(1)
        x[:, 3:9, 3:9] += value[0]
        out.append(Example(str(i), x, {"value": value}))
    return out


def sides(n: int, seed: int = 0) -> list[Example]:
    """Noise, bright on the left, dark on the right, both or neither; a quarter of the findings is not stated."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        x = rng.normal(0, 0.3, (1, 12, 12)).astype(np.float32)
        labels = rng.integers(2, size=2).astype(np.float32)
        x[:, 3:9, 1:5] += labels[0]
        x[:, 3:9, 7:11] -= labels[1]
        labels[rng.random(2) < 0.25] = np.nan
        out.append(Example(str(i), x, {"labels": labels}))
    return out


def pictures(n: int) -> list[Example]:
    """Noise with a brighter rectangle, and its mask."""
    rng = np.random.default_rng(1)
    out = []
    for i in range(n):
        mask = np.zeros((24, 20), np.uint8)
        r, c = rng.integers(2, 14, 2)
        mask[r : r + 6, c : c + 5] = 1
        image = (mask + rng.normal(0, 0.3, mask.shape))[None].astype(np.float32)
        out.append(Example(str(i), image, with_places(mask)))
    return out


def scenes(n: int, seed: int = 1) -> list[Example]:
    """Noise with up to three bright squares (8 x 8) and bars (5 x 12), and their boxes; every fifth is empty."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        x = rng.normal(0, 0.2, (1, 40, 44)).astype(np.float32)
        low, high, labels = [], [], []
        for place in rng.permutation(4)[: 0 if i % 5 == 0 else rng.integers(1, 4)]:
            kind = int(rng.integers(2))
            extent = np.array([(8, 8), (5, 12)][kind])
            corner = np.array([(1, 1), (1, 23), (21, 1), (21, 23)][place]) + rng.integers(0, 8, 2)
            x[0, corner[0] : corner[0] + extent[0], corner[1] : corner[1] + extent[1]] += 1
            low.append(corner)
            high.append(corner + extent)
            labels.append(kind)
        target = {
            "low": np.array(low, float).reshape(-1, 2),
            "high": np.array(high, float).reshape(-1, 2),
            "labels": np.array(labels, np.int64),
        }
        out.append(Example(str(i), x, target))
    return out


TOYS: dict[str, tuple[Plan, list[Example]]] = {
    "classification": (plan(), squares(96)),
    "ordinal": (plan(**ORDINAL), grades(96)),
    "multilabel": (plan(**MULTILABEL), sides(96)),
    "regression": (plan(**REGRESSION), numbers(96)),
    "segmentation": (plan(**SEGMENTATION), pictures(24)),
    "detection": (plan(**DETECTION), scenes(32)),
}
"""Plan and examples by task."""
