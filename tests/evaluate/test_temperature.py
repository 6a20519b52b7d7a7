"""The temperature: right where there are cases enough, and braked where there are not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_expit, softmax

from overread.evaluate.temperature import fit


def _drawn(n: int, k: int, true: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a model whose probabilities are right at the temperature ``true``."""
    generator = np.random.default_rng(seed)
    z = generator.normal(0, 2, (n, k))
    p = softmax(z, axis=1)
    y = (p.cumsum(axis=1) > generator.random((n, 1))).argmax(axis=1)
    return z * true, y


@pytest.mark.parametrize("k", [2, 4])
@pytest.mark.parametrize("true", [0.4, 1.0, 3.0])
def test_many_cases_give_the_true_temperature(true: float, k: int) -> None:
    found = fit(*_drawn(4000, k, true))
    assert found.estimate == pytest.approx(true, rel=0.1)
    assert found.low <= true <= found.high
    assert found.value == (1.0 if found.estimate < 1 <= found.high else found.estimate)


def test_few_separated_cases_do_not_make_later_scores_certain() -> None:
    """24 tuning cases that a good model separates: the best likelihood lies at a temperature of 0."""
    generator = np.random.default_rng(3)
    y = np.repeat([0, 1], 12)
    margin = np.where(y == 1, 1, -1) * generator.uniform(0.5, 2, 24)
    z = np.stack([-margin / 2, margin / 2], axis=1)
    found = fit(z, y)
    assert found.value > 0.2 and found.estimate > 0.2
    assert softmax(z / found.value, axis=1).max() < 0.999


def test_a_temperature_below_1_must_be_beyond_doubt() -> None:
    z, y = _drawn(60, 2, 0.8)
    found = fit(z, y)
    assert found.estimate < 1 <= found.high and found.value == 1


def test_two_classes_have_platts_targets() -> None:
    z, y = _drawn(40, 2, 2.0)
    m, n = int((y == 1).sum()), int((y == 0).sum())
    target = np.where(y == 1, (m + 1) / (m + 2), 1 / (n + 2))
    margin = z[:, 1] - z[:, 0]
    grid = np.exp(np.linspace(np.log(0.1), np.log(10), 4001))
    losses = [-(target * log_expit(margin / t) + (1 - target) * log_expit(-margin / t)).sum() for t in grid]
    assert fit(z, y).estimate == pytest.approx(grid[int(np.argmin(losses))], rel=2e-3)


def test_patients_and_not_images_make_the_interval() -> None:
    z, y = _drawn(200, 3, 2.0)
    once = fit(np.repeat(z, 8, axis=0), np.repeat(y, 8))
    grouped = fit(np.repeat(z, 8, axis=0), np.repeat(y, 8), cluster=np.repeat(np.arange(200), 8))
    assert grouped.estimate == once.estimate
    assert (np.log(grouped.high / grouped.low)) > 2.5 * np.log(once.high / once.low)


def test_float32_logits_are_fitted_in_double_precision() -> None:
    z, y = _drawn(300, 2, 2.0)
    assert fit(z.astype(np.float32), y).estimate == pytest.approx(fit(z, y).estimate, rel=1e-6)
