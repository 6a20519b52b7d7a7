"""Planning, fitting and exporting small problems whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from overread.errors import OverreadError
from overread.learn.batches import Batches
from overread.learn.data import Example
from overread.learn.export import export_onnx
from overread.learn.fit import Epoch, fit, schedule
from overread.learn.plan import Augment, Network, Plan
from overread.learn.planner import fit_patch
from overread.nets.build import build
from overread.runtime.engine import Engine


def plan(**changes: object) -> Plan:
    base: dict = {
        "task": "classification",
        "dimensions": 2,
        "inputs": ["image"],
        "channels": ["image"],
        "labels": ["dark", "bright"],
        "preprocess": {"dimensions": 2, "size": [12, 12], "intensity": [{"method": "fixed"}]},
        "patch": [12, 12],
        "batch": 16,
        "network": Network(
            name="resnet",
            arguments={"widths": [8, 8, 16, 16], "blocks": [1, 1, 1, 1], "small_stem": True},
            parameters=1,
        ),
        "augment": Augment(rotate_deg=5, noise=0.05),
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


def squares(n: int, seed: int = 0) -> list[Example]:
    """Noise, with a bright square where the class is 1."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        x = rng.normal(0, 0.3, (1, 12, 12)).astype(np.float32)
        x[:, 3:9, 3:9] += i % 2
        out.append(Example(str(i), x, i % 2))
    return out


SEGMENTATION = {
    "task": "segmentation",
    "labels": ["background", "square"],
    "preprocess": {"dimensions": 2, "intensity": [{"method": "fixed"}]},
    "patch": [16, 16],
    "batch": 4,
    "network": Network(
        name="unet",
        arguments={"widths": [8, 16, 16], "strides": [[1, 1], [2, 2], [2, 2]], "kernels": [[3, 3]] * 3},
        parameters=1,
    ),
    "foreground_share": 0.5,
    "epochs": 8,
    "steps_per_epoch": 8,
    "learning_rate": 5e-3,
}


def pictures(n: int) -> list[Example]:
    rng = np.random.default_rng(1)
    out = []
    for i in range(n):
        mask = np.zeros((24, 20), np.uint8)
        r, c = rng.integers(2, 14, 2)
        mask[r : r + 6, c : c + 5] = 1
        out.append(Example(str(i), (mask + rng.normal(0, 0.3, mask.shape))[None].astype(np.float32), mask))
    return out


def test_classification_is_learnt_and_exported() -> None:
    fitted = fit(plan(), squares(96), squares(32, seed=9))
    assert fitted.history[-1].loss < 0.3 < fitted.history[0].loss
    assert fitted.history[-1].validation_loss is not None and fitted.history[-1].validation_loss < 0.3
    held_out = squares(40, seed=5)
    exported = export_onnx(fitted.network, plan(), [e.image for e in held_out[:4]])
    logits = Engine(exported.model, "test")(np.stack([e.image for e in held_out]))
    assert (logits.argmax(1) == [e.target for e in held_out]).mean() >= 0.9
    assert exported.largest_difference < 1e-4


def test_segmentation_is_learnt() -> None:
    p = plan(**SEGMENTATION)
    fitted = fit(p, pictures(24), pictures(4))
    cases = pictures(6)
    with torch.no_grad():
        logits = fitted.network(
            torch.from_numpy(np.stack([np.pad(e.image, ((0, 0), (0, 0), (0, 4))) for e in cases]))
        )
    found = logits.argmax(1).numpy()[:, :, :20]
    truth = np.stack([e.target for e in cases])
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.85


def test_the_same_seed_gives_the_same_network() -> None:
    once, again = (fit(plan(epochs=2), squares(48), []) for _ in range(2))
    for a, b in zip(once.network.state_dict().values(), again.network.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("planned", [2, 5000])
def test_training_keeps_to_its_time_and_completes_its_schedule(planned: int) -> None:
    """Whether the plan expected too few or too many epochs."""
    seen: list[Epoch] = []
    fitted = fit(
        plan(epochs=planned, follow_clock=True, train_seconds=3.0),
        squares(96),
        [],
        lambda total, epoch: seen.append(epoch) if epoch else None,
    )
    assert 2 < fitted.seconds < 8
    assert 2 < len(fitted.history) < 5000 and len(seen) == len(fitted.history)
    assert fitted.history[-1].learning_rate < 0.2 * max(e.learning_rate for e in fitted.history)


def test_every_case_is_seen_equally_often_whatever_the_batch() -> None:
    p = plan(batch=16, steps_per_epoch=6, augment=Augment())
    seen = torch.cat([image.mean((1, 2, 3)) for image, _ in Batches(p, squares(96)).epoch(4)])
    assert len(torch.unique(seen)) == 96


def test_a_loss_that_is_not_finite_stops_with_advice() -> None:
    bad = squares(16)
    bad[3].image[:] = np.nan
    with pytest.raises(OverreadError, match="learning_rate"):
        fit(plan(epochs=1, steps_per_epoch=1), bad, [])


def test_an_export_that_answers_differently_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    p = plan()
    network = build("resnet", 2, 1, 2, p.network.arguments)
    monkeypatch.setattr("overread.learn.export.TOLERANCE", -1.0)
    with pytest.raises(OverreadError, match="differs from the trained one"):
        export_onnx(network, p, [squares(1)[0].image])


def test_schedule_warms_up_and_ends_at_zero() -> None:
    values = [schedule(p) for p in np.linspace(0, 1, 101)]
    assert values[0] == pytest.approx(0.1) and max(values) == pytest.approx(1, abs=0.01) and values[-1] < 1e-6


@pytest.mark.parametrize(
    ("size", "spacing", "limit"),
    [
        ([36, 50, 35], [1, 1, 1], 64 * 64 * 48),
        ([320, 320, 20], [0.6, 0.6, 4], 64 * 64 * 48),
        ([500, 700], [1, 1], 256 * 256),
        ([7, 7], [1, 1], 99),
    ],
)
def test_patches_fit_the_network_and_the_limit(size: list[int], spacing: list[float], limit: int) -> None:
    patch, strides, kernels = fit_patch(size, spacing, limit)
    assert math.prod(patch) <= limit
    network = build(
        "unet",
        len(size),
        1,
        2,
        {"widths": [4] * len(strides), "strides": strides, "kernels": kernels},
    )
    with torch.no_grad():
        assert network(torch.zeros(1, 1, *patch)).shape == (1, 2, *patch)
    if spacing[-1] == 4:
        assert kernels[0][-1] == 1 and strides[1][-1] == 1


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(ValueError, match="'alexnet' is unknown"):
        build("alexnet", 2, 1, 2, {})
