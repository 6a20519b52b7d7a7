"""CBIS-DDSM: 3,103 scanned film mammograms with masses and calcifications, their outlines and their pathology.

Lee et al., Scientific Data 2017;4:170177. Published by The Cancer Imaging Archive.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from rich.progress import track

from overread.cohort.adapters.listing import DICOM, check_listed, header_of, take_all
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import box, made_by, print_summary, task_of, write_boxes
from overread.cohort.adapters.source import existing, files_in, listed, number, rows_of
from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.folder import building
from overread.errors import InputError
from overread.imaging.read import read

LABELS = ("benign", "malignant")
PATHOLOGY = {"BENIGN": 0, "BENIGN_WITHOUT_CALLBACK": 0, "MALIGNANT": 1}
KINDS = {"mass": "mass", "calc": "calcification"}
PARTS = ("train", "test")
SUBJECT = re.compile(r"(?:Mass|Calc)-(?:Training|Test)_(P_\d+)_(LEFT|RIGHT)_(CC|MLO)(?:_\d+)?")
SIDES, VIEWS = ("LEFT", "RIGHT"), ("CC", "MLO")
IMAGE, ROI = "image file path", "ROI mask file path"
COLUMNS = (
    "patient_id",
    "left or right breast",
    "image view",
    "abnormality id",
    "assessment",
    "pathology",
    IMAGE,
    ROI,
)
NOTE = (
    "an image is malignant where any of its abnormalities is; official_split is the published part, drawn for "
    "masses and calcifications apart; a mammogram with both is published twice; masks hold 1 for any abnormality"
)


@dataclass
class Mammogram:
    """One mammogram of one of the tables and the rows of its abnormalities, by the name of their folder."""

    part: str
    kind: str
    patient: str
    side: str
    view: str
    abnormalities: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """malignant where any abnormality is."""
        return LABELS[max(PATHOLOGY[row["pathology"]] for row in self.abnormalities.values())]


def import_cbis_ddsm(folder: Path, out: Path) -> None:
    """Take over the mammograms as DICOM, with label, masks as PNG, and a box for every abnormality.

    The paths of the tables no longer lead to files: only the folder named after patient, side and view counts,
    wherever it lies. Which of an abnormality's files is the mask and which the crop is found from sizes and values.
    A patient in both parts (masses and calcifications were divided apart) goes to the test part as a whole. Where an
    abnormality has no mask of the size of its mammogram, the mammogram stays without mask and boxes.

    Raises
    ------
    InputError
        A missing table, mammogram or abnormality's folder, several files where one is expected, an unknown
        pathology, a row that contradicts its path, or ``out`` holds something else.
    """
    mammograms = _mammograms(folder)
    files: dict[str, list[Path]] = defaultdict(list)
    for path in files_in(folder, DICOM, recursive=True):
        files[_subject(path)].append(path)
    wanted = {*mammograms, *(roi for m in mammograms.values() for roi in m.abnormalities)}
    check_listed(wanted, files, folder / "*_case_description_*_set.csv", folder)
    for name in mammograms:
        if len(files[name]) != 1:
            raise InputError(
                f"{name}: has {len(files[name])} DICOM files ({listed([str(p) for p in files[name]])}), "
                "expected the one mammogram; keep one download of it"
            )
    malignant = {m.patient for m in mammograms.values() if m.label == LABELS[1]}
    splits, note = official_splits(
        ((m.patient, m.part) for m in mammograms.values()),
        {m.patient: LABELS[m.patient in malignant] for m in mammograms.values()},
    )
    task = task_of(
        "classification",
        2,
        LABELS,
        name="CBIS-DDSM",
        licence="CC BY 3.0",
        note=f"{note}; {NOTE}",
        made=made_by("cbis-ddsm", folder),
        modality=("MG",),
        limits={"body_part": ["BREAST"]},
    )
    with building(out, task) as target:
        stored = take_all(target, {name: files[name][0] for name in mammograms})
        cases, without = [], list[str]()
        for name, m in track(mammograms.items(), "Reading masks", len(mammograms)):
            masks = {roi: find_mask(files[name][0], files[roi]) for roi in m.abnormalities}
            whole = {roi: mask for roi, mask in masks.items() if mask is not None}
            placed = len(whole) == len(masks)
            if not placed:
                without.append(name)
            cases.append(
                Case(
                    name,
                    m.patient,
                    {"image": stored[name]},
                    m.label,
                    _write_mask(target, name, whole) if placed else None,
                    splits[m.patient],
                    _attributes(m),
                    boxes=write_boxes(target, name, [_box(m, roi, whole[roi]) for roi in whole])
                    if placed
                    else None,
                )
            )
        if without:
            task["source"]["note"] += (
                f"; {len(without)} mammograms are without mask and boxes, for an abnormality of theirs has no mask "
                f"of the mammogram's size: {listed(without, 20)}"
            )
        Cohort(target, tuple(cases)).write()
    print_summary(
        out,
        cases,
        f"{len(malignant)} of {len(splits)} patients with cancer, {len(without)} images without mask",
    )


def find_mask(image: Path, files: list[Path]) -> NDArray[np.bool_] | None:
    """The mask among the ``files`` of an abnormality (mask and crop, in either order), or None.

    A mask has the mammogram's size and two values at most, one of them 0 and not only that.
    """
    size = _size(image)
    found = []
    for path in files:
        # The header alone tells most crops.
        if _size(path) == size and (mask := _binary(path)) is not None:
            found.append(mask)
    if len(found) > 1 and not all(np.array_equal(found[0], mask) for mask in found[1:]):
        raise InputError(
            f"{files[0].parent}: {listed([p.name for p in files])} are different masks of one abnormality; keep one"
        )
    return found[0] if found else None


def _binary(path: Path) -> NDArray[np.bool_] | None:
    array = read(path).array[0]
    top = array.max()
    mask = array == top
    if top <= 0 or mask.all() or array.min() != 0 or np.count_nonzero(array) != np.count_nonzero(mask):
        return None
    return np.asarray(mask)


def _size(path: Path) -> tuple[int, int]:
    header = header_of(path, ("Rows", "Columns"))
    return int(number(header["Rows"], f"{path}: Rows")), int(number(header["Columns"], f"{path}: Columns"))


def _write_mask(folder: Path, name: str, masks: dict[str, NDArray[np.bool_]]) -> Path:
    path = folder / "masks" / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    array = np.logical_or.reduce(list(masks.values())).astype(np.uint8)
    Pillow.fromarray(array).save(path, compress_level=1)
    return path


def _box(m: Mammogram, roi: str, mask: NDArray[np.bool_]) -> dict[str, Any]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    row = m.abnormalities[roi]
    more = {k: row.get(k, "") for k in ("abnormality id", "pathology", "assessment", "subtlety")}
    more |= {k: v for k, v in row.items() if k.startswith(f"{m.kind[:4]} ")}
    corners = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    return box(m.kind, [float(v) for v in corners], roi, **more)


def _attributes(m: Mammogram) -> dict[str, str]:
    rows = list(m.abnormalities.values())
    return {
        "abnormality": m.kind,
        "side": m.side.lower(),
        "view": m.view,
        "density": rows[0].get("breast_density") or rows[0].get("breast density") or "",
        "pathology": " ".join(dict.fromkeys(row["pathology"] for row in rows)),
        "assessment": " ".join(dict.fromkeys(row["assessment"] for row in rows)),
        "official_split": m.part,
    }


def _kinds(folder: Path) -> list[tuple[str, str]]:
    """Kind and part of the tables to read: both parts of every kind of which there is one."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    found = [
        kind
        for kind in KINDS
        if any((folder / place / _name(kind, part)).is_file() for place in (".", "csv") for part in PARTS)
    ]
    return [(kind, part) for kind in found or KINDS for part in PARTS]


