"""Which presentation contexts are taken: looked up once for each UID, never copied for each association."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from overread.clinic.encoded import encoding_of
from overread.clinic.spool import UID_PATTERN

VERIFICATION = "1.2.840.10008.1.1"
COMMITMENT = "1.2.840.10008.1.20.1"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
UNCOMPRESSED = frozenset({"1.2.840.10008.1.2", EXPLICIT_LITTLE, "1.2.840.10008.1.2.2"})
STANDARD_ROOT = "1.2.840.10008."
STORAGE_ROOT = "1.2.840.10008.5.1.4.1.1."
NO_STORAGE = ("FIND", "MOVE", "GET", "Commitment", "Directory", "Print", "Creation", "Query")
"""Words in the names of what is no storage class, though its UID or its name may look so."""


@lru_cache(maxsize=4096)
def is_storage(abstract_syntax: str) -> bool:
    """Whether instances of it can be kept: storage classes of the standard, and all that the standard does not name.

    Makers have classes under UIDs of their own, and later editions add some: whatever can be encoded can be kept.
    """
    if not UID_PATTERN.fullmatch(abstract_syntax):
        return False
    from pydicom._uid_dict import UID_dictionary

    named = UID_dictionary.get(abstract_syntax)
    if named is None:
        return True
    name, kind = named[0], named[1]
    if any(word in name for word in NO_STORAGE):
        return False
    return abstract_syntax.startswith(STORAGE_ROOT) or (kind == "SOP Class" and "Storage" in name)


@lru_cache(maxsize=4096)
def choose_syntax(proposed: tuple[str, ...]) -> str | None:
    """The transfer syntax to be spoken: the first that the standard defines; of uncompressed ones explicit VR.

    In explicit VR private elements keep their kind. None where none is known.
    """
    known = [s for s in proposed if encoding_of(s) is not None]
    if not known:
        return None
    if known[0] in UNCOMPRESSED and EXPLICIT_LITTLE in known:
        return EXPLICIT_LITTLE
    return known[0]


def first_plain(proposed: Sequence[str]) -> str | None:
    """The first uncompressed little endian syntax, for services whose data sets we read and write ourselves."""
    return next((s for s in proposed if s in UNCOMPRESSED and s != "1.2.840.10008.1.2.2"), None)
