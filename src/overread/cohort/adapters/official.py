"""From the parts in which a data set is published to train, val and test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from overread.cohort.splits.allocate import allocate
from overread.cohort.splits.parts import FRACTIONS, SPLITS
from overread.errors import InputError

# An eighth of what is published for training: val is then to train as by `FRACTIONS`.
CARVED: Mapping[str, float] = {"train": 0.875, "val": 0.125}


def official_splits(
    rows: Iterable[tuple[str, str]], strata: Mapping[str, str] | None = None
) -> tuple[dict[str, str], str]:
    """The split of every patient and a note on where it comes from.

    Parameters
    ----------
    rows
        Patient and official part (``"train"``, ``"val"``, ``"test"``, or ``""`` where the publisher gives
        none) of every case.
    strata
        A class per patient; parts that must be dealt here then have their share of each.

    Three official parts stay as they are. Train and test stay, and val is an eighth of the training patients.
    Where the publisher keeps the truth of the test part back (train and val), the official val is the
    test and val is an eighth of the training patients. Without parts all are dealt. A patient in two official
    parts goes whole to the later of them, so that the published test stays complete.

    Raises
    ------
    InputError
        Too few patients for every split.
    """
    parts: dict[str, str] = {}
    moved = set()
    for patient, part in rows:
        before = parts.setdefault(patient, part)
        if before != part:
            moved.add(patient)
            parts[patient] = max(before, part, key=_rank)
    found = set(parts.values())
    train = [p for p, part in parts.items() if part == "train"]
    if found == set(SPLITS):
        splits, note = parts, "official splits"
    elif found == {"train", "test"}:
        splits = parts | allocate(train, CARVED, strata or {}, 0, {})
        note = "official train and test; val is an eighth of the training patients"
    elif found == {"train", "val"}:
        splits = dict.fromkeys(parts, "test") | allocate(train, CARVED, strata or {}, 0, {})
        note = "test is the official validation part; val is an eighth of the training patients"
    elif len(found) == 1:
        splits = allocate(parts, FRACTIONS, strata or {}, 0, {})
        note = "no official splits: patients are dealt 70/10/20"
    else:
        raise InputError(
            f"found the official parts {', '.join(sorted(p or 'none' for p in found))}; expected train with val, "
            "test or both for all cases, or no parts at all"
        )
    missing = [s for s in SPLITS if s not in splits.values()]
    if missing:
        raise InputError(
            f"found {len(parts)} patients, too few for a split {missing[0]!r}; expected at least one each for "
            f"{', '.join(SPLITS)}"
        )
    if moved:
        few = ", ".join(sorted(moved)[:3]) + (" ..." if len(moved) > 3 else "")
        note += f"; {len(moved)} patients in two official parts were kept together in the later one ({few})"
    return splits, note


def _rank(part: str) -> int:
    return ("", *SPLITS).index(part)
