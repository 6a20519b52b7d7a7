"""What the Basic Application Level Confidentiality Profile does to each attribute (PS3.15 table E.1-1).

The table itself is kept by the dicom-anonymizer project, one module for each edition of the standard.
"""

from __future__ import annotations

from functools import cache

EDITION = "2026c"
ALWAYS = {
    0x00880200: "X",  # Icon Image Sequence: a small copy of the pixels
    0x04000500: "X",  # Encrypted Attributes Sequence
    0x04000561: "X",  # Original Attributes Sequence: what was there before
    0x4FFE0001: "X",  # MAC Parameters Sequence: of signatures that no longer hold
    0xFFFAFFFA: "X",  # Digital Signatures Sequence
    0xFFFCFFFC: "X",  # Data Set Trailing Padding
}


@cache
def actions() -> dict[int, str]:
    """Tag to action code (D, Z, X, U, or several such as X/Z/D) for every attribute with a tag of its own."""
    from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as edition

    lists = {
        "D": edition.D_TAGS,
        "Z": edition.Z_TAGS,
        "X": edition.X_TAGS,
        "U": edition.U_TAGS,
        "Z/D": edition.Z_D_TAGS,
        "X/Z": edition.X_Z_TAGS,
        "X/D": edition.X_D_TAGS,
        "X/Z/D": edition.X_Z_D_TAGS,
        "X/Z/U*": edition.X_Z_U_STAR_TAGS,
    }
    # Entries of four numbers stand for repeating groups, which are treated as a whole.
    table = {t[0] << 16 | t[1]: code for code, tags in lists.items() for t in tags if len(t) == 2}
    return table | ALWAYS


def is_graphics(tag: int) -> bool:
    """Whether a tag lies in the repeating groups of curves (50xx) and overlays (60xx)."""
    return (tag >> 16) & 0xFF01 in (0x5000, 0x6000)


def resolve(code: str, has_value: bool, sequence: bool) -> str:
    """One action of those that a code permits: the one that leaves every kind of object valid.

    D where permitted and there is a value to replace, else Z, else X (PS3.15 E.1 permits X where the object
    does not need the attribute; the other two are always right). Sequences of references keep their items.
    """
    if code == "X/Z/U*":
        return "U" if sequence else "Z"
    choices = code.split("/")
    if "D" in choices and has_value:
        return "D"
    if "Z" in choices or ("D" in choices and not has_value):
        return "Z"
    return choices[0]
