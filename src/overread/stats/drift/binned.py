"""Comparisons of counts: population stability index, chi-square, Cramer's V, Jensen-Shannon."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2

from overread.stats.arrays import Floats, as_floats, check_confidence
from overread.stats.drift.bins import binned_counts
from overread.stats.drift.result import DriftTest, chi_square_interval, p_by_count
from overread.stats.interval import Interval

TestMethod = Literal["auto", "chi-square", "permutation"]
MINIMUM_PER_BIN = 5.0


def psi(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    bins: int | ArrayLike | None = 10,
    confidence: float = 0.95,
    method: TestMethod = "auto",
    minimum_per_bin: float = MINIMUM_PER_BIN,
    permutations: int = 2000,
    seed: int = 0,
) -> DriftTest:
    """Population stability index of two samples: sum (a - e) ln(a / e) over bins.

    ``bins``: a number of bins of equal mass in the reference (equal edges merge), inner edges as a list, or
    None for categories (text or codes). See ``psi_from_counts`` for the interval and the test.

    Where nothing differs the index is still about (bins - 1)(1 / n + 1 / m): 0.2 with two samples of 90 rows
    and 10 bins. ``effect`` is the index with that taken off; ``statistic`` is the plain one.

    Raises ValueError for NaN, and where a sample has fewer than ``minimum_per_bin`` rows a bin: take fewer
    bins, or an exact Kolmogorov-Smirnov test, which needs no bins.
    """
    counts = binned_counts(reference, current, bins)
    return psi_from_counts(
        *counts,
        confidence=confidence,
        method=method,
        minimum_per_bin=minimum_per_bin,
        permutations=permutations,
        seed=seed,
    )


def psi_from_counts(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    confidence: float = 0.95,
    method: TestMethod = "auto",
    minimum_per_bin: float = MINIMUM_PER_BIN,
    permutations: int = 2000,
    seed: int = 0,
) -> DriftTest:
    """Population stability index of counts (k,) in the same k bins, with interval and test.

    Over (1 / n + 1 / m) the index is about chi-square with k - 1 degrees of freedom where nothing differs
    (Yurdakul and Naranjo, J Risk Model Valid 2020;14:89), noncentral where something does: the interval is
    that of the noncentrality, widened by the delta method's variance for large shifts. A bin that is empty in
    one sample gets 0.5 in both, and the note says so. ``permutation`` redraws both rows of counts with the
    margins fixed; ``auto`` does so where a bin expects fewer than 5 rows.
    """
    r, c = _tables(reference, current, minimum_per_bin)
    n, m = r.sum(), c.sum()
    e, a, note = _shares(r, c)
    value, scale, df = _psi(e, a), 1 / n + 1 / m, len(r) - 1
    ga, ge = np.log(a / e) + 1 - e / a, np.log(e / a) + 1 - a / e
    spread = np.sqrt((a @ ga**2 - (a @ ga) ** 2) / m + (e @ ge**2 - (e @ ge) ** 2) / n)
    effect = chi_square_interval(
        value,
        scale,
        df,
        confidence,
        int(n + m),
        "noncentral chi-square, bias taken off",
        spread=float(spread),
    )
    p_value, how = _p_value(r, c, value, value / scale, df, _psi_rows, method, permutations, seed)
    return DriftTest("population stability index", value, p_value, effect, int(n), int(m), how, note)


def psi_from_proportions(expected: ArrayLike, actual: ArrayLike) -> float:
    """Population stability index of two lists of shares (k,), each adding up to 1.

    Shares alone do not say on how many rows they rest, so no interval exists: prefer ``psi_from_counts``.
    Raises ValueError for a share of 0, where the index is infinite.
    """
    e, a = as_floats(expected, "expected"), as_floats(actual, "actual")
    if len(e) != len(a):
        raise ValueError(f"actual has {len(a)} bins, expected {len(e)}")
    for name, shares in (("expected", e), ("actual", a)):
        if (shares <= 0).any() or abs(shares.sum() - 1) > 1e-6:
            raise ValueError(f"{name} must hold shares above 0 that add up to 1, found {shares.sum():g}")
    return _psi(e, a)


def chi_square(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    bins: int | ArrayLike | None = None,
    confidence: float = 0.95,
    method: TestMethod = "auto",
    permutations: int = 2000,
    seed: int = 0,
) -> DriftTest:
    """Pearson's chi-square test of homogeneity of categories (or of bins, as in ``psi``).

    The effect is Cramer's V, see ``cramers_v``. ``auto`` takes the permutation p-value (margins fixed) where
    an expected count is below 5.
    """
    return chi_square_from_counts(
        *binned_counts(reference, current, bins),
        confidence=confidence,
        method=method,
        permutations=permutations,
        seed=seed,
    )


def chi_square_from_counts(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    confidence: float = 0.95,
    method: TestMethod = "auto",
    permutations: int = 2000,
    seed: int = 0,
) -> DriftTest:
    """``chi_square`` of two rows of counts (k,)."""
    r, c = _tables(reference, current, 0.0)
    value, df = float(_chi_square_rows(r[None], c[None])[0]), len(r) - 1
    effect = _cramer(value, r.sum() + c.sum(), df, confidence)
    p_value, how = _p_value(r, c, value, value, df, _chi_square_rows, method, permutations, seed)
    few = _smallest_expected(r, c) < 5
    note = "a category expects fewer than 5 rows" if few else ""
    return DriftTest("chi-square", value, p_value, effect, int(r.sum()), int(c.sum()), how, note)


def cramers_v(
    reference: ArrayLike, current: ArrayLike, *, bins: int | ArrayLike | None = None, confidence: float = 0.95
) -> Interval:
    """Cramer's V of sample against category, 0 to 1, with the bias of small samples taken off.

    sqrt(max(0, chi2 / N - (k - 1) / (N - 1))) over its corrected maximum (Bergsma, J Korean Stat Soc
    2013;42:323); limits from the noncentral chi-square distribution.
    """
    r, c = _tables(*binned_counts(reference, current, bins), 0.0)
    value = float(_chi_square_rows(r[None], c[None])[0])
    return _cramer(value, r.sum() + c.sum(), len(r) - 1, confidence)


def jensen_shannon(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    bins: int | ArrayLike | None = 10,
    confidence: float = 0.95,
    base: float = 2.0,
    minimum_per_bin: float = MINIMUM_PER_BIN,
    permutations: int = 2000,
    seed: int = 0,
) -> DriftTest:
    """Jensen-Shannon distance of two samples in bins (as in ``psi``), with a permutation test.

    ``statistic`` is the distance, the root of the divergence with logarithms to ``base`` (SciPy's
    definition; 0 to 1 for base 2). The effect is the divergence with its bias taken off: near 0 it is an
    eighth of the population stability index, whose distribution gives the limits.
    """
    if not base > 1:
        raise ValueError(f"base is {base}, expected above 1, such as 2")
    r, c = _tables(*binned_counts(reference, current, bins), minimum_per_bin)
    n, m, df = r.sum(), c.sum(), len(r) - 1
    value = float(_jensen_shannon_rows(r[None], c[None])[0])
    e, a, note = _shares(r, c)
    middle = (e + a) / 2
    ga, ge = np.log(a / middle) / 2, np.log(e / middle) / 2
    spread = np.sqrt((a @ ga**2 - (a @ ga) ** 2) / m + (e @ ge**2 - (e @ ge) ** 2) / n)
    scale = (1 / n + 1 / m) / 8
    effect = chi_square_interval(
        value / np.log(base),
        scale / np.log(base),
        df,
        confidence,
        int(n + m),
        "divergence, noncentral chi-square, bias taken off",
        spread=float(spread / np.log(base)),
        largest=float(np.log(2) / np.log(base)),
    )
    p_value, how = _p_value(
        r, c, value, value / scale, df, _jensen_shannon_rows, "permutation", permutations, seed
    )
    statistic = float(np.sqrt(value / np.log(base)))
    return DriftTest("Jensen-Shannon distance", statistic, p_value, effect, int(n), int(m), how, note)


def _tables(reference: ArrayLike, current: ArrayLike, minimum: float) -> tuple[Floats, Floats]:
    r, c = as_floats(reference, "reference"), as_floats(current, "current")
    if len(r) != len(c):
        raise ValueError(f"current has {len(c)} bins, expected {len(r)}")
    if (r < 0).any() or (c < 0).any():
        raise ValueError("counts must be 0 or more")
    used = r + c > 0
    r, c = r[used], c[used]
    for name, table in (("reference", r), ("current", c)):
        if table.sum() < 1:
            raise ValueError(f"{name} holds no rows")
        if table.sum() < minimum * len(r):
            raise ValueError(
                f"{name} has {table.sum():g} rows for {len(r)} bins, expected {minimum:g} a bin or more: "
                "take fewer bins, or compare without bins (ks)"
            )
    if len(r) < 2:
        # One bin holds everything in both samples: nothing can differ.
        r, c = np.append(r, 0.0), np.append(c, 0.0)
    return r, c


def _shares(r: Floats, c: Floats) -> tuple[Floats, Floats, str]:
    note = ""
    if (r == 0).any() or (c == 0).any():
        empty = (r == 0) | (c == 0)
        r, c = r + 0.5 * empty, c + 0.5 * empty
        note = f"{int(empty.sum())} bins empty in a sample: 0.5 added to both"
    return r / r.sum(), c / c.sum(), note


def _psi(e: Floats, a: Floats) -> float:
    return float(np.sum((a - e) * np.log(a / e)))


def _psi_rows(r: Floats, c: Floats) -> Floats:
    empty = (r == 0) | (c == 0)
    r, c = r + 0.5 * empty, c + 0.5 * empty
    e, a = r / r.sum(axis=1, keepdims=True), c / c.sum(axis=1, keepdims=True)
    return np.asarray(((a - e) * np.log(a / e)).sum(axis=1))


def _chi_square_rows(r: Floats, c: Floats) -> Floats:
    n, m = r.sum(axis=1, keepdims=True), c.sum(axis=1, keepdims=True)
    both = r + c
    with np.errstate(invalid="ignore"):
        cells = (r * np.sqrt(m / n) - c * np.sqrt(n / m)) ** 2 / both
    return np.asarray(np.where(both > 0, cells, 0.0).sum(axis=1))


def _jensen_shannon_rows(r: Floats, c: Floats) -> Floats:
    e, a = r / r.sum(axis=1, keepdims=True), c / c.sum(axis=1, keepdims=True)
    middle = (e + a) / 2

    def half(p: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(p > 0, p * np.log(p / middle), 0.0).sum(axis=1) / 2)

    return np.maximum(0.0, half(e) + half(a))


def _smallest_expected(r: Floats, c: Floats) -> float:
    return float(((r + c) * min(r.sum(), c.sum()) / (r.sum() + c.sum())).min())


def _p_value(
    r: Floats,
    c: Floats,
    value: float,
    standardised: float,
    df: int,
    statistic: Any,
    method: TestMethod,
    permutations: int,
    seed: int,
) -> tuple[float, str]:
    if method not in ("auto", "chi-square", "permutation"):
        raise ValueError(f"method is {method!r}, expected 'auto', 'chi-square' or 'permutation'")
    whole = bool((r == np.round(r)).all() and (c == np.round(c)).all())
    if method == "permutation" and not whole:
        raise ValueError("permutation needs whole counts; weighted counts take method='chi-square'")
    if method == "chi-square" or not whole or (method == "auto" and _smallest_expected(r, c) >= 5):
        return float(chi2.sf(standardised, df)), "chi-square"
    if permutations < 1:
        raise ValueError(f"permutations is {permutations}, expected 1 or more")
    both = (r + c).astype(np.int64)
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(both, int(c.sum()), permutations)
    return p_by_count(value, statistic((both - drawn) * 1.0, drawn * 1.0)), "permutation, margins fixed"


def _cramer(value: float, n: float, df: int, confidence: float) -> Interval:
    check_confidence(confidence)
    plain = chi_square_interval(value / n, 1 / n, df, confidence, int(n), "")
    # Two rows: the largest possible chi-square is N; Bergsma's correction of that bound is 1 - 1 / (N - 1).
    largest = max(1e-12, 1 - 1 / max(n - 1, 1e-12)) if n > 2 else 1.0
    corrected = max(0.0, value / n - df / max(n - 1, 1.0))
    low, estimate, high = (float(np.sqrt(min(1.0, v))) for v in (plain.low, corrected / largest, plain.high))
    return Interval(
        estimate,
        min(low, estimate),
        max(high, estimate),
        confidence,
        "Cramer's V, Bergsma, noncentral chi-square",
        int(n),
    )
