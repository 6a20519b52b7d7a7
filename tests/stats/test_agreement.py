from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, norm
from scipy.stats import t as student

from overread.stats.agreement import (
    bland_altman,
    cohen_kappa,
    concordance_correlation,
    fleiss_kappa,
    icc,
    rating_counts,
)

# Shrout and Fleiss, Psychol Bull 1979;86:420: six subjects, four judges.
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

# Ten subjects, fourteen raters, five categories; kappa .210.
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def test_published_kappa() -> None:
    """Worked in the R package epiR (epi.kappa, method fleiss): a table of 291 pairs."""
    found = cohen_kappa([[19, 10], [6, 256]], method="fleiss")
    assert found.kappa.estimate == pytest.approx(0.673583847448, rel=1e-6)
    limits = (found.kappa.low, found.kappa.high)
    assert limits == pytest.approx((0.559071918794, 0.788095776102), rel=1e-6)
    assert found.z == pytest.approx(11.5289306283, rel=1e-6)
    assert found.pabak is not None and found.pabak.estimate == pytest.approx(0.890034364261, rel=1e-6)


tables = st.integers(2, 4).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 20), min_size=k, max_size=k), min_size=k, max_size=k)
)


@settings(max_examples=50)
@given(tables, st.sampled_from([None, "linear", "quadratic"]))
def test_kappa_agrees_with_statsmodels(table: list, weights: str | None) -> None:
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    counts = np.array(table)
    share = counts / max(1, counts.sum())
    if not counts.any() or np.outer(share.sum(1), share.sum(0)).diagonal().max() > 1 - 1e-9:
        with pytest.raises(ValueError):
            cohen_kappa(table, weights=weights)  # type: ignore[arg-type]
        return
    found = cohen_kappa(table, weights=weights)  # type: ignore[arg-type]
    with np.errstate(invalid="ignore"):  # theirs may find a variance a little below 0
        theirs = rater.cohens_kappa(counts, wt={None: None, "linear": "linear", "quadratic": "fc"}[weights])
    assert found.kappa.estimate == pytest.approx(theirs.kappa, abs=1e-9)
    if found.observed < 1 - 1e-9 and theirs.var_kappa > 1e-12:
        low, high = max(-1, theirs.kappa_low), min(1, theirs.kappa_upp)
        assert (found.kappa.low, found.kappa.high) == pytest.approx((low, high), abs=1e-6)
        if theirs.var_kappa0 > 1e-12:
            assert found.z == pytest.approx(theirs.kappa / np.sqrt(theirs.var_kappa0), rel=1e-6, abs=1e-9)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=40))
def test_kappa_of_ratings_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    one, two = np.array(pairs).T
    if len(np.unique(np.concatenate([one, two]))) < 2:
        return
    for weights in (None, "linear", "quadratic"):
        theirs = metrics.cohen_kappa_score(one, two, weights=weights)
        assert cohen_kappa(one, two, weights=weights).kappa.estimate == pytest.approx(theirs, abs=1e-9)  # type: ignore[arg-type]


def test_kappa_of_text_and_of_unused_categories() -> None:
    one, two = ["low", "mid", "high", "mid"], ["low", "mid", "mid", "mid"]
    # Sorted, the categories are high, low, mid.
    assert cohen_kappa(one, two).kappa == cohen_kappa([[0, 0, 1], [0, 1, 0], [0, 0, 2]]).kappa
    with pytest.raises(ValueError, match="need categories"):
        cohen_kappa(one, two, weights="linear")
    ordered = cohen_kappa(one, two, weights="linear", categories=["low", "mid", "high"])
    assert ordered.table.tolist() == [[1, 0, 0], [0, 2, 0], [0, 1, 0]]
    with pytest.raises(ValueError, match="not among"):
        cohen_kappa(one, two, categories=["low", "mid"])


