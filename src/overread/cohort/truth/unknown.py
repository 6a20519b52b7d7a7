"""What a mask leaves open: voxels of which nobody knows what is there, and labels that nobody drew.

Two columns of cohort.csv say so. ``ignore`` is a value of the mask: uncertain rims, voxels outside a field of view, or
everything between the strokes of scribbles. ``unlabelled`` names labels, ``liver; spleen``, that this mask does not
state, as where cohorts with different labels are put together: there its background may be any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.columns import IGNORE, UNLABELLED
from overread.errors import InputError

UNKNOWN = 255
"""In a mask as it is read: nobody knows what is here. No label has this value, there are at most 64."""
SEPARATOR = ";"


class Partly(np.ndarray[Any, Any]):
    """A label map with ``unstated``, the labels that it says nothing of; anything computed from it has none."""

    unstated: tuple[int, ...] = ()

    @classmethod
    def of(cls, mask: NDArray[Any], unstated: Sequence[int]) -> Partly:
        """``mask`` itself, not copied, with what it does not state."""
        view = mask.view(cls)
        view.unstated = tuple(unstated)
        return view


def ignored(case: Case) -> int | None:
    """The value of the case's mask that says that nobody knows; None without one. Raises InputError for no number."""
    text = case.attributes.get(IGNORE, "")
    if not text:
        return None
    try:
        number = float(text)
        if not number.is_integer():
            raise ValueError(text)
        return int(number)
    except (ValueError, OverflowError):
        raise InputError(
            f"case {case.case}: column {IGNORE!r} holds {text!r}, expected the whole number by which the mask says "
            "that nobody knows, such as 255, or nothing"
        ) from None


def unlabelled(case: Case, labels: Sequence[str]) -> tuple[int, ...]:
    """The values of the labels that the case's mask does not state. Raises InputError for a name that is none."""
    names = [n.strip() for n in case.attributes.get(UNLABELLED, "").split(SEPARATOR) if n.strip()]
    wrong = [n for n in names if n not in labels[1:]]
    if wrong:
        raise InputError(
            f"case {case.case}: column {UNLABELLED!r} names {wrong[0]!r}, expected some of {', '.join(labels[1:])}, "
            f"parted by {SEPARATOR!r}"
        )
    return tuple(sorted(labels.index(n) for n in names))


def unstated(truth: Any) -> tuple[int, ...]:
    """The labels that a truth says nothing of."""
    return truth.unstated if isinstance(truth, Partly) else ()
