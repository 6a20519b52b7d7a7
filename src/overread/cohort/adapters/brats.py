"""Brain tumour segmentation as in the BraTS challenges of 2017 to 2023: four channels and a label map per case.

Menze et al., IEEE Transactions on Medical Imaging 2015;34:1993-2024; Baid et al., arXiv:2107.02314. Until 2021 the
enhancing tumour is 4 (there is no 3), from 2023 on it is 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from overread.cohort.adapters.common import take_over
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import made_by, print_summary, task_of
from overread.cohort.adapters.source import case_name, files_in, listed, rows_of
from overread.cohort.adapters.volumes import SUFFIXES, labels_on_grid
from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.errors import InputError
from overread.imaging.formats.nifti import write_nifti
from overread.imaging.image import Image
from overread.imaging.read import read

CHANNELS: Mapping[str, str] = {
    "t1": "t1",
    "t1n": "t1",
    "t1ce": "t1ce",
    "t1c": "t1ce",
    "t2": "t2",
    "t2w": "t2",
    "flair": "flair",
    "t2f": "flair",
}
NAMES = ("t1", "t1ce", "t2", "flair")
LABELS = ("background", "necrotic and non-enhancing core", "edema", "enhancing tumor")
NOTHING = ("", "na", "n/a", "nan")


def import_brats(folder: Path, out: Path) -> None:
    """Take over the labelled cases of a BraTS download below ``out``.

    Label maps with 4 are rewritten with 3; all other files stay as they are. ``name_mapping.csv`` gives grade and
    TCIA's identity of the patient, ``survival_info.csv`` (``survival_data.csv``) age, survival and resection,
    the folders HGG and LGG the grade. From 2023 on the end of a name is the time point: the column ``visit``.
    Cases of validation and testing folders have no labels: they are counted and left out.

    Raises
    ------
    InputError
        No case, a missing channel or label map, two files for one, grids that differ, label values other than 0
        to 4 or both 3 and 4 in a set, too few patients.
    """
    found, hidden = _cases(folder)
    rows = _rows(folder, set(found))
    patients = {c: rows.get(c, {}).pop("tcia_patient", "") or _patient(c)[0] for c in found}
    splits, note = official_splits([(p, "") for p in patients.values()])
    made = made_by("brats", folder)
    task: dict[str, Any] = {"source": {"import": made}}
    cases, seen = [], dict[int, str]()
    with building(out, task) as target:
        for case, files in track(found.items(), "Taking over images", len(found)):
            mask, values = _mask(files, target / "masks", case_name(case))
            for value in values:
                seen.setdefault(value, case)
            if 3 in seen and 4 in seen:
                raise InputError(
                    f"{folder}: the label maps of {seen[3]} hold 3 and those of {seen[4]} hold 4, two years' numbering "
                    "(or four classes, as from 2024 on); expected one, import the years apart"
                )
            images = {}
            for name in NAMES:
                suffix = next(s for s in SUFFIXES if files[name].name.lower().endswith(s))
                images[name] = target / "images" / f"{case_name(case)}_{name}{suffix}"
                take_over(files[name], images[name])
            facts = rows.get(case, {})
            visit = _patient(case)[1]
            who = patients[case]
            cases.append(Case(case_name(case), who, images, None, mask, splits[who], facts, visit=visit))
        missing = [n for k, n in enumerate(LABELS) if k and not seen.keys() & ({k, 4} if k == 3 else {k})]
        if missing:
            raise InputError(
                f"{folder}: no label map shows {missing[0]}; expected the challenge's labels 1, 2 and 3 or 4"
            )
        if hidden:
            note += f"; {hidden} cases without labels (validation, testing) were left out"
        if 4 in seen:
            note += "; enhancing tumor, 4 in the source, is 3 here"
        stated = task_of(
            "segmentation",
            3,
            LABELS,
            name=f"BraTS ({folder.resolve().name})",
            licence="see the challenge's terms",
            note=note,
            made=made,
            modality=["MR"],
            limits={"body_part": ["HEAD"]},
        )
        task.update(stated)
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{', '.join(LABELS[1:])} on {', '.join(NAMES)}")


def _patient(case: str) -> tuple[str, str]:
    """Patient and time point of a case's name: BraTS-GLI-00000-001 is the second examination of 00000."""
    parsed = re.fullmatch(r"(BraTS-[A-Za-z]+-\d+)-(\d+)", case)
    return (parsed[1], parsed[2]) if parsed else (case, "")


