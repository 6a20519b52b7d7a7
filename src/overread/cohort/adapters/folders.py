"""A folder per class, as people sort their own pictures; folders train, val and test above them are kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.progress import track

from overread.cohort.adapters.common import take_over
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.source import case_name, files_in, listed
from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError
from overread.imaging.read import read

FILES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".nii", ".nii.gz", ".nrrd", ".mha")
PARTS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "tune", "tuning"), "val"),
    **dict.fromkeys(("test", "testing", "ts"), "test"),
}
"""What folders and cells call the parts of a data set."""


def import_folders(folder: Path, out: Path, patient: str | None = None) -> None:
    """Take over ``FOLDER/CLASS/*`` or ``FOLDER/train|val|test/CLASS/*``; files may lie deeper within a class.

    ``patient`` is a regular expression whose first group is the patient in a file's name; without it every file counts
    as its own patient, which is said. Published parts stay; of train and test alone, val is an eighth of train,
    of every class its share.

    Raises
    ------
    InputError
        No folder of images, fewer than two classes, a class that one part lacks, folders of parts beside others, a name
        that ``patient`` does not match, or ``out`` holds something else.
    """
    found = _found(Path(folder))
    classes = sorted({label for _, label, _ in found})
    if len(classes) < 2:
        raise InputError(
            f"{folder}: holds images of {classes[0]!r} alone; expected two folders of classes or more, or those below "
            "folders train, val and test"
        )
    names = _names(found)
    people = patients_of([path for *_, path in found], names, patient)
    rows = [(people[n], part) for n, (part, _, _) in zip(names, found, strict=True)]
    strata = {people[n]: label for n, (_, label, _) in zip(names, found, strict=True)}
    splits, note = official_splits(rows, strata)
    image = read(found[0][2])
    made = made_by("folders", folder, patient=patient)
    task: dict[str, Any] = {"source": {"import": made}}
    if patient is None:
        note += "; every file counts as its own patient (--patient says how names tell them)"
    with building(out, task) as target:
        cases = []
        for name, (part, label, path) in track(
            list(zip(names, found, strict=True)), "Taking over images", len(found)
        ):
            kept = target / "images" / f"{name}{suffix_of(path)}"
            take_over(path, kept)
            more = {"official_split": part} if part else {}
            cases.append(Case(name, people[name], {"image": kept}, label, None, splits[people[name]], more))
        task |= task_of(
            "classification",
            len(image.spatial),
            classes,
            name=Path(folder).resolve().name,
            licence="unknown",
            note=note,
            made=made,
            modality=[image.modality] if image.modality else [],
        )
        # Which of two classes is the one to be found is for `overread init` to guess aloud.
        task["positive"] = None
        Cohort(target, tuple(cases)).write()
    counts = Counter(label for _, label, _ in found)
    print_summary(out, cases, f"{', '.join(f'{k} {counts[k]}' for k in classes)}; {note}")


def suffix_of(path: Path) -> str:
    """The ending of a file's name that tells its format, in lower case; ``.nii.gz`` whole."""
    low = path.name.lower()
    return next((s for s in sorted(FILES, key=len, reverse=True) if low.endswith(s)), path.suffix.lower())


def patients_of(paths: Sequence[Path], names: Sequence[str], pattern: str | None) -> dict[str, str]:
    """The patient of every case, by the first group of ``pattern`` in the file's name; the case itself without one."""
    if pattern is None:
        return {n: n for n in names}
    try:
        known = re.compile(pattern)
    except re.error as error:
        raise InputError(f"--patient: {pattern!r} is no regular expression ({error})") from error
    if known.groups < 1:
        raise InputError(f"--patient: {pattern!r} has no group; expected one in brackets, such as ^([^_]+)")
    out = {}
    for name, path in zip(names, paths, strict=True):
        match = known.search(path.name)
        if not match or not match[1]:
            raise InputError(f"{path}: --patient {pattern!r} does not match its name; correct the pattern")
        out[name] = match[1]
    return out


def _found(folder: Path) -> list[tuple[str, str, Path]]:
    """Part, class and path of every image."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    top = sorted(p for p in folder.iterdir() if p.is_dir() and p.name[0] != ".")
    parts = [p for p in top if p.name.lower() in PARTS]
    if parts and len(parts) < len(top):
        others = listed([p.name for p in top if p not in parts])
        raise InputError(
            f"{folder}: holds {listed([p.name for p in parts])} beside {others}; expected folders of parts alone, or "
            "of classes alone"
        )
    out = []
    for above in parts or [folder]:
        part = PARTS[above.name.lower()] if parts else ""
        for kind in sorted(p for p in above.iterdir() if p.is_dir() and p.name[0] != "."):
            out += [(part, kind.name.strip(), f) for f in files_in(kind, FILES, recursive=True)]
    if not out:
        raise InputError(
            f"{folder}: holds no folder with images ({', '.join(FILES)}); expected FOLDER/CLASS/IMAGE or "
            "FOLDER/train/CLASS/IMAGE"
        )
    classes = {label for _, label, _ in out}
    for part in {p for p, _, _ in out}:
        lacking = classes - {label for p, label, _ in out if p == part}
        if lacking:
            raise InputError(
                f"{folder / part}: has no image of {listed(lacking)}, which other parts have; add some, or drop "
                "the class"
            )
    return out


def _names(found: Sequence[tuple[str, str, Path]]) -> list[str]:
    """A name for every case: the file's, with class and part before it where two would have the same."""
    for form in (
        lambda part, label, stem: stem,
        lambda part, label, stem: f"{label}_{stem}",
        lambda part, label, stem: f"{part}_{label}_{stem}",
    ):
        names = [case_name(form(p, k, f.name[: -len(suffix_of(f))])) for p, k, f in found]
        if len(set(names)) == len(names):
            return names
    twice = Counter(names).most_common(1)[0][0]
    where = [str(f) for n, (_, _, f) in zip(names, found, strict=True) if n == twice]
    raise InputError(f"{where[0]}: {where[1]} would have the same name, {twice}; rename one of them")
