"""Two processes train as one with the same batch: the same losses, batch statistics and Dice of the whole batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.learn.toys import TOYS
from torch import nn

from overread.learn import batch_norm, pooled
from overread.learn.fit import fit
from overread.learn.processes import agreed, any_of, gathered, rank, world

ROOT = Path(__file__).parents[2]
STEPS = 10


def changed(task: str):
    # An odd batch: one process has an image more than the other.
    p, examples = TOYS[task]
    update = {"epochs": 2, "steps_per_epoch": STEPS // 2, "batch": 5}
    return p.model_copy(update=update), examples


def trained(task: str) -> dict[str, Any]:
    p, examples = changed(task)
    losses: list[float] = []
    fitted = fit(p, examples, examples[:8], lambda live: losses.append(live.loss) if not live.epoch else None)
    weights = torch.cat([v.flatten().float() for v in fitted.network.state_dict().values()])
    return {
        "losses": losses,
        "tuning": fitted.history[-1].validation_loss,
        "processes": fitted.processes,
        "norm": float(weights.norm()),
    }


def main() -> None:
    """What each of several processes does; the first prints what came out."""
    out = {task: trained(task) for task in TOYS}
    words = {
        "agreed": agreed(f"from {rank()}"),
        "any": [any_of(rank() == 1), any_of(False)],
        "gathered": gathered(list(range(5))[rank() :: world()]),
    }
    if rank() == 0:
        print(json.dumps({"tasks": out, "words": words}))


@pytest.fixture(scope="module")
def together() -> dict[str, Any]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, "-m", "tests.learn.test_processes"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("task", TOYS)
def test_two_processes_have_the_losses_of_one(task: str, together: dict[str, Any]) -> None:
    one, two = trained(task), together["tasks"][task]
    assert (one["processes"], two["processes"]) == (1, 2)
    assert len(two["losses"]) == STEPS
    np.testing.assert_allclose(two["losses"], one["losses"], atol=1e-4)
    assert two["tuning"] == pytest.approx(one["tuning"], abs=1e-3)
    assert two["norm"] == pytest.approx(one["norm"], rel=1e-4)


def test_they_agree(together: dict[str, Any]) -> None:
    assert together["words"] == {
        "agreed": "from 0",
        "any": [True, False],
        "gathered": [0, 1, 2, 3, 4],
    }


def test_one_alone_needs_nobody() -> None:
    assert (rank(), world(), agreed("mine"), any_of(True), gathered([1, 2])) == (0, 1, "mine", True, [1, 2])
    value = torch.tensor([2.0])
    assert pooled.pooled(value) is value
    assert pooled.pooled_mean(torch.tensor(6.0), 3).item() == 2
    assert pooled.pooled_mean(torch.tensor(0.0), torch.tensor(0)).item() == 0


@pytest.mark.parametrize(
    ("norm", "shape"), [(nn.BatchNorm2d, (6, 3, 4, 5)), (nn.BatchNorm3d, (2, 3, 2, 4, 5))]
)
@pytest.mark.parametrize("momentum", [0.1, None])
def test_the_pooled_batch_normalisation_is_torchs(
    norm: type, shape: tuple[int, ...], momentum: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values, gradients and running statistics, with one process taken for all."""
    generator = torch.Generator().manual_seed(0)
    ours, theirs = norm(3, momentum=momentum), norm(3, momentum=momentum)
    with torch.no_grad():
        for m in (ours, theirs):
            m.weight.copy_(torch.tensor([1.0, 2.0, 3.0]))
            m.bias.copy_(torch.tensor([0.5, 0.0, -1.0]))
    replaced = batch_norm.over_processes(nn.Sequential(nn.Identity(), ours), torch.device("cpu"))
    assert isinstance(replaced[1], batch_norm.PooledBatchNorm)
    assert list(replaced.state_dict()) == ["1." + k for k in theirs.state_dict()]
    monkeypatch.setattr(batch_norm, "together", lambda: True)
    for _ in range(2):
        x = torch.randn(shape, generator=generator) * 3 + 5
        a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
        weight = torch.randn(shape, generator=generator)
        (replaced(a) * weight).sum().backward()
        (theirs(b) * weight).sum().backward()
        torch.testing.assert_close(replaced(a), theirs(b), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-4)
    for k, v in theirs.state_dict().items():
        torch.testing.assert_close(replaced.state_dict()["1." + k].to(v.dtype), v, rtol=1e-4, atol=1e-5)


if __name__ == "__main__":
    main()
