"""ChestX-ray14: 112,120 frontal chest radiographs of 30,805 patients, labelled from their reports.

Wang et al., CVPR 2017:3462-3471. Published by the NIH Clinical Center.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from overread.cohort.adapters.listing import age_of, by_stem, check_listed, inside, size_of, take_all
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import box, made_by, print_summary, task_of, write_boxes
from overread.cohort.adapters.source import existing, files_in, listed, number, rows_by, rows_of
from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError

TABLES = ("Data_Entry_2017.csv", "Data_Entry_2017_v2020.csv")
FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Effusion",
    "Emphysema",
    "Fibrosis",
    "Hernia",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pleural_Thickening",
    "Pneumonia",
    "Pneumothorax",
)
NONE = "No Finding"
LISTS = {"train": "train_val_list.txt", "test": "test_list.txt"}
CORNER = ("Bbox [x", "y", "w", "h]")
OF_THE_BOXES = {"Infiltrate": "Infiltration"}
NOTE = "labels were mined from reports; boxes were drawn by a radiologist in some images only"


def import_chestxray14(folder: Path, out: Path) -> None:
    """Take over the images with their labels, boxes, patients, follow-up numbers and official lists.

    An age above 120 years is left empty and kept in ``age_as_written``.

    Raises
    ------
    InputError
        A missing table, list or image, an image in no list or in both, an unknown label, a box outside its image,
        or ``out`` holds something else.
    """
    table = existing(folder, TABLES, "the table of images")
    columns = ("Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "View Position")
    rows = rows_by(table, "Image Index", columns)
    images = by_stem(p for p in files_in(folder, (".png",), recursive=True))
    check_listed([Path(name).stem for name in rows], images, table, folder)
    parts = _parts(folder, rows, table)
    labels = {name: _labels(row["Finding Labels"], f"{table}: {name}") for name, row in rows.items()}
    boxes = _boxes(folder / "BBox_List_2017.csv", images, rows)
    splits, note = official_splits((row["Patient ID"], parts[name]) for name, row in rows.items())
    task = task_of(
        "multilabel",
        2,
        (*FINDINGS, NONE),
        name="ChestX-ray14",
        licence="free to use with acknowledgement of the NIH Clinical Center",
        note=f"{note}; {NOTE}",
        made=made_by("chestxray14", folder),
        modality=("CR", "DX"),
        limits={"body_part": ["CHEST"]},
    )
    with building(out, task) as target:
        stored = take_all(target, {Path(name).stem: images[Path(name).stem] for name in rows})
        cases = []
        for name, row in rows.items():
            case = Path(name).stem
            attributes = {
                **age_of(row["Patient Age"]),
                "sex": row.get("Patient Gender") or row.get("Patient Sex") or "",
                "view": row["View Position"],
            }
            cases.append(
                Case(
                    case,
                    row["Patient ID"],
                    {"image": stored[case]},
                    split=splits[row["Patient ID"]],
                    attributes=attributes,
                    findings=labels[name],
                    boxes=write_boxes(target, case, boxes[case]) if case in boxes else None,
                    visit=row["Follow-up #"],
                )
            )
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{len(FINDINGS)} findings, boxes in {len(boxes)} images")


def _parts(folder: Path, rows: dict[str, Any], table: Path) -> dict[str, str]:
    """The official part of every image."""
    parts: dict[str, str] = {}
    for part, name in LISTS.items():
        path = existing(folder, (name,), "the official list; it is published beside the images")
        try:
            images = path.read_text(encoding="utf-8-sig").split()
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not a list in UTF-8 ({error}); download it again") from error
        for image in images:
            if image in parts:
                raise InputError(f"{path}: {image} stands twice in the official lists; download them again")
            parts[image] = part
    unlisted = rows.keys() - parts.keys()
    if unlisted:
        raise InputError(
            f"{table}: {len(unlisted)} images are in none of {', '.join(LISTS.values())}: {listed(unlisted)}; "
            "download the lists again"
        )
    return parts


def _labels(text: str, where: str) -> dict[str, int | None]:
    """1 or 0 of every finding from ``Mass|Nodule``."""
    named = text.split("|")
    unknown = sorted(set(named) - {*FINDINGS, NONE})
    if unknown or (NONE in named and len(named) > 1):
        raise InputError(
            f"{where}: labels are {text!r}, expected {NONE!r} or some of {', '.join(FINDINGS)}, divided by |"
        )
    return {name: int(name in named) for name in (*FINDINGS, NONE)}


def _boxes(path: Path, images: dict[str, Path], rows: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Boxes by case; an image without any was not looked at."""
    boxes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows_of(path, ("Image Index", "Finding Label", *CORNER)):
        name, case = row["Image Index"], Path(row["Image Index"]).stem
        where = f"{path}: {name}"
        if name not in rows:  # A table cut to a part of the images leaves boxes over.
            continue
        label = OF_THE_BOXES.get(row["Finding Label"], row["Finding Label"])
        if label not in FINDINGS:
            raise InputError(f"{where}: label is {label!r}, expected one of {', '.join(FINDINGS)}")
        x, y, w, h = (number(row[c], f"{where}: {c}") for c in CORNER)
        corners = inside((x, y, x + w, y + h), size_of(images[case]), where)
        boxes[case].append(box(label, corners, where))
    return boxes
