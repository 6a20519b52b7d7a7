"""The small sets of whole images in OVERREAD_DATA as cohorts, for benchmarks of transfer."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(os.environ.get("OVERREAD_DATA", Path(__file__).parents[2] / "shared" / "data"))
Row = dict[str, Any]
"""A row of cohort.csv."""


@dataclass(frozen=True)
class Set:
    """``rows`` for a folder (which may write images there), and what protocol.yaml says of the task."""

    rows: Callable[[Path], Iterator[Row]]
    protocol: dict[str, Any]


def write(name: str, folder: Path, **changes: Any) -> None:
    """cohort.csv and protocol.yaml of the set ``name`` into a new ``folder``."""
    from overread.pipeline.protocol_file import write_protocol

    folder.mkdir(parents=True)
    rows = list(SETS[name].rows(folder))
    with (folder / "cohort.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    values = {"name": name, "dimensions": 2, "channels": [{"name": "image", "modality": ["OT"]}]}
    write_protocol(folder, values | SETS[name].protocol | changes)


def _table(folder: str, file: str = "labels.csv") -> list[dict[str, str]]:
    with (DATA / folder / file).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _image(folder: str, name: str) -> str:
    return str(next((DATA / folder).glob(f"images*/{name}.*")))


def _pictures(folder: str, label: str, patient: Callable[[dict[str, str]], str]) -> Callable[[Path], Any]:
    def rows(_: Path) -> Iterator[Row]:
        for row in _table(folder):
            name = row["image"]
            yield {
                "case": name,
                "patient": patient(row),
                "image": _image(folder, name),
                "label": row[label],
            }

    return rows


def _nih(_: Path) -> Iterator[Row]:
    for row in _table("nih_chestxray14_64"):
        name = row["image"].removesuffix(".png")
        findings = {f"label_{f}": row[f] for f in NIH}
        yield {
            "case": name,
            "patient": row["patient_id"],
            "image": _image("nih_chestxray14_64", name),
            "age": row["age"],
            "sex": row["sex"],
            **findings,
        }


# Those of fourteen that at least twenty of the images show.
NIH = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Effusion",
    "Emphysema",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pleural_Thickening",
    "Pneumothorax",
)


def _mias(_: Path) -> Iterator[Row]:
    seen = set()
    for row in _table("mini_mias_mammography", "findings.csv"):
        if row["image"] not in seen:
            seen.add(row["image"])
            yield {
                "case": row["image"],
                "patient": row["patient"],
                "image": str(DATA / "mini_mias_mammography" / "images_512" / f"{row['image']}.png"),
                "label": {"B": "benign", "M": "malignant"}[row["severity"]],
            }


def _npz(path: str, labels: tuple[str, ...], parts: dict[str, str]) -> Callable[[Path], Any]:
    """A MedMNIST archive; ``parts`` maps its parts to splits, a part without a test is divided by a hash."""

    def rows(folder: Path) -> Iterator[Row]:
        content = np.load(DATA / path)
        for part, split in parts.items():
            images, classes = content[f"{part}_images"], content[f"{part}_labels"].reshape(-1)
            for i, (image, label) in enumerate(zip(images, classes, strict=True)):
                case = f"{part}{i:04d}"
                row = {
                    "case": case,
                    "patient": case,
                    "image": _written(folder, case, image),
                    "label": labels[label],
                }
                # Of a part for both, every ninth case tunes.
                yield row | {"split": split if split != "both" else ("val" if i % 9 == 0 else "train")}

    return rows


def _written(folder: Path, case: str, image: Any) -> str:
    if image.ndim == 2:
        from PIL import Image

        path = folder / "images" / f"{case}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)
    else:
        import nibabel

        path = folder / "images" / f"{case}.nii"
        path.parent.mkdir(exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), path)
    return str(path.relative_to(folder))


GRADES = [str(g) for g in range(5)]
SETS: dict[str, Set] = {
    "pneumoniamnist28": Set(
        _npz(
            "pneumoniamnist28/pneumoniamnist.npz",
            ("normal", "pneumonia"),
            {"train": "train", "val": "val", "test": "test"},
        ),
        {
            "task": "classification",
            "labels": ["normal", "pneumonia"],
            "positive": "pneumonia",
            "channels": [{"name": "image", "modality": ["CR"]}],
        },
    ),
    "adrenalmnist3d": Set(
        _npz(
            "adrenalmnist3d/adrenalmnist3d_trainval.npz",
            ("normal", "hyperplasia"),
            {"train": "both", "val": "test"},
        ),
        {
            "task": "classification",
            "labels": ["normal", "hyperplasia"],
            "positive": "hyperplasia",
            "dimensions": 3,
        },
    ),
    "idrid_dr_grades": Set(
        _pictures("idrid_dr_grades", "dr_grade", lambda r: r["image"]),
        {"task": "ordinal", "labels": GRADES, "positive": "2"},
    ),
    "nih_chestxray14_64": Set(
        _nih,
        {
            "task": "multilabel",
            "labels": list(NIH),
            "channels": [{"name": "image", "modality": ["DX"]}],
        },
    ),
    "ham10000_skin": Set(
        _pictures("ham10000_skin", "dx", lambda r: r["lesion_id"]),
        {
            "task": "classification",
            "labels": ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"],
        },
    ),
    "busi_breast_ultrasound": Set(
        _pictures("busi_breast_ultrasound", "label", lambda r: r["image"]),
        {
            "task": "classification",
            "labels": ["normal", "benign", "malignant"],
            "channels": [{"name": "image", "modality": ["US"]}],
        },
    ),
    "head_ct_haemorrhage": Set(
        _pictures("head_ct_haemorrhage", "haemorrhage", lambda r: r["image"]),
        {"task": "classification", "labels": ["0", "1"], "positive": "1"},
    ),
    "lc25000_lung_histology": Set(
        _pictures("lc25000_lung_histology", "label", lambda r: r["image"]),
        {"task": "classification", "labels": ["benign", "adenocarcinoma", "squamous"]},
    ),
    "mini_mias_mammography": Set(
        _mias,
        {
            "task": "classification",
            "labels": ["benign", "malignant"],
            "positive": "malignant",
            "channels": [{"name": "image", "modality": ["MG"]}],
        },
    ),
}
