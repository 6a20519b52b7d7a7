"""How many readers and cases a comparison of two treatments needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scipy import stats

from overread.stats.arrays import check_confidence
from overread.stats.readers.results import VarianceComponents

LARGEST = 1_000_000


@dataclass(frozen=True)
class ReaderPower:
    """Power of a study of ``readers`` readers who each read ``cases`` cases under both treatments.

    ``noncentrality`` and ``df2`` are of the F distribution (chi-square where ``df2`` is infinite).
    ``standard_error`` is the one to expect of the difference; ``half_width`` half its interval.
    """

    power: float
    readers: int
    cases: int
    difference: float
    model: str
    alpha: float
    noncentrality: float
    df2: float
    standard_error: float
    half_width: float


def reader_power(
    components: VarianceComponents,
    *,
    difference: float,
    readers: int,
    cases: int,
    model: str = "rrrc",
    alpha: float = 0.05,
    alternative: str = "two-sided",
) -> ReaderPower:
    """Power to find ``difference`` in the mean figure of merit of two treatments.

    Hillis, Obuchowski and Berbaum, Acad Radiol 2011;18:129 (equation 10). The error variance and
    covariances shrink with cases as components.cases / cases, at an unchanged share of diseased; the
    treatment-by-reader variance does not.

    Parameters
    ----------
    components
        From a pilot study (``obuchowski_rockette(...).components``), or conjectured.
    model
        ``rrrc`` random readers and cases; ``frrc`` fixed readers (chi-square); ``rrfc`` fixed cases.
    alternative
        ``two-sided``, or ``one-sided`` in the direction of ``difference``. For non-inferiority give the
        expected difference plus the margin, one-sided, with alpha 0.025.

    Raises ValueError for sizes that allow no test or an unknown model.
    """
    check_confidence(1 - alpha)
    least = 1 if model == "frrc" else 2
    if readers < least or cases < 2:
        raise ValueError(f"{readers} readers and {cases} cases, expected at least {least} and 2")
    if alternative not in ("two-sided", "one-sided"):
        raise ValueError(f"alternative is {alternative!r}, expected 'two-sided' or 'one-sided'")
    error, df = _error(components, readers, cases, model)
    if error <= 0:
        raise ValueError(
            "the variance components leave no error at all (var = cov1, no interaction); no size can be found"
        )
    spread = (2 * error / readers) ** 0.5
    shift = abs(difference) / spread
    tail = alpha / 2 if alternative == "two-sided" else alpha
    bound = float(stats.t.isf(tail, df))
    if alternative == "two-sided":
        law = stats.ncx2(1, shift**2) if df == float("inf") else stats.ncf(1, df, shift**2)
        power = float(law.sf(bound**2)) if shift > 0 else alpha
    elif df == float("inf"):
        power = float(stats.norm.sf(bound - shift))
    else:
        power = float(stats.nct.sf(bound, df, shift))
    return ReaderPower(
        power,
        int(readers),
        int(cases),
        float(difference),
        model,
        alpha,
        shift**2,
        df,
        spread,
        float(stats.t.isf(alpha / 2, df)) * spread,
    )


def reader_sample_size(
    components: VarianceComponents,
    *,
    difference: float,
    power: float = 0.8,
    readers: int | None = None,
    cases: int | None = None,
    model: str = "rrrc",
    alpha: float = 0.05,
    alternative: str = "two-sided",
) -> ReaderPower:
    """Fewest cases for given ``readers``, or fewest readers for given ``cases``, that reach ``power``.

    Raises ValueError unless just one of the two is given, and where no number suffices: with few random
    readers the variance between them alone can keep the power below the goal, however many the cases.
    """
    check_confidence(power)
    if (readers is None) == (cases is None):
        raise ValueError("give either readers or cases; the other is found")
    if difference == 0:
        raise ValueError("difference is 0: no size finds it")

    def at(size: int) -> ReaderPower:
        r, c = (readers, size) if readers is not None else (size, cases)
        return reader_power(
            components,
            difference=difference,
            readers=int(r or 0),
            cases=int(c or 0),
            model=model,
            alpha=alpha,
            alternative=alternative,
        )

    least = 2 if readers is not None or model != "frrc" else 1
    what = "cases" if readers is not None else "readers"
    return _smallest(at, power, least, what)


def _smallest(at: Callable[[int], ReaderPower], power: float, least: int, what: str) -> ReaderPower:
    high = least
    while at(high).power < power:
        if high >= LARGEST:
            raise ValueError(
                f"even {LARGEST} {what} give power {at(high).power:.3f}, below {power}; add "
                + ("readers" if what == "cases" else "cases")
            )
        high = min(2 * high, LARGEST)
    low = max(least, high // 2)
    while low < high:
        middle = (low + high) // 2
        if at(middle).power >= power:
            high = middle
        else:
            low = middle + 1
    return at(high)


def _error(part: VarianceComponents, readers: int, cases: int, model: str) -> tuple[float, float]:
    scale = part.cases / cases
    between = max(part.cov2 - part.cov3, 0.0)
    own = part.var - part.cov1
    interaction = max(part.var_treatment_reader, 0.0)
    within = interaction + scale * (own - between)
    if model == "rrrc":
        error = interaction + scale * (own + (readers - 1) * between)
        return error, (readers - 1) * (error / within) ** 2 if within > 0 else float("inf")
    if model == "frrc":
        return scale * (own + (readers - 1) * between), float("inf")
    if model == "rrfc":
        return within, float(readers - 1)
    raise ValueError(f"model is {model!r}, expected 'rrrc', 'frrc' or 'rrfc'")
