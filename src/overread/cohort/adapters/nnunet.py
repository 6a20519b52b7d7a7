"""nnU-Net's raw data: dataset.json (version 2), imagesTr, labelsTr, and imagesTs with labelsTs.

Isensee et al., Nature Methods 2021;18:203-211; the layout as in the project's own documentation. A channel is
told by four digits at the end of the name: case_0000.nii.gz, case_0001.nii.gz.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from overread.cohort.adapters.common import names_of_values, splits_of, take_over
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.source import case_name, existing, files_in, json_of, listed
from overread.cohort.adapters.volumes import channel_names, labels_on_grid, modalities, read_dataset
from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.errors import InputError
from overread.imaging.read import read

PICTURES = (".png", ".tif", ".tiff")


def import_nnunet(folder: Path, out: Path) -> None:
    """Take over an nnU-Net data set (DatasetXXX_Name) below ``out``; a case is a patient.

    Where labelsTs holds labels, imagesTs is the test part and val is an eighth of the training cases; without
    them the training cases are dealt by a hash of their names, and imagesTs is counted and left out.

    Raises
    ------
    InputError
        No dataset.json or one of version 1, labels made of regions or to be ignored, a missing channel or label, a
        file that belongs to no case, grids that differ, values without a name, too few cases.
    """
    stated_in = existing(folder, ["dataset.json"], "of nnU-Net's raw data; FOLDER is one DatasetXXX_Name")
    content = json_of(stated_in)
    ending = _checked(stated_in, content)
    stated = read_dataset(stated_in)
    tr = _cases(folder, "Tr", ending, stated["channels"], content)
    ts = _cases(folder, "Ts", ending, stated["channels"], content) if (folder / "labelsTs").is_dir() else {}
    twice = tr.keys() & ts.keys()
    if twice:
        raise InputError(f"{folder}: {listed(twice)} in labelsTr and in labelsTs; keep each case in one")
    parts = dict.fromkeys(tr, "train") | dict.fromkeys(ts, "test")
    if ts:
        splits, note = official_splits(parts.items())
    else:
        splits, note = splits_of(tr), "no labelled test part: cases are dealt 70/10/20"
        hidden = (
            len(files_in(folder / "imagesTs", (f"_0000{ending}",))) if (folder / "imagesTs").is_dir() else 0
        )
        note += f"; {hidden} test images without labels were left out" if hidden else ""
    made = made_by("nnunet", folder)
    task: dict[str, Any] = {"source": {"import": made}}
    cases, values, dimensions = [], set[int](), 3
    with building(out, task) as target:
        both = tr | ts
        for case, (channels, label) in track(both.items(), "Taking over images", len(both)):
            found, _ = labels_on_grid(label, ((path, read(path)) for path in channels.values()))
            values, dimensions = values | set(np.unique(found).tolist()), found.ndim
            files = {}
            for name, source in channels.items():
                end = "" if len(channels) == 1 else f"_{name}"
                files[name] = target / "images" / f"{case_name(case)}{end}{ending}"
                take_over(source, files[name])
            mask = target / "masks" / f"{case_name(case)}{ending}"
            take_over(label, mask)
            more = {"official_split": parts[case]} if ts else {}
            cases.append(Case(case_name(case), case, files, None, mask, splits[case], more))
        names_of_values(values, folder / "labelsTr", stated["labels"][1:])
        made_task = task_of(
            "segmentation",
            dimensions,
            stated["labels"],
            name=stated.get("name") or folder.resolve().name,
            licence=stated.get("licence") or "unknown",
            note=f"each case counts as its own patient; {note}",
            made=made,
            modality=modalities(stated["channels"]),
        )
        task.update(made_task)
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, ", ".join(stated["labels"][1:]))


def _checked(path: Path, content: Mapping[str, Any]) -> str:
    """The ending of the files, of a dataset.json that can be used."""
    missing = [k for k in ("channel_names", "labels", "file_ending") if k not in content]
    if missing:
        version = "of version 1, " if "modality" in content else ""
        raise InputError(
            f"{path}: has no {missing[0]!r}; it is {version}expected nnU-Net's version 2 "
            "(a task of the decathlon is imported by `overread import msd`)"
        )
    if "dataset" in content:
        raise InputError(
            f"{path}: names every file under 'dataset'; expected the files themselves in imagesTr and labelsTr"
        )
    labels, ending = content["labels"], content["file_ending"]
    if not isinstance(ending, str) or not ending.startswith("."):
        raise InputError(f"{path}: file_ending is {ending!r}, expected text such as '.nii.gz'")
    regions = [k for k, v in labels.items() if isinstance(v, list)] if isinstance(labels, dict) else []
    if regions or content.get("regions_class_order"):
        raise InputError(
            f"{path}: labels are regions made of several values ({listed(regions) or 'regions_class_order'}), "
            "and a label map here has one class per value; name each value instead, as in "
            '{"background": 0, "edema": 1, "core": 2}'
        )
    if "ignore" in labels:
        raise InputError(
            f"{path}: has a label 'ignore' for voxels that nobody labelled, which cannot be left out here; "
            "label those voxels or drop the cases that have them"
        )
    return ending


def _cases(
    folder: Path, part: str, ending: str, stated: Sequence[str], content: Mapping[str, Any]
) -> dict[str, tuple[dict[str, Path], Path]]:
    """Case to (channel to file, label) in imagesTr or imagesTs."""
    images = existing(folder, [f"images{part}"], "the images, one file per case and channel")
    labels = existing(folder, [f"labels{part}"], "the label maps, one file per case")
    truths = {p.name[: -len(ending)]: p for p in files_in(labels, (ending,))}
    pieces: dict[str, dict[int, Path]] = {}
    for p in files_in(images, (ending,)):
        parsed = re.fullmatch(r"(.+)_(\d{4})", p.name[: -len(ending)])
        if parsed is None:
            raise InputError(f"{p}: has no channel number; expected a name such as case_0000{ending}")
        pieces.setdefault(parsed[1], {})[int(parsed[2])] = p
    for mine, other, where in ((truths, pieces, images), (pieces, truths, labels)):
        alone = mine.keys() - other.keys()
        if alone:
            raise InputError(f"{where}: has no file for {listed(alone)}; add it or take the case out")
    if not truths:
        raise InputError(f"{labels}: holds no file ending in {ending}; check the path and file_ending")
    total = content.get("numTraining")
    if part == "Tr" and isinstance(total, int) and total != len(truths):
        raise InputError(
            f"{folder / 'dataset.json'}: numTraining is {total}, labelsTr holds {len(truths)} cases; "
            "add what is missing or correct the number"
        )
    # A colour picture is one file, and its colours are stated as channels.
    whole = ending in PICTURES and all(set(files) == {0} for files in pieces.values())
    count = 1 if whole else max(len(stated), 1)
    names = channel_names(stated, count)
    found = {}
    for case, files in sorted(pieces.items()):
        if sorted(files) != list(range(count)):
            raise InputError(
                f"{images}: case {case!r} has the channels {', '.join(f'{k:04d}' for k in sorted(files))}, expected "
                f"{count} from 0000 on, as dataset.json names them ({', '.join(stated)})"
            )
        found[case] = ({name: files[k] for k, name in enumerate(names)}, truths[case])
    return found
