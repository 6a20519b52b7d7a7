"""Arrays as the smallest type that keeps them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

KEPT = 1e-3
"""What rounding may move a value by: of the array's `spread`, or (`half`) of that and of the value itself."""
SAMPLE, FEW = 1 << 16, 1 << 12
FACTORS = np.random.default_rng(0).integers(1 << 28, 1 << 32, 64).astype(np.uint32) | np.uint32(1)
BLOCK = 1 << 22


@dataclass(frozen=True)
class Coding:
    """How stored numbers become values of type ``dtype`` again.

    ``same``: they are the values, in a type as small as they allow. ``table``: they are places in a table of all values
    that occur. Both are exact to the bit. ``line``: ``low + step * number``. ``half``: float16.
    """

    kind: Literal["same", "table", "line", "half"]
    dtype: str
    low: float = 0.0
    step: float = 1.0

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Coded:
    """Numbers to store, of the array's shape, and how to read them; ``table`` is empty but where it is used."""

    numbers: NDArray[Any]
    coding: Coding
    table: NDArray[Any]


def encode(array: NDArray[Any]) -> Coded:
    """``array`` in as few bytes as keep it.

    Whole numbers, booleans and float64 stay exact. So does float32 of few different values, as an 8-bit picture has
    them, or a CT on its own grid. Other float32 becomes 65,536 even steps from least to largest value, or float16
    where its range is too wide for those, if no value moves by more than `KEPT` allows; what holds NaN or infinity, and
    whatever else would move, stays float32.
    """
    if array.dtype.kind in "iu":
        return _small_integers(array)
    none = np.zeros(0, array.dtype)
    if array.dtype != np.float32:
        return Coded(array, Coding("same", array.dtype.str), none)
    coded = _table(array)
    if coded is None and array.size and np.isfinite(array).all():
        coded = _line(array) or _half(array)
    return coded or Coded(array, Coding("same", array.dtype.str), none)


def decode(numbers: NDArray[Any], coding: Coding, table: NDArray[Any]) -> NDArray[Any]:
    """The values of stored ``numbers``, or of any part of them."""
    dtype = np.dtype(coding.dtype)
    match coding.kind:
        case "same" | "half":
            return numbers.astype(dtype, copy=False)
        case "table":
            taken: NDArray[Any] = np.take(table, numbers)
            return taken
        case "line":
            values = numbers.astype(dtype)
            values *= dtype.type(coding.step)
            values += dtype.type(coding.low)
            return values


def spread(array: NDArray[np.float32]) -> float:
    """Deviation of values, told from the range of their middle 98% as of normal ones: a few wild ones change nothing.

    Of a sample of them, evenly spaced; 0 where nearly all are alike.
    """
    sample = array.reshape(-1)[:: max(1, array.size // SAMPLE)]
    low, high = np.percentile(sample, (1, 99))
    return float(high - low) / 4.653


def _small_integers(array: NDArray[Any]) -> Coded:
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    signs = "iu" if low < 0 else "u"
    kinds = [np.dtype(f"{sign}{size}") for size in (1, 2, 4) for sign in signs]
    fitting = [k for k in kinds if np.iinfo(k).min <= low and high <= np.iinfo(k).max]
    stored = next((k for k in fitting if k.itemsize < array.dtype.itemsize), array.dtype)
    return Coded(array.astype(stored, copy=False), Coding("same", array.dtype.str), np.zeros(0, array.dtype))


def _table(array: NDArray[np.float32]) -> Coded | None:
    """As places in a table; None where there are too many values for one, or so many that it would not pay."""
    # Bit patterns: two zeros and every NaN stay what they are.
    bits = np.ascontiguousarray(array).reshape(-1).view(np.uint32)
    known = np.unique(bits[:: max(1, bits.size // FEW)])
    most = max(256, min(1 << 16, bits.size // 8))
    if len(known) > 256:
        sample = bits[:: max(1, bits.size // SAMPLE)]
        known = np.unique(sample)
        if len(known) > max(256, min(most, len(sample) // 2)):
            return None
    numbers = np.empty(bits.size, np.uint16)
    first = 0
    while first < bits.size:
        part = bits[first : first + BLOCK]
        places = _places(known, part)
        odd = known[places] != part
        if odd.any():
            # The places so far are of the old table: begin anew with the larger one.
            known = np.union1d(known, part[odd])
            if len(known) > most:
                return None
            first = 0
            continue
        numbers[first : first + BLOCK] = places
        first += BLOCK
    kind = np.uint8 if len(known) <= 256 else np.uint16
    table = known.view(np.float32)
    return Coded(numbers.astype(kind).reshape(array.shape), Coding("table", array.dtype.str), table)


def _places(known: NDArray[np.uint32], part: NDArray[np.uint32]) -> NDArray[np.integer]:
    """Where each number stands in the sorted ``known``; anywhere, if it does not."""
    if len(known) <= 256:
        # A multiplication that sends each to another place of a small table is several times faster than searching.
        for factor in FACTORS:
            hashes = (known * factor) >> 16
            if len(np.unique(hashes)) == len(known):
                table = np.zeros(1 << 16, np.uint8)
                table[hashes] = np.arange(len(known))
                return table[(part * factor) >> 16]
    return np.searchsorted(known, part).clip(max=len(known) - 1)


def _line(array: NDArray[np.float32]) -> Coded | None:
    low, high = float(array.min()), float(array.max())
    step = float(np.float32((high - low) / 65535))
    if not 0 < step < np.inf:
        return None
    numbers = np.rint((array - np.float32(low)) / np.float32(step)).clip(0, 65535).astype(np.uint16)
    coding = Coding("line", array.dtype.str, low, step)
    none = np.zeros(0, array.dtype)
    moved = np.abs(decode(numbers, coding, none) - array).max()
    return Coded(numbers, coding, none) if moved <= KEPT * spread(array) else None


def _half(array: NDArray[np.float32]) -> Coded | None:
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float16)
        moved = np.abs(numbers.astype(np.float32) - array)
    allowed = KEPT * (spread(array) + np.abs(array))
    if not (moved <= allowed).all():
        return None
    return Coded(numbers, Coding("half", array.dtype.str), np.zeros(0, array.dtype))
