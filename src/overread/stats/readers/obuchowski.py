"""Analysis of multi-reader multi-case studies by Obuchowski and Rockette, with Hillis' degrees of freedom."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from overread.stats.arrays import Floats, as_floats, check_confidence
from overread.stats.interval import Interval
from overread.stats.readers.figure_of_merit import FigureOfMerit, figures_of_merit
from overread.stats.readers.results import (
    Anova,
    ObuchowskiRockette,
    ReaderTest,
    TreatmentDifference,
    TreatmentEstimate,
    VarianceComponents,
)
from overread.stats.readers.study import Names, reader_study

MODELS = {
    "rrrc": "random readers, random cases",
    "frrc": "fixed readers, random cases",
    "rrfc": "random readers, fixed cases",
}


def obuchowski_rockette(
    rating: ArrayLike,
    truth: ArrayLike,
    *,
    reader: ArrayLike | None = None,
    treatment: ArrayLike | None = None,
    case: ArrayLike | None = None,
    fom: FigureOfMerit | str = "auc",
    covariance: str = "jackknife",
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    bounds: tuple[float, float] | None = None,
) -> ObuchowskiRockette:
    """Compare treatments (modalities, with and without an aid) that several readers read on the same cases.

    Obuchowski and Rockette (Commun Stat Simul 1995;24:285) with the denominator degrees of freedom of Hillis
    (Stat Med 2007;26:596): random readers and random cases, and either of them fixed. With jackknife
    covariance it equals the method of Dorfman, Berbaum and Metz with Hillis' changes (Stat Med 2005;24:1579).

    Parameters
    ----------
    rating, truth, reader, treatment, case
        A table in long form, or an array (treatments, readers, cases) with NaN where not read, and truth
        (cases,); see ``reader_study``. Cases may differ between readers or between treatments (nested
        designs: covariances of estimates that share no case are 0; Hillis, Stat Med 2014;33:330).
    fom
        The figure of merit: ``auc``, or a function of (truth, rating) of one reader under one treatment
        that returns a number (or an Interval), such as ``sensitivity_at(threshold=3)`` or a partial area.
    covariance
        ``jackknife``, ``delong``, ``unbiased`` or ``bootstrap``; see ``figures_of_merit``.
    bounds
        What the limits of single treatments are cut to: 0 and 1 for ``auc``, ``sensitivity_at`` and
        ``specificity_at``, or a function's own ``bounds``, else nothing.

    Raises ValueError where a reader lacks cases of a class under a treatment: use ``u_statistic`` there.
    """
    study = reader_study(rating, truth, reader=reader, treatment=treatment, case=case)
    table = figures_of_merit(study, fom=fom, covariance=covariance, resamples=resamples, seed=seed)
    name = fom if isinstance(fom, str) else getattr(fom, "__name__", "figure of merit")
    return _analyse(
        table.estimates,
        table.covariance,
        table.cases,
        confidence,
        study.treatments,
        study.readers,
        name,
        covariance,
        _bounds(fom) if bounds is None else bounds,
    )


def obuchowski_rockette_summary(
    estimates: ArrayLike,
    covariance: ArrayLike,
    *,
    cases: int,
    confidence: float = 0.95,
    treatments: Sequence[str] | None = None,
    readers: Sequence[str] | None = None,
) -> ObuchowskiRockette:
    """The same analysis from figures of merit (treatments, readers) that were computed elsewhere.

    ``covariance`` is their matrix over (treatment, reader), readers within treatments, for instance
    ``jackknife_covariance`` of the weighted AFROC area without each case; ``cases`` how many there were.

    Raises ValueError for shapes that do not fit.
    """
    table = as_floats(estimates, "estimates", ndim=2)
    matrix = as_floats(covariance, "covariance", ndim=2)
    if matrix.shape != (table.size, table.size):
        raise ValueError(f"covariance has shape {matrix.shape}, expected ({table.size}, {table.size})")
    names = [
        tuple(str(i + 1) for i in range(size)) if given is None else tuple(given)
        for given, size in zip((treatments, readers), table.shape, strict=True)
    ]
    if (len(names[0]), len(names[1])) != table.shape:
        raise ValueError(f"names do not fit estimates of shape {table.shape}")
    return _analyse(table, matrix, cases, confidence, names[0], names[1], "given", "given")


def _bounds(fom: FigureOfMerit | str) -> tuple[float, float] | None:
    return (0.0, 1.0) if isinstance(fom, str) else getattr(fom, "bounds", None)


def _analyse(
    table: Floats,
    matrix: Floats,
    cases: int,
    confidence: float,
    treatments: Names,
    readers: Names,
    fom: str,
    method: str,
    bounds: tuple[float, float] | None = None,
) -> ObuchowskiRockette:
    check_confidence(confidence)
    r = table.shape[1]
    anova = _anova(table)
    components = _components(table, matrix, anova, cases)
    tests = {
        model: _test(model, table, matrix, anova, components, cases, confidence, treatments, bounds)
        for model in ("rrrc", "frrc", "frrc_dbm", "rrfc")
        if r > 1 or model.startswith("frrc")
    }
    return ObuchowskiRockette(
        treatments,
        readers,
        table,
        table.mean(axis=1),
        matrix,
        anova,
        components,
        tests.get("rrrc"),
        tests["frrc"],
        tests["frrc_dbm"],
        tests.get("rrfc"),
        fom,
        method,
    )


def _anova(table: Floats) -> Anova:
    t, r = table.shape
    row, column, mean = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True), table.mean()
    rest = table - row - column + mean
    # Equal rows leave squares of rounding errors, whose ratio would look like an F.
    dust = 1e-28 * max(1.0, float(mean**2))

    def square(total: float, df: int) -> float:
        return float("nan") if df < 1 else 0.0 if total < dust else float(total / df)

    return Anova(
        square(r * np.sum((row - mean) ** 2), t - 1),
        square(t * np.sum((column - mean) ** 2), r - 1),
        square(np.sum(rest**2), (t - 1) * (r - 1)),
    )


def _components(table: Floats, matrix: Floats, anova: Anova, cases: int) -> VarianceComponents:
    t, r = table.shape
    blocks = matrix.reshape(t, r, t, r).transpose(0, 2, 1, 3)
    same_t, same_r = np.eye(t, dtype=bool)[:, :, None, None], np.eye(r, dtype=bool)[None, None]
    parts = [same_t & same_r, ~same_t & same_r, same_t & ~same_r, ~same_t & ~same_r]
    var, cov1, cov2, cov3 = (float(blocks[part].mean()) if part.any() else 0.0 for part in parts)
    interaction = anova.ms_treatment_reader - var + cov1 + max(cov2 - cov3, 0.0)
    # The mean square of readers holds the interaction too: E MS(R) = t var_R + E MS(TR) + t (cov1 - cov3).
    between = (
        (anova.ms_reader - anova.ms_treatment_reader) / t - cov1 + cov3
        if t > 1
        else anova.ms_reader - var + max(cov2, 0.0)
    )
    return VarianceComponents(
        var, cov1, cov2, cov3, cases, _at_least_zero(interaction), _at_least_zero(between)
    )


def _at_least_zero(value: float) -> float:
    return 0.0 if np.isnan(value) else max(value, 0.0)


def _test(
    model: str,
    table: Floats,
    matrix: Floats,
    anova: Anova,
    part: VarianceComponents,
    cases: int,
    confidence: float,
    names: Names,
    bounds: tuple[float, float] | None,
) -> ReaderTest:
    t, r = table.shape
    means = table.mean(axis=1)
    error, df = float("nan"), float("nan")
    if t > 1:
        error, df = _error(model, anova.ms_treatment_reader, part, t, r, cases)
    method = {
        "rrrc": "Obuchowski-Rockette, F with Hillis' df",
        "frrc": "Obuchowski-Rockette, chi-square",
        "frrc_dbm": "Dorfman-Berbaum-Metz, F",
        "rrfc": "Obuchowski-Rockette, F",
    }[model]
    statistic, df1, p_value = float("nan"), float("nan"), float("nan")
    if t > 1:
        ratio = _ratio(anova.ms_treatment, error)
        df1 = float(t - 1)
        chi_square = model == "frrc"
        statistic = ratio * df1 if chi_square else ratio
        p_value = float(stats.chi2.sf(statistic, df1) if chi_square else stats.f.sf(ratio, df1, df))
    differences = tuple(
        _difference((names[i], names[j]), means[i] - means[j], error, df, r, cases, confidence, method)
        for i, j in combinations(range(t), 2)
    )
    blocks = matrix.reshape(t, r, t, r)
    estimates = tuple(
        _single(model, names[i], table[i], blocks[i, :, i], cases, confidence, method, bounds)
        for i in range(t)
    )
    return ReaderTest(
        MODELS[model[:4]], method, statistic, df1, df if t > 1 else df1, p_value, differences, estimates
    )


def _error(
    model: str, ms_tr: float, part: VarianceComponents, t: int, r: int, cases: int
) -> tuple[float, float]:
    """Denominator of F and its degrees of freedom."""
    between = max(part.cov2 - part.cov3, 0.0)
    if model == "rrrc":
        error = ms_tr + r * between
        freedom = (t - 1) * (r - 1)
        return error, freedom * (error / ms_tr) ** 2 if ms_tr > 0 else float("inf")
    if model == "rrfc":
        return ms_tr, float((t - 1) * (r - 1))
    error = part.var - part.cov1 + (r - 1) * between
    return error, float((t - 1) * (cases - 1)) if model == "frrc_dbm" else float("inf")


def _difference(
    names: tuple[str, str],
    gap: float,
    error: float,
    df: float,
    r: int,
    cases: int,
    confidence: float,
    method: str,
) -> TreatmentDifference:
    spread = float(np.sqrt(2 * max(error, 0.0) / r))
    statistic = _ratio(gap, spread)
    half = _quantile(confidence, df) * spread
    interval = Interval(float(gap), float(gap - half), float(gap + half), confidence, method, cases)
    return TreatmentDifference(
        names, interval, spread, df, statistic, float(2 * stats.t.sf(abs(statistic), df))
    )


def _single(
    model: str,
    name: str,
    row: Floats,
    block: Floats,
    cases: int,
    confidence: float,
    method: str,
    bounds: tuple[float, float] | None,
) -> TreatmentEstimate:
    r = len(row)
    var = float(np.trace(block) / r)
    cov2 = max(float((block.sum() - np.trace(block)) / (r * (r - 1))), 0.0) if r > 1 else 0.0
    ms = float(row.var(ddof=1)) if r > 1 else float("nan")
    if model == "rrrc":
        error = ms + r * cov2
        df = (r - 1) * (error / ms) ** 2 if ms > 0 else float("inf")
    elif model == "rrfc":
        error, df = ms, float(r - 1)
    else:
        error, df = var + (r - 1) * cov2, float(cases - 1) if model == "frrc_dbm" else float("inf")
    spread = float(np.sqrt(max(error, 0.0) / r))
    half = _quantile(confidence, df) * spread
    mean = float(row.mean())
    low, high = mean - half, mean + half
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return TreatmentEstimate(name, Interval(mean, low, high, confidence, method, cases), spread, df)


def _quantile(confidence: float, df: float) -> float:
    return float(stats.t.ppf(0.5 + confidence / 2, df))


def _ratio(numerator: float, denominator: float) -> float:
    """0 where there is nothing to compare; infinite where there is a difference without any error."""
    if denominator > 0:
        return float(numerator / denominator)
    return 0.0 if abs(numerator) < 1e-15 else float(np.copysign(np.inf, numerator))
