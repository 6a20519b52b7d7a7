"""What the imports share: pairs of files by name, splits, label names, files taken over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from overread.cohort.splits.parts import FRACTIONS, SPLITS, split_of
from overread.errors import InputError


def pair_by_name(
    images: Path, labels: Path, image_suffixes: Sequence[str], label_suffixes: Sequence[str]
) -> dict[str, tuple[Path, Path]]:
    """Files of two folders that have one name, whatever their suffixes: name to (image, label), sorted.

    Hidden files and files with other suffixes are passed over.

    Raises
    ------
    InputError
        A folder is missing or has no such file, a name stands twice in one folder or in only one of them.
    """
    found = [files_by_name(images, image_suffixes), files_by_name(labels, label_suffixes)]
    for mine, other, folder in ((found[0], found[1], labels), (found[1], found[0], images)):
        alone = sorted(mine.keys() - other.keys())
        if alone:
            more = f" (and {len(alone) - 1} more)" if len(alone) > 1 else ""
            raise InputError(
                f"{mine[alone[0]]}: has no partner named {alone[0]!r} in {folder}{more}; "
                "add it or take this one out"
            )
    return {name: (found[0][name], found[1][name]) for name in sorted(found[0])}


def files_by_name(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """Files of ``folder`` by their names without suffix. Raises InputError as `pair_by_name`."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        suffix = next((s for s in suffixes if path.name.lower().endswith(s)), None)
        if suffix is None or path.name.startswith(".") or not path.is_file():
            continue
        name = path.name[: -len(suffix)]
        if name in found:
            raise InputError(f"{path}: {found[name].name} has the same name; keep one of them")
        found[name] = path
    if not found:
        raise InputError(f"{folder}: holds no file ending in {', '.join(suffixes)}; check the path")
    return found


def splits_of(patients: Collection[str]) -> dict[str, str]:
    """The split of each patient by hash; where a small set leaves one empty, by rank of the hash.

    Raises
    ------
    InputError
        Fewer than three patients.
    """
    if len(set(patients)) < len(SPLITS):
        raise InputError(
            f"found {len(set(patients))} patients, expected at least 3: one each for {', '.join(SPLITS)}"
        )
    splits = {p: split_of(p) for p in patients}
    if set(splits.values()) == set(SPLITS):
        return splits
    val, test = (max(1, round(FRACTIONS[name] * len(splits))) for name in SPLITS[1:])
    ranked = sorted(splits, key=lambda p: (SPLITS.index(splits[p]), p))
    last = len(ranked) - val - test
    names = [SPLITS[0]] * last + [SPLITS[1]] * val + [SPLITS[2]] * test
    return dict(zip(ranked, names, strict=True))


def names_of_values(
    values: Collection[int], where: Path, foreground: Sequence[str] | None = None
) -> list[str]:
    """Class names for the ``values`` of masks: ``background`` and then ``foreground`` or ``label1`` ...

    Raises
    ------
    InputError
        Negative values, no value but 0, values with gaps, or more than ``foreground`` names.
    """
    top = max(values, default=0)
    if min(values, default=0) < 0 or top < 1:
        raise InputError(
            f"{where}: label maps hold {sorted(values)}; expected 0 for background and 1, 2 ... for classes"
        )
    missing = sorted(set(range(1, top + 1)) - set(values))
    if foreground is None and missing:
        shown = ", ".join(map(str, sorted(values)[:6])) + (" ..." if len(values) > 6 else "")
        raise InputError(
            f"{where}: label maps hold {shown} but never {missing[0]}; "
            "expected 1, 2 ... without gaps; number them anew"
        )
    names = list(foreground) if foreground is not None else [f"label{k}" for k in range(1, top + 1)]
    if top > len(names):
        raise InputError(
            f"{where}: label maps hold {top}, expected at most {len(names)} ({', '.join(names)})"
        )
    return ["background", *names]


def take_over(source: Path, target: Path) -> None:
    """Put a file at ``target`` as a hard link where the disk allows it, else as a copy.

    Raises
    ------
    InputError
        Another file is there: two of the source's names come to one. As that file may be a link to the source,
        writing over it would change the source.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        raise InputError(
            f"{source}: another file of the data set would be taken over as {target.name}, too; rename one of them"
        )
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
