"""VinDr-CXR: 18,000 chest radiographs, each of 15,000 read by three radiologists and of 3,000 by five in consensus.

Nguyen et al., Scientific Data 2022;9:429. Published on PhysioNet by Vingroup Big Data Institute.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.progress import track

from overread.cohort.adapters.listing import (
    DICOM,
    PICTURES,
    age_of,
    by_stem,
    check_listed,
    header_of,
    inside,
    size_of,
    take_all,
)
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import box, made_by, print_summary, task_of, write_boxes
from overread.cohort.adapters.source import existing, files_in, number, rows_of
from overread.cohort.case import FINDING, Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError

FINDINGS = (
    "Aortic enlargement",
    "Atelectasis",
    "Calcification",
    "Cardiomegaly",
    "Clavicle fracture",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Enlarged PA",
    "ILD",
    "Infiltration",
    "Lung Opacity",
    "Lung cavity",
    "Lung cyst",
    "Mediastinal shift",
    "Nodule/Mass",
    "Pleural effusion",
    "Pleural thickening",
    "Pneumothorax",
    "Pulmonary fibrosis",
    "Rib fracture",
    "Other lesion",
    "COPD",
    "Lung tumor",
    "Pneumonia",
    "Tuberculosis",
    "Other diseases",
    "No finding",
)
NONE = "No finding"
# The tables of the two parts do not spell all names alike.
SPELT = {name.lower(): name for name in FINDINGS} | {"other disease": "Other diseases"}
CORNERS = ("x_min", "y_min", "x_max", "y_max")
TAGS = ("PatientSex", "PatientAge", "Rows", "Columns")
CONSENSUS = "consensus"
NOTE = (
    "a finding of a training image is present where most of its readers say so, and the column disagreed names those "
    "on which they differ; boxes are those of every reader, named in each box; the test part is a consensus as "
    "published; no patient identities are published: every image counts as its own patient"
)

Read = dict[str, dict[str, dict[str, int]]]
"""Image, reader, finding: 1 or 0."""


def import_vindr_cxr(folder: Path, out: Path) -> None:
    """Take over the images with every reader's boxes and the majority of the readers' labels.

    Sex and age come from the DICOM files; pictures (PNG, JPEG) in the original size serve, too, without them.

    Raises
    ------
    InputError
        A missing table or image, an unknown finding, a box outside its image or of an image without labels, or
        ``out`` holds something else.
    """
    read: Read = {}
    images: dict[str, Path] = {}
    found: dict[str, list[dict[str, Any]]] = {}
    part_of: dict[str, str] = {}
    for part in ("train", "test"):
        table = _table(folder, f"image_labels_{part}.csv")
        labels = _labels(table, part)
        pictures = by_stem(files_in(existing(folder, (part,), "its images"), (*DICOM, *PICTURES)))
        check_listed(labels, pictures, table, folder / part)
        if both := labels.keys() & read.keys():
            raise InputError(f"{table}: {min(both)} is in both parts; download the tables again")
        read |= labels
        images |= pictures
        part_of |= dict.fromkeys(labels, part)
        for image, boxes in _boxes(_table(folder, f"annotations_{part}.csv"), part, labels).items():
            found[image] = boxes
    splits, note = official_splits(part_of.items())
    task = task_of(
        "multilabel",
        2,
        FINDINGS,
        name="VinDr-CXR",
        licence="PhysioNet Credentialed Health Data License",
        note=f"{note}; {NOTE}",
        made=made_by("vindr-cxr", folder),
        modality=("CR", "DX"),
        limits={"body_part": ["CHEST"]},
    )
    with building(out, task) as target:
        stored = take_all(target, {image: images[image] for image in read})
        cases = []
        for image, readers in track(read.items(), "Reading headers", len(read)):
            attributes, size = _facts(images[image])
            for b in found.get(image, []):
                b["box"] = inside(b["box"], size, f"{images[image]}: {b['label']}")
            majority, disagreed = consensus(readers)
            cases.append(
                Case(
                    image,
                    image,
                    {"image": stored[image]},
                    split=splits[image],
                    attributes={
                        **attributes,
                        "readers": " ".join(sorted(readers)),
                        "disagreed": "; ".join(disagreed),
                    },
                    findings=majority,
                    boxes=write_boxes(target, image, found.get(image, [])),
                )
            )
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{len(FINDINGS)} findings, boxes in {sum(map(bool, found.values()))} images")


def consensus(readers: dict[str, dict[str, int]]) -> tuple[dict[str, int], list[str]]:
    """The finding of more than half of the readers, and where they differ, such as ``Nodule/Mass 1/3``."""
    votes = {name: sum(labels[name] for labels in readers.values()) for name in FINDINGS}
    disagreed = [f"{name} {n}/{len(readers)}" for name, n in votes.items() if 0 < n < len(readers)]
    return {name: int(2 * n > len(readers)) for name, n in votes.items()}, disagreed


def _table(folder: Path, name: str) -> Path:
    return existing(folder, (f"annotations/{name}", name), "a table of the data set")


def _labels(table: Path, part: str) -> Read:
    read: Read = defaultdict(dict)
    columns = ("image_id", "rad_id") if part == "train" else ("image_id",)
    for row in rows_of(table, columns):
        image, reader = row["image_id"], row.get("rad_id") or CONSENSUS
        named = {SPELT.get(k.lower()): v for k, v in row.items()}
        missing = [name for name in FINDINGS if name not in named]
        if missing:
            raise InputError(f"{table}: no column {missing[0]!r}; download the table again")
        if reader in read[image]:
            raise InputError(f"{table}: {image} of reader {reader} stands in more than one row")
        for name in FINDINGS:
            if FINDING.get(named[name]) not in (0, 1):
                raise InputError(f"{table}: {image}: {name} is {named[name]!r}, expected 0 or 1")
        read[image][reader] = {name: int(FINDING[named[name]] or 0) for name in FINDINGS}
    return dict(read)


def _boxes(table: Path, part: str, labels: Read) -> dict[str, list[dict[str, Any]]]:
    boxes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    columns = ("image_id", "class_name", *CORNERS, *(("rad_id",) if part == "train" else ()))
    for row in rows_of(table, columns):
        image, reader = row["image_id"], row.get("rad_id") or CONSENSUS
        where = f"{table}: {image}: {row['class_name']}"
        label = SPELT.get(row["class_name"].lower())
        if label is None:
            raise InputError(
                f"{table}: {image}: class_name is {row['class_name']!r}, expected one of {', '.join(FINDINGS)}"
            )
        if image not in labels:
            raise InputError(f"{table}: {image} is not in image_labels_{part}.csv; download both again")
        if not any(row[c] for c in CORNERS):
            # A finding of the whole image, or none.
            continue
        corners = [number(row[c], f"{where}: {c}") for c in CORNERS]
        boxes[image].append(box(label, corners, where, reader=reader))
    return boxes


def _facts(path: Path) -> tuple[dict[str, str], tuple[int, int]]:
    """Age and sex where there are any, and (width, height)."""
    if path.suffix.lower() in PICTURES:
        return {"age": "", "age_as_written": "", "sex": ""}, size_of(path)
    header = header_of(path, TAGS)
    size = (int(number(header["Columns"], f"{path}: Columns")), int(number(header["Rows"], f"{path}: Rows")))
    age = header["PatientAge"]
    return {
        **(age_of(age) if age else {"age": "", "age_as_written": ""}),
        "sex": header["PatientSex"],
    }, size
