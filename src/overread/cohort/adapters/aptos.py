"""APTOS 2019 Blindness Detection: 3,662 fundus photographs graded for diabetic retinopathy.

Published on Kaggle by the Asia Pacific Tele-Ophthalmology Society (images of Aravind Eye Hospital, India).
"""

from __future__ import annotations

from pathlib import Path

from overread.cohort.adapters.listing import PICTURES, by_stem, check_listed, take_all
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.source import existing, files_in, rows_of
from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError

GRADES = ("no retinopathy", "mild", "moderate", "severe", "proliferative")
NOTE = (
    "grades 0 to 4 of diabetic retinopathy, in this order; no patient identities are published: every image counts as "
    "its own patient, so that the two eyes of a person may be in different splits; test.csv has no truth and stays out"
)


def import_aptos(folder: Path, out: Path) -> None:
    """Take over the training images with their grade.

    Raises
    ------
    InputError
        A missing table or image, a grade other than 0 to 4, or ``out`` holds something else.
    """
    table = existing(folder, ("train.csv",), "the grades")
    grades: dict[str, str] = {}
    for row in rows_of(table, ("id_code", "diagnosis")):
        image = row["id_code"]
        if image in grades:
            raise InputError(f"{table}: {image} stands in more than one row; download it again")
        if row["diagnosis"] not in ("0", "1", "2", "3", "4"):
            raise InputError(f"{table}: {image}: diagnosis is {row['diagnosis']!r}, expected 0 to 4")
        grades[image] = GRADES[int(row["diagnosis"])]
    place = existing(folder, ("train_images",), "the images")
    images = by_stem(files_in(place, PICTURES, recursive=True))
    check_listed(grades, images, table, place)
    splits, note = official_splits(((image, "") for image in grades), grades)
    task = task_of(
        "ordinal",
        2,
        GRADES,
        name="APTOS 2019 Blindness Detection",
        licence="terms of the challenge (Kaggle)",
        note=f"{note}; {NOTE}",
        made=made_by("aptos", folder),
        modality=("OP",),
        limits={"body_part": ["EYE"]},
    )
    with building(out, task) as target:
        stored = take_all(target, {image: images[image] for image in grades})
        cases = [
            Case(image, image, {"image": stored[image]}, grade, split=splits[image])
            for image, grade in grades.items()
        ]
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{len(GRADES)} grades")
