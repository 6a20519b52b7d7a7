"""PANDA: 10,616 slides of prostate biopsies from two hospitals, graded by Gleason score and ISUP grade group.

Bulten et al., Nature Medicine 2022;28:154-163. Published on Kaggle (Prostate cANcer graDe Assessment) by Radboud
University Medical Center and Karolinska Institute.
"""

from __future__ import annotations

from pathlib import Path

from overread.cohort.adapters.listing import by_stem, check_listed, take_all
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.source import existing, files_in, listed, rows_of
from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError

SLIDES = (".tiff", ".tif")
GRADES = tuple(f"ISUP {k}" for k in range(6))
PROVIDERS = ("karolinska", "radboud")
# Epstein et al., American Journal of Surgical Pathology 2016;40:244-252.
ISUP = {
    "negative": "0",
    "0+0": "0",
    "3+3": "1",
    "3+4": "2",
    "4+3": "3",
    **dict.fromkeys(("4+4", "3+5", "5+3"), "4"),
    **dict.fromkeys(("4+5", "5+4", "5+5"), "5"),
}
NOTE = (
    "site is data_provider; ISUP grades in this order; no patient identities are published: every slide counts as its "
    "own patient, though some patients have several; the values of the masks in column annotation differ by provider "
    "(karolinska 0 background, 1 benign, 2 cancer; radboud 0 background, 1 stroma, 2 benign, 3 to 5 Gleason patterns)"
)


def import_panda(folder: Path, out: Path) -> None:
    """Take over the slides with grade, Gleason score and provider; a slide's mask is named in ``annotation``.

    Some slides have no mask: the cell is empty then. Where grade and Gleason score contradict each other the
    published grade stays, and the note in task.json names the slides.

    Raises
    ------
    InputError
        A missing table or slide, a mask of no slide, an unknown grade, score or provider, or ``out`` holds
        something else.
    """
    table = existing(folder, ("train.csv",), "the grades")
    rows: dict[str, dict[str, str]] = {}
    odd = []
    for row in rows_of(table, ("image_id", "data_provider", "isup_grade", "gleason_score")):
        image, where = row["image_id"], f"{table}: {row['image_id']}"
        if image in rows:
            raise InputError(f"{where} stands in more than one row; download the table again")
        if f"ISUP {row['isup_grade']}" not in GRADES:
            raise InputError(f"{where}: isup_grade is {row['isup_grade']!r}, expected 0 to 5")
        if row["gleason_score"] not in ISUP:
            raise InputError(
                f"{where}: gleason_score is {row['gleason_score']!r}, expected one of {', '.join(ISUP)}"
            )
        if row["data_provider"] not in PROVIDERS:
            raise InputError(
                f"{where}: data_provider is {row['data_provider']!r}, expected {' or '.join(PROVIDERS)}"
            )
        if ISUP[row["gleason_score"]] != row["isup_grade"]:
            odd.append(f"{image} ({row['gleason_score']}, ISUP {row['isup_grade']})")
        rows[image] = row
    place = existing(folder, ("train_images",), "the slides")
    slides = by_stem(files_in(place, SLIDES))
    check_listed(rows, slides, table, place)
    masks = _masks(folder / "train_label_masks", rows)
    grade_of = {image: f"ISUP {row['isup_grade']}" for image, row in rows.items()}
    strata = {image: f"{grade_of[image]} {row['data_provider']}" for image, row in rows.items()}
    splits, note = official_splits(((image, "") for image in rows), strata)
    if odd:
        note += f"; grade and Gleason score contradict each other in {listed(odd, 5)}"
    task = task_of(
        "slide classification",
        2,
        GRADES,
        name="PANDA",
        licence="CC BY-SA-NC 4.0",
        note=f"{note}; {NOTE}",
        made=made_by("panda", folder),
        modality=("SM",),
        limits={"body_part": ["PROSTATE"]},
    )
    with building(out, task) as target:
        stored = take_all(target, {image: slides[image] for image in rows})
        kept = take_all(target, masks, "masks")
        cases = [
            Case(
                image,
                image,
                {"image": stored[image]},
                grade_of[image],
                split=splits[image],
                attributes={
                    "site": row["data_provider"],
                    "gleason_score": row["gleason_score"],
                    "annotation": kept[image].relative_to(target).as_posix() if image in kept else "",
                },
            )
            for image, row in rows.items()
        ]
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{len(GRADES)} grades, {len(kept)} masks")


def _masks(folder: Path, rows: dict[str, dict[str, str]]) -> dict[str, Path]:
    """The masks there are, by slide."""
    if not folder.is_dir():
        return {}
    found = {path.stem.removesuffix("_mask"): path for path in files_in(folder, SLIDES)}
    extra = found.keys() - rows.keys()
    if extra:
        raise InputError(
            f"{folder}: holds {len(extra)} masks of slides that train.csv does not list: {listed(extra)}; "
            "move them elsewhere"
        )
    return {image: found[image] for image in rows if image in found}
