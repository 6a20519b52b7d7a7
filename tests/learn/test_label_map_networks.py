"""Every network for label maps trains from a plan.json that names it, and is exported."""

from __future__ import annotations

import numpy as np
import pytest
from tests.learn.toys import SEGMENTATION, pictures, plan
from tests.nets.test_architecture import CHANNELS, made

from overread.learn.example import Example
from overread.learn.export import export_onnx
from overread.learn.fit import fit
from overread.learn.plan import Named, Network
from overread.learn.plan_check import faults
from overread.nets.label_maps import LABEL_MAPS

LOSSES = [
    "dice_cross_entropy", "generalised_dice", "focal_tversky", "cl_dice", "boundary", "voxel_focal", "dice",
]  # fmt: skip
NAMES = [name for name in LABEL_MAPS if not name.startswith("mednext") or name == "mednext_small"]


@pytest.mark.parametrize("name", NAMES)
def test_two_steps_with_deep_supervision_and_onnx(name: str) -> None:
    _, arguments, size, _ = made(name, 2)
    loss = Named(name=LOSSES[NAMES.index(name) % len(LOSSES)])
    written = plan(
        **SEGMENTATION
        | {
            "channels": ["a", "b"],
            "inputs": ["a", "b"],
            "preprocess": {"dimensions": 2, "intensity": [{"method": "fixed"}] * CHANNELS},
            "patch": list(size),
            "batch": 2,
            "network": Network(name=name, arguments=arguments | {"supervised": 1}, parameters=1),
            "loss": loss,
            "epochs": 1,
            "steps_per_epoch": 2,
            "precision": "float32",
        }
    )
    assert not list(faults(written))
    examples = [Example(e.case, np.concatenate([e.image, e.image]), e.target) for e in pictures(3)]
    fitted = fit(written, examples[:2], examples[2:])
    assert np.isfinite(fitted.history[-1].loss)
    sample = np.random.default_rng(0).normal(size=(CHANNELS, *size)).astype(np.float32)
    exported = export_onnx(fitted.network, written, [sample])
    assert exported.outputs == ["logits"] and exported.largest_difference < 1e-3
