"""What a probability meant on the tuning cases: its scale, its bins, and the threshold that decides.

Everything here is of one label against the rest: ``truth (n,)`` bool, ``score (n,)``, ``cluster (n,)`` the patient of
each case where patients have several. Where the cases cannot give a thing, the safe default comes with a reason.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate.patients import count
from overread.runtime.manifest import OperatingPoint, Scale, ScoreBin
from overread.stats.calibration import PlattScaling, reliability_curve
from overread.stats.intervals import rate_ci
from overread.stats.roc import operating_point

FEWEST_OF_A_KIND = 10
CASES_PER_BIN = 20
FEWEST_BINS, MOST_BINS = 5, 10
CONFIDENCE_OF_BINS = 0.9
DEFAULT_THRESHOLD = 0.5


def score_bins(
    score: NDArray[np.float64], truth: NDArray[np.bool_], *, cluster: NDArray[Any] | None = None
) -> list[ScoreBin]:
    """How often cases with such a score had the label: 90% Wilson limits in bins of equal case numbers.

    Empty with fewer patients than fill `FEWEST_BINS` of `CASES_PER_BIN`, or too few distinct scores: one or two bins
    would give every score the prevalence.
    """
    wanted = min(count(cluster, len(score)) // CASES_PER_BIN, MOST_BINS)
    if wanted < FEWEST_BINS:
        return []
    bins = []
    for part in reliability_curve(
        truth, score, bins=wanted, binning="equal-mass", confidence=CONFIDENCE_OF_BINS
    ):
        observed = part.observed
        if cluster is not None:
            # Bins are (low, high], and 0 lies in the first.
            inside = ((score > part.low) | (part.low == 0)) & (score <= part.high)
            observed = rate_ci(truth[inside], cluster=cluster[inside], confidence=CONFIDENCE_OF_BINS)
        bins.append(
            ScoreBin(
                low=part.low,
                high=part.high,
                observed_low=observed.low,
                observed_high=observed.high,
                cases=part.n,
            )
        )
    return bins if len(bins) >= FEWEST_BINS else []


def scale_of(
    logit: NDArray[np.float64], truth: NDArray[np.bool_], *, cluster: NDArray[Any] | None = None
) -> tuple[Scale, str]:
    """Platt's scale of a label's logit with smoothed targets, or the network's own and the reason for that."""
    own = Scale(slope=1.0, intercept=0.0)
    kinds = [count(None if cluster is None else cluster[k], int(k.sum())) for k in (truth, ~truth)]
    if min(kinds) < FEWEST_OF_A_KIND:
        return own, (
            f"scale: {kinds[0]} with and {kinds[1]} without it among the tuning patients, expected "
            f"{FEWEST_OF_A_KIND} of each; the scores are the network's own"
        )
    if np.ptp(logit) == 0:
        return own, "scale: the network gives every tuning case the same score"
    fitted = PlattScaling.fit(logit, truth, smoothed=True)
    if fitted.slope <= 0:
        return own, "scale: higher scores are no more often right on the tuning cases; they stay as they are"
    return Scale(slope=fitted.slope, intercept=fitted.intercept), ""


def point_of(
    score: NDArray[np.float64], truth: NDArray[np.bool_], rule: str, *, cluster: NDArray[Any] | None = None
) -> tuple[OperatingPoint, str]:
    """The operating point by ``rule`` (see `overread.stats.roc.operating_point`), or 0.5 and the reason for that.

    Its figures are those of the cases on which it was chosen: apparent, not to be reported.
    """
    if truth.all() or not truth.any():
        kind = "has" if len(truth) and truth[0] else "lacks"
        reason = f"every tuning case {kind} it" if len(truth) else "no tuning case states it"
        return OperatingPoint(
            rule=rule, threshold=DEFAULT_THRESHOLD
        ), f"threshold: {reason}; it is {DEFAULT_THRESHOLD}"
    chosen = operating_point(truth, score, rule=rule, cluster=cluster)
    figures = {
        "sensitivity": chosen.sensitivity.as_dict(),
        "specificity": chosen.specificity.as_dict(),
    }
    return OperatingPoint(rule=rule, threshold=float(chosen.threshold), figures=figures), ""
