"""The columns of a cohort's table: their names, and how a person's way of writing them is understood."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

LABELS = "label_"
FINDINGS = "labels"
"""Stands for the columns ``label_<name>`` where a column is asked for."""
READER, VOTES = "reader_", "votes_"
"""A column of one of several readers, holding classes; and one of a class, holding how many readers said it."""
VALUE = "value"
"""Stands for the column that bears a number's name where a column is asked for; itself where no name is given."""
IMAGE = "image"
KNOWN = ("case", "patient", "split", "label", "mask", "boxes", "visit", "date", "days")
"""Columns that mean something, beside those of images and of findings."""
IGNORE, UNLABELLED = "ignore", "unlabelled"
"""Of masks: the value that says that nobody knows what is there, and the labels that a mask does not state."""
ATTRIBUTES = ("fold", "age", "sex", "site", "scanner", "body_part", IGNORE, UNLABELLED)
"""Attributes that commands look for by name."""
NEAR = 0.8
"""Share of letters in common (Ratcliff and Obershelp) from which a name reads as a slip of the pen for another."""


def is_finding(column: str) -> bool:
    """Whether a column is one of several labels, ``label_<name>``."""
    return column.startswith(LABELS) and column != LABELS


def is_reading(column: str) -> bool:
    """Whether a column says what one of several readers said, or how many of them said a class."""
    return any(column.startswith(p) and column != p for p in (READER, VOTES))


def is_image(column: str) -> bool:
    """Whether a column names image files, ``image`` or ``image_<channel>``."""
    return column == IMAGE or (column.startswith(f"{IMAGE}_") and column != f"{IMAGE}_")


def tidy(column: str) -> str:
    """A header cell as it is known here: without outer blanks, and a name that means something in its own case.

    The rest of ``Label_<name>`` and ``IMAGE_<channel>``, and attributes that no command looks for, stay as written.
    """
    name = column.strip().strip("\ufeff").strip()
    low = name.lower()
    if low in (*KNOWN, *ATTRIBUTES, IMAGE):
        return low
    for prefix in (LABELS, READER, VOTES, f"{IMAGE}_"):
        if low.startswith(prefix):
            return prefix + name[len(prefix) :]
    return name


def near_miss(columns: Sequence[str]) -> tuple[str, str] | None:
    """The first column that reads as a slip for one that means something and is not there: ``splt`` for ``split``.

    Taken for an attribute it would be passed over in silence, and the sealed test dealt anew.
    """
    wanted = [name for name in KNOWN if name not in columns]
    for column in columns:
        low = column.lower().replace(" ", "_")
        if not column or column in (*KNOWN, *ATTRIBUTES) or is_finding(column) or is_image(column):
            continue
        if is_reading(column):
            continue
        found = get_close_matches(low, wanted, n=1, cutoff=NEAR)
        # Slips keep the first letter; words of their own (task, mask) mostly do not.
        if found and low[0] == found[0][0]:
            return column, found[0]
    return None
