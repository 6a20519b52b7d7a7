"""The classification tasks of the ISIC challenges of 2018 (task 3), 2019 and 2020: images of skin lesions.

Codella et al., arXiv:1902.03368 (2018); Combalia et al., arXiv:1908.02288 (2019); Rotemberg et al.,
Scientific Data 2021;8:34 (2020). Published by the International Skin Imaging Collaboration.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from overread.cohort.adapters.listing import PICTURES, by_stem, check_listed, take_all
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.skin import HAM, LIMITS, NAMES, one_hot, years
from overread.cohort.adapters.source import files_in, listed, rows_by, rows_of
from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError

# The code UNK of 2019 stands for classes that training never showed: no training image bears it.
OF_2019 = ("mel", "nv", "bcc", "ak", "bkl", "df", "vasc", "scc")
OF_2020 = ("benign", "malignant")
LESIONS = "patients are not published: patient is the lesion where it is stated, else the image"


@dataclass
class Found:
    """What a year's tables say: image folders, table and classes of each part, and the facts of every image."""

    labels: tuple[str, ...]
    note: str
    licence: str = "CC BY-NC 4.0"
    images: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tables: dict[str, Path] = field(default_factory=dict)
    classes: dict[str, dict[str, str]] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)


def import_isic(folder: Path, out: Path) -> None:
    """Take over the images of one year with their class; parts without published truth stay out.

    Raises
    ------
    InputError
        No year or several, a missing table or image, a row without just one class, or ``out`` holds something else.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    tables = {path.name: path for path in files_in(folder, (".csv",), recursive=True)}
    years_found = [year for year, (known, _) in YEARS.items() if any(name in tables for name in known)]
    if len(years_found) != 1:
        raise InputError(
            f"{folder}: found the tables of {' and '.join(years_found) or 'no year'}; expected those of one: "
            f"{', '.join(' or '.join(known) for known, _ in YEARS.values())}"
        )
    year = years_found[0]
    found = YEARS[year][1](tables)
    pictures = files_in(folder, PICTURES, recursive=True)
    sources: dict[str, Path] = {}
    for part, classes in found.classes.items():
        here = by_stem(p for p in pictures if set(found.images[part]) & set(p.relative_to(folder).parts[:-1]))
        check_listed(
            classes, here.keys() - found.left_out, found.tables[part], folder / found.images[part][0]
        )
        if both := sources.keys() & here.keys():
            raise InputError(f"{folder}: {min(both)} is in two parts; download them again")
        sources |= {image: here[image] for image in classes}
    label_of = {image: label for classes in found.classes.values() for image, label in classes.items()}
    part_of = {image: part for part, classes in found.classes.items() for image in classes}
    patients = {image: found.patients.get(image) or image for image in sources}
    strata = {patient: label_of[image] for image, patient in patients.items()}
    # A patient with any malignant lesion counts as such when patients are dealt.
    strata |= {p: OF_2020[1] for image, p in patients.items() if label_of[image] == OF_2020[1]}
    alone = set(found.classes) == {"train"}
    splits, note = official_splits(
        ((patients[image], "" if alone else part_of[image]) for image in sources), strata
    )
    task = task_of(
        "classification",
        2,
        found.labels,
        name=f"ISIC {year}",
        licence=found.licence,
        note=f"{note}; {found.note}",
        made=made_by("isic", folder),
        modality=("DMS",),
        limits=LIMITS,
    )
    with building(out, task) as target:
        stored = take_all(target, sources)
        cases = [
            Case(
                image,
                patients[image],
                {"image": stored[image]},
                label_of[image],
                split=splits[patients[image]],
                attributes=found.attributes.get(image, {}),
            )
            for image in sources
        ]
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{len(found.labels)} classes, {len(splits)} patients or lesions")


def _of_2018(tables: Mapping[str, Path]) -> Found:
    """Task 3: three parts; the lesions of the training images are published apart."""
    found = Found(tuple(NAMES[c] for c in HAM), LESIONS)
    for part, word in (("train", "Training"), ("val", "Validation"), ("test", "Test")):
        name = f"ISIC2018_Task3_{word}_GroundTruth.csv"
        if name in tables:
            found.tables[part] = tables[name]
            found.images[part] = (f"ISIC2018_Task3_{word}_Input",)
            found.classes[part] = _one_hot(tables[name], HAM)
    groups = _needed(tables, "ISIC2018_Task3_Training_LesionGroupings.csv")
    for image, row in rows_by(groups, "image", ("lesion_id",)).items():
        found.patients[image] = row["lesion_id"]
        found.attributes[image] = {"dx_type": row.get("diagnosis_confirm_type", "")}
    lacking = found.classes["train"].keys() - found.patients.keys()
    if lacking:
        raise InputError(f"{groups}: lacks {len(lacking)} images: {listed(lacking)}; download it again")
    return found


def _of_2019(tables: Mapping[str, Path]) -> Found:
    """Training and, since its truth is published, test."""
    found = Found(tuple(NAMES[c] for c in OF_2019), LESIONS)
    for part, word in (("train", "Training"), ("test", "Test")):
        name = f"ISIC_2019_{word}_GroundTruth.csv"
        if name not in tables:
            continue
        found.tables[part] = tables[name]
        found.images[part] = (f"ISIC_2019_{word}_Input",)
        rows = rows_of(tables[name], ("UNK",))
        found.left_out |= {row.get("image", "") for row in rows if row["UNK"] in ("1", "1.0")}
        found.classes[part] = _one_hot(tables[name], OF_2019, found.left_out)
        metadata = _needed(tables, f"ISIC_2019_{word}_Metadata.csv")
        for image, row in rows_by(metadata, "image", ("age_approx", "anatom_site_general", "sex")).items():
            found.patients[image] = row.get("lesion_id", "")
            found.attributes[image] = {
                "age": years(row["age_approx"]),
                "sex": row["sex"],
                "localization": row["anatom_site_general"],
            }
    if found.left_out:
        found.note += (
            f"; {len(found.left_out)} images of the class UNK, of which training has none, are left out"
        )
    return found


def _of_2020(tables: Mapping[str, Path]) -> Found:
    """Training only, by patient; images that the publisher found twice belong to one patient."""
    table = next(tables[name] for name in YEARS["2020"][0] if name in tables)
    found = Found(
        OF_2020, "benign or malignant, of patients as published; the truth of the test part is not published"
    )
    found.tables["train"] = table
    found.images["train"] = ("train", "ISIC_2020_Training_JPEG", "ISIC_2020_Training_Input")
    classes: dict[str, str] = {}
    for row in rows_of(table, ("image_name", "patient_id", "benign_malignant", "target")):
        image, where = row["image_name"], f"{table}: {row['image_name']}"
        if image in classes:
            raise InputError(f"{where} stands in more than one row; download the table again")
        if (row["benign_malignant"], row["target"]) not in ((OF_2020[0], "0"), (OF_2020[1], "1")):
            raise InputError(
                f"{where}: benign_malignant is {row['benign_malignant']!r} and target {row['target']!r}, "
                "expected benign and 0, or malignant and 1"
            )
        classes[image] = row["benign_malignant"]
        found.patients[image] = row["patient_id"] or image
        found.attributes[image] = {
            "age": years(row.get("age_approx", "")),
            "sex": row.get("sex", ""),
            "localization": row.get("anatom_site_general_challenge", ""),
            "diagnosis": row.get("diagnosis", ""),
            "lesion_id": row.get("lesion_id", ""),
            "patient_id": row["patient_id"],
        }
    found.classes["train"] = classes
    twice = tables.get("ISIC_2020_Training_Duplicates.csv")
    if twice:
        pairs = [
            (r["image_name_1"], r["image_name_2"]) for r in rows_of(twice, ("image_name_1", "image_name_2"))
        ]
        joined = _join(found.patients, [p for p in pairs if set(p) <= classes.keys()])
        found.note += (
            f"; {joined} patients were joined to others with whom they share an image (patient_id keeps them)"
        )
    return found


def _join(patients: dict[str, str], pairs: list[tuple[str, str]]) -> int:
    """Give the patients of each pair of images one name; how many names went."""
    before = len(set(patients.values()))
    leads: dict[str, str] = {}

    def lead(patient: str) -> str:
        while patient in leads:
            patient = leads[patient]
        return patient

    for one, other in pairs:
        first, second = sorted((lead(patients[one]), lead(patients[other])))
        if first != second:
            leads[second] = first
    for image, patient in patients.items():
        patients[image] = lead(patient)
    return before - len(set(patients.values()))


def _one_hot(table: Path, codes: tuple[str, ...], left_out: Collection[str] = ()) -> dict[str, str]:
    """The class of every image but those ``left_out``."""
    classes: dict[str, str] = {}
    for row in rows_of(table, ("image", *(c.upper() for c in codes))):
        image = row["image"]
        if image in classes:
            raise InputError(f"{table}: {image} stands in more than one row; download the table again")
        if image not in left_out:
            classes[image] = one_hot(row, codes, f"{table}: {image}")
    return classes


def _needed(tables: Mapping[str, Path], name: str) -> Path:
    if name not in tables:
        raise InputError(f"{name} is missing; it is published beside the ground truth, download it too")
    return tables[name]


YEARS: Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, Path]], Found]]] = {
    "2018": (("ISIC2018_Task3_Training_GroundTruth.csv",), _of_2018),
    "2019": (("ISIC_2019_Training_GroundTruth.csv",), _of_2019),
    "2020": (
        ("ISIC_2020_Training_GroundTruth_v2.csv", "ISIC_2020_Training_GroundTruth.csv", "train.csv"),
        _of_2020,
    ),
}
