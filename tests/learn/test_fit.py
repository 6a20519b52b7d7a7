"""The training loop: it repeats by its seed, goes on after a stop, keeps to its time, and survives the export."""

from __future__ import annotations

import os
import signal
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.learn.toys import TOYS, pictures, plan, squares

from overread.errors import OverreadError, StoppedError
from overread.evaluate.metrics import METRICS
from overread.learn.checkpoint import Checkpoints
from overread.learn.export import export_onnx
from overread.learn.fit import Epoch, Live, fit, schedule
from overread.learn.plan import Plan, Selection
from overread.learn.step import Step
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


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def stopping_at(step: int):
    def report(live: Live) -> None:
        if live.step == step and live.epoch is None:
            os.kill(os.getpid(), signal.SIGINT)

    return report


@pytest.mark.parametrize("task", TOYS)
def test_a_training_that_was_stopped_goes_on_to_the_same_weights(task: str, tmp_path: Path) -> None:
    """Stopped within an epoch, after its last step and in the first of another; every task and network."""
    p, examples = TOYS[task]
    p = p.model_copy(update={"epochs": 3, "steps_per_epoch": 4})
    through = fit(p, examples, examples[:8])
    for step in (3, 8, 9):
        with pytest.raises(
            StoppedError, match=f"after step {step} of 12: what was learnt is kept in"
        ) as stop:
            fit(
                p,
                examples,
                examples[:8],
                stopping_at(step),
                checkpoints=Checkpoints(tmp_path, {}),
                resume=True,
            )
        assert stop.value.exit_code == 130
    again = fit(p, examples, examples[:8], checkpoints=Checkpoints(tmp_path, {}), resume=True)
    assert same(through.network, again.network)
    assert again.resumed == [3, 8, 9]
    assert [(e.loss, e.validation_loss) for e in again.history] == [
        (e.loss, e.validation_loss) for e in through.history
    ]


def test_a_second_ctrl_c_breaks_in(tmp_path: Path) -> None:
    def insist(live: Live) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(plan(), squares(32), [], insist, checkpoints=Checkpoints(tmp_path, {}))
    assert not list(tmp_path.glob("step-*"))


def test_another_number_of_threads_is_said(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path, {})
    with pytest.raises(StoppedError):
        fit(plan(), squares(32), [], stopping_at(2), checkpoints=kept)
    said: list[str] = []
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        fit(
            plan(epochs=1),
            squares(32),
            [],
            lambda live: said.extend(live.notes),
            checkpoints=kept,
            resume=True,
        )
    finally:
        torch.set_num_threads(before)
    assert f"threads {before} then, {before + 1} now" in said[0]


def out_of_memory_above(monkeypatch: pytest.MonkeyPatch, voxels: int) -> None:
    forward = Step._forward

    def small(self, network, image, targets):
        if image.numel() > voxels:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return forward(self, network, image, targets)

    monkeypatch.setattr(Step, "_forward", small)


def test_out_of_memory_takes_smaller_parts_then_a_smaller_patch(monkeypatch: pytest.MonkeyPatch) -> None:
    p, said = TOYS["segmentation"][0].model_copy(update={"epochs": 1}), []
    out_of_memory_above(monkeypatch, 16 * 8)
    fitted = fit(p, pictures(8), [], lambda live: said.extend(live.notes))
    assert [c["change"] for c in fitted.changes] == [
        "a step in 2 parts instead of 1",
        "a step in 4 parts instead of 2",
        "patch [8, 16] instead of [16, 16]",
    ]
    assert {c["step"] for c in fitted.changes} == {1} and "CUDA out of memory" in fitted.changes[0]["why"]
    assert fitted.changed == {"accumulate": 4, "patch": [8, 16]} and len(said) == 3
    assert len(fitted.history) == 1 and np.isfinite(fitted.history[0].loss)


def test_out_of_memory_with_nothing_left_to_halve_ends_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    out_of_memory_above(monkeypatch, 0)
    with pytest.raises(OverreadError, match=r"out of memory in step 1 .*nothing is left to be halved"):
        fit(plan(), squares(16), [])


def test_another_error_is_not_taken_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self, network, image, targets):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Step, "_forward", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        fit(plan(), squares(16), [])


class Told:
    """A metric that says what it is told, one value an epoch."""

    metric = METRICS["auroc"]
    cases = ("a", "b")
    reason = "one class only"

    def __init__(self, values: list[float | None]) -> None:
        self.values = iter(values)
        self.seen: list[dict[str, torch.Tensor]] = []

    def __call__(self, network: torch.nn.Module, device: torch.device) -> float | None:
        self.seen.append({k: v.clone() for k, v in network.state_dict().items()})
        return next(self.values)


def selecting(**changes: object) -> Plan:
    return plan(selection=Selection(metric="auroc", label=None, patience=2), **changes)


def test_the_best_weights_are_kept_and_said_to_be(tmp_path: Path) -> None:
    told = Told([0.6, 0.9, 0.9, 0.7, 0.8, 0.85])
    fitted = fit(selecting(epochs=6), squares(48), [], metric=told)
    # Of equals the later; two measurements later patience is at its end.
    assert fitted.selected == {"epoch": 3, "by": "auroc", "label": None, "value": 0.9, "cases": 2}
    assert fitted.ended_by == "no better weights" and len(fitted.history) == 5
    assert all(torch.equal(v, told.seen[2][k]) for k, v in fitted.network.state_dict().items())
    assert [e.metric for e in fitted.history] == [0.6, 0.9, 0.9, 0.7, 0.8]


def test_the_best_weights_survive_a_stop(tmp_path: Path) -> None:
    kept, told = Checkpoints(tmp_path, {}), Told([0.9, 0.5])
    with pytest.raises(StoppedError):
        fit(selecting(epochs=3), squares(48), [], stopping_at(14), metric=told, checkpoints=kept)
    fitted = fit(selecting(epochs=3), squares(48), [], metric=Told([0.4]), checkpoints=kept, resume=True)
    assert fitted.selected["epoch"] == 1
    assert all(torch.equal(v, told.seen[0][k]) for k, v in fitted.network.state_dict().items())


def test_a_metric_that_the_cases_cannot_give_keeps_the_last_weights() -> None:
    told = Told([None, None])
    fitted = fit(selecting(epochs=2), squares(48), [], metric=told)
    assert fitted.selected["epoch"] == 2 and fitted.selected["by"] is None
    assert "one class only" in fitted.selected["why"]
    assert fitted.ended_by == "schedule"
    assert all(torch.equal(v, told.seen[1][k]) for k, v in fitted.network.state_dict().items())


def test_it_says_who_ended_it_and_where_its_time_went(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = fit(plan(epochs=2), squares(32), squares(8))
    assert (exact.ended_by, exact.repeatable) == ("schedule", True)
    times = exact.times
    assert times.elapsed == pytest.approx(times.stepping + times.waiting + times.tuning + times.saving)
    assert times.tuning > 0 and times.augmenting > 0 and exact.record()["times"]["stepping"] > 0
    ticks = count()
    monkeypatch.setattr("overread.learn.fit.time", SimpleNamespace(perf_counter=lambda: next(ticks) / 20))
    clocked = fit(plan(epochs=2, follow_clock=True, train_seconds=3.0), squares(32), [])
    assert (clocked.ended_by, clocked.repeatable) == ("clock", False)
