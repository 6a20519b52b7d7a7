from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.stats.fairness import (
    by_group,
    calibration_by_group,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equal_opportunity_ratio,
    equalized_odds_difference,
    equalized_odds_ratio,
    group_tests,
    predictive_parity_difference,
    reweighing_weights,
    worst_group_gap,
)
from overread.stats.intervals import proportion_ci
from overread.stats.roc import auc


def rows(tables: dict[str, tuple[int, int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, calls and group of counts (TN, FP, FN, TP)."""
    y, called, group = [], [], []
    for name, counts in tables.items():
        y.append(np.repeat([0, 0, 1, 1], counts))
        called.append(np.repeat([0, 1, 0, 1], counts))
        group.append(np.repeat(name, sum(counts)))
    return np.concatenate(y), np.concatenate(called), np.concatenate(group)


# Counts of ProPublica's COMPAS analysis, as used in the documentation of fairness tools.
COMPAS = {"black": (990, 805, 532, 1369), "white": (1139, 349, 461, 505)}


def test_published_group_rates() -> None:
    black, white = by_group(*rows(COMPAS))
    expected = {
        "fpr": (0.4484679666, 0.2345430108),
        "fnr": (0.2798527091, 0.4772256729),
        "ppv": (0.6297148114, 0.5913348946),
        "selection": (0.5882034632, 0.34800326),
    }
    for name, values in expected.items():
        found = [getattr(g, name).estimate for g in (black, white)]
        assert found == pytest.approx(values, rel=1e-6)
    assert black.tpr == proportion_ci(1369, 1901) and (black.group, black.n) == ("black", 3696)


def test_published_criteria() -> None:
    arguments = rows(COMPAS)
    for function, value in (
        (demographic_parity_difference, 0.2402002032),
        (demographic_parity_ratio, 0.591637557),
        (equalized_odds_difference, 0.2139249558),
        (equalized_odds_ratio, 0.5229872103),
        (equal_opportunity_difference, 0.1973729638),
        (predictive_parity_difference, 0.6297148114 - 0.5913348946),
    ):
        found = function(*arguments, resamples=500)
        assert found.estimate == pytest.approx(value, rel=1e-6)
        assert found.low < found.estimate < found.high


def test_published_reweighing() -> None:
    y, _, group = rows(COMPAS)
    weights = reweighing_weights(y, group)
    expected = {
        ("black", 0): 1.0991659759,
        ("black", 1): 0.9063635314,
        ("white", 0): 0.8803743771,
        ("white", 1): 1.1842680402,
    }
    for (name, label), value in expected.items():
        assert weights[(group == name) & (y == label)] == pytest.approx(value, rel=1e-6)
    assert weights.sum() == pytest.approx(len(y))
    share = [np.average(y[group == g], weights=weights[group == g]) for g in ("black", "white")]
    assert share == pytest.approx([y.mean()] * 2)


def test_published_calibration_within_groups(goldens_data: Path) -> None:
    """calzone's simulated subgroups: the same error rates, but the probabilities of B are overconfident."""
    with (goldens_data / "simulated_data_subgroup.csv").open() as file:
        table = list(csv.DictReader(file))
    y = np.array([int(float(row["label"])) for row in table])
    p = np.array([float(row["proba_1"]) for row in table])
    group = [row["subgroup_1"] for row in table]
    within = calibration_by_group(y, p, group)
    assert [g.slope.estimate for g in within if g.slope] == pytest.approx([0.99424996, 0.50717889], rel=1e-6)
    assert [g.brier.estimate for g in within] == pytest.approx([0.1251856656, 0.1324659152], rel=1e-6)
    rates = by_group(y, (p >= 0.5).astype(int), group)
    assert [g.tpr.estimate for g in rates if g.tpr] == pytest.approx([0.817815397, 0.8233641108], rel=1e-6)
    assert [g.fpr.estimate for g in rates if g.fpr] == pytest.approx([0.1826121477, 0.1801514548], rel=1e-6)
    odds = equalized_odds_difference(y, p >= 0.5, group, resamples=500)
    assert odds.low == 0 and odds.high < 0.05
    one, two = (g.slope for g in within)
    assert one and two and one.low < 1 < one.high and two.high < 0.6


cases = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.sampled_from("abc")), min_size=6, max_size=60
).filter(lambda r: len({g for _, _, g in r}) > 1)


@settings(max_examples=20)
@given(cases)
def test_criteria_agree_with_fairlearn(drawn: list[tuple[int, int, str]]) -> None:
    metrics = pytest.importorskip("fairlearn.metrics")
    y, called, group = (np.array(column) for column in zip(*drawn, strict=True))
    pairs = [
        (demographic_parity_difference, metrics.demographic_parity_difference),
        (demographic_parity_ratio, metrics.demographic_parity_ratio),
    ]
    if all(0 < y[group == g].sum() < (group == g).sum() for g in np.unique(group)):
        pairs += [
            (equalized_odds_difference, metrics.equalized_odds_difference),
            (equal_opportunity_difference, metrics.equal_opportunity_difference),
        ]
        rates = [[called[(group == g) & (y == k)].mean() for g in np.unique(group)] for k in (0, 1)]
        if all(max(one) > 0 for one in rates):
            pairs += [
                (equalized_odds_ratio, metrics.equalized_odds_ratio),
                (equal_opportunity_ratio, metrics.equal_opportunity_ratio),
            ]
    for ours, theirs in pairs:
        if ours is demographic_parity_ratio and not called.any():
            with pytest.raises(ValueError, match="0 in every group"):
                ours(y, called, group, resamples=50)
            continue
        found = ours(y, called, group, resamples=50)
        assert found.estimate == pytest.approx(theirs(y, called, sensitive_features=group), abs=1e-12)
        assert 0 <= found.low <= found.estimate + 1e-12 and found.estimate <= found.high + 1e-12 <= 1 + 2e-12
        assert found.high > found.low


def test_frames_agree_with_fairlearn() -> None:
    """Several rates by the intersection of two attributes, against MetricFrame."""
    metrics = pytest.importorskip("fairlearn.metrics")
    generator = np.random.default_rng(0)
    y, called = generator.integers(0, 2, (2, 400))
    sex, site = generator.choice(["f", "m"], 400), generator.choice(["north", "south", "west"], 400)
    frame = metrics.MetricFrame(
        metrics={
            "selection": metrics.selection_rate,
            "tpr": metrics.true_positive_rate,
            "fpr": metrics.false_positive_rate,
        },
        y_true=y,
        y_pred=called,
        sensitive_features={"sex": sex, "site": site},
    )
    found = by_group(y, called, {"sex": sex, "site": site})
    assert [g.group for g in found][:2] == ["sex=f, site=north", "sex=f, site=south"] and len(found) == 6
    for g in found:
        key = tuple(part.split("=")[1] for part in g.group.split(", "))
        for name in ("selection", "tpr", "fpr"):
            assert getattr(g, name).estimate == pytest.approx(frame.by_group.loc[key, name])
    assert [g.n for g in by_group(y, called, np.column_stack([sex, site]))] == [g.n for g in found]


@pytest.mark.parametrize("real", [0.0, 0.15])
def test_gap_of_two_groups_covers_95_percent(real: float) -> None:
    """100 and 60 positives; truly no gap, and a gap of .15."""
    generator = np.random.default_rng(1)
    group = np.repeat(["a", "b"], [100, 60])
    hits = 0
    for repeat in range(1000):
        called = generator.random(160) < np.where(group == "a", 0.85, 0.85 - real)
        found = worst_group_gap(np.ones(160), called, group, metric="tpr", resamples=400, seed=repeat).gap
        hits += found.low <= real <= found.high
    assert 0.93 <= hits / 1000 <= 0.97


def test_gap_of_five_groups_covers_at_least_95_percent() -> None:
    generator = np.random.default_rng(2)
    group = np.repeat(np.arange(5), 80)
    for truth in (np.full(5, 0.8), np.array([0.9, 0.8, 0.8, 0.8, 0.6])):
        hits, excess, bias = 0, 0.0, 0.0
        for repeat in range(400):
            called = generator.random(400) < truth[group]
            found = worst_group_gap(np.ones(400), called, group, metric="tpr", resamples=400, seed=repeat)
            hits += found.gap.low <= np.ptp(truth) <= found.gap.high
            excess += found.gap.estimate - np.ptp(truth)
            bias += found.bias
        assert hits / 400 >= 0.93
        # The maximum looks larger than it is, and the bootstrap says so.
        if np.ptp(truth) == 0:
            assert excess / 400 > 0.05 and bias / 400 > 0.02


def test_ratio_covers_95_percent() -> None:
    generator = np.random.default_rng(3)
    group = np.repeat(["a", "b"], [150, 150])
    hits = 0
    for repeat in range(600):
        called = generator.random(300) < np.where(group == "a", 0.5, 0.35)
        found = demographic_parity_ratio(np.ones(300), called, group, resamples=400, seed=repeat)
        hits += found.low <= 0.7 <= found.high
    assert 0.92 <= hits / 600 <= 0.975


def test_gap_of_clusters_covers_95_percent() -> None:
    """40 patients of each group with five images that are called alike or not."""
    generator = np.random.default_rng(4)
    cluster = np.repeat(np.arange(80), 5)
    group = np.where(cluster < 40, "a", "b")
    hits = naive = 0
    for repeat in range(400):
        skill = np.where(np.arange(80) < 40, generator.beta(4, 1, 80), generator.beta(3, 2, 80))
        called = generator.random(400) < skill[cluster]
        y = np.ones(400)
        found = worst_group_gap(y, called, group, cluster=cluster, resamples=400, seed=repeat).gap
        hits += found.low <= 0.2 <= found.high
        alone = worst_group_gap(y, called, group, resamples=400, seed=repeat).gap
        naive += alone.low <= 0.2 <= alone.high
    assert 0.92 <= hits / 400 <= 0.975 and naive / 400 < 0.9


def test_gap_in_area_and_brier() -> None:
    generator = np.random.default_rng(5)
    y = generator.integers(0, 2, 600)
    group = np.repeat(["ct", "mr", "us"], 200)
    score = 1 / (1 + np.exp(-(y - 0.5) * np.where(group == "us", 0.5, 3) - generator.normal(size=600)))
    found = worst_group_gap(y, score > 0.5, group, metric="auc", score=score, resamples=500)
    areas = {g: auc(y[group == g], score[group == g]).estimate for g in ("ct", "mr", "us")}
    assert found.values == pytest.approx(areas) and found.lowest == "us"
    assert found.gap.estimate == pytest.approx(max(areas.values()) - areas["us"]) and found.gap.low > 0.05
    brier = worst_group_gap(y, score > 0.5, group, metric="brier", score=score, resamples=500)
    assert brier.highest == "us"
    assert brier.values["ct"] == pytest.approx(((score - y)[group == "ct"] ** 2).mean())
    clustered = worst_group_gap(
        y, score > 0.5, group, metric="auc", score=score, cluster=np.arange(600) // 2, resamples=500
    )
    assert clustered.gap.estimate == pytest.approx(found.gap.estimate)


def test_small_groups_are_marked_or_left_out() -> None:
    y, called, group = rows({"many": (40, 10, 10, 40), "few": (3, 0, 0, 2), "none": (4, 1, 0, 0)})
    few, many, none = by_group(y, called, group)
    assert (few.small, many.small, none.small) == (True, False, True)
    assert none.tpr is None and none.fpr is not None and few.tpr is not None and few.tpr.low < 0.5
    found = worst_group_gap(y, called, group, metric="tpr")
    assert found.left_out == ("none",) and found.gap.low == 0
    with pytest.raises(ValueError, match="two or more"):
        worst_group_gap(y, called, group, metric="tpr", min_group_size=10)


def test_group_tests_are_adjusted() -> None:
    y, called, group = rows({"a": (90, 10, 5, 45), "b": (90, 10, 5, 45), "c": (90, 10, 25, 25)})
    found = group_tests(y, called, group)
    by_name = {test.group: test for test in found.tests}
    assert by_name["c"].reject and not (by_name["a"].difference.low < 0 and by_name["a"].difference.high < 0)
    assert by_name["c"].difference.estimate == pytest.approx(0.5 - 0.9)
    assert all(test.adjusted_p_value >= test.p_value for test in found.tests)
    against = group_tests(y, called, group, reference="a", method="bonferroni")
    assert [test.group for test in against.tests] == ["b", "c"]
    assert against.tests[0].p_value == 1 and against.tests[1].adjusted_p_value == pytest.approx(
        min(1, 2 * against.tests[1].p_value)
    )
    assert len(group_tests(*rows(COMPAS)).tests) == 1


def test_group_tests_keep_their_family_wise_level() -> None:
    """Five groups that are alike: some rejection in at most 5%; also where patients have several images."""
    generator = np.random.default_rng(6)
    any_plain = any_clustered = 0
    group = np.repeat(np.arange(5), 60)
    for _ in range(250):
        called = generator.random(300) < 0.8
        any_plain += any(t.reject for t in group_tests(np.ones(300), called, group).tests)
        images = np.repeat(called, 4)
        found = group_tests(np.ones(1200), images, np.repeat(group, 4), cluster=np.repeat(np.arange(300), 4))
        any_clustered += any(t.reject for t in found.tests)
    assert any_plain / 250 <= 0.09 and any_clustered / 250 <= 0.09


def test_calibration_of_a_group_with_one_class() -> None:
    one, two = calibration_by_group(
        [0, 0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.3, 0.9], list("aaabbbb")
    )
    assert one.slope is None and "only class 0" in one.reason and one.brier.high > 0
    assert two.slope is not None and two.reason == ""


@pytest.mark.parametrize(
    ("y", "called", "group", "match"),
    [
        ([[0], [1]], [0, 1], ["a", "b"], r"\(2, 1\)"),
        ([0, np.nan], [0, 1], ["a", "b"], "NaN"),
        ([0, 1], [0, 0.5], ["a", "b"], "0 and 1"),
        ([0, 1], [0, 1], ["a"], "1 rows"),
        ([0, 1], [0, 1], [1.0, np.nan], "NaN"),
        ([0, 1], [0, 1], ["a", None], "1 missing"),
        ([0, 1], [0, 1], [["a"], ["b"]], r"\(2, 1\)"),
        ([0, 1], [0, 1], {}, "no attribute"),
        ([], [], [], "empty"),
    ],
)
def test_bad_groups(y: list, called: list, group: object, match: str) -> None:
    for function in (by_group, demographic_parity_difference, group_tests):
        with pytest.raises(ValueError, match=match):
            function(y, called, group)  # type: ignore[operator]


def test_bad_questions() -> None:
    with pytest.raises(ValueError, match="metric"):
        worst_group_gap([0, 1], [0, 1], ["a", "b"], metric="f1")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs score"):
        worst_group_gap([0, 1], [0, 1], ["a", "b"], metric="auc")
    with pytest.raises(ValueError, match="1 groups"):
        demographic_parity_difference([0, 1], [0, 1], ["a", "a"])
    with pytest.raises(ValueError, match="one group only"):
        group_tests([0, 1], [0, 1], ["a", "a"])
    with pytest.raises(ValueError, match="reference"):
        group_tests([0, 1], [0, 1], ["a", "b"], reference="c")
