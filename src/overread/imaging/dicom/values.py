"""Reading attribute values of a data set as plain Python numbers and text, with faults named by keyword.

All text of a data set is decoded here: whatever stands in an element, or in Specific Character Set, gives text or an
InputError, never another exception.

A series holds the same few values hundreds of times. Numbers and plain text are therefore taken from an
element's bytes, and remembered by them; only what is out of the ordinary goes through pydicom's conversion.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from overread.errors import InputError
from overread.imaging.dicom.charset import guard

guard()

DECIMAL = {"DS", "IS"}
BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
PLAIN = {"UI", "CS", "DS", "IS", "DA", "TM", "DT", "AS"}
"""Text whose characters do not depend on Specific Character Set (PS3.5 section 6.1.2.3)."""


@lru_cache(maxsize=8192)
def tag(number: int) -> BaseTag:
    """The one object for a tag: look-ups of the same object need no comparison in Python."""
    return BaseTag(number)


@lru_cache(maxsize=1024)
def tag_of(keyword: str) -> BaseTag:
    """The tag of a keyword of the DICOM dictionary."""
    number = tag_for_keyword(keyword)
    if number is None:
        raise KeyError(keyword)
    return tag(number)


@lru_cache(maxsize=1024)
def _dictionary_vr(number: BaseTag) -> str:
    return dictionary_VR(number)


def text(dataset: Dataset, keyword: str) -> str:
    """The value as text without padding, several joined by a backslash; empty where absent or empty.

    Decoded by the data set's Specific Character Set (see `charset`); the bytes of what cannot be converted are taken
    for Latin-1.
    """
    element = dataset.get_item(tag_of(keyword))
    if element is None:
        return ""
    found = _raw(element)
    if found is not None and found[1] in PLAIN:
        return _characters(found[0])
    try:
        value = dataset[tag_of(keyword)].value
    except Exception:
        # Another representation than the keyword has, or none at all.
        return "" if found is None else _characters(found[0])
    if isinstance(value, MultiValue):
        return "\\".join(map(str, value))
    return "" if value is None else str(value).strip(" \0")


@lru_cache(maxsize=4096)
def _characters(content: bytes) -> str:
    return "\\".join(part.strip(" \0") for part in content.decode("latin-1").split("\\"))


def raw_value(dataset: Dataset, keyword: str) -> tuple[bytes, str, bool] | None:
    """(bytes, VR, little endian) of an element that pydicom has not converted yet, else None."""
    return _raw(dataset.get_item(tag_of(keyword)))


def _raw(element: object) -> tuple[bytes, str, bool] | None:
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
        return None
    vr = element.VR
    if vr is None or vr == "UN":
        vr = _dictionary_vr(element.tag)
    return element.value, vr, element.is_little_endian


def floats(dataset: Dataset, keyword: str, count: int, name: str) -> NDArray[np.float64] | None:
    """``count`` finite numbers, or None where the attribute is absent or empty.

    Raises
    ------
    InputError
        Another count of values, or a value that is not a finite number.
    """
    element = dataset.get_item(tag_of(keyword))
    if element is None:
        return None
    found = _raw(element)
    if found is not None:
        values = _numbers(*found)
        if values is not None and len(values) == count:
            return np.array(values)
    try:
        value = dataset[tag_of(keyword)].value
    except Exception as error:
        raise InputError(
            f"{name}: {keyword} cannot be read ({type(error).__name__}), expected {count} numbers"
        ) from error
    if value is None or (isinstance(value, (str, MultiValue, list)) and len(value) == 0):
        return None
    items: Iterable[Any] = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    try:
        array = np.array([float(v) for v in items], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {keyword} is {value!r}, expected {count} numbers") from error
    if array.size != count or not np.isfinite(array).all():
        raise InputError(f"{name}: {keyword} is {value!r}, expected {count} finite numbers")
    return array


@lru_cache(maxsize=4096)
def _numbers(content: bytes, vr: str, little: bool) -> tuple[float, ...] | None:
    """The finite numbers that an element's bytes hold, None where they are not plainly that."""
    try:
        if vr in DECIMAL:
            values = tuple(float(part) for part in content.strip(b" \0").split(b"\\"))
        elif vr in BINARY:
            code = BINARY[vr]
            count = len(content) // struct.calcsize(code)
            values = tuple(float(v) for v in struct.unpack(f"{'<' if little else '>'}{count}{code}", content))
        else:
            return None
    except (ValueError, struct.error):
        return None
    return values if all(map(math.isfinite, values)) else None


def number(dataset: Dataset, keyword: str, name: str) -> float | None:
    """One finite number, or None where absent or empty. Raises InputError as `floats`."""
    found = floats(dataset, keyword, 1, name)
    return None if found is None else float(found[0])


def integer(dataset: Dataset, keyword: str, name: str, default: int | None = None) -> int:
    """One integer; ``default`` where absent. Raises InputError where absent without default, or not whole."""
    found = number(dataset, keyword, name)
    if found is None:
        if default is None:
            raise InputError(f"{name}: {keyword} is missing; the image cannot be read without it")
        return default
    if found != int(found):
        raise InputError(f"{name}: {keyword} is {found}, expected a whole number")
    return int(found)


def first_item(dataset: Dataset, keyword: str) -> Dataset | None:
    """The first item of a sequence, or None."""
    found = items(dataset, keyword)
    return found[0] if found else None


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence, none where it is absent or empty.

    Raises ValueError where it is no sequence; `files.reading` makes an InputError of it that names the file.
    """
    if dataset.get_item(tag_of(keyword)) is None:
        return []
    try:
        found = list(dataset[tag_of(keyword)].value or [])
    except Exception as error:
        raise ValueError(f"{keyword} cannot be read ({type(error).__name__}), expected a sequence") from error
    if not all(isinstance(item, Dataset) for item in found):
        raise ValueError(f"{keyword} holds something else than the items of a sequence")
    return found


def private_value(dataset: Dataset, group: int, creator: str, element: int) -> Any:
    """The value of a private element by its creator's name (PS3.5 section 7.8), None where there is none.

    What cannot be read counts as not there.
    """
    # Shifts are of plain integers: comparing pydicom's tags costs more than all the rest.
    blocks = [key for key in dataset.keys() if key >> 8 == group << 8]  # noqa: SIM118
    for key in blocks:
        name = _private_of(dataset, tag(key))
        name = name.decode("latin-1") if isinstance(name, bytes) else name
        if isinstance(name, str) and name.strip(" \0") == creator:
            value = _private_of(dataset, tag(group << 16 | (key & 0xFF) << 8 | element))
            if value is not None:
                return value
    return None


def _private_of(dataset: Dataset, key: BaseTag) -> Any:
    if dataset.get_item(key) is None:
        return None
    try:
        return dataset[key].value
    except Exception:
        return None
