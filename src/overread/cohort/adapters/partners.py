"""Which mask belongs to which picture: by equal names, by a pattern that is given, or by one guessed and said."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.errors import InputError

NAME = "{name}"
ROLES = frozenset(
    {"image", "images", "img", "im", "pic", "picture", "photo", "original", "orig", "raw", "input"}
    | {"mask", "masks", "msk", "label", "labels", "lbl", "seg", "segmentation", "segmented", "annotation"}
    | {"annotated", "gt", "groundtruth", "truth", "manual", "target", "output"}
)
"""Words in a file's name that say what it is, and not of whom."""


@dataclass(frozen=True)
class Partners:
    """``pairs`` maps case to (picture, mask), sorted; ``pattern`` is how masks are named, ``{name}`` the picture's;
    ``said`` is what the person should know, empty where names are equal."""

    pairs: Mapping[str, tuple[Path, Path]]
    pattern: str
    said: str = ""


def partners(images: Mapping[str, Path], masks: Mapping[str, Path], pattern: str | None = None) -> Partners:
    """Pair files by their names without suffix.

    Parameters
    ----------
    images, masks
        Files by name; of one folder both are the same, and what is a mask of another file there is no picture.
    pattern
        Such as ``{name}_mask``. Without it equal names are paired; else the one addition to the picture's name
        (``_1stHO``, ``_Annotation``, ``mask_``) by which every picture has a mask, of several the first by alphabet;
        else what is left of names without words such as ``image`` and ``mask``.

    Raises
    ------
    InputError
        A pattern without ``{name}``, or no way by which every picture has a mask.
    """
    if pattern is not None:
        if pattern.count(NAME) != 1:
            raise InputError(f"--mask-pattern: found {pattern!r}, expected {NAME} once, such as {NAME}_mask")
        pattern = re.sub(r"\.[A-Za-z]{3,4}$", "", pattern)
        return Partners(_by_pattern(images, masks, pattern), pattern)
    if images != masks and images.keys() <= masks.keys():
        extra = sorted(masks.keys() - images.keys())
        if not extra or not _patterns(images, {n: masks[n] for n in extra}):
            _alone(images, masks, extra)
            return Partners({n: (images[n], masks[n]) for n in sorted(images)}, NAME)
    found = _patterns(images, masks)
    pictures = {n: p for n, p in images.items() if images != masks or not _is_mask(n, images, found)}
    full = sorted(p for p, names in found.items() if pictures.keys() <= names)
    if full:
        said = (
            f"masks are named {full[0]}, {NAME} being the picture's name; --mask-pattern names them otherwise"
        )
        if len(full) > 1:
            said += f" ({', '.join(full[1:])} would do, too)"
        return Partners(_by_pattern(pictures, masks, full[0]), full[0], said)
    return _by_words(images, masks)


def _alone(images: Mapping[str, Path], masks: Mapping[str, Path], extra: Sequence[str]) -> None:
    if extra:
        first = masks[extra[0]]
        folder = next(iter(images.values())).parent
        more = f" (and {len(extra) - 1} more)" if len(extra) > 1 else ""
        raise InputError(
            f"{first}: has no partner named {extra[0]!r} in {folder}{more}; add it or take this one out"
        )


def _patterns(images: Mapping[str, Path], masks: Mapping[str, Path]) -> dict[str, set[str]]:
    """Ways in which masks add to a picture's name, and the pictures that have a mask by each."""
    found: dict[str, set[str]] = defaultdict(set)
    by_length = sorted(images, key=len, reverse=True)
    for mask in masks:
        # The longest name that it adds to: 10 is no addition to 1.
        name = next((n for n in by_length if n != mask and n in mask), None)
        if name is not None:
            before, _, after = mask.partition(name)
            if not (before[-1:].isalnum() or (after[:1].isdigit() and name[-1].isdigit())):
                found[f"{before}{NAME}{after}"].add(name)
    return found


def _is_mask(name: str, images: Mapping[str, Path], found: Mapping[str, set[str]]) -> bool:
    """Whether a file of the one folder is the mask of another there."""
    return any(p.replace(NAME, n) == name for p, names in found.items() for n in names if n in images)


def _by_pattern(
    images: Mapping[str, Path], masks: Mapping[str, Path], pattern: str
) -> dict[str, tuple[Path, Path]]:
    wanted = {n: pattern.replace(NAME, n) for n in sorted(images)}
    if images == masks:
        wanted = {n: m for n, m in wanted.items() if n not in wanted.values()}
    missing = [n for n, m in wanted.items() if m not in masks]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        folder = next(iter(masks.values())).parent
        raise InputError(
            f"{images[missing[0]]}: has no mask named {wanted[missing[0]]!r} in {folder}{more}; add it, take this one "
            "out, or correct --mask-pattern"
        )
    return {n: (images[n], masks[m]) for n, m in wanted.items()}


def _by_words(images: Mapping[str, Path], masks: Mapping[str, Path]) -> Partners:
    """By what names have in common once words such as image and mask are taken out."""
    mine, theirs = ({_key(n): n for n in files} for files in (images, masks))
    same = len(mine) == len(images) and len(theirs) == len(masks) and mine.keys() == theirs.keys()
    if not same or "" in mine:
        name = sorted(images.keys() - masks.keys())[0] if images.keys() - masks.keys() else sorted(images)[0]
        more = len(images.keys() - masks.keys()) - 1
        folder = next(iter(masks.values())).parent
        raise InputError(
            f"{images[name]}: has no partner named {name!r} in {folder}"
            + (f" (and {more} more)" if more > 0 else "")
            + f", nor one by an addition to its name; found there {', '.join(sorted(masks)[:3])} ...; add it, take "
            f"this one out, or say how masks are named: --mask-pattern '{NAME}_mask'"
        )
    pairs = {mine[k]: (images[mine[k]], masks[theirs[k]]) for k in mine}
    first = min(pairs)
    said = (
        f"names agree without words such as image and mask: {pairs[first][0].name} and {pairs[first][1].name}"
    )
    return Partners(dict(sorted(pairs.items())), "", said)


def _key(name: str) -> str:
    parts = re.split(r"[^0-9A-Za-z]+", name)
    return "_".join(p for p in parts if p and p.lower() not in ROLES)
