"""What the rules left standing is searched for the source's identifiers, value by value, and replaced."""

from __future__ import annotations

from collections.abc import Callable

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from overread.deidentify.codes import is_safe_meaning
from overread.deidentify.identity import Identity
from overread.deidentify.values import BYTES, DUMMY_TEXT, PIXELS, TEXT, emptied, values, with_values

Note = Callable[[BaseTag, str, str], None]


def sweep(dataset: Dataset, identity: Identity, note: Note) -> None:
    """Replace in place what still carries an identifying value; ``note`` is told tag, keyword and action."""
    for tag in list(dataset.keys()):
        element = dataset[tag]
        if element.VR == "SQ":
            for item in element.value:
                sweep(item, identity, note)
        elif element.VR in TEXT and not is_safe_meaning(dataset, element):
            old = values(element)
            new = [DUMMY_TEXT if identity.found(v, element.VR == "CS") else v for v in old]
            if new != old:
                dataset[tag] = with_values(element, new)
                note(tag, element.keyword, "replaced (held an identifier)")
        elif element.VR in ("DS", "IS") and any(identity.found_number(v) for v in values(element)):
            dataset[tag] = emptied(element)
            note(tag, element.keyword, "emptied (an identifier)")
        elif element.VR in BYTES and tag not in PIXELS and _holds(element, identity):
            del dataset[tag]
            note(tag, element.keyword, "removed (held an identifier)")


def _holds(element: DataElement, identity: Identity) -> bool:
    return isinstance(element.value, bytes) and identity.in_bytes(element.value)
