"""Specific Character Set (0008,0005): text is decoded whatever a damaged file says there.

pydicom looks up among Python's codecs what DICOM does not define. That raises what nobody expects: ValueError for a
NUL, LookupError later on for codecs of other things than text (``hex``, ``rot13``); and some codecs (``idna``,
``utf_16``) make another text of it. `guard` puts Latin-1, pydicom's own default, in their place, also for sequences
that are parsed when they are first looked at; whoever imports `values` has called it.

Source: PS3.3 C.12.1.1.2 (defined terms), PS3.5 section 6.1.2 (character repertoires).
"""

from __future__ import annotations

import codecs
import warnings
from collections.abc import Mapping
from functools import lru_cache

from pydicom import charset

PRINTABLE = bytes(range(0x20, 0x7F))


class _Terms(dict[str, str]):
    """Defined terms to Python's names of encodings, and Latin-1 for those that pydicom would stumble over."""

    def __missing__(self, term: object) -> str:
        if isinstance(term, str) and (_is_misspelt(term) or _keeps_ascii(term)):
            # pydicom knows better: it corrects the spelling, or takes Python's own name.
            raise KeyError(term)
        return charset.default_encoding


def _is_misspelt(term: str) -> bool:
    return term.startswith("ISO") and term.isascii() and term.isprintable() and "IR" in term


@lru_cache(maxsize=256)
def _keeps_ascii(encoding: str) -> bool:
    """Whether Python has a text encoding of this name in which the letters of ASCII are themselves."""
    try:
        # The two encodings of host names pass, and change or refuse everything else.
        hosts = codecs.lookup(encoding).name in ("idna", "punycode")
        return not hosts and PRINTABLE.decode(encoding) == PRINTABLE.decode("ascii")
    except (LookupError, ValueError):
        return False


def guard() -> None:
    """Make pydicom decode under any Specific Character Set, in this process from now on; again changes nothing."""
    if not isinstance(charset.python_encoding, _Terms):
        charset.python_encoding = _Terms(charset.python_encoding)


def is_defined(term: str) -> bool:
    """Whether DICOM defines ``term``; an empty one stands for ASCII."""
    known: Mapping[str, str] = charset.python_encoding
    return term in known


def charset_notes(value: str) -> tuple[str, ...]:
    """A sentence where Specific Character Set (its values joined by a backslash) names what DICOM does not define."""
    terms = [term.strip(" \0") for term in value.split("\\")]
    if all(is_defined(term) for term in terms):
        return ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        used = dict.fromkeys(codecs.lookup(e).name for e in charset.convert_encodings(terms))
    return (f"SpecificCharacterSet {value!a} is not one of DICOM's; text was read as {', '.join(used)}",)
