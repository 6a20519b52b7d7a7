"""Weights of networks: alike where nothing is better, and those of the better network where it is."""

from __future__ import annotations

import numpy as np
import pytest

from overread.evaluate.ensemble import choose_weights, loss_of
from overread.runtime.uncertainty.pool import CLASSES, FINDINGS


def answers(noise: list[float], n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits ``(n, members, 2)`` of networks that see the true log odds through so much noise."""
    generator = np.random.default_rng(seed)
    truth = generator.normal(0, 2, n)
    y = (generator.random(n) < 1 / (1 + np.exp(-truth))).astype(float)
    seen = truth[:, None] + generator.normal(0, 1, (n, len(noise))) * noise
    return np.stack([np.zeros_like(seen), seen], axis=-1), y[:, None]


def test_networks_alike_are_averaged() -> None:
    chosen = choose_weights(*answers([1.0, 1.0, 1.0]), CLASSES)
    assert (
        chosen.how == "average" and chosen.weights == (1.0, 1.0, 1.0) and "no other weights" in chosen.reason
    )


def test_a_network_that_only_guesses_loses_its_weight() -> None:
    z, y = answers([0.3, 6.0, 6.0])
    chosen = choose_weights(z, y, CLASSES)
    assert chosen.how in ("weighted", "stacked") and np.argmax(chosen.weights) == 0
    new, truth = answers([0.3, 6.0, 6.0], seed=1)
    better = loss_of(new, truth, CLASSES, chosen.weights, chosen.how).mean()
    assert better < 0.8 * loss_of(new, truth, CLASSES, [1, 1, 1], "average").mean()


def test_few_patients_weigh_nothing() -> None:
    z, y = answers([0.3, 6.0], n=40)
    chosen = choose_weights(z, y, CLASSES, cluster=np.arange(40) // 4)
    assert chosen.how == "average" and chosen.reason.startswith("10 tuning patients, expected 20")


@pytest.mark.parametrize("how", ["average", "weighted", "stacked"])
def test_as_asked(how: str) -> None:
    z, y = answers([0.3, 6.0])
    chosen = choose_weights(z, y, CLASSES, how=how)  # type: ignore[arg-type]
    assert chosen.how == how and min(chosen.weights) >= 0
    if how == "weighted":
        assert sum(chosen.weights) == pytest.approx(1)


def test_findings_that_nobody_states_cost_nothing() -> None:
    z = np.zeros((2, 2, 1))
    loss = loss_of(z, np.array([[1.0], [np.nan]]), FINDINGS, [1, 1], "average")
    np.testing.assert_allclose(loss, [np.log(2), 0])
