from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import softmax

from overread.stats import calibration
from overread.stats.conformal import (
    ConformalSets,
    aps_scores,
    class_coverage,
    conformal_lac_quantile,
    conformal_quantile,
    conformal_risk_control,
    conformalised_quantiles,
    false_negative_rates,
    lac_scores,
    raps_scores,
    set_coverage,
    set_size,
    size_stratified_coverage,
    split_conformal,
)


def _cases(n: int, seed: int = 0, sharp: float = 1.5) -> tuple[NDArray, NDArray]:
    """Classes (n,) and over-confident probabilities (n, 4) of unequal classes."""
    generator = np.random.default_rng(seed)
    z = generator.normal(size=(n, 4)) * sharp + np.array([1.0, 0.5, 0.0, -0.5])
    y = (softmax(z, axis=1).cumsum(axis=1) < generator.random(n)[:, None]).sum(axis=1)
    return y, softmax(1.7 * z, axis=1)


def test_conformal_sets_cover() -> None:
    """Marginal coverage over many calibration sets: at least nominal, at most 1 / (n + 1) above it."""
    generator = np.random.default_rng(5)
    for n, coverage in ((20, 0.9), (99, 0.9), (50, 0.8)):
        p = generator.random((8000, n + 1))
        held = [1 - row[-1] <= conformal_lac_quantile(row[:-1], coverage=coverage) for row in p]
        error = 3 * np.sqrt(coverage * (1 - coverage) / 8000)
        assert coverage - error <= np.mean(held) <= coverage + 1 / (n + 1) + error


def test_conformal_rank() -> None:
    p = 1 - np.arange(1, 10) / 10
    assert conformal_lac_quantile(p, coverage=0.9) == pytest.approx(0.9)  # rank 9 of 9, not 10
    assert conformal_lac_quantile(p, coverage=0.8) == pytest.approx(0.8)
    assert conformal_lac_quantile(p[:8], coverage=0.9) == 1.0  # nine cases are needed for 90%
    with pytest.raises(ValueError, match="coverage"):
        conformal_lac_quantile(p, coverage=1.0)


def test_calibration_offers_the_same_functions() -> None:
    assert calibration.ConformalSets is ConformalSets
    assert calibration.conformal_risk_control is conformal_risk_control
    assert calibration.conformal_lac_quantile is conformal_lac_quantile


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.floats(0.05, 0.95))
def test_quantile_is_the_rank(scores: list[float], coverage: float) -> None:
    found = conformal_quantile(scores, coverage=coverage)
    below = np.mean(np.append(scores, np.inf) <= found)  # the new score as the largest of all
    assert below >= coverage - 1e-9
    smaller = [s for s in scores if s < found]
    if smaller:
        assert (np.sum(np.array(scores) <= max(smaller))) / (len(scores) + 1) < coverage


def test_scores_by_hand() -> None:
    p = [[0.5, 0.3, 0.2]]
    np.testing.assert_allclose(lac_scores(p), [[0.5, 0.7, 0.8]])
    np.testing.assert_allclose(aps_scores(p), [[0.5, 0.8, 1.0]])
    np.testing.assert_allclose(aps_scores(p, [0.5]), [[0.25, 0.65, 0.9]])
    np.testing.assert_allclose(raps_scores(p, penalty=0.1, k_reg=1), [[0.5, 0.9, 1.2]])
    shuffled = [[0.2, 0.5, 0.3]]
    np.testing.assert_allclose(raps_scores(shuffled, [0.0], penalty=0.1, k_reg=2), [[0.9, 0.0, 0.5]])
    with pytest.raises(ValueError, match="penalty"):
        raps_scores(p, penalty=-1)
    with pytest.raises(ValueError, match="expected 0 to 1"):
        aps_scores(p, [1.5])


