"""What a column holds, by its values and not by the type that a table happened to give it: numbers, text or dates."""

from __future__ import annotations

import datetime
import math
import numbers
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kind = Literal["numbers", "categories", "dates"]
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
CODE = re.compile(r"[+-]?0\d")
"""A leading zero: a number has none, an identifier or postal code keeps it."""
DAY = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
"""A date as DICOM writes it (PS3.5 table 6.2-1), in text or as a whole number."""
ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")


def column(values: ArrayLike, name: str) -> tuple[Kind, NDArray[Any]]:
    """The kind of a column (n,) and its values: float64 for numbers, text for categories, as they are for dates.

    Integers, floats, decimals, durations and text that spells numbers are numbers, in a column of any type; truth
    values are categories. Raises ValueError for another shape and for missing values.
    """
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}, expected (n,) with n of 1 or more")
    if array.dtype.kind == "m":
        array = array / np.timedelta64(1, "s")
    items: Sequence[Any] = array.tolist() if array.dtype.kind in "OUS" else ()
    missing = sum(map(_missing, items)) if array.dtype.kind != "M" else int(np.isnat(array).sum())
    if missing:
        raise ValueError(
            f"{name} holds {missing} missing values; give them their own category, or remove them"
        )
    if array.dtype.kind == "M" or (items and all(isinstance(v, datetime.date) for v in items)):
        return "dates", array
    if array.dtype.kind in "iuf":
        return ("dates" if array.dtype.kind in "iu" and _days(map(str, array.tolist())) else "numbers"), array
    if array.dtype.kind == "b" or all(isinstance(v, (bool, np.bool_)) for v in items):
        return "categories", array.astype(str)
    if all(isinstance(v, datetime.timedelta) for v in items):
        return "numbers", np.array([v.total_seconds() for v in items])
    texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in items]
    if _days(texts) or all(ISO_DAY.fullmatch(t.strip()) for t in texts):
        return "dates", array
    if all(_is_number(v, t) for v, t in zip(items, texts, strict=True)):
        exact = (numbers.Real, Decimal)
        return "numbers", np.array(
            [float(v if isinstance(v, exact) else t) for v, t in zip(items, texts, strict=True)]
        )
    return "categories", np.array(texts)


def _missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, Decimal)) and math.isnan(value)


def _is_number(value: Any, text: str) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return False
    if isinstance(value, (numbers.Real, Decimal)):
        return True
    return NUMBER.fullmatch(text.strip()) is not None and not CODE.match(text.strip())


def _days(texts: Any) -> bool:
    return all(DAY.fullmatch(t.strip()) for t in texts)
