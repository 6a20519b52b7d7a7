"""What an analysis of a reader study gives."""

from __future__ import annotations

from dataclasses import dataclass

from overread.stats.arrays import Floats
from overread.stats.interval import Interval
from overread.stats.readers.study import Names


@dataclass(frozen=True)
class VarianceComponents:
    """Of one reader's figure of merit: error variance, three covariances, and what readers add.

    ``var`` is the variance over cases; ``cov1`` the covariance of one reader under two treatments, ``cov2``
    of two readers under one treatment, ``cov3`` of two readers under two; all for ``cases`` cases.
    ``var_treatment_reader`` and ``var_reader`` are the variance of the treatment-by-reader interaction and
    that between readers (moment estimates, never below 0).
    """

    var: float
    cov1: float
    cov2: float
    cov3: float
    cases: int
    var_treatment_reader: float = 0.0
    var_reader: float = 0.0


@dataclass(frozen=True)
class Anova:
    """Mean squares of the (treatments, readers) table of figures of merit; NaN where it has one row."""

    ms_treatment: float
    ms_reader: float
    ms_treatment_reader: float


@dataclass(frozen=True)
class TreatmentDifference:
    """First treatment less second: interval, standard error, degrees of freedom and the t or z test of 0."""

    treatments: tuple[str, str]
    difference: Interval
    standard_error: float
    df: float
    statistic: float
    p_value: float


@dataclass(frozen=True)
class TreatmentEstimate:
    """Mean over readers of one treatment, from that treatment's data alone."""

    treatment: str
    estimate: Interval
    standard_error: float
    df: float


@dataclass(frozen=True)
class ReaderTest:
    """Test that all treatments are equal; ``df2`` is infinite for chi-square (``statistic`` is then chi-square).

    ``statistic``, ``df1``, ``df2`` and ``p_value`` are NaN with a single treatment.
    """

    model: str
    method: str
    statistic: float
    df1: float
    df2: float
    p_value: float
    differences: tuple[TreatmentDifference, ...]
    estimates: tuple[TreatmentEstimate, ...]


@dataclass(frozen=True)
class ObuchowskiRockette:
    """Everything of one analysis.

    ``estimates`` (treatments, readers), ``means`` (treatments,), ``covariance`` over (treatment, reader).
    ``frrc`` is the chi-square test of Obuchowski and Rockette; ``frrc_dbm`` the F test that the software
    OR-DBM MRMC prints for the same statistic, with (cases - 1) degrees of freedom a treatment contrast.
    ``rrrc`` and ``rrfc`` are None with one reader.
    """

    treatments: Names
    readers: Names
    estimates: Floats
    means: Floats
    covariance: Floats
    anova: Anova
    components: VarianceComponents
    rrrc: ReaderTest | None
    frrc: ReaderTest
    frrc_dbm: ReaderTest
    rrfc: ReaderTest | None
    fom: str
    method: str


def dbm_components(components: VarianceComponents) -> dict[str, float]:
    """The same variances in the terms of Dorfman, Berbaum and Metz (pseudovalues; Hillis 2005, 2008).

    ``case`` = N cov3, ``treatment_case`` = N (cov2 - cov3), ``reader_case`` = N (cov1 - cov3), ``error`` =
    N (var - cov1 - cov2 + cov3), with N cases; ``reader`` and ``treatment_reader`` are the same in both.
    Estimates below 0 are left as they are.
    """
    c, n = components, components.cases
    return {
        "reader": c.var_reader,
        "case": n * c.cov3,
        "treatment_reader": c.var_treatment_reader,
        "treatment_case": n * (c.cov2 - c.cov3),
        "reader_case": n * (c.cov1 - c.cov3),
        "error": n * (c.var - c.cov1 - c.cov2 + c.cov3),
    }
