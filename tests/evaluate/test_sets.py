"""Prediction sets, class by class."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from overread.evaluate.sets import COVERAGE, class_quantiles, set_measures
from overread.stats.conformal import ConformalSets


def _scores(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A perfectly calibrated model of a class that one in twenty has."""
    generator = np.random.default_rng(seed)
    y = (generator.random(n) < 0.05).astype(np.int64)
    z = generator.normal(size=n) + 1.2 * y
    p = expit(1.2 * z - 0.72 + np.log(0.05 / 0.95))
    return np.stack([1 - p, p], axis=1), y


def test_quantiles_are_those_of_stats() -> None:
    p, y = _scores(800, 0)
    found, reasons = class_quantiles(p, y, ["no", "yes"], cluster=None)
    fitted = ConformalSets.fit(y, p, coverage=COVERAGE, method="lac", by_class=True, allow_empty=False)
    assert list(found.values()) == pytest.approx([min(1.0, q) for q in fitted.quantiles]) and not reasons


def test_the_rare_class_is_covered_too() -> None:
    held = []
    for seed in range(40):
        quantiles, _ = class_quantiles(*_scores(1200, seed), ["no", "yes"], cluster=None)
        p, y = _scores(4000, 1000 + seed)
        inside = 1 - p <= np.array(list(quantiles.values()))
        held.append([inside[y == k, k].mean() for k in (0, 1)])
    assert np.mean(held, axis=0) == pytest.approx([0.9, 0.9], abs=0.02)


def test_a_class_of_too_few_is_in_every_set_and_that_is_said() -> None:
    p, y = np.full((20, 2), 0.5), np.array([0] * 15 + [1] * 5)
    found, reasons = class_quantiles(p, y, ["no", "yes"], cluster=None)
    assert found == {"no": 0.5, "yes": 1.0} and "5 tuning patients" in reasons["yes"]
    _, reasons = class_quantiles(p, y, ["no", "yes"], cluster=np.arange(20) // 3)
    assert set(reasons) == {"no", "yes"}


def test_coverage_is_by_class_and_size_over_all() -> None:
    rows = [{"set": s} for s in ('["a"]', '["a", "b"]', "[]", '["b"]')]
    y = np.array([0, 1, 1, 0])
    found = {(m.metric.key, m.label): m.compute().estimate for m in set_measures(rows, ["a", "b"], y, None)}
    assert found == {("set_size", None): 1, ("set_coverage", "a"): 0.5, ("set_coverage", "b"): 0.5}


def test_a_package_without_sets_says_so() -> None:
    for measure in set_measures([{}, {}], ["a", "b"], np.array([0, 1]), None):
        with pytest.raises(ValueError, match="states no prediction sets"):
            measure.compute()
