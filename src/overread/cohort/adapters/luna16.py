"""LUNA16: chest CT in ten subsets, with the nodules that at least three of four readers marked.

Setio et al., Medical Image Analysis 2017;42:1-13. Nodules are given by centre (world, LPS mm) and diameter.
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
from overread.cohort.adapters.result import box, made_by, print_summary, task_of, write_boxes
from overread.cohort.adapters.source import case_name, existing, files_in, listed, number, rows_by, rows_of
from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.errors import InputError
from overread.imaging.formats.metaimage import read_grid

SUBSETS = 10
COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")
Nodule = tuple[float, float, float, float]


def import_luna16(folder: Path, out: Path) -> None:
    """Take over the scans of LUNA16 below ``out``, with one boxes file each; a scan without nodules has an empty one.

    The column ``subset`` is the official subset. The highest subset at hand is the test, the one before it val, and
    ``fold`` is the subset of all others. A table ``metadata.csv`` of LIDC-IDRI (columns ``Series UID`` and
    ``Subject ID``), where it lies in ``folder``, gives the patients; without it each scan is its own.

    Raises
    ------
    InputError
        No annotations.csv or subset folder, a scan without its .raw or in two subsets, an annotated scan that is
        missing though all subsets are there, a nodule without extent or outside of its scan.
    """
    table = existing(folder, ["annotations.csv", "CSVFILES/annotations.csv"], "the nodules, one per row")
    scans, subsets = _scans(folder)
    nodules = _nodules(table)
    absent = nodules.keys() - scans.keys()
    if absent and len(subsets) == SUBSETS:
        raise InputError(
            f"{table}: lists {listed(absent)}, of which there is no scan; unpack all subsets anew"
        )
    patients = _patients(folder, scans)
    parts = _parts(subsets)
    splits, note = official_splits([(patients[s], parts[k]) for s, (k, _) in scans.items()])
    made = made_by("luna16", folder)
    task: dict[str, Any] = {"source": {"import": made}}
    cases = []
    with building(out, task) as target:
        for scan, (subset, path) in track(scans.items(), "Taking over images", len(scans)):
            boxes = _boxes(table, scan, path, nodules.get(scan, []))
            kept = target / "images" / path.name
            for file in (path, *read_grid(path)[2]):
                take_over(file, target / "images" / file.name)
            split = splits[patients[scan]]
            more = {"subset": str(subset), "fold": "" if split == "test" else str(subset)}
            file = write_boxes(target, case_name(scan), boxes)
            cases.append(
                Case(
                    case_name(scan), patients[scan], {"image": kept}, split=split, attributes=more, boxes=file
                )
            )
        which = f"test is subset {subsets[-1]}, val subset {subsets[-2]}" if len(subsets) > 2 else note
        moved = note.partition("; ")[2] if len(subsets) > 2 else ""
        notes = [which, *([moved] if moved else [])]
        if len(subsets) < SUBSETS:
            notes.append(f"only the subsets {', '.join(map(str, subsets))} were there")
        if all(p == s for s, p in patients.items()):
            notes.append("each scan counts as its own patient: no metadata.csv of LIDC-IDRI was there")
        stated = task_of(
            "detection",
            3,
            ["nodule"],
            name="LUNA16",
            licence="CC BY 3.0 (LIDC-IDRI)",
            note="; ".join(notes),
            made=made,
            modality=["CT"],
            limits={"body_part": ["CHEST"]},
        )
        task.update(stated)
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{sum(len(n) for s, n in nodules.items() if s in scans)} nodules")


def _scans(folder: Path) -> tuple[dict[str, tuple[int, Path]], list[int]]:
    """Subset and header of every scan by its series UID, and the subsets at hand."""
    scans: dict[str, tuple[int, Path]] = {}
    subsets = []
    for below in sorted(p for p in folder.rglob("subset*") if p.is_dir()):
        parsed = re.fullmatch(r"subset(\d)", below.name)
        # An archive may unpack to subset0/subset0.
        files = files_in(below, (".mhd",)) if parsed else []
        if parsed is None or not files:
            continue
        subsets.append(int(parsed[1]))
        for path in files:
            if path.stem in scans:
                raise InputError(
                    f"{path}: is in subset {scans[path.stem][0]} too; keep each scan in one subset"
                )
            scans[path.stem] = (int(parsed[1]), path)
    if not scans:
        raise InputError(
            f"{folder}: has no folder subset0 to subset9 with .mhd files; unpack the subsets there"
        )
    return scans, sorted(set(subsets))


def _parts(subsets: list[int]) -> dict[int, str]:
    """Part by subset; none where there are fewer than three."""
    if len(subsets) < 3:
        return dict.fromkeys(subsets, "")
    return dict.fromkeys(subsets, "train") | {subsets[-2]: "val", subsets[-1]: "test"}


def _nodules(table: Path) -> dict[str, list[Nodule]]:
    """Centre (LPS mm) and diameter (mm) of the nodules by series UID."""
    found: dict[str, list[Nodule]] = {}
    for n, row in enumerate(rows_of(table, COLUMNS), 2):
        x, y, z, d = (number(row[c], f"{table}: row {n}: {c}") for c in COLUMNS[1:])
        found.setdefault(row["seriesuid"], []).append((x, y, z, d))
    return found


def _patients(folder: Path, scans: Mapping[str, Any]) -> dict[str, str]:
    path = folder / "metadata.csv"
    if not path.is_file():
        return {s: s for s in scans}
    rows = rows_by(path, "Series UID", ("Subject ID",))
    subjects = {series: row["Subject ID"] for series, row in rows.items()}
    unknown = [s for s in scans if not subjects.get(s)]
    if unknown:
        raise InputError(
            f"{path}: does not tell the patient of {listed(unknown)}; expected the metadata of all of LIDC-IDRI, "
            "or no such file"
        )
    return {s: subjects[s] for s in scans}


def _boxes(table: Path, scan: str, path: Path, nodules: list[Nodule]) -> list[dict[str, Any]]:
    """The cubes about a scan's nodules, RAS mm."""
    sizes, affine, _ = read_grid(path)
    boxes = []
    for x, y, z, diameter in nodules:
        where = f"{table}: nodule of {scan} at {x:g}, {y:g}, {z:g}"
        centre, half = np.array([-x, -y, z]), diameter / 2
        index = (np.linalg.inv(affine) @ [*centre, 1])[:3]
        if len(sizes) != 3 or (index < -0.5).any() or (index > np.array(sizes) - 0.5).any():
            raise InputError(
                f"{where}: lies outside of {path}; expected world coordinates in mm, as published"
            )
        corners = [*(centre - half).tolist(), *(centre + half).tolist()]
        boxes.append(box("nodule", corners, where, diameter_mm=diameter))
    return boxes