def _coverage(repeats: int, n: int, coverage: float, **settings: object) -> tuple[float, NDArray]:
    """Coverage over calibration and new cases together, and of each class."""
    y, p = _cases(repeats * (n + 1), 3)
    y, p = y.reshape(repeats, n + 1), p.reshape(repeats, n + 1, 4)
    held = []
    for i in range(repeats):
        fitted = ConformalSets.fit(y[i, :-1], p[i, :-1], coverage=coverage, seed=2 * i, **settings)  # type: ignore[arg-type]
        held.append(fitted.sets(p[i, -1:], seed=2 * i + 1)[0, y[i, -1]])
    of_class = np.array([np.mean(np.array(held)[y[:, -1] == k]) for k in range(4)])
    return float(np.mean(held)), of_class


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "lac"},
        {"method": "aps", "randomised": True},
        {"method": "raps", "randomised": True, "penalty": 0.05},
    ],
)
def test_guarantee_is_exact(settings: dict) -> None:
    """At least nominal, and at most 1 / (n + 1) above it, although the probabilities are overconfident."""
    repeats, n = 4000, 39
    found, _ = _coverage(repeats, n, 0.8, **settings)
    error = 3 * np.sqrt(0.16 / repeats)
    assert 0.8 - error <= found <= 0.8 + 1 / (n + 1) + error


@pytest.mark.parametrize("method", ["aps", "raps"])
def test_without_randomisation_sets_cover_at_least_nominal(method: str) -> None:
    found, _ = _coverage(2000, 39, 0.8, method=method)
    assert found >= 0.8 - 3 * np.sqrt(0.16 / 2000)


def test_guarantee_within_each_class() -> None:
    repeats = 2500
    _, marginal = _coverage(repeats, 79, 0.8)
    _, each = _coverage(repeats, 79, 0.8, by_class=True)
    assert marginal.min() < 0.7  # the rare class pays
    assert (each >= 0.8 - 3 * np.sqrt(0.16 / (0.1 * repeats))).all()


