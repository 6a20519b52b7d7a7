"""CheXpert: 224,316 chest radiographs of 65,240 patients, labelled from their reports with uncertainty.

Irvin et al., AAAI 2019;33:590-597. Published by Stanford University (Stanford AIMI).
"""

from __future__ import annotations

import re
from pathlib import Path

from overread.cohort.adapters.listing import PICTURES, age_of, check_listed, take_all
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.source import existing, files_in, rows_of
from overread.cohort.case import FINDING, Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError

FINDINGS = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
# Part by table; the truth of the test part was published later, and is taken where it is there.
TABLES = {"train": ("train.csv",), "val": ("valid.csv",), "test": ("test_labels.csv", "test.csv")}
PLACE = re.compile(r"(patient\d+)/(study\d+)/(view\d+_(frontal|lateral)\.(?:jpg|jpeg|png))$", re.IGNORECASE)
NOTE = "1 present, 0 absent, -1 uncertain, empty not mentioned in the report, as published"


def import_chexpert(folder: Path, out: Path) -> None:
    """Take over the images of CheXpert-v1.0 or CheXpert-v1.0-small, every study as a visit of its patient.

    The original's batches may lie side by side; only patient, study and view of a path are looked at.

    Raises
    ------
    InputError
        A missing table or image, a path of another form, an unknown value of a label, or ``out`` holds something
        else.
    """
    root = _root(folder)
    rows: dict[str, tuple[str, dict[str, str]]] = {}
    for part, names in TABLES.items():
        if part == "test" and not any((root / name).is_file() for name in names):
            continue
        table = existing(root, names, f"the table of the part {part!r}")
        for row in rows_of(table, ("Path", *FINDINGS)):
            key = _key(row["Path"], f"{table}: Path")
            if key in rows:
                raise InputError(f"{table}: {row['Path']} stands in more than one row; download it again")
            rows[key] = part, row
    images = {_key(p.as_posix(), str(p)): p for p in files_in(folder, PICTURES, recursive=True)}
    check_listed(rows, images, root / "*.csv", folder)
    parsed = {key: _labels(row, f"{root}: {row['Path']}") for key, (_, row) in rows.items()}
    splits, note = official_splits((key.split("/")[0], part) for key, (part, _) in rows.items())
    task = task_of(
        "multilabel",
        2,
        FINDINGS,
        name="CheXpert",
        licence="Stanford University Dataset Research Use Agreement",
        note=f"{note}; {NOTE}",
        made=made_by("chexpert", folder),
        modality=("CR", "DX"),
        limits={"body_part": ["CHEST"]},
    )
    case_of = {key: key.rsplit(".", 1)[0].replace("/", "-") for key in rows}
    with building(out, task) as target:
        stored = take_all(target, {case_of[key]: images[key] for key in rows})
        cases = [
            Case(
                case_of[key],
                key.split("/")[0],
                {"image": stored[case_of[key]]},
                split=splits[key.split("/")[0]],
                attributes=_attributes(key, row),
                findings=parsed[key],
                visit=key.split("/")[1].removeprefix("study"),
            )
            for key, (_, row) in rows.items()
        ]
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{len(FINDINGS)} findings of {len(splits)} patients")


def _root(folder: Path) -> Path:
    """Where train.csv is: here, or one folder deeper."""
    if not folder.is_dir() or (folder / "train.csv").is_file():
        return folder
    found = sorted(p.parent for p in folder.glob("*/train.csv"))
    if len(found) > 1:
        raise InputError(
            f"{folder}: holds {', '.join(p.name for p in found)}, each with a train.csv; import one of them"
        )
    return found[0] if found else folder


def _key(path: str, where: str) -> str:
    """``patient00001/study1/view1_frontal.jpg`` of any path."""
    found = PLACE.search(path)
    if found is None:
        raise InputError(
            f"{where} is {path!r}, expected an end such as patient00001/study1/view1_frontal.jpg; "
            "download it again or move other images elsewhere"
        )
    return found[0]


def _labels(row: dict[str, str], where: str) -> dict[str, int | None]:
    for name in FINDINGS:
        if row[name] not in FINDING:
            raise InputError(f"{where}: {name} is {row[name]!r}, expected 1.0, 0.0, -1.0 or nothing")
    return {name: FINDING[row[name]] for name in FINDINGS}


def _attributes(key: str, row: dict[str, str]) -> dict[str, str]:
    stated = row.get("Age", "")
    return {
        **(age_of(stated) if stated else {"age": "", "age_as_written": ""}),
        "sex": row.get("Sex", ""),
        "view": "lateral" if "_lateral." in key.lower() else "frontal",
        "projection": row.get("AP/PA", ""),
    }
