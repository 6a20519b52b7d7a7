"""Normal numbers: their moments, and the same from the same seed whatever the block."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from overread.learn.augment import normal as module
from overread.learn.augment.normal import add_normal


def test_they_are_normal() -> None:
    x = add_normal(torch.full((50, 40, 30), 3.0), deviation=0.5, seed=7)
    z = (x.double().flatten() - 3) / 0.5
    assert abs(float(z.mean())) < 4 / len(z) ** 0.5
    assert float(z.std()) == pytest.approx(1, abs=4 / (2 * len(z)) ** 0.5)
    assert stats.kstest(z.numpy(), "norm").pvalue > 1e-3
    lag = float((z[:-1] * z[1:]).mean())
    assert abs(lag) < 4 / len(z) ** 0.5


def test_the_seed_alone_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    one = add_normal(torch.zeros(999), deviation=1, seed=3)
    monkeypatch.setattr(module, "BLOCK", 64)
    assert torch.equal(one, add_normal(torch.zeros(999), deviation=1, seed=3))
    assert not torch.equal(one, add_normal(torch.zeros(999), deviation=1, seed=4))
