"""RSNA Pneumonia Detection Challenge (2018): 26,684 chest radiographs of the NIH with boxes of lung opacity.

Shih et al., Radiology: Artificial Intelligence 2019;1:e180041. Published by the RSNA and on Kaggle.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.progress import track

from overread.cohort.adapters.listing import DICOM, age_of, by_stem, check_listed, header_of, inside, take_all
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import box, made_by, print_summary, task_of, write_boxes
from overread.cohort.adapters.source import existing, files_in, listed, number, rows_of
from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError
from overread.parse import parse_json

IMAGES = "stage_2_train_images"
TABLE = "stage_2_train_labels.csv"
CLASSES = "stage_2_detailed_class_info.csv"
MAPPING = "pneumonia-challenge-dataset-mappings_2018.json"
LABELS = ("no lung opacity", "lung opacity")
OPACITY = "Lung Opacity"
DETAILED = ("Normal", "No Lung Opacity / Not Normal", OPACITY)
PLACE = ("x", "y", "width", "height")
TAGS = ("PatientSex", "PatientAge", "ViewPosition", "Rows", "Columns")
ALONE = (
    "patientId names an image, not a person: every image counts as its own patient, though some people have several; "
    f"put {MAPPING} of the RSNA beside the tables to have them told apart"
)
MAPPED = f"patients are those of the NIH's ChestX-ray14, by {MAPPING}"


def import_rsna_pneumonia(folder: Path, out: Path) -> None:
    """Take over the training images with their boxes and the label *lung opacity* or not.

    The images of ``stage_2_test_images`` have no published truth and stay out.

    Raises
    ------
    InputError
        A missing table or image, a class that contradicts the boxes, a box outside its image, a mapping that lacks
        an image, or ``out`` holds something else.
    """
    table = existing(folder, (TABLE,), "the boxes")
    boxes = _boxes(table)
    detailed = _detailed(folder / CLASSES, boxes)
    images = by_stem(files_in(existing(folder, (IMAGES,), "the images"), DICOM))
    check_listed(boxes, images, table, folder / IMAGES)
    patients = _patients(folder / MAPPING, boxes)
    # A patient is dealt as one with opacity if any image shows it.
    strata = dict.fromkeys(patients.values(), LABELS[0])
    strata |= {patients[image]: LABELS[1] for image, found in boxes.items() if found}
    splits, note = official_splits(((p, "") for p in patients.values()), strata)
    mapped = patients.keys() != set(patients.values())
    task = task_of(
        "classification",
        2,
        LABELS,
        name="RSNA Pneumonia Detection Challenge",
        licence="terms of the challenge (RSNA, Kaggle); images: free to use with acknowledgement of the NIH",
        note=f"{note}; {MAPPED if mapped else ALONE}",
        made=made_by("rsna-pneumonia", folder),
        modality=("CR", "DX"),
        limits={"body_part": ["CHEST"]},
    )
    with building(out, task) as target:
        stored = take_all(target, {image: images[image] for image in boxes})
        cases = []
        for image, found in track(boxes.items(), "Reading headers", len(boxes)):
            header = header_of(images[image], TAGS)
            size = tuple(int(number(header[k], f"{images[image]}: {k}")) for k in ("Columns", "Rows"))
            for b in found:
                b["box"] = inside(b["box"], (size[0], size[1]), f"{table}: {image}")
            attributes = {
                **(
                    age_of(header["PatientAge"])
                    if header["PatientAge"]
                    else {"age": "", "age_as_written": ""}
                ),
                "sex": header["PatientSex"],
                "view": header["ViewPosition"],
                "class": detailed[image],
            }
            cases.append(
                Case(
                    image,
                    patients[image],
                    {"image": stored[image]},
                    LABELS[bool(found)],
                    split=splits[patients[image]],
                    attributes=attributes,
                    boxes=write_boxes(target, image, found),
                )
            )
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{sum(map(bool, boxes.values()))} with boxes, {len(splits)} patients")


def _boxes(table: Path) -> dict[str, list[dict[str, Any]]]:
    """Boxes by image; empty where Target is 0."""
    boxes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows_of(table, ("patientId", *PLACE, "Target")):
        where = f"{table}: {row['patientId']}"
        if row["Target"] not in ("0", "1"):
            raise InputError(f"{where}: Target is {row['Target']!r}, expected 0 or 1")
        if (row["Target"] == "1") != all(row[c] for c in PLACE):
            raise InputError(
                f"{where}: Target is {row['Target']}; expected a box with Target 1 and only then"
            )
        found = boxes[row["patientId"]]
        if row["Target"] == "1":
            x, y, w, h = (number(row[c], f"{where}: {c}") for c in PLACE)
            found.append(box(LABELS[1], (x, y, x + w, y + h), where))
    return dict(boxes)


def _detailed(path: Path, boxes: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """The detailed class of every image, which must agree with its boxes."""
    classes = {}
    for row in rows_of(path, ("patientId", "class")):
        image = row["patientId"]
        if row["class"] not in DETAILED:
            raise InputError(
                f"{path}: {image}: class is {row['class']!r}, expected one of {', '.join(DETAILED)}"
            )
        if image in boxes and (row["class"] == OPACITY) != bool(boxes[image]):
            raise InputError(
                f"{path}: {image}: class is {row['class']!r}, but {TABLE} gives it {len(boxes[image])} boxes; "
                "download both again"
            )
        classes[image] = row["class"]
    missing = boxes.keys() - classes.keys()
    if missing:
        raise InputError(
            f"{path}: lacks {len(missing)} images of {TABLE}: {listed(missing)}; download both again"
        )
    return classes


def _patients(path: Path, images: dict[str, Any]) -> dict[str, str]:
    """The patient of every image: the NIH's, where the RSNA's mapping is there."""
    if not path.is_file():
        return {image: image for image in images}
    try:
        entries = parse_json(path.read_bytes(), str(path))
        # 00000001_000.png is the first image of the NIH's patient 1.
        patients = {str(e["subset_img_id"]): str(int(str(e["img_id"]).split("_")[0])) for e in entries}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path}: expected a list with subset_img_id and img_id ({type(error).__name__}: {error}); "
            "download it again or take it out"
        ) from error
    missing = sorted(images.keys() - patients.keys())
    if missing:
        raise InputError(f"{path}: lacks {len(missing)} images, such as {missing[0]}; download it again")
    return {image: patients[image] for image in images}
