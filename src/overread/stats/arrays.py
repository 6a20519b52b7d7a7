"""Checking of inputs: a wrong shape, a NaN or a missing class is an error, never a silent wrong number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def as_floats(values: ArrayLike, name: str, ndim: int = 1) -> Floats:
    """A finite, non-empty float array of ``ndim`` axes.

    A column of shape (n, 1) is refused: against (n,) it would broadcast to (n, n) and give a wrong number.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"{name} holds text, missing values or rows of uneven length; expected numbers"
        ) from None
    _check_shape(array, name, ndim)
    bad = int(np.count_nonzero(~np.isfinite(array)))
    if bad:
        raise ValueError(f"{name} holds {bad} values that are NaN or infinite; remove or impute them first")
    return array


def as_binary(y: ArrayLike, name: str = "y", both: bool = True) -> Bools:
    """Labels (n,) of 0 and 1 (or bool) as bool; with ``both`` each class must occur."""
    array = np.asarray(y)
    _check_shape(array, name, 1)
    if array.dtype != np.bool_:
        array = as_floats(array, name)
        found = np.unique(array)
        if not np.isin(found, (0, 1)).all():
            raise ValueError(f"{name} holds {_some(found)}, expected only 0 and 1")
    labels: Bools = array.astype(np.bool_)
    if both and (labels.all() or not labels.any()):
        raise ValueError(f"{name} holds only class {int(labels[0])}, expected both 0 and 1")
    return labels


def as_classes(y: ArrayLike, name: str = "y", classes: int | None = None) -> Ints:
    """Class indices (n,) as integers from 0; below ``classes`` if given."""
    array = as_floats(y, name)
    whole = array.astype(np.int64)
    if (whole != array).any() or (whole < 0).any():
        raise ValueError(f"{name} holds {_some(np.unique(array))}, expected class indices 0, 1, 2, ...")
    if classes is not None and int(whole.max()) >= classes:
        raise ValueError(f"{name} holds class {int(whole.max())}, expected 0 to {classes - 1}")
    return whole


def as_probabilities(p: ArrayLike, name: str = "p", ndim: int = 1) -> Floats:
    """Probabilities between 0 and 1; rows of a matrix (n, k), k >= 2, must sum to 1 within 1e-3."""
    array = as_floats(p, name, ndim)
    if (array < 0).any() or (array > 1).any():
        raise ValueError(f"{name} ranges from {array.min():g} to {array.max():g}, expected 0 to 1")
    if ndim == 2:
        if array.shape[1] < 2:
            raise ValueError(f"{name} has shape {array.shape}, expected one column per class, two or more")
        if np.abs(array.sum(axis=1) - 1).max() > 1e-3:
            raise ValueError(f"rows of {name} do not sum to 1; expected probabilities over all classes")
    return array


def as_labels(values: ArrayLike, name: str, ndim: int = 1) -> NDArray[Any]:
    """Names or numbers of groups, categories or raters' choices in ``ndim`` axes; none may be missing.

    None, NaN and pandas' NA are errors, never a group of their own; values of mixed kinds are compared as text.
    """
    array = np.asarray(values)
    if array.dtype.kind in "OUS" and not (isinstance(values, np.ndarray) and array.dtype.kind in "US"):
        items = np.asarray(values, dtype=object)
        missing = sum(_missing(value) for value in items.ravel())
        array = np.array(items.tolist())
        if array.dtype.kind == "O":
            array = items.astype(str)
    else:
        missing = int(np.count_nonzero(array != array))
    _check_shape(array, name, ndim)
    if missing:
        raise ValueError(f"{name} holds {missing} missing values (None or NaN): every row needs its {name}")
    return array


def as_groups(values: ArrayLike | None, n: int, name: str = "cluster") -> Ints | None:
    """Group of each of ``n`` rows as codes 0, 1, 2, ... (values may be text); None stays None."""
    if values is None:
        return None
    array = as_labels(values, name)
    same_length(n, array, name)
    codes: Ints = np.unique(array, return_inverse=True)[1].astype(np.int64)
    return codes


def group_count(codes: Ints) -> int:
    """Number of groups of codes 0, 1, 2, ...: one more than the largest."""
    return int(codes.max()) + 1


def unit_count(codes: Ints | None, n: int) -> int:
    """Number of independent units: the clusters of ``codes``, or the ``n`` cases where there are none."""
    return n if codes is None else group_count(codes)


def as_columns(values: Any) -> dict[str, Any] | None:
    """Columns by name of a mapping or of a data frame; None for anything else."""
    if isinstance(values, Mapping):
        return {str(name): values[name] for name in values}
    if hasattr(values, "columns") and hasattr(values, "iloc"):
        return {str(name): values.iloc[:, i] for i, name in enumerate(values.columns)}
    return None


def as_count(value: float, name: str, least: int = 0) -> int:
    """A whole number of at least ``least``."""
    number = np.asarray(value)
    whole = number.ndim == 0 and number.dtype.kind in "biuf" and bool(np.isfinite(number))
    if not whole or int(value) != value or value < least:
        raise ValueError(f"{name} is {value}, expected a whole number, {least} or more")
    return int(value)


def as_counts(values: ArrayLike, name: str = "table", ndim: int = 2) -> Ints:
    """Counts: whole numbers, 0 or more, in ``ndim`` axes; not all 0."""
    array = as_floats(values, name, ndim)
    whole = array.astype(np.int64)
    if (whole != array).any() or (whole < 0).any():
        raise ValueError(f"{name} holds {_some(np.unique(array))}, expected whole numbers, 0 or more")
    if not whole.any():
        raise ValueError(f"{name} holds no case: every count is 0")
    return whole


def as_weights(weights: ArrayLike | None, n: int, name: str = "weights") -> Floats | None:
    """Weights (n,) of the rows, 0 or more and not all 0; None stays None."""
    if weights is None:
        return None
    array = as_floats(weights, name)
    same_length(n, array, name)
    if (array < 0).any() or not array.any():
        raise ValueError(f"{name} must be 0 or more with a sum above 0; the smallest is {array.min():g}")
    return array


def same_length(n: int, other: NDArray[Any], name: str) -> None:
    """Raise ValueError unless ``other`` has ``n`` rows."""
    if len(other) != n:
        raise ValueError(f"{name} has {len(other)} rows, expected {n}: one for each case")


def check_confidence(confidence: float) -> None:
    """Raise ValueError unless ``confidence`` lies between 0 and 1."""
    if not isinstance(confidence, (int, float, np.number)) or not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}, expected a number between 0 and 1 such as 0.95")


def _missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas' NA is neither equal nor unequal
        return True


def _check_shape(array: NDArray[Any], name: str, ndim: int) -> None:
    if array.ndim != ndim:
        wanted = "(n,)" if ndim == 1 else f"{ndim} axes"
        raise ValueError(f"{name} has shape {array.shape}, expected {wanted}")
    if array.size == 0:
        raise ValueError(f"{name} is empty (n = 0)")


def _some(found: NDArray[Any]) -> str:
    return ", ".join(f"{value:g}" for value in found[:5]) + (", ..." if len(found) > 5 else "")
