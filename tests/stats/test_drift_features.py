from __future__ import annotations

import numpy as np
import pytest

from overread.stats.drift import feature_drift


def table(generator: np.random.Generator, n: int, shift: float = 0.0) -> dict:
    found = {f"x{k}": generator.normal(size=n) for k in range(29)}
    found["x0"] = found["x0"] + shift
    return {**found, "scanner": generator.choice(["A", "B"], n)}


def test_a_shift_in_one_of_thirty_features() -> None:
    generator = np.random.default_rng(0)
    found = feature_drift(table(generator, 400), table(generator, 300, 0.6), resamples=50)
    assert [f.feature for f in found if f.drifted] == ["x0"]
    assert found[-1].test.name == "chi-square" and found[0].test.name == "Kolmogorov-Smirnov"


def test_false_alarms_of_thirty_features() -> None:
    """Thirty tests at .05 without correction raise a false alarm on most days; corrected on few."""
    generator = np.random.default_rng(1)
    reference = table(generator, 500)
    days = [table(generator, 100) for _ in range(40)]
    plain, corrected = 0, 0
    for day in days:
        found = feature_drift(reference, day, minimum_effect=0, correction="none", resamples=2)
        plain += any(f.drifted for f in found)
        corrected += min(f.test.p_value for f in found) * 30 < 0.05
    assert plain / 40 > 0.6 and corrected / 40 <= 0.15


def test_many_rows_need_an_effect() -> None:
    generator = np.random.default_rng(2)
    x, y = {"x": generator.normal(size=50_000)}, {"x": generator.normal(0.05, 1, 50_000)}
    found = feature_drift(x, y, resamples=10)[0]
    assert found.p_adjusted < 1e-6 and not found.drifted
    assert feature_drift(x, y, minimum_effect=0.0, resamples=10)[0].drifted


def test_corrections() -> None:
    generator = np.random.default_rng(3)
    x, y = table(generator, 200), table(generator, 200, 0.4)
    p = np.array([f.test.p_value for f in feature_drift(x, y, resamples=2)])
    bonferroni = [f.p_adjusted for f in feature_drift(x, y, correction="bonferroni", resamples=2)]
    assert [f.p_adjusted for f in feature_drift(x, y, resamples=2)] <= bonferroni
    assert bonferroni == pytest.approx(np.minimum(1, 30 * p))
    bh = [f.p_adjusted for f in feature_drift(x, y, correction="benjamini-hochberg", resamples=2)]
    by = [f.p_adjusted for f in feature_drift(x, y, correction="benjamini-yekutieli", resamples=2)]
    assert (p <= np.array(bh) + 1e-15).all() and (np.array(bh) <= np.array(by) + 1e-15).all()


@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        (({}, {}), {}, "no feature"),
        (({"a": [1.0]}, {"b": [1.0]}), {}, "a, b"),
        (({"a": [1.0, np.nan]}, {"a": [1.0]}), {}, "feature a: .*NaN"),
        (({"a": [1.0]}, {"a": [1.0]}), {"alpha": 0.0}, "alpha"),
        (
            ({"a": [1.0]}, {"a": [1.0]}),
            {"alpha": 0.05, "minimum_effect": 0.1, "correction": "sidak"},
            "bonferroni",
        ),
    ],
)
def test_what_cannot_be(arguments: tuple, options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        feature_drift(*arguments, **options)
