"""What a probability meant on the tuning cases: its scale, and the threshold that decides.

Everything here is of one label against the rest: ``truth (n,)`` bool, ``score (n,)``, ``cluster (n,)`` the patient of
each case where patients have several. Where the cases cannot give a thing, the safe default comes with a reason.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate import promised
from overread.evaluate.meaning import FEWEST_OF_A_KIND
from overread.evaluate.patients import count
from overread.evaluate.rules import parsed
from overread.runtime.manifest import OperatingPoint, Scale
from overread.stats.calibration import PlattScaling
from overread.stats.roc import operating_point_at

DEFAULT_THRESHOLD = 0.5


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
    """The operating point by ``rule`` (see `overread.evaluate.promised`), or 0.5 and the reason for that.

    Its figures are those of the cases on which it was chosen, ``apparent_sensitivity`` and ``apparent_specificity``:
    not to be reported as the package's; ``optimism`` in each is the bootstrap's estimate of how much too good they are.
    """
    if truth.all() or not truth.any():
        kind = "has" if len(truth) and truth[0] else "lacks"
        reason = f"every tuning case {kind} it" if len(truth) else "no tuning case states it"
        return OperatingPoint(
            rule=rule, threshold=DEFAULT_THRESHOLD
        ), f"threshold: {reason}; it is {DEFAULT_THRESHOLD}"
    asked = parsed(rule)
    limit, note = promised.threshold(score, truth, asked, cluster=cluster)
    chosen = operating_point_at(truth, score, threshold=limit, cluster=cluster)
    better = promised.optimism(score, truth, asked, cluster=cluster)
    figures = {
        f"apparent_{key}": found.as_dict() | {"optimism": better[key]}
        for key, found in (("sensitivity", chosen.sensitivity), ("specificity", chosen.specificity))
    }
    return OperatingPoint(rule=rule, threshold=limit, figures=figures), note