def _cases(folder: Path) -> tuple[dict[str, dict[str, Path]], int]:
    """Files by case and kind (a channel or ``seg``), and how many cases have no labels to be had."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    found: dict[str, dict[str, Path]] = {}
    strange: dict[Path, list[Path]] = {}
    for path in files_in(folder, SUFFIXES, recursive=True):
        parsed = re.fullmatch(r"(.+)[_-](t1n|t1ce|t1c|t1|t2w|t2f|t2|flair|seg)\.nii(\.gz)?", path.name, re.I)
        if parsed is None:
            strange.setdefault(path.parent, []).append(path)
            continue
        kind = CHANNELS.get(parsed[2].lower(), "seg")
        files = found.setdefault(parsed[1], {})
        if kind in files:
            raise InputError(f"{path}: case {parsed[1]} has {files[kind]} for {kind} too; keep one of them")
        files[kind] = path
    if not found:
        raise InputError(
            f"{folder}: holds no file such as CASE_flair.nii.gz or CASE-t2f.nii.gz; expected one folder per case"
        )
    hidden = []
    for case, files in found.items():
        missing = [n for n in NAMES if n not in files]
        where = next(iter(files.values())).parent
        if missing:
            raise InputError(
                f"{where}: case {case} has no {missing[0]}; found {listed(files, 5)}; download it again"
            )
        if "seg" in files:
            continue
        below = where.resolve().relative_to(folder.resolve().parent)
        if re.search("valid|test", f"{below}/{case}", re.I):
            hidden.append(case)
            continue
        # One label map of 2020 kept its working name (W39_1998.09.19_Segm.nii).
        odd = [p for p in strange.get(where, []) if "seg" in p.name.lower()]
        if len(odd) != 1:
            raise InputError(f"{where}: case {case} has no label map {case}_seg.nii.gz; download it again")
        files["seg"] = odd[0]
    labelled = {c: f for c, f in sorted(found.items()) if c not in hidden}
    if not labelled:
        raise InputError(f"{folder}: none of {len(hidden)} cases has a label map; expected the training data")
    return labelled, len(hidden)


def _mask(files: Mapping[str, Path], folder: Path, case: str) -> tuple[Path, set[int]]:
    """Keep a label map, with 4 become 3; where it is, and the values of the source."""
    array, affine = labels_on_grid(files["seg"], ((files[name], _channel(files[name])) for name in NAMES))
    assert affine is not None  # Every file of the set is NIfTI.
    values = set(np.unique(array).tolist())
    if not values <= {0, 1, 2, 3, 4} or {3, 4} <= values:
        raise InputError(
            f"{files['seg']}: holds {sorted(values)}; expected 0, 1, 2 and 4 (until 2021) or 0, 1, 2 and 3 (2023)"
        )
    if 4 in values:
        target = folder / f"{case}.nii.gz"
        write_nifti(target, np.where(array == 4, 3, array).astype(np.uint8), affine)
        return target, values
    target = folder / f"{case}{next(s for s in SUFFIXES if files['seg'].name.lower().endswith(s))}"
    take_over(files["seg"], target)
    return target, values


def _channel(path: Path) -> Image:
    image = read(path)
    if len(image.array) != 1:
        raise InputError(f"{path}: has {len(image.array)} channels, expected 1; download it again")
    return image


def _rows(folder: Path, cases: set[str]) -> dict[str, dict[str, str]]:
    """Facts by case from the folders' names and the tables, where there are any."""
    facts: dict[str, dict[str, str]] = {c: {} for c in cases}
    for path in folder.rglob("*"):
        if path.name in cases and path.parent.name in ("HGG", "LGG"):
            facts[path.name]["grade"] = path.parent.name
    for path in files_in(folder, (".csv",), recursive=True):
        kind = (
            "mapping"
            if "mapping" in path.name.lower()
            else "survival"
            if "survival" in path.name.lower()
            else ""
        )
        for row in rows_of(path, ()) if kind else []:
            case = next((v for v in row.values() if v in cases), None)
            if case is None:
                continue
            for column, value in row.items():
                name = _fact(column.lower(), kind)
                if name and value.lower() not in NOTHING:
                    facts[case][name] = value
    return facts


def _fact(column: str, kind: str) -> str:
    """Our name for a column of the tables, empty for those that are passed over."""
    if kind == "mapping":
        return {"grade": "grade", "tcga_tcia_subject_id": "tcia_patient"}.get(column, "")
    if column == "age":
        return "age"
    return "survival_days" if column.startswith("survival") else "resection" if "resection" in column else ""
