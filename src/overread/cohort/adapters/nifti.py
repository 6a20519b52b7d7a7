"""NIfTI images and label maps with the same names: the layout of the Medical Segmentation Decathlon.

Antonelli et al., Nature Communications 2022;13:4128.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from overread.cohort.adapters.common import names_of_values, pair_by_name, splits_of, take_over
from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.cohort.truth.mask import read_labels
from overread.errors import InputError
from overread.imaging.formats.nifti import write_nifti
from overread.imaging.grid.geometry import describe, same_grid
from overread.imaging.image import Image
from overread.imaging.read import read

SUFFIXES = (".nii.gz", ".nii")
# What dataset.json writes for a modality, and DICOM's code for it.
MODALITIES = {"ct": "CT", "pet": "PT", "pt": "PT", "us": "US"}
MR_WORDS = ("mr", "t1", "t2", "flair", "adc", "dwi", "pd")


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
    cases, values, names = [], set[int](), list[str]()
    with building(out, task) as folder:
        for case, (image_path, label_path) in track(pairs.items(), "Taking over images", len(pairs)):
            image = read(image_path)
            values |= label_values(image, image_path, label_path)
            if not names:
                names = channel_names(stated.get("channels", []), len(image.array))
            if len(names) != len(image.array):
                raise InputError(
                    f"{image_path}: has {len(image.array)} channels, others {len(names)}; expected as many"
                )
            files = store_volume(folder, case, image_path, image, names)
            mask = folder / "masks" / label_path.name
            take_over(label_path, mask)
            cases.append(Case(case, case, files, None, mask, splits[case]))
        task.update(_task(images, labels, stated, values))
        Cohort(folder, tuple(cases)).write()
    Console().print(f"{out}: {len(cases)} cases with {', '.join(task['labels'][1:])}", highlight=False)


def label_values(image: Image, image_path: Path, label_path: Path) -> set[int]:
    """The values of a label map that lies on its image's grid."""
    array, affine = read_labels(label_path)
    assert affine is not None
    grid = Image(array[None], affine)
    if not same_grid(image.spatial, image.affine, array.shape, affine):
        raise InputError(
            f"{label_path}: lies on another grid than its image: {describe(grid)}, "
            f"{image_path} has {describe(image)}; resample the label map onto the image"
        )
    return set(np.unique(array).tolist())


def store_volume(folder: Path, case: str, path: Path, image: Image, names: list[str]) -> dict[str, Path]:
    """Keep a file of one channel as it is; split one of several."""
    suffix = next(s for s in SUFFIXES if path.name.lower().endswith(s))
    if len(names) == 1:
        target = folder / "images" / f"{case}{suffix}"
        take_over(path, target)
        return {names[0]: target}
    files = {name: folder / "images" / f"{case}_{name}.nii.gz" for name in names}
    for array, target in zip(image.array, files.values(), strict=True):
        write_nifti(target, array, image.affine)
    return files


def _dataset(images: Path, labels: Path) -> dict[str, Any]:
    """What the dataset.json beside the folders states, empty where there is none."""
    path = next(
        (p for p in (images.parent / "dataset.json", labels.parent / "dataset.json") if p.is_file()), None
    )
    return read_dataset(path) if path else {}


def read_dataset(path: Path) -> dict[str, Any]:
    """What a dataset.json of MSD's or nnU-Net's form states: ``labels``, ``channels``, ``name`` and ``licence``.

    Raises
    ------
    InputError
        No labels, numbers with gaps, a name twice.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        # MSD maps number to name, nnU-Net name to number.
        given = {str(k): v for k, v in content["labels"].items()}
        by_number = {int(k): str(v) for k, v in given.items()} if all(k.isdigit() for k in given) else None
        by_number = by_number or {int(v): k for k, v in given.items()}
        channels = content.get("channel_names") or content.get("modality") or {}
        parts = [str(channels[k]) for k in sorted(channels, key=int)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: expected 'labels' as number to name or name to number ({type(error).__name__}: {error})"
        ) from error
    if sorted(by_number) != list(range(len(by_number))) or len(by_number) < 2:
        raise InputError(
            f"{path}: labels are numbered {sorted(by_number)}, expected 0, 1, 2 ... without gaps"
        )
    names = [by_number[k].strip() for k in sorted(by_number)]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: a label name stands twice in {', '.join(names)}; give each its own")
    return {
        "labels": names,
        "channels": parts,
        "name": content.get("name"),
        "licence": content.get("licence"),
    }


def channel_names(stated: Sequence[str], count: int) -> list[str]:
    """``stated`` as names of columns; by number where they are not ``count`` different ones."""
    if count == 1:
        return ["image"]
    given = ["".join(c if c.isalnum() else "_" for c in n) for n in stated]
    if len(given) == count == len(set(given)):
        return given
    return [f"channel{k}" for k in range(count)]


def modalities(channels: Sequence[str]) -> list[str]:
    """DICOM's codes for the modalities that a dataset.json writes."""
    words = [c.lower() for c in channels]
    found = {MODALITIES.get(w) or ("MR" if w.startswith(MR_WORDS) else None) for w in words}
    return sorted(m for m in found if m)


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
