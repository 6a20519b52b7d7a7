"""The page of the documentation that lists what becomes of every attribute that can carry text.

`python -m overread.deidentify.decided_list > docs/deidentified-attributes.md` writes it anew.
"""

from __future__ import annotations

from pydicom.datadict import DicomDictionary

from overread.deidentify.decided import Decision, Fate, decided
from overread.deidentify.table import EDITION
from overread.deidentify.values import BYTES, DATES, TEXT

HEAD = f"""# What becomes of every attribute that can carry text

Made from the program itself; [de-identification](deidentify.md) explains the words and the options. Attributes that
table E.1-1 of PS3.15 {EDITION} names are treated as its action codes say (D dummy, Z empty, X removed, U new UID; of
several the one that leaves every object valid). All others follow the rules below: what no rule names is cleaned.
Numbers are no text and are not listed; one that is an identifier of the data set is emptied.
"""
LISTED = TEXT | DATES | BYTES | {"AS"}


def page() -> str:
    """The whole page."""
    rows: dict[Fate, list[tuple[int, Decision]]] = {}
    for tag, decision in decided().items():
        if tag >> 16 >= 8 and set(DicomDictionary[tag][0].split(" or ")) & LISTED:
            rows.setdefault(decision.fate, []).append((tag, decision))
    parts = [HEAD]
    for fate in Fate:
        if fate not in rows:
            continue
        column = "action" if fate is Fate.TABLE else "because"
        parts.append(
            f"## {fate.value[0].upper()}{fate.value[1:]}\n\n| tag | attribute | VR | {column} |\n|---|---|---|---|"
        )
        parts += [_row(tag, decision) for tag, decision in rows[fate]]
        parts.append("")
    return "\n".join(parts)


def _row(tag: int, decision: Decision) -> str:
    vr, _, _, _, keyword = DicomDictionary[tag]
    return f"| ({tag >> 16:04X},{tag & 0xFFFF:04X}) | {keyword or 'without a name'} | {vr} | {decision.why} |"


if __name__ == "__main__":
    print(page(), end="")
