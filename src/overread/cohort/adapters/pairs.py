"""Folders of 2D pictures and label pictures whose names go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from rich.console import Console
from rich.progress import track

from overread.cohort.adapters.common import files_by_name, names_of_values, splits_of, take_over
from overread.cohort.adapters.partners import partners
from overread.cohort.adapters.source import case_name
from overread.cohort.cohort import Case, Cohort
from overread.cohort.folder import building
from overread.cohort.truth.mask import white_of
from overread.errors import InputError
from overread.imaging.read import read_label_raster, read_raster

IMAGES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
# JPEG changes the values that it stores, and a label is its value.
LABELS = (".png", ".tif", ".tiff")


def import_pairs(
    images: Path, labels: Path, out: Path, foreground: str | None = None, mask_pattern: str | None = None
) -> None:
    """Take over pairs of pictures below ``out``, with cohort.csv and task.json; a picture is a patient.

    With ``foreground``, every label but 0 becomes the one class of that name: masks that number single
    objects become masks of what they are. Masks of 0 and 255 hold one class, too. ``mask_pattern`` says how masks are
    named (``{name}_mask``); without it that is guessed and said, see `partners`. Both may lie in one folder.

    Raises
    ------
    InputError
        A missing partner, picture and label of different size, label values with gaps, fewer than three
        pictures, or ``out`` holds something else.
    """
    images, labels = Path(images), Path(labels)
    if foreground is not None and (not foreground.strip() or foreground.strip() == "background"):
        raise InputError(f"--foreground is {foreground!r}, expected a class name other than background")
    found = partners(files_by_name(images, IMAGES), files_by_name(labels, LABELS), mask_pattern)
    pairs: dict[str, tuple[Path, Path]] = {}
    for name, pair in found.pairs.items():
        if (case := case_name(name)) in pairs:
            raise InputError(
                f"{pair[0]}: {pairs[case][0].name} would be the same case, {case}; rename one of them"
            )
        pairs[case] = pair
    splits = splits_of(pairs)
    made = {
        "name": "pairs",
        "images": str(images.resolve()),
        "labels": str(labels.resolve()),
        "foreground": foreground,
    }
    if mask_pattern is not None:
        made["mask_pattern"] = mask_pattern
    task: dict[str, Any] = {"source": {"import": made}}
    cases, values = [], set[int]()
    with building(out, task) as folder:
        (folder / "masks").mkdir()
        for case, (image_path, label_path) in track(pairs.items(), "Taking over images", len(pairs)):
            mask = _label(image_path, label_path)
            target = folder / "images" / f"{case}{image_path.suffix.lower()}"
            take_over(image_path, target)
            if foreground is None:
                kept = folder / "masks" / f"{case}{label_path.suffix.lower()}"
                take_over(label_path, kept)
            else:
                mask = (mask > 0).astype(np.uint8)
                kept = folder / "masks" / f"{case}.png"
                Pillow.fromarray(mask).save(kept)
            values |= set(np.unique(mask).tolist())
            cases.append(Case(case, case, {"image": target}, None, kept, splits[case]))
        task.update(_task(images, labels, values, foreground, made))
        Cohort(folder, tuple(cases)).write()
    console = Console()
    console.print(f"{out}: {len(cases)} cases with {', '.join(task['labels'][1:])}", highlight=False)
    for remark in filter(None, (found.said, _said(values, foreground))):
        console.print(f"  {remark}", highlight=False)


def _said(values: set[int], foreground: str | None) -> str:
    """What was made of masks of 0 and 255."""
    white = white_of(values)
    if white is None or foreground is not None:
        return ""
    return f"masks hold 0 and {white}: {white} is taken for the one class, foreground; --foreground NAME names it"


def _label(image_path: Path, label_path: Path) -> NDArray[Any]:
    mask, image = read_label_raster(label_path), read_raster(image_path)
    if mask.shape != image.spatial:
        raise InputError(
            f"{label_path}: has {mask.shape[0]} x {mask.shape[1]} pixels, "
            f"{image_path} has {image.spatial[0]} x {image.spatial[1]}; expected the same rows and columns"
        )
    if mask.min() < 0:
        raise InputError(
            f"{label_path}: holds {int(mask.min())}, expected 0 for background and 1, 2 ... for classes"
        )
    return mask


def _task(
    images: Path, labels: Path, values: set[int], foreground: str | None, made: dict[str, str | None]
) -> dict[str, Any]:
    one = foreground.strip() if foreground is not None else "foreground"
    # The truth's own reading takes 255 for the one label there is.
    white = foreground is None and white_of(values) is not None
    names = (
        ["background", one]
        if white
        else names_of_values(values, labels, None if foreground is None else [one])
    )
    return {
        "task": "segmentation",
        "dimensions": 2,
        "labels": names,
        "positive": names[1] if len(names) == 2 else None,
        "modality": [],
        "limits": {},
        "source": {
            "name": images.resolve().parent.name,
            "licence": "unknown",
            "note": "each picture counts as its own patient",
            "import": made,
        },
    }
