"""Dummy values, one for each value representation (PS3.5 table 6.2-1), that no person could have."""

from __future__ import annotations

from typing import Any

from pydicom.dataelem import DataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

DUMMY_TEXT = "ANONYMIZED"
TEXT = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
"""Value representations that hold words."""
DATES = frozenset({"DA", "DT", "TM"})
BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Tags of the three kinds of pixel data."""
_DUMMY: dict[str, Any] = {
    "AS": "000Y",
    "DA": "19000101",
    "DS": "0",
    "DT": "19000101000000",
    "IS": "0",
    "TM": "000000",
    "UR": "urn:anonymized",
}


def has_value(element: DataElement) -> bool:
    """Whether an element is there and not empty."""
    value = element.value
    if value is None:
        return False
    if isinstance(value, str | bytes | list | MultiValue) or element.VR == "SQ":
        return len(value) > 0 and not (isinstance(value, str) and not value.strip(" \0"))
    return str(value) != ""


def values(element: DataElement) -> list[str]:
    """The values of a text element as a list of strings."""
    if not has_value(element):
        return []
    value = element.value
    return [str(v) for v in value] if isinstance(value, list | MultiValue) else [str(value)]


def with_values(element: DataElement, new: list[str]) -> DataElement:
    """The same element with other text values."""
    return DataElement(
        element.tag, element.VR, new[0] if len(new) == 1 else new or "", already_converted=False
    )


def emptied(element: DataElement) -> DataElement:
    """The same element without a value."""
    return DataElement(element.tag, element.VR, [] if element.VR == "SQ" else empty_value_for_VR(element.VR))


def dummy(element: DataElement) -> DataElement:
    """The same element with the dummy of its representation; the number of values is kept."""
    vr = element.VR
    if vr in TEXT or vr in _DUMMY:
        text = _DUMMY.get(vr, DUMMY_TEXT)
        return with_values(element, [text] * max(1, len(values(element))))
    if vr in BYTES:
        size = len(element.value or b"")
        return DataElement(element.tag, vr, bytes(size + size % 2))
    return emptied(element)


def shallow(source: Dataset) -> Dataset:
    """A data set with the same elements, in which elements can be replaced and ``source`` stays as it is."""
    copied = Dataset()
    # Elements that nobody has looked at yet are decoded later, in the character set that they were read with.
    implicit, little = source.original_encoding
    copied.set_original_encoding(implicit, little, source.original_character_set)
    copied.update(source)
    return copied


def put(dataset: Dataset, keyword: str, value: Any) -> None:
    """Set an attribute by a new element: one that another data set shares keeps its value."""
    dataset.pop(keyword, None)
    setattr(dataset, keyword, value)