def test_full_agreement_keeps_a_width() -> None:
    found = cohen_kappa([[20, 0], [0, 10]]).kappa
    assert found.estimate == found.high == 1 and 0.7 < found.low < 0.95
    several = fleiss_kappa([[3, 0], [0, 3], [3, 0], [0, 3]]).kappa
    assert several.estimate == several.high == 1 and several.low < 0.5


def test_kappa_covers_95_percent() -> None:
    """100 cases, kappa .6, and the same where patients have four images that agree or not together."""
    chances = np.array([[0.32, 0.08], [0.12, 0.48]])
    truth = cohen_kappa((chances * 100).astype(int)).kappa.estimate
    generator = np.random.default_rng(0)
    hits = sum(
        k.low <= truth <= k.high
        for k in (
            cohen_kappa(t.reshape(2, 2)).kappa for t in generator.multinomial(100, chances.ravel(), 1500)
        )
    )
    assert 0.93 <= hits / 1500 <= 0.97
    hits = 0
    cluster = np.repeat(np.arange(50), 4)
    for _ in range(600):
        cell = np.repeat(generator.choice(4, 50, p=chances.ravel()), 4)
        own = generator.random(200) < 0.3
        cell[own] = generator.choice(4, own.sum(), p=chances.ravel())
        found = cohen_kappa(cell // 2, cell % 2, cluster=cluster).kappa
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 600 <= 0.975


@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        (([[1, 2], [3, 4], [5, 6]],), {}, r"\(3, 2\)"),
        (([[1, -2], [3, 4]],), {}, "whole numbers"),
        (([[9, 0], [0, 0]],), {}, "one and the same"),
        (([1, 2], [1, 2, 3]), {}, "3 rows, expected 2"),
        (([1, np.nan], [1, 2]), {}, "NaN"),
        (([[1], [2]], [1, 2]), {}, r"\(2, 1\)"),
        (([1], [1]), {}, "one and the same"),
        (([1, 2], [1, 2]), {"weights": "cubic"}, "weights"),
        (([1, 2], [1, 2]), {"weights": [[1, 2], [0, 1]]}, "diagonal"),
    ],
)
def test_what_has_no_kappa(arguments: tuple, options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        cohen_kappa(*arguments, **options)


def test_published_fleiss_kappa() -> None:
    found = fleiss_kappa(FLEISS)
    assert found.kappa.estimate == pytest.approx(0.210, abs=5e-4)
    assert found.kappa.low < 0.21 < found.kappa.high and found.z > 10


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=15))
def test_fleiss_kappa_agrees_with_statsmodels(ratings: list) -> None:
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    counts = rating_counts(ratings)
    if counts.shape[1] < 2:
        with pytest.raises(ValueError, match="one category"):
            fleiss_kappa(counts)
        return
    assert fleiss_kappa(counts).kappa.estimate == pytest.approx(rater.fleiss_kappa(counts), abs=1e-9)


def test_fleiss_kappa_of_two_raters_close_to_cohens() -> None:
    generator = np.random.default_rng(1)
    one = generator.integers(0, 3, 2000)
    two = np.where(generator.random(2000) < 0.7, one, generator.integers(0, 3, 2000))
    several = fleiss_kappa(rating_counts(np.column_stack([one, two]))).kappa
    cohen = cohen_kappa(one, two).kappa
    assert (several.estimate, several.low, several.high) == pytest.approx(
        (cohen.estimate, cohen.low, cohen.high), abs=2e-3
    )


def test_fleiss_z_is_standard_normal_under_chance() -> None:
    generator = np.random.default_rng(2)
    z = [fleiss_kappa(generator.multinomial(5, [0.5, 0.3, 0.2], 60)).z for _ in range(1500)]
    assert abs(np.mean(z)) < 0.25
    assert np.std(z) == pytest.approx(1, abs=0.06)


def test_fleiss_kappa_covers_95_percent() -> None:
    """100 subjects whose own shares of two categories vary (Beta(2, 2), kappa .2), five raters each."""
    generator = np.random.default_rng(3)
    hits = 0
    for _ in range(1000):
        ones = generator.binomial(5, generator.beta(2, 2, 100))
        found = fleiss_kappa(np.column_stack([ones, 5 - ones])).kappa
        hits += found.low <= 0.2 <= found.high
    assert 0.93 <= hits / 1000 <= 0.97


