"""Many features at once: one test each, corrected for how many they are, judged by effect as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from numpy.typing import ArrayLike

from overread.stats.drift.binned import chi_square
from overread.stats.drift.distance import ks
from overread.stats.drift.kinds import column
from overread.stats.drift.result import DriftTest
from overread.stats.multiplicity import Method, adjust


@dataclass(frozen=True)
class FeatureDrift:
    """One feature's test with its corrected p-value; ``drifted`` by p-value and effect together."""

    feature: str
    test: DriftTest
    p_adjusted: float
    drifted: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def feature_drift(
    reference: Mapping[str, ArrayLike],
    current: Mapping[str, ArrayLike],
    *,
    alpha: float = 0.05,
    minimum_effect: float = 0.1,
    correction: Method | Literal["none"] = "holm",
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[FeatureDrift, ...]:
    """Compare features by name: numbers by Kolmogorov-Smirnov, text and booleans by chi-square.

    What a feature holds is seen from its values: numbers in a column of objects, decimals or text are numbers.

    A feature has ``drifted`` where its corrected p-value is below ``alpha`` and its effect (largest gap of the
    distribution functions, or Cramer's V; both 0 to 1) is at least ``minimum_effect``: with many rows every
    difference is significant, with many features some difference always is. ``holm`` keeps the chance of
    any false alarm in one comparison below ``alpha``; comparing every day needs a chart (``control``).

    ``correction`` is one of ``multiplicity.adjust``, or ``none``. Raises ValueError where the features differ or
    none is given, for dates (which always move on), for identifiers and free text (nearly every row its own), and
    for numbers compared with text.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}, expected a number between 0 and 1")
    if not reference:
        raise ValueError("reference holds no feature")
    if set(reference) != set(current):
        differing = ", ".join(sorted(set(reference) ^ set(current)))
        raise ValueError(f"features in only one of reference and current: {differing}")
    tests = {}
    for name in reference:
        try:
            (kind, before), (kind_now, now) = (
                column(reference[name], "reference"),
                column(current[name], "current"),
            )
            if "dates" in (kind, kind_now):
                raise ValueError(
                    "holds dates, which differ between any two periods; give what should stay alike instead, such "
                    "as an age, a duration or the day of the week"
                )
            if kind != kind_now:
                raise ValueError(f"holds {kind} in reference and {kind_now} in current; give both alike")
            if kind == "numbers":
                tests[name] = ks(before, now, confidence=confidence, resamples=resamples, seed=seed)
            else:
                tests[name] = chi_square(before, now, bins=None, confidence=confidence, seed=seed)
        except ValueError as error:
            raise ValueError(f"feature {name}: {error}") from None
    p_values = [test.p_value for test in tests.values()]
    adjusted = p_values if correction == "none" else adjust(p_values, method=correction, alpha=alpha).adjusted
    return tuple(
        FeatureDrift(name, test, float(p), bool(p < alpha and test.effect.estimate >= minimum_effect))
        for (name, test), p in zip(tests.items(), adjusted, strict=True)
    )
