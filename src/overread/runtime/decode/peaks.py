"""Local maxima of a map."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray


def peaks(values: NDArray[np.floating], least: float) -> NDArray[np.int64]:
    """``(n, d)`` cells of ``values (*cells)`` that are at least ``least`` and that none of the 3^d - 1 around exceeds.

    Of equal neighbours the first in array order counts, so that a flat top of two cells is one peak. Best first, of
    equals the first in array order.
    """
    cells = np.argwhere(values >= least)
    wide = np.pad(values, 1, constant_values=-np.inf)
    own = values[tuple(cells.T)]
    top = np.ones(len(cells), bool)
    for step in product((-1, 0, 1), repeat=values.ndim):
        if not any(step):
            continue
        there = wide[tuple((cells + 1 + step).T)]
        # A step that is smaller than none in the order of the axes leads to an earlier cell.
        top &= own > there if step < (0,) * values.ndim else own >= there
    best = np.argsort(-own[top], kind="stable")
    found: NDArray[np.int64] = cells[top][best].astype(np.int64)
    return found
