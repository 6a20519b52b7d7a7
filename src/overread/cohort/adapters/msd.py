"""A task of the Medical Segmentation Decathlon: dataset.json, imagesTr, labelsTr, imagesTs.

Antonelli et al., Nature Communications 2022;13:4128.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from overread.cohort.adapters.common import names_of_values, splits_of
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.source import existing, files_in, json_of, listed
from overread.cohort.adapters.volumes import SUFFIXES, modalities, read_dataset, take_pairs
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError

# Body part (DICOM's word) of the tasks that show one.
BODY_PARTS: Mapping[str, str] = {"01": "HEAD", "02": "HEART", "04": "HEAD", "05": "PROSTATE"}


def import_msd(folder: Path, out: Path) -> None:
    """Take over one task of the decathlon below ``out``; a file is a patient, for the set names no others.

    The test images are published without labels: they are counted and left out, and the labelled patients are
    dealt by a hash of their names. Images of four axes become one file per channel.

    Raises
    ------
    InputError
        No dataset.json, a file that it lists and the folder lacks or the other way round, image and label on
        different grids, unequal numbers of channels, label values without a name, fewer than three patients.
    """
    stated_in = existing(
        folder, ["dataset.json"], "of a task such as Task04_Hippocampus; unpack the whole archive"
    )
    stated, content = read_dataset(stated_in), json_of(stated_in)
    pairs = _pairs(folder, stated_in, content)
    splits = splits_of(pairs)
    made = made_by("msd", folder)
    task: dict[str, Any] = {"source": {"import": made}}
    with building(out, task) as target:
        cases, values = take_pairs(pairs, stated["channels"], splits, target)
        names_of_values(values, folder / "labelsTr", stated["labels"][1:])
        task.update(_task(folder, stated, content, made))
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, ", ".join(stated["labels"][1:]))


def _pairs(folder: Path, path: Path, content: Mapping[str, Any]) -> dict[str, tuple[Path, Path]]:
    """Case to (image, label), as listed and as there."""
    training = content.get("training")
    if not isinstance(training, list) or not training:
        raise InputError(f"{path}: has no list 'training'; expected objects with 'image' and 'label'")
    pairs = {}
    for item in training:
        given = [item.get(k) if isinstance(item, dict) else None for k in ("image", "label")]
        if not all(isinstance(g, str) for g in given):
            raise InputError(f"{path}: training holds {item!r}, expected an object with 'image' and 'label'")
        image, label = (folder / str(g) for g in given)
        for file in (image, label):
            if not file.is_relative_to(folder) or ".." in file.relative_to(folder).parts:
                raise InputError(f"{path}: lists {file}, outside of its own folder; expected files in it")
            if not file.is_file():
                raise InputError(f"{path}: lists {file}, which is not there; unpack the whole archive")
        suffix = next((s for s in SUFFIXES if image.name.lower().endswith(s)), None)
        if suffix is None:
            raise InputError(f"{path}: lists {image.name}, expected a file ending in {', '.join(SUFFIXES)}")
        case = image.name[: -len(suffix)]
        if case in pairs:
            raise InputError(f"{path}: lists {image.name} twice; expected each image once")
        pairs[case] = (image, label)
    for k, name in enumerate(("imagesTr", "labelsTr")):
        there = files_in(folder / name, SUFFIXES) if (folder / name).is_dir() else []
        extra = {p.name for p in there} - {pair[k].name for pair in pairs.values()}
        if extra:
            raise InputError(
                f"{folder / name}: holds {listed(extra)}, which dataset.json does not list; take it out"
            )
    return dict(sorted(pairs.items()))


def _task(
    folder: Path, stated: Mapping[str, Any], content: Mapping[str, Any], made: Mapping[str, Any]
) -> dict[str, Any]:
    number = re.search(r"task(\d\d)", folder.resolve().name.lower())
    part = BODY_PARTS.get(number.group(1)) if number else None
    tests = content.get("test")
    hidden = len(tests) if isinstance(tests, list) else 0
    note = "each file counts as its own patient; patients are dealt 70/10/20"
    if hidden:
        note += f"; {hidden} test images without labels were left out"
    return task_of(
        "segmentation",
        3,
        stated["labels"],
        name=stated.get("name") or folder.resolve().name,
        licence=stated.get("licence") or "unknown",
        note=note,
        made=made,
        modality=modalities(stated["channels"]),
        limits={"body_part": [part]} if part else {},
    )
