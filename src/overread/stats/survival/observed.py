"""Follow-up times and whether the event was seen at their end."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, as_binary, as_floats, same_length


def observed(time: ArrayLike, event: ArrayLike) -> tuple[Floats, Bools]:
    """``time`` (n,) of 0 or more and ``event`` (n,) of 0 (censored) and 1.

    Raises ValueError for NaN, wrong shapes, negative times, or no event at all.
    """
    t, e = as_floats(time, "time"), as_binary(event, "event", both=False)
    same_length(len(t), e, "event")
    if t.min() < 0:
        raise ValueError(f"time holds {t.min():g}, expected 0 or more")
    if not e.any():
        raise ValueError("no event was seen: every time is censored")
    return t, e


def censoring_survival(time: Floats, event: Bools) -> tuple[Floats, Floats]:
    """Times (m,) and G (m,), Kaplan and Meier's chance of not being censored until then, constant between them.

    At a time of both, events come before censorings.
    """
    levels, inverse = np.unique(time, return_inverse=True)
    censored = np.bincount(inverse, ~event)
    events = np.bincount(inverse, event)
    leave = np.bincount(inverse)
    at_risk = len(time) - np.append(0, np.cumsum(leave)[:-1]) - events
    hazard = np.divide(censored, at_risk, out=np.zeros(len(levels)), where=at_risk > 0)
    return levels, np.cumprod(1 - hazard)


def just_before(levels: Floats, survival: Floats, at: Floats) -> Floats:
    """The step function's value (k,) just before the times ``at`` (k,)."""
    index = np.searchsorted(levels, at, side="left")
    value: Floats = np.append(1.0, survival)[index]
    return value