def test_uneven_raters() -> None:
    with pytest.raises(ValueError, match="2 to 3 ratings"):
        fleiss_kappa([[1, 1], [2, 1]])
    with pytest.raises(ValueError, match="two or more"):
        fleiss_kappa([[1, 0], [0, 1]])
    with pytest.raises(ValueError, match="NaN"):
        rating_counts([[1.0, np.nan]])
    with pytest.raises(ValueError, match="subjects, raters"):
        rating_counts([1, 2])


def test_published_icc() -> None:
    found = icc(SHROUT_FLEISS)
    expected = {
        "icc11": 0.1657417685,
        "icc21": 0.2897637796,
        "icc31": 0.7148407148,
        "icc1k": 0.4427971337,
        "icc2k": 0.6200505476,
        "icc3k": 0.9093155424,
    }
    for name, value in expected.items():
        assert getattr(found, name).icc.estimate == pytest.approx(value, rel=1e-6)
    # F tests and limits as printed for these data in the R package psych (ICC).
    assert (found.icc11.f, found.icc11.p_value) == pytest.approx((1.79, 0.165), abs=5e-3)
    assert (found.icc31.f, found.icc31.p_value) == pytest.approx((11.03, 0.000135), abs=5e-3)
    limits = {
        "icc11": (-0.133, 0.72),
        "icc21": (0.019, 0.76),
        "icc31": (0.342, 0.95),
        "icc1k": (-0.884, 0.91),
        "icc2k": (0.071, 0.93),
        "icc3k": (0.676, 0.99),
    }
    for name, (low, high) in limits.items():
        interval = getattr(found, name).icc
        assert interval.low == pytest.approx(low, abs=5e-4) and interval.high == pytest.approx(high, abs=5e-3)


def test_icc_agrees_with_a_mixed_model() -> None:
    """ICC(1,1) of balanced data is the share of the variance between subjects of a random-intercept model."""
    mixed = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    generator = np.random.default_rng(4)
    x = generator.normal(size=(40, 1)) * 1.5 + generator.normal(size=(40, 3))
    model = mixed.MixedLM(x.ravel(), np.ones(120), np.repeat(np.arange(40), 3)).fit()
    between = float(model.cov_re[0, 0])
    assert icc(x).icc11.icc.estimate == pytest.approx(between / (between + model.scale), abs=1e-3)


def test_icc_covers_95_percent() -> None:
    """30 subjects, 4 raters with their own shifts; single ratings of form 2 truly .5, of form 3 .625."""
    generator = np.random.default_rng(5)
    hits = {"icc21": 0, "icc31": 0, "icc2k": 0}
    truth = {"icc21": 0.5, "icc31": 0.625, "icc2k": 0.8}
    for _ in range(1200):
        x = generator.normal(size=(30, 1)) + generator.normal(size=(1, 4)) * np.sqrt(0.4)
        x = x + generator.normal(size=(30, 4)) * np.sqrt(0.6)
        found = icc(x)
        for name in hits:
            interval = getattr(found, name).icc
            hits[name] += interval.low <= truth[name] <= interval.high
    # Satterthwaite's degrees of freedom with four raters only: form 2 covers a little more or less than 95%.
    assert all(0.93 <= count / 1200 <= 0.97 for count in hits.values()), hits


def test_icc_of_ratings_without_error() -> None:
    x = np.arange(5.0)[:, None]
    same = icc(np.hstack([x, x, x]))
    assert same.icc21.icc.estimate == same.icc31.icc.low == same.icc11.icc.high == 1 and np.isinf(
        same.icc11.f
    )
    shifted = icc(np.hstack([x, x + 3]))
    assert shifted.icc31.icc.estimate == 1 > shifted.icc21.icc.high
    assert shifted.icc21.icc.low < shifted.icc21.icc.estimate < 1