def test_sets_on_test_cases() -> None:
    y, p = _cases(2000, 5)
    fitted = ConformalSets.fit(y[:1000], p[:1000], coverage=0.9, method="aps", randomised=True)
    sets = fitted.sets(p[1000:])
    covered = set_coverage(y[1000:], sets)
    assert covered.low < 0.9 < covered.high and covered.method == "Wilson" and covered.n == 1000
    size = set_size(sets)
    assert size.estimate == pytest.approx(sets.sum(axis=1).mean()) and size.low < size.estimate < size.high
    classes = class_coverage(y[1000:], sets)
    assert set(classes) == {0, 1, 2, 3}
    assert sum(c.estimate * (c.n or 0) for c in classes.values()) == pytest.approx(1000 * covered.estimate)
    sizes = size_stratified_coverage(y[1000:], sets)
    assert sum(c.n or 0 for c in sizes.values()) == 1000 and (0 not in sizes or sizes[0].estimate == 0)
    clustered = set_coverage(y[1000:], sets, cluster=np.arange(1000) // 2)
    assert clustered.estimate == covered.estimate and clustered.n == 500
    least = ConformalSets.fit(y[:1000], p[:1000], coverage=0.9)
    assert set_size(least.sets(p[1000:])).estimate < size.estimate


def test_empty_sets_may_be_refused() -> None:
    y, p = _cases(500, 6, sharp=4)
    open_, closed = (ConformalSets.fit(y, p, coverage=0.6, allow_empty=allowed) for allowed in (True, False))
    empty = ~open_.sets(p).any(axis=1)
    assert empty.any()
    sets = closed.sets(p)
    assert sets.any(axis=1).all() and (sets[empty].argmax(axis=1) == p[empty].argmax(axis=1)).all()


def test_too_few_cases_give_every_class() -> None:
    y, p = _cases(5, 7)
    fitted = ConformalSets.fit(y, p, coverage=0.9)
    assert fitted.quantiles == (float("inf"),) and fitted.sets(p).all()
    rare = ConformalSets.fit([0] * 50, np.tile([[0.9, 0.1]], (50, 1)), coverage=0.9, by_class=True)
    assert rare.quantiles == (pytest.approx(0.1), float("inf"))
    assert rare.sets([[0.9, 0.1], [0.2, 0.8]]).tolist() == [[True, True], [False, True]]


def test_sets_go_through_json() -> None:
    y, p = _cases(60, 8)
    for fitted in (
        ConformalSets.fit(y, p, coverage=0.9, method="raps", randomised=True),
        ConformalSets.fit(y[:5], p[:5]),
    ):
        again = ConformalSets.from_dict(json.loads(json.dumps(fitted.as_dict(), allow_nan=False)))
        assert again == fitted
        np.testing.assert_array_equal(again.sets(p), fitted.sets(p))


@pytest.mark.parametrize(
    ("y", "p", "arguments", "match"),
    [
        ([0, 1], [[0.5, 0.5]], {}, "prob has 1 rows"),
        ([[0], [1]], [[0.5, 0.5]] * 2, {}, r"\(2, 1\)"),
        ([0, 2], [[0.5, 0.5]] * 2, {}, "expected 0 to 1"),
        ([0, 1], [[0.5, np.nan]] * 2, {}, "NaN"),
        ([0, 1], [[0.5, 0.1]] * 2, {}, "sum to 1"),
        ([0, 1], [[0.5, 0.5]] * 2, {"method": "best"}, "method"),
        ([0, 1], [[0.5, 0.5]] * 2, {"coverage": 90}, "coverage"),
        ([], np.zeros((0, 2)), {}, "empty"),
    ],
)
def test_bad_sets(y: list, p: list, arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        ConformalSets.fit(y, p, **arguments)


def test_sets_of_the_wrong_shape() -> None:
    with pytest.raises(ValueError, match="expected 2 classes"):
        ConformalSets.fit([0, 1], [[0.5, 0.5]] * 2).sets([[0.2, 0.3, 0.5]])
    for bad in ([0, 1], [[0.2, 0.4]], np.zeros((0, 2))):
        with pytest.raises(ValueError, match="sets has shape"):
            set_coverage([0], bad)


GRID = np.linspace(1, 0, 101)


def _segmentations(cases: int, generator: np.random.Generator) -> tuple[list[NDArray], list[NDArray]]:
    """Masks of 6 x 6 voxels with probabilities that are too low, by another amount in every case."""
    shift = generator.normal(size=(cases, 1, 1))
    masks = generator.random((cases, 6, 6)) < 0.3
    p = 1 / (1 + np.exp(-(2.5 * masks - 1.5 + shift + generator.normal(size=masks.shape))))
    return list(masks), list(p)


@pytest.mark.parametrize(("n", "level"), [(30, 0.2), (60, 0.1)])
def test_risk_is_controlled(n: int, level: float) -> None:
    """Expected false-negative rate of a new case: at most the level, and close below it."""
    generator = np.random.default_rng(9)
    repeats, realised = 600, []
    losses = false_negative_rates(*_segmentations(repeats * (n + 1), generator), thresholds=GRID)
    for table in losses.reshape(repeats, n + 1, len(GRID)):
        found = conformal_risk_control(table[:-1], parameters=GRID, level=level)
        realised.append(table[-1, found.index])
    error = 3 * np.std(realised) / np.sqrt(repeats)
    assert level - 2 / (n + 1) - error <= np.mean(realised) <= level + error


def test_risk_control_of_miscoverage_is_split_conformal() -> None:
    """With the loss 'not covered' the chosen parameter is the conformal quantile."""
    scores = np.random.default_rng(10).random(49)
    grid = np.sort(np.append(scores, 1.0))
    found = conformal_risk_control((scores[:, None] > grid).astype(float), parameters=grid, level=0.1)
    assert found.parameter == conformal_quantile(scores, coverage=0.9)
    assert found.risk == pytest.approx(np.mean(scores > found.parameter))
    assert json.loads(json.dumps(found.as_dict()))["level"] == 0.1


def test_any_bound() -> None:
    losses = np.array([[4.0, 1.0, 0.0]] * 19)
    assert (
        conformal_risk_control(losses, parameters=[1, 2, 3], level=1.5, bound=5).index == 1
    )  # (19 + 5) / 20 = 1.2
    assert conformal_risk_control(losses, parameters=[1, 2, 3], level=1.1, bound=5).index == 2


@pytest.mark.parametrize(
    ("losses", "arguments", "match"),
    [
        ([[1, 0]] * 5, {"level": 0.1}, "no parameter keeps the risk"),
        ([[0, 1]] * 5, {}, "losses rise"),
        ([[2, 0]] * 5, {}, "expected 0 to 1"),
        ([[1, 0]] * 5, {"level": 1.0}, "level is 1"),
        ([[1, np.nan]] * 5, {}, "NaN"),
        ([1, 0], {}, "shape"),
        ([[1, 0.5, 0]] * 5, {}, "parameters has 2"),
    ],
)
def test_bad_losses(losses: list, arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        conformal_risk_control(losses, parameters=[0.5, 0.2], **arguments)


@given(st.integers(0, 10_000))
def test_false_negative_rates_by_brute_force(seed: int) -> None:
    generator = np.random.default_rng(seed)
    masks = [generator.random((3, 4)) < 0.4, np.zeros(5, dtype=bool), np.ones((2, 2, 2), dtype=bool)]
    p = [np.round(generator.random(m.shape), 1) for m in masks]
    grid = np.arange(10, -1, -1) / 10
    found = false_negative_rates(masks, p, thresholds=grid)
    for row, mask, probability in zip(found, masks, p, strict=True):
        missed = [np.sum(mask & (probability < t)) / max(1, mask.sum()) for t in grid]
        np.testing.assert_allclose(row, missed)
    assert (np.diff(found) <= 0).all()


def test_bad_masks() -> None:
    with pytest.raises(ValueError, match="expected the same"):
        false_negative_rates([np.zeros(3)], [np.zeros(4)], thresholds=GRID)
    with pytest.raises(ValueError, match="only 0 and 1"):
        false_negative_rates([np.array([0, 2])], [np.zeros(2)], thresholds=GRID)
    with pytest.raises(ValueError, match="at least one"):
        false_negative_rates([], [], thresholds=GRID)


def test_limits_of_measurements_cover() -> None:
    generator = np.random.default_rng(11)
    repeats, n = 3000, 19
    x = generator.random((repeats, n + 1))
    y = x + (0.1 + x) * generator.normal(size=x.shape)
    held = {"plain": 0, "quantiles": 0}
    for xs, ys in zip(x, y, strict=True):
        low, high = split_conformal(ys[:-1], xs[:-1], coverage=0.8).limits(xs[-1:])
        held["plain"] += bool(low[0] <= ys[-1] <= high[0])
        band = conformalised_quantiles(ys[:-1], xs[:-1] / 2, 1.5 * xs[:-1], coverage=0.8)
        low, high = band.limits(xs[-1:] / 2, 1.5 * xs[-1:])
        held["quantiles"] += bool(low[0] <= ys[-1] <= high[0])
    error = 3 * np.sqrt(0.16 / repeats)
    for count in held.values():
        assert 0.8 - error <= count / repeats <= 0.8 + 1 / (n + 1) + error


def test_few_measurements_have_no_limits() -> None:
    low, high = split_conformal([1.0, 2.0], [1.1, 1.8]).limits([1.5])
    assert (low[0], high[0]) == (-np.inf, np.inf)
    with pytest.raises(ValueError, match="prediction has 1 rows"):
        split_conformal([1.0, 2.0], [1.0])