def _name(kind: str, part: str) -> str:
    return f"{kind}_case_description_{part}_set.csv"


def _table(folder: Path, kind: str, part: str) -> Path:
    name = _name(kind, part)
    return existing(
        folder, (name, f"csv/{name}"), "a table of the data set; it is downloaded apart from the images"
    )


def _mammograms(folder: Path) -> dict[str, Mammogram]:
    """The mammograms of all tables by the name of their folder, with their abnormalities."""
    out: dict[str, Mammogram] = {}
    for kind, part in _kinds(folder):
        table = _table(folder, kind, part)
        for n, row in enumerate(rows_of(table, COLUMNS), 2):
            where = f"{table}: row {n}"
            name, roi = (_first(row[c], f"{where}: {c}") for c in (IMAGE, ROI))
            if row["pathology"] not in PATHOLOGY:
                raise InputError(
                    f"{where}: pathology is {row['pathology']!r}, expected one of {', '.join(PATHOLOGY)}"
                )
            stated = (row["patient_id"], row["left or right breast"], row["image view"])
            match = SUBJECT.fullmatch(name)
            if match is None or match.groups() != stated:
                raise InputError(
                    f"{where}: is of {' '.join(stated)}, but its image lies in {name}; download it again"
                )
            m = out.setdefault(name, Mammogram(part, KINDS[kind], *stated))
            if roi in m.abnormalities:
                raise InputError(f"{where}: {roi} stands in more than one row; download the table again")
            m.abnormalities[roi] = row
    return out


def _first(path: str, where: str) -> str:
    """The folder that a path of the tables begins with; the rest of it is out of date."""
    name = path.split("/")[0]
    if not SUBJECT.fullmatch(name):
        raise InputError(f"{where} is {path!r}, expected one that begins as Mass-Training_P_00001_LEFT_CC/")
    return name


def _subject(path: Path) -> str:
    """The folder named after patient, side and view in which a file lies."""
    for name in path.parts[-2::-1]:
        if SUBJECT.fullmatch(name):
            return name
    raise InputError(
        f"{path}: lies in no folder such as Mass-Training_P_00001_LEFT_CC; move it elsewhere, or keep the folders "
        "of the download"
    )
