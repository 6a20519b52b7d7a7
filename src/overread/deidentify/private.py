"""Private elements that are known to say nothing of a person (PS3.15 E.3.10)."""

from __future__ import annotations

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

SAFE: dict[tuple[str, int], frozenset[int]] = {
    ("Philips PET Private Group", 0x7053): frozenset({0x00, 0x09}),  # SUV and activity scale factors
    ("SIEMENS MR HEADER", 0x0019): frozenset({0x0A, 0x0B, 0x0C, 0x0E, 0x27}),  # mosaic, b-value, direction
    ("GEMS_PARM_01", 0x0043): frozenset({0x39, 0x6F}),  # b-value, scanner table entry
    ("GEMS_ACQU_01", 0x0019): frozenset({0x23, 0x24, 0x27, 0xBB, 0xBC, 0xBD}),  # table, rotation, direction
    ("Philips Imaging DD 001", 0x2001): frozenset({0x03}),  # b-value
    ("Philips MR Imaging DD 001", 0x2005): frozenset({0x0D, 0x0E}),  # scale intercept and slope
    ("ELSCINT1", 0x01F1): frozenset({0x07, 0x26, 0x27}),  # table velocity, pitch, rotation time
}
"""By private creator and group: the last two digits of the element numbers."""
NUMERIC = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV"})

Declared = dict[tuple[str, int], frozenset[int] | None]


def declared_safe(dataset: Dataset) -> Declared:
    """What the data set itself declares safe (PS3.3 C.12.1.1.7): creator and group to elements, None for all."""
    safe: Declared = {}
    for item in dataset.get("PrivateDataElementCharacteristicsSequence") or ():
        block = (str(item.get("PrivateCreatorReference", "")), int(item.get("PrivateGroupReference") or 0))
        status = item.get("BlockIdentifyingInformationStatus")
        if status == "SAFE":
            safe[block] = None
        elif status == "MIXED":
            listed = item.get("NonidentifyingPrivateElements")
            numbers = [] if listed is None else [listed] if isinstance(listed, int) else list(listed)
            safe[block] = frozenset(int(n) & 0xFF for n in numbers)
    return safe


def is_safe(dataset: Dataset, element: DataElement, declared: Declared) -> bool:
    """Whether a private element may stay: a number in the list above, or declared safe by its own data set."""
    tag = element.tag
    creator = dataset.get((tag.group, tag.element >> 8))
    if creator is None or tag.element < 0x1000:
        return False
    block, last = (str(creator.value).strip(), tag.group), tag.element & 0xFF
    if last in SAFE.get(block, ()) and element.VR in NUMERIC:
        return True
    if block not in declared or element.VR == "UN":
        return False
    listed = declared[block]
    return listed is None or last in listed


def creators(source: Dataset, result: Dataset) -> list[DataElement]:
    """The private creators of the blocks that ``result`` kept."""
    blocks = {(t.group, t.element >> 8) for t in [*result.keys()] if t.is_private and t.element >= 0x1000}
    return [source[block] for block in sorted(blocks)]
