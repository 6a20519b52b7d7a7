"""IDRiD, fundus photographs: lesions outlined (A), grades (B), optic disc and fovea located (C).

Porwal et al., Data 2018;3:25. Folders and files are numbered and named as in the publication's archives.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from rich.progress import track

from overread.cohort.adapters.common import take_over
from overread.cohort.adapters.detection import picture_size
from overread.cohort.adapters.idrid_tables import Points, grades, points
from overread.cohort.adapters.official import official_splits
from overread.cohort.adapters.result import box, made_by, print_summary, task_of, write_boxes
from overread.cohort.adapters.source import existing, files_in, listed
from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.errors import InputError
from overread.imaging.read import read_raster

FOLDERS: Mapping[str, str] = {
    "segmentation": "A. Segmentation",
    "grading": "B. Disease Grading",
    "localisation": "C. Localization",
}
PARTS: Mapping[str, str] = {"train": "a. Training Set", "test": "b. Testing Set"}
# In the order of drawing: lesions over the disc, the smallest last.
DRAWN: Mapping[str, tuple[str, str]] = {
    "optic disc": ("5. Optic Disc", "OD"),
    "haemorrhages": ("2. Haemorrhages", "HE"),
    "hard exudates": ("3. Hard Exudates", "EX"),
    "soft exudates": ("4. Soft Exudates", "SE"),
    "microaneurysms": ("1. Microaneurysms", "MA"),
}
LABELS = ("background", "microaneurysms", "haemorrhages", "hard exudates", "soft exudates", "optic disc")
GRADES = tuple(f"grade {k}" for k in range(5))
Pictures = dict[str, tuple[str, Path]]


def import_idrid(folder: Path, out: Path, part: str | None = None) -> None:
    """Take over one part of IDRiD below ``out``: ``segmentation``, ``grading`` or ``localisation``.

    ``folder`` holds the part's folder, or is it. Training and testing stay as published, val is an eighth of the
    training pictures. Every picture is its own patient; a name that stands in both sets is two pictures, so
    cases are named ``train-IDRiD_001`` and ``test-IDRiD_001``.

    Raises
    ------
    InputError
        No such part, several and none chosen, a missing picture, ground truth or row of a table, a mask of
        another size, a grade other than 0 to 4, a point off its picture.
    """
    if part is not None and part not in FOLDERS:
        raise InputError(f"--part is {part!r}, expected one of {', '.join(FOLDERS)}")
    part, root = _part(folder, part)
    pictures = _pictures(root)
    made = made_by("idrid", folder, part=part)
    task: dict[str, Any] = {"source": {"import": made}}
    graded = grades(root, pictures) if part == "grading" else {}
    located = points(root, pictures) if part == "localisation" else {}
    strata = {case: facts[0] for case, facts in graded.items()}
    splits, note = official_splits([(case, official) for case, (official, _) in pictures.items()], strata)
    cases, over = [], 0
    with building(out, task) as target:
        (target / "masks").mkdir()
        for case, (official, path) in track(pictures.items(), "Taking over images", len(pictures)):
            kept = target / "images" / f"{case}{path.suffix.lower()}"
            take_over(path, kept)
            facts = {"official_split": official}
            label = mask = boxes = None
            if part == "segmentation":
                mask = target / "masks" / f"{case}.png"
                labels, both = _labels(root, official, path)
                Pillow.fromarray(labels).save(mask, compress_level=1)
                over += both
            elif part == "grading":
                label, facts["macular_edema_risk"] = graded[case]
            else:
                boxes = write_boxes(target, case, _boxes(path, located[case]))
            cases.append(Case(case, case, {"image": kept}, label, mask, splits[case], facts, boxes=boxes))
        notes = ["each picture counts as its own patient", note]
        notes += [f"{over} pixels of several lesions took one: microaneurysms first, the disc last"] * bool(
            over
        )
        stated = task_of(
            {"segmentation": "segmentation", "grading": "ordinal"}.get(part, "detection"),
            2,
            {"segmentation": LABELS, "grading": GRADES}.get(part, ("optic disc", "fovea")),
            name=f"IDRiD, {FOLDERS[part]}",
            licence="CC BY 4.0",
            note="; ".join(notes),
            made=made,
            modality=["OP"],
            limits={"body_part": ["EYE"]},
        )
        if part == "localisation":
            stated["positive"] = None
        task.update(stated)
        Cohort(target, tuple(cases)).write()
    print_summary(out, cases, f"{part} of fundus photographs")


def _part(folder: Path, part: str | None) -> tuple[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    there = {p: folder / name for p, name in FOLDERS.items() if (folder / name).is_dir()}
    # The archives unpack to a folder of their own name; FOLDER may be that one.
    there |= {p: folder for p, name in FOLDERS.items() if folder.resolve().name == name}
    found = [part] if part else list(there)
    if len(found) > 1:
        raise InputError(f"{folder}: holds {', '.join(found)}; choose one by --part")
    if not found or found[0] not in there:
        wanted = FOLDERS[part] if part else ", ".join(FOLDERS.values())
        names = [p.name for p in folder.iterdir()]
        raise InputError(
            f"{folder}: has no folder {wanted}; found {listed(names) or 'nothing'}; unpack the archive there"
        )
    return found[0], there[found[0]]


def _pictures(root: Path) -> Pictures:
    """Official part and file of every picture by case."""
    found: Pictures = {}
    for official, name in PARTS.items():
        folder = existing(root, [f"1. Original Images/{name}"], f"the pictures of the {official} part")
        files = files_in(folder, (".jpg",))
        if not files:
            raise InputError(f"{folder}: holds no .jpg file; unpack the archive again")
        found |= {f"{official}-{p.stem}": (official, p) for p in files}
    return found


def _labels(root: Path, official: str, picture: Path) -> tuple[NDArray[np.uint8], int]:
    """The label map of a picture, and how many pixels are of several classes; no file says no such lesion."""
    columns, rows = picture_size(picture)
    labels = np.zeros((rows, columns), np.uint8)
    over = 0
    truths = existing(root, [f"2. All Segmentation Groundtruths/{PARTS[official]}"], "the masks")
    found = []
    for name, (folder, ending) in DRAWN.items():
        path = existing(truths, [folder], f"the masks of {name}") / f"{picture.stem}_{ending}.tif"
        if not path.is_file():
            continue
        found.append(path)
        inside = (read_raster(path).array > 0).any(axis=0)
        if inside.shape != labels.shape:
            raise InputError(
                f"{path}: has {inside.shape[1]} x {inside.shape[0]} pixels, {picture} has {columns} x {rows}; "
                "expected the same"
            )
        over += int(np.count_nonzero(inside & (labels > 0)))
        labels[inside] = LABELS.index(name)
    if not found:
        raise InputError(
            f"{truths}: has no mask of {picture.name}, not even of its optic disc; unpack the archive again"
        )
    return labels, over


def _boxes(picture: Path, located: Points) -> list[dict[str, Any]]:
    """One pixel about each point: a point has no extent, and a larger box would be made up."""
    columns, rows = picture_size(picture)
    boxes = []
    for label, (x, y) in located.items():
        if not (0 <= x <= columns and 0 <= y <= rows):
            raise InputError(
                f"{picture}: its {label} is stated at {x:g}, {y:g}, off its {columns} x {rows} pixels; "
                "expected a point of the picture"
            )
        boxes.append(box(label, (x - 0.5, y - 0.5, x + 0.5, y + 0.5), str(picture), point=[x, y]))
    return boxes
