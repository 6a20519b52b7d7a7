"""CAMELYON16: 399 slides of sentinel lymph nodes, with outlines of breast cancer metastases.

Ehteshami Bejnordi et al., JAMA 2017;318:2199-2210; Litjens et al., GigaScience 2018;7:giy065. Published by the
Radboud University Medical Center (Grand Challenge, GigaDB and the Registry of Open Data on AWS).
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from overread.cohort.adapters.listing import by_stem, check_listed, take_all
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.source import existing, files_in, listed
from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError

LABELS = ("normal", "tumor")
SLIDES = (".tif", ".tiff")
# What the publisher's readme says: taken out as a duplicate, and not outlined in full.
REMOVED = {"test_049"}
INCOMPLETE = {
    *(
        f"tumor_{n:03d}"
        for n in (10, 15, 18, 20, 25, 29, 33, 34, 44, 46, 51, 54, 55, 56, 67, 79, 85, 92, 95, 110)
    ),
    "test_114",
}
NOTE = (
    "outlines are ASAP's XML files, named in column annotation: groups _0 and _1 are tumor, _2 is cut out of them; "
    "exhaustive is no where the publisher says that tumor may lie outside of them; no patient identities are "
    "published: every slide counts as its own patient"
)


@dataclass(frozen=True)
class Slide:
    """One slide: its part, its label, its outlines, what the reference says of the metastasis."""

    path: Path
    part: str
    label: str
    outlines: Path | None
    kind: str = ""
    size: str = ""


def import_camelyon16(folder: Path, out: Path) -> None:
    """Take over the slides as they are, with label and outlines, and the official test part where it is there.

    Two layouts are known: ``training/normal``, ``training/tumor`` and ``testing``, and the flat ``images`` and
    ``annotations`` of the open-data copies with ``reference.csv`` or ``evaluation``.

    Raises
    ------
    InputError
        A missing slide, outline or table, an unknown label, a slide named otherwise, or ``out`` holds something
        else.
    """
    slides = _slides(folder)
    splits, note = official_splits(
        ((name, slide.part) for name, slide in slides.items()),
        {name: slide.label for name, slide in slides.items()},
    )
    training = sum(slide.part != "test" for slide in slides.values())
    note += f"; {training} of 270 training slides, {len(slides) - training} of 129 test slides"
    task = task_of(
        "slide classification",
        2,
        LABELS,
        name="CAMELYON16",
        licence="CC0",
        note=f"{note}; {NOTE}",
        made=made_by("camelyon16", folder),
        modality=("SM",),
        limits={"body_part": ["LYMPH NODE"]},
    )
    with building(out, task) as target:
        stored = take_all(target, {name: slide.path for name, slide in slides.items()})
        kept = take_all(target, {n: s.outlines for n, s in slides.items() if s.outlines}, "masks")
        cases = [
            Case(
                name,
                name,
                {"image": stored[name]},
                slide.label,
                split=splits[name],
                attributes={
                    "annotation": kept[name].relative_to(target).as_posix() if name in kept else "",
                    "exhaustive": "no" if name in INCOMPLETE else "yes",
                    "metastasis": slide.size,
                    "histology": slide.kind,
                },
            )
            for name, slide in slides.items()
        ]
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{sum(s.label == LABELS[1] for s in slides.values())} slides with tumor")


def _slides(folder: Path) -> dict[str, Slide]:
    """Every slide by its name."""
    existing(folder, ("training", "images"), "the slides")
    if not (folder / "training").is_dir():
        outlines = by_stem(files_in(existing(folder, ("annotations",), "the outlines"), (".xml",)))
        found = by_stem(files_in(folder / "images", SLIDES))
        reference = next(
            (folder / n for n in ("reference.csv", "evaluation/reference.csv") if (folder / n).is_file()),
            None,
        )
        parts = {"normal": dict[str, Path](), "tumor": dict[str, Path](), "test": dict[str, Path]()}
        for name, path in found.items():
            word = name.split("_")[0]
            if word not in parts:
                raise InputError(
                    f"{path}: expected a name such as normal_001, tumor_001 or test_001; move it away"
                )
            parts[word][name] = path
        training_outlines = {n: p for n, p in outlines.items() if not n.startswith("test")}
        test_outlines = {n: p for n, p in outlines.items() if n.startswith("test")}
        where = test_where = folder / "annotations"
    else:
        training, testing = folder / "training", folder / "testing"
        parts = {word: by_stem(files_in(existing(training, (word,), "slides"), SLIDES)) for word in LABELS}
        parts["test"] = by_stem(files_in(testing / "images", SLIDES)) if (testing / "images").is_dir() else {}
        reference = testing / "reference.csv" if parts["test"] else None
        where = training / "lesion_annotations"
        test_where = testing / "lesion_annotations"
        training_outlines = _unpacked(where)
        test_outlines = _unpacked(test_where) if parts["test"] else {}
    _outlined(parts["tumor"], training_outlines, where)
    slides = {
        name: Slide(path, "train" if parts["test"] else "", word, training_outlines.get(name))
        for word in LABELS
        for name, path in parts[word].items()
    }
    if not parts["test"]:
        return slides
    if reference is None:
        raise InputError(
            f"{folder}: has test slides and no reference.csv; download it too, or move the slides away"
        )
    truth = _reference(reference)
    check_listed(truth.keys() - (REMOVED - parts["test"].keys()), parts["test"], reference, folder)
    _outlined([n for n in parts["test"] if truth[n][0] == LABELS[1]], test_outlines, test_where)
    for name, path in parts["test"].items():
        label, kind, size = truth[name]
        slides[name] = Slide(path, "test", label, test_outlines.get(name), kind, size)
    return slides


def _unpacked(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; unpack lesion_annotations.zip there")
    return by_stem(files_in(folder, (".xml",), recursive=True))


def _outlined(tumors: Collection[str], outlines: dict[str, Path], where: Path) -> None:
    missing = set(tumors) - outlines.keys()
    if missing:
        raise InputError(
            f"{where}: lacks the outlines of {len(missing)} slides with tumor: {listed(missing)}; download them too"
        )


def _reference(path: Path) -> dict[str, tuple[str, str, str]]:
    """Label, histology and size of metastasis by slide; the table has no header."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; it holds the truth of the test slides, download it too")
    truth = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as f:
            rows = [[cell.strip() for cell in row] for row in csv.reader(f) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read as a table in UTF-8 ({error}); download it again"
        ) from error
    for row in rows:
        name = row[0].removesuffix(".tif")
        if not name.startswith("test_") or len(row) < 2 or row[1].lower() not in LABELS:
            raise InputError(
                f"{path}: row {','.join(row)!r}, expected a slide and Normal or Tumor, such as test_001,Tumor"
            )
        more = ["" if cell.lower() == "none" else cell for cell in (*row[2:4], "", "")]
        truth[name] = row[1].lower(), more[0], more[1].lower()
    return truth
