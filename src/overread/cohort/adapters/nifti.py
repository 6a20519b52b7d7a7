"""NIfTI images and label maps with the same names: the layout of the Medical Segmentation Decathlon.

Antonelli et al., Nature Communications 2022;13:4128.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from overread.cohort.adapters.common import names_of_values, pair_by_name, splits_of
from overread.cohort.adapters.volumes import SUFFIXES, modalities, read_dataset, take_pairs
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building


def import_nifti(images: Path, labels: Path, out: Path) -> None:
    """Take over pairs of NIfTI files below ``out``, with cohort.csv and task.json; a file is a patient.

    Label names come from the ``dataset.json`` beside the folders, else from the values found. Images of four
    axes become one file per channel.

    Raises
    ------
    InputError
        A missing partner, image and label of different shape or affine, unequal numbers of channels, label
        values without a name, fewer than three patients, or ``out`` holds something else.
    """
    images, labels = Path(images), Path(labels)
    pairs = pair_by_name(images, labels, SUFFIXES, SUFFIXES)
    stated = _dataset(images, labels)
    splits = splits_of(pairs)
    task: dict[str, Any] = {"source": {"import": _import(images, labels)}}
    with building(out, task) as folder:
        cases, values = take_pairs(pairs, stated.get("channels", []), splits, folder)
        task.update(_task(images, labels, stated, values))
        Cohort(folder, tuple(cases)).write()
    Console().print(f"{out}: {len(cases)} cases with {', '.join(task['labels'][1:])}", highlight=False)


def _dataset(images: Path, labels: Path) -> dict[str, Any]:
    """What the dataset.json beside the folders states, empty where there is none."""
    path = next(
        (p for p in (images.parent / "dataset.json", labels.parent / "dataset.json") if p.is_file()), None
    )
    return read_dataset(path) if path else {}


def _is_hippocampus(images: Path) -> bool:
    where = str(images.resolve()).lower()
    return "hippocampus" in where or "task04" in where


def _task(images: Path, labels: Path, stated: dict[str, Any], values: set[int]) -> dict[str, Any]:
    hippocampus = _is_hippocampus(images)
    foreground = stated["labels"][1:] if stated else (["anterior", "posterior"] if hippocampus else None)
    names = names_of_values(values, labels, foreground)
    if stated:
        names[0] = stated["labels"][0]
    modality = modalities(stated.get("channels", [])) or (["MR"] if hippocampus else [])
    known = "Medical Segmentation Decathlon, Task04 Hippocampus" if hippocampus else None
    return {
        "task": "segmentation",
        "dimensions": 3,
        "labels": names,
        "positive": names[1] if len(names) == 2 else None,
        "modality": modality,
        "limits": {"body_part": ["HEAD"]} if hippocampus else {},
        "source": {
            "name": stated.get("name") or known or images.resolve().parent.name,
            "licence": stated.get("licence") or ("CC BY-SA 4.0" if hippocampus else "unknown"),
            "note": "each file counts as its own patient",
            "import": _import(images, labels),
        },
    }


def _import(images: Path, labels: Path) -> dict[str, str]:
    return {"name": "nifti", "images": str(images.resolve()), "labels": str(labels.resolve())}
