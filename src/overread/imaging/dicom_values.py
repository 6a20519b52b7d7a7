"""Reading attribute values of a data set as plain Python numbers and text, with faults named by keyword."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.multival import MultiValue

from overread.errors import InputError


def text(dataset: Dataset, keyword: str) -> str:
    """The value as text without padding; an empty string where absent or empty."""
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip(" \0")


def floats(dataset: Dataset, keyword: str, count: int, name: str) -> NDArray[np.float64] | None:
    """``count`` finite numbers, or None where the attribute is absent or empty.

    Raises
    ------
    InputError
        Another count of values, or a value that is not a finite number.
    """
    value = dataset.get(keyword)
    if value is None or (isinstance(value, (str, MultiValue, list)) and len(value) == 0):
        return None
    values: Iterable[Any] = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    try:
        array = np.array([float(v) for v in values], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {keyword} is {value!r}, expected {count} numbers") from error
    if array.size != count or not np.isfinite(array).all():
        raise InputError(f"{name}: {keyword} is {value!r}, expected {count} finite numbers")
    return array


def integer(dataset: Dataset, keyword: str, name: str, default: int | None = None) -> int:
    """One integer; ``default`` where absent. Raises InputError where absent without default, or not whole."""
    found = floats(dataset, keyword, 1, name)
    if found is None:
        if default is None:
            raise InputError(f"{name}: {keyword} is missing; the image cannot be read without it")
        return default
    if found[0] != int(found[0]):
        raise InputError(f"{name}: {keyword} is {found[0]}, expected a whole number")
    return int(found[0])


def first_item(dataset: Dataset, keyword: str) -> Dataset | None:
    """The first item of a sequence, or None."""
    sequence = dataset.get(keyword)
    return sequence[0] if sequence else None