@pytest.mark.parametrize(
    ("ratings", "match"),
    [
        ([[1, 2]], "two or more"),
        ([[1], [2]], "two or more"),
        ([[1, 1], [1, 1]], "all ratings are equal"),
        ([[1, np.nan], [1, 2]], "NaN"),
        ([1, 2, 3], r"\(3,\)"),
    ],
)
def test_what_has_no_icc(ratings: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        icc(ratings)


# Bland and Altman, Lancet 1986;327:307: peak expiratory flow (l/min) by Wright and by mini meter, first readings.
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_published_limits_of_agreement() -> None:
    """The paper: mean -2.1, sd 38.8, limits -79.7 and 75.5 (with 2 sd), 95% limits of the bias -22.0 to 17.8."""
    found = bland_altman(WRIGHT, MINI, method="approximate")
    assert found.bias.estimate == pytest.approx(-2.1, abs=0.05) and found.sd == pytest.approx(38.8, abs=0.05)
    assert (found.bias.low, found.bias.high) == pytest.approx((-22.0, 17.8), abs=0.1)
    two = float(norm.cdf(2) - norm.cdf(-2))
    assert bland_altman(WRIGHT, MINI, agreement=two).upper.estimate == pytest.approx(75.5, abs=0.1)
    # Exact limits lie further out than in: the distribution of a standard deviation is skew.
    exact = bland_altman(WRIGHT, MINI)
    assert exact.upper.high - exact.upper.estimate > exact.upper.estimate - exact.upper.low
    assert exact.upper.high == pytest.approx(found.upper.high, rel=0.15)


def test_limits_of_agreement_cover_95_percent() -> None:
    generator = np.random.default_rng(6)
    hits = {"exact": 0, "approximate": 0}
    for _ in range(800):
        d = generator.normal(1, 2, 30)
        for method in hits:
            found = bland_altman(d, np.zeros(30), method=method)  # type: ignore[arg-type]
            hits[method] += found.upper.low <= 1 + 2 * norm.ppf(0.975) <= found.upper.high
    assert all(0.93 <= count / 800 <= 0.97 for count in hits.values()), hits


def test_repeated_measurements_cover_95_percent() -> None:
    """20 subjects, 2 to 6 pairs each; variance 1 between subjects and 1 within."""
    generator = np.random.default_rng(7)
    truth = 0.5 + norm.ppf(0.975) * np.sqrt(2)
    hits = naive = 0
    for _ in range(1000):
        subject = np.repeat(np.arange(20), generator.integers(2, 7, 20))
        d = 0.5 + generator.normal(size=20)[subject] + generator.normal(size=len(subject))
        found = bland_altman(d, np.zeros_like(d), subject=subject)
        hits += found.upper.low <= truth <= found.upper.high
        alone = bland_altman(d, np.zeros_like(d), method="approximate")
        naive += alone.upper.low <= truth <= alone.upper.high
    assert 0.93 <= hits / 1000 <= 0.97 and naive < hits


def test_limits_of_repeated_measurements_by_hand() -> None:
    """Zou, Stat Methods Med Res 2013;22:630, step by step: the mean's part of the limits takes the normal quantile."""
    of_subject = [[1.0, 2.0, 1.5], [0.0, 0.4], [2.2, 2.6, 2.0, 2.4], [-0.5, 0.1]]
    difference = np.concatenate(of_subject)
    subject = np.repeat(np.arange(4), [len(v) for v in of_subject])
    found = bland_altman(difference, np.zeros(11), subject=subject)
    means = np.array([np.mean(v) for v in of_subject])
    within = sum(float(np.sum((np.array(v) - np.mean(v)) ** 2)) for v in of_subject) / 7
    between = float(np.var(means, ddof=1))
    part = (1 - np.mean([1 / 3, 1 / 2, 1 / 4, 1 / 2])) * within
    total = between + part
    upper_of_total = total + np.hypot(
        between * (3 / chi2.ppf(0.025, 3) - 1), part * (7 / chi2.ppf(0.025, 7) - 1)
    )
    z = norm.ppf(0.975)
    limit = means.mean() + z * np.sqrt(total)
    far = np.hypot(z * np.sqrt(between / 4), z * (np.sqrt(upper_of_total) - np.sqrt(total)))
    assert found.upper.estimate == pytest.approx(limit)
    assert found.upper.high == pytest.approx(limit + far)
    # The bias itself has Student's t.
    assert found.bias.high == pytest.approx(means.mean() + student.ppf(0.975, 3) * np.sqrt(between / 4))


def test_repeated_measurements_of_one_pair_each_are_plain() -> None:
    assert bland_altman(WRIGHT, MINI, subject=np.arange(17)) == bland_altman(WRIGHT, MINI)


def test_relative_differences() -> None:
    found = bland_altman([11, 22, 30], [9, 18, 33], relative=True)
    assert found.bias.estimate == pytest.approx((20 + 20 - 100 * 3 / 31.5) / 3)
    with pytest.raises(ValueError, match="above 0"):
        bland_altman([1, 0], [1, 0], relative=True)


@pytest.mark.parametrize(
    ("first", "second", "match"),
    [
        ([1], [2], "one case"),
        ([1, 2], [0, 1], "all differences are equal"),
        ([1, np.nan], [0, 1], "NaN"),
        ([[1], [2]], [1, 2], r"\(2, 1\)"),
        ([1, 2], [1, 2, 3], "3 rows"),
    ],
)
def test_what_has_no_limits_of_agreement(first: list, second: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        bland_altman(first, second)


def test_concordance_by_hand() -> None:
    x, y = np.array([1.0, 2, 3, 4, 5]), np.array([1.5, 2.5, 2.5, 4.5, 6])
    found = concordance_correlation(x, y)
    expected = 2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    assert found.ccc.estimate == pytest.approx(expected)
    assert found.pearson == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert found.ccc.estimate == pytest.approx(found.pearson * found.bias_correction)


def test_concordance_covers_95_percent() -> None:
    """80 cases, correlation .8, one sd shifted by .3 and scaled by 1.2; also without any correlation."""
    generator = np.random.default_rng(8)
    for rho in (0.8, 0.0):
        truth = 2 * rho * 1.2 / (1 + 1.44 + 0.09)
        hits = 0
        for _ in range(1000):
            x = generator.normal(size=80)
            y = 0.3 + 1.2 * (rho * x + np.sqrt(1 - rho**2) * generator.normal(size=80))
            found = concordance_correlation(x, y).ccc
            hits += found.low <= truth <= found.high
        assert 0.93 <= hits / 1000 <= 0.97


def test_what_has_no_concordance() -> None:
    same = concordance_correlation([1, 2, 3], [1, 2, 3])
    assert same.ccc.estimate == same.ccc.low == 1
    with pytest.raises(ValueError, match="constant"):
        concordance_correlation([1, 1, 1], [1, 2, 3])
    with pytest.raises(ValueError, match="three or more"):
        concordance_correlation([1, 2], [1, 2])


def test_published_weighted_kappa() -> None:
    """Fleiss, Cohen and Everitt 1969: 200 cases; their error of weighted kappa, and under chance."""
    shares = np.array([[53, 5, 2], [11, 14, 5], [1, 6, 3]])
    agreement = [[1, 0, 4 / 9], [0, 1, 6 / 9], [4 / 9, 6 / 9, 1]]
    found = cohen_kappa(shares * 2, weights=agreement)
    error = (found.kappa.high - found.kappa.estimate) / norm.ppf(0.975)
    assert found.kappa.estimate == pytest.approx(0.507, abs=5e-4)
    assert error**2 == pytest.approx(0.003248, abs=5e-7)
    assert (found.kappa.estimate / found.z) ** 2 == pytest.approx(0.004269, abs=1e-6)
    disagreement = 9 * (1 - np.array(agreement))
    assert cohen_kappa(shares * 2, weights=disagreement).kappa.low == pytest.approx(found.kappa.low)
    assert cohen_kappa(shares * 2).kappa.estimate == pytest.approx(0.429, abs=5e-4)


def test_error_with_chance_known() -> None:
    """85 xeromammograms read by two radiologists (Altman, Practical Statistics for Medical Research, 14.3)."""
    table = [[21, 12, 0, 0], [4, 17, 1, 0], [3, 9, 15, 2], [0, 0, 0, 1]]
    found = cohen_kappa(table, method="cohen").kappa
    assert found.estimate == pytest.approx(0.47, abs=5e-3)
    error = np.sqrt(54 / 85 * 31 / 85 / 85) / (1 - (33 * 28 + 22 * 38 + 29 * 16 + 1 * 3) / 85**2)
    limits = found.estimate + norm.ppf([0.025, 0.975]) * error
    assert (found.low, found.high) == pytest.approx(limits)
    assert cohen_kappa(table, weights="linear").kappa.estimate == pytest.approx(0.57, abs=5e-3)
    with pytest.raises(ValueError, match="weighted"):
        cohen_kappa(table, weights="linear", method="cohen")
    with pytest.raises(ValueError, match="independent"):
        cohen_kappa([1, 0, 1], [1, 0, 0], cluster=[1, 1, 2], method="cohen")


def test_published_psychiatric_diagnoses() -> None:
    """Fleiss 1971, table 1: 30 patients, six psychiatrists; kappa .430, z 17.65, and kappa of each diagnosis."""
    rows = (
        "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 00501 30012 51000 "
        "02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
    )
    found = fleiss_kappa([[int(count) for count in row] for row in rows.split()])
    assert (found.kappa.estimate, found.z) == pytest.approx((0.430, 17.652), abs=6e-4)
    assert found.by_category == pytest.approx([0.245, 0.245, 0.520, 0.471, 0.566], abs=6e-4)


def test_published_peak_flow_limits() -> None:
    """Bland and Altman, Lancet 1986: limits at two standard deviations, each with its interval."""
    wright = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
    mini = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
    found = bland_altman(wright, mini, agreement=0.954499736, method="lancet")
    assert (found.bias.estimate, found.sd) == pytest.approx((-2.1, 38.8), abs=0.05)
    assert (found.bias.low, found.bias.high) == pytest.approx((-22.0, 17.8), abs=0.06)
    # The paper carries rounded figures through.
    assert [found.lower.estimate, found.lower.low, found.lower.high] == pytest.approx(
        [-79.7, -114.3, -45.1], abs=0.2
    )
    assert [found.upper.estimate, found.upper.low, found.upper.high] == pytest.approx(
        [75.5, 40.9, 110.1], abs=0.2
    )


def test_ratings_as_they_come() -> None:
    """Columns of objects, and ratings that are missing: never a category of their own."""
    one, two = [1, 0, 1, 1, 0], [1, 0, 0, 1, 0]
    plain = cohen_kappa(one, two)
    assert cohen_kappa(np.array(one, dtype=object), two).kappa == plain.kappa
    assert cohen_kappa([True, False, True, True, False], two).kappa == plain.kappa
    for missing in (None, np.nan):
        with pytest.raises(ValueError, match="1 missing"):
            cohen_kappa(["a", "b", missing], ["a", "b", "b"])
        with pytest.raises(ValueError, match="missing"):
            rating_counts([["a", "b"], ["a", missing]])
    with pytest.raises(ValueError, match="same form"):
        cohen_kappa(["a", "b"], [1, 2])


def test_limits_of_few_agreeing_cases_stay_on_the_scale() -> None:
    assert cohen_kappa(["a", "b"], ["a", "b"], weights="linear", categories=["a", "b", "c"]).kappa.low == -1
    assert fleiss_kappa([[2, 0], [0, 2]]).kappa.low >= -1
    with pytest.raises(ValueError, match="twice"):
        cohen_kappa(["a", "b"], ["a", "b"], categories=["a", "a", "b"])
