"""The training loop: it repeats by its seed, keeps to its time, and its answer survives the export."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.learn.toys import plan, squares

from overread.learn.export import export_onnx
from overread.learn.fit import Epoch, fit, schedule
from overread.runtime.engine import Engine


def test_classification_is_learnt_and_exported() -> None:
    fitted = fit(plan(), squares(96), squares(32, seed=9))
    assert fitted.history[-1].loss < 0.3 < fitted.history[0].loss
    assert fitted.history[-1].validation_loss is not None and fitted.history[-1].validation_loss < 0.3
    held_out = squares(40, seed=5)
    exported = export_onnx(fitted.network, plan(), [e.image for e in held_out[:4]])
    logits = Engine(exported.model, "test")(np.stack([e.image for e in held_out]))["logits"]
    assert (logits.argmax(1) == [e.target["label"] for e in held_out]).mean() >= 0.9


def test_the_same_seed_gives_the_same_network() -> None:
    once, again = (fit(plan(epochs=2), squares(48), []) for _ in range(2))
    for a, b in zip(once.network.state_dict().values(), again.network.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("planned", [2, 5000])
def test_training_keeps_to_its_time_and_completes_its_schedule(
    planned: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the plan expected too few or too many epochs; by a clock of its own, a fiftieth of a second a look."""
    ticks = count()
    monkeypatch.setattr("overread.learn.fit.time", SimpleNamespace(perf_counter=lambda: next(ticks) / 50))
    seen: list[Epoch] = []
    fitted = fit(
        plan(epochs=planned, follow_clock=True, train_seconds=3.0),
        squares(96),
        [],
        lambda live: seen.append(live.epoch) if live.epoch else None,
    )
    assert fitted.seconds == pytest.approx(3.0, abs=0.3)
    assert 2 < len(fitted.history) < 5000 and len(seen) == len(fitted.history)
    assert fitted.history[-1].learning_rate < 0.2 * max(e.learning_rate for e in fitted.history)


def test_schedule_warms_up_and_ends_at_zero() -> None:
    values = [schedule(p) for p in np.linspace(0, 1, 101)]
    assert values[0] == pytest.approx(0.1) and max(values) == pytest.approx(1, abs=0.01) and values[-1] < 1e-6
