"""Conformal risk control: a threshold that keeps the expected value of any monotone loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Floats, as_floats


@dataclass(frozen=True)
class RiskControl:
    """The chosen ``parameter`` (``index`` on its grid) and the mean loss of the calibration cases there.

    The expected loss of a new exchangeable case is at most ``level``; ``bound`` is the largest loss possible
    and ``n`` the number of calibration cases.
    """

    parameter: float
    index: int
    risk: float
    level: float
    bound: float
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def conformal_risk_control(
    losses: ArrayLike, *, parameters: ArrayLike, level: float = 0.1, bound: float = 1.0
) -> RiskControl:
    """The first parameter at which n / (n + 1) times the mean loss, plus bound / (n + 1), is at most ``level``.

    Angelopoulos, Bates, Fisch, Lei and Schuster, ICLR 2024: the expected loss of a new exchangeable case is then
    at most ``level``, over calibration cases and new case together, for any loss that falls along the grid and
    never exceeds ``bound``. It is at least ``level`` - 2 bound / (n + 1) where the loss is continuous.

    Parameters
    ----------
    losses
        (n, m), the loss of each calibration case at each parameter, falling (or level) from left to right,
        such as the false-negative rate of a mask at falling thresholds.
    parameters
        (m,), in the order of the columns.

    Raises ValueError for losses that rise along a row, exceed ``bound`` or are below 0, or a level that even the
    last parameter does not reach: n + 1 must be at least bound / level.
    """
    table, grid = as_floats(losses, "losses", ndim=2), as_floats(parameters, "parameters")
    n, m = table.shape
    if len(grid) != m:
        raise ValueError(f"parameters has {len(grid)} values, expected {m}: one for each column of losses")
    if not 0 < level < bound:
        raise ValueError(f"level is {level} and bound is {bound}, expected 0 < level < bound")
    if table.min() < 0 or table.max() > bound:
        raise ValueError(f"losses range from {table.min():g} to {table.max():g}, expected 0 to {bound:g}")
    if (np.diff(table, axis=1) > 1e-12).any():
        raise ValueError("losses rise along the parameters; order the parameters so that every loss falls")
    risk = table.mean(axis=0)
    allowed = np.flatnonzero((n * risk + bound) / (n + 1) <= level + 1e-12)
    if len(allowed) == 0:
        raise ValueError(
            f"no parameter keeps the risk at {level:g} with {n} cases (the least adjusted risk is "
            f"{(n * risk[-1] + bound) / (n + 1):g}); use more cases, a higher level, or a wider grid"
        )
    index = int(allowed[0])
    return RiskControl(float(grid[index]), index, float(risk[index]), float(level), float(bound), n)


def false_negative_rates(
    masks: Sequence[ArrayLike], probabilities: Sequence[ArrayLike], *, thresholds: ArrayLike
) -> Floats:
    """Share of the true voxels (or labels) that are missed by p >= threshold, (n, m), for risk control.

    ``masks`` and ``probabilities`` are n arrays of any shape, the same for both of a case; ``thresholds`` (m,)
    should fall, so that the rate falls too. A case with no true voxel misses nothing: its rate is 0.

    Raises ValueError for shapes that differ, masks other than 0 and 1, or NaN.
    """
    grid = as_floats(thresholds, "thresholds")
    if len(masks) != len(probabilities) or len(masks) == 0:
        raise ValueError(
            f"masks has {len(masks)} cases and probabilities {len(probabilities)}, expected as many, at least one"
        )
    rates = np.zeros((len(masks), len(grid)))
    for row, mask, probability in zip(rates, masks, probabilities, strict=True):
        truth, p = np.asarray(mask), np.asarray(probability, dtype=np.float64)
        if truth.shape != p.shape:
            raise ValueError(
                f"a mask has shape {truth.shape}, its probabilities {p.shape}; expected the same"
            )
        if not np.isin(truth, (0, 1)).all() or not np.isfinite(p).all():
            raise ValueError("masks must hold only 0 and 1, probabilities only finite numbers")
        values = np.sort(p[truth.astype(np.bool_)])
        if len(values):
            row[:] = np.searchsorted(values, grid, side="left") / len(values)
    return rates
