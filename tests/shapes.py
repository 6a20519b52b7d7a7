"""Tiny cohorts of bright shapes, with every kind of truth, for roads that take seconds."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image as Pillow

SPLITS = ("train",) * 12 + ("val",) * 6 + ("test",) * 6
SIDE = {2: 32, 3: 16}
GRADES = ("small", "middle", "large")


def write_shapes(folder: Path, *, dimensions: int, truth: str, ordered: bool = False) -> Path:
    """A cohort of 24 patients: a bright block, larger (``mass``) or smaller (``nodule``), on noise.

    ``truth`` is the column that is written: label, value (of the block's size), labels (one of three findings of the
    odd patients is not stated), mask (1 nodule, 2 mass) or boxes. ``ordered``: the label is one of three grades of
    size instead.
    """
    folder.mkdir(parents=True)
    rows = []
    for i, split in enumerate(SPLITS):
        rng = np.random.default_rng(i)
        spatial = (SIDE[dimensions],) * dimensions
        array = rng.normal(60, 8, spatial)
        mask = np.zeros(spatial, np.uint8)
        large = i % 2
        size = (spatial[0] // 2 if large else spatial[0] // 4) - 1
        low = rng.integers(1, spatial[0] - size - 1, dimensions)
        block = tuple(slice(a, a + size) for a in low)
        array[block] += 120
        mask[block] = 1 + large
        grade = i % 3
        if ordered:
            array = rng.normal(60, 8, spatial)
            size = spatial[0] * (2 + grade) // 8
            array[tuple(slice(a, a + size) for a in rng.integers(0, spatial[0] // 2, dimensions))] += 120
        name = f"s{i:02d}"
        row = {"case": name, "patient": f"p{i:02d}", "split": split}
        row |= {"image": _write(folder, name, array.clip(0, 255).astype(np.uint8))}
        row |= _truth(
            folder, name, truth, mask, low, size, large, left=bool(low[-1] + size / 2 < spatial[-1] / 2), i=i
        )
        if ordered:
            row["label"] = GRADES[grade]
        rows.append(row)
    with (folder / "cohort.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return folder


def _truth(
    folder: Path,
    name: str,
    truth: str,
    mask: np.ndarray,
    low: np.ndarray,
    size: int,
    large: int,
    *,
    left: bool,
    i: int,
) -> dict[str, str]:
    label = ("nodule", "mass")[large]
    if truth == "label":
        return {"label": label}
    if truth == "value":
        return {"value": f"{size * 2.5 + 0.1 * (i % 5):g}"}
    if truth == "labels":
        # The last finding is unstated in a third of the cases, and uncertain in one.
        rare = "" if i % 3 == 0 else ("-1" if i == 1 else str(int(i % 4 < 2)))
        return {"label_mass": str(large), "label_left": str(int(left)), "label_rare": rare}
    if truth == "mask":
        return {"mask": _write(folder, f"{name}_mask", mask)}
    high = low + size
    if mask.ndim == 2:
        box = [low[1], low[0], high[1], high[0]]
    else:
        # The affine is the identity: a voxel's centre is its index in mm.
        box = [*(low - 0.5), *(high - 0.5)]
    path = folder / f"{name}.json"
    path.write_text(json.dumps([{"label": label, "box": [float(v) for v in box]}]))
    return {"boxes": path.name}


def _write(folder: Path, name: str, array: np.ndarray) -> str:
    if array.ndim == 2:
        Pillow.fromarray(array).save(folder / f"{name}.png")
        return f"{name}.png"
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), folder / f"{name}.nii.gz")
    return f"{name}.nii.gz"
