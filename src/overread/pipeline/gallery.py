"""The test's pictures and segmentations, kept while the cases pass by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.cohort.cohort import Case
from overread.imaging.formats.nifti import write_nifti
from overread.imaging.formats.raster import write_png
from overread.imaging.grid.geometry import reorient
from overread.imaging.image import Image
from overread.imaging.picture import (
    best_slice,
    fit_box,
    overlay,
    pixel_spacing,
    png_bytes,
    slice_of,
    window_to_uint8,
)
from overread.runtime.prediction import Prediction

SHOWN = 3
PIXELS = 260


class Gallery:
    """Writes each segmentation to ``folder`` and keeps a small picture of each case."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pictures: dict[str, bytes] = {}

    def add(
        self, case: Case, image: Image, prediction: Prediction, truth: NDArray[np.integer] | None
    ) -> None:
        """Take note of one test case."""
        if prediction.mask is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            if prediction.mask.ndim == 3:
                write_nifti(self.folder / f"{case.case}.nii.gz", prediction.mask, image.affine)
            else:
                write_png(self.folder / f"{case.case}.png", prediction.mask)
        self._pictures[case.case] = png_bytes(_picture(image, prediction.mask, truth))

    def pictures(self, rows: Sequence[dict[str, Any]]) -> list[tuple[str, str, bytes]]:
        """Title, caption and PNG of telling cases: worst, median and best by Dice, or errors and correct answers."""
        answered = [r for r in rows if "dice" in r]
        if answered:
            ranked = sorted(answered, key=lambda r: float(r["dice"]))
            middle = max(0, len(ranked) // 2 - 1)
            groups = {
                "Worst": ranked[:SHOWN],
                "Median": ranked[middle : middle + SHOWN],
                "Best": ranked[-SHOWN:],
            }
            shown: set[str] = set()
            out = []
            for title, part in groups.items():
                for r in part:
                    if r["case"] not in shown:
                        shown.add(r["case"])
                        text = f"{r['case']}, Dice {r['dice']:.2f}. Left: reference, right: found."
                        out.append((title, text, self._pictures[r["case"]]))
            return out
        decided = [r for r in rows if "decided" in r]
        wrong = [r for r in decided if r["decided"] != r["label"]]
        right = [r for r in decided if r["decided"] == r["label"]]
        wrong.sort(key=lambda r: -float(r[f"score_{r['decided']}"]))
        return [
            (
                title,
                f"{r['case']}: {r['decided']} ({r['score_' + str(r['decided'])]:.2f}), true {r['label']}",
                self._pictures[r["case"]],
            )
            for title, part in (("Most confident errors", wrong[: 2 * SHOWN]), ("Correct", right[:SHOWN]))
            for r in part
        ]


def _picture(
    image: Image, mask: NDArray[np.uint8] | None, truth: NDArray[np.integer] | None
) -> NDArray[np.uint8]:
    """2D: the image; 3D: the telling slice of the last channel. With masks: reference and found side by side."""
    parts = [m for m in (truth, mask) if m is not None]
    if len(image.spatial) == 2:
        planes = [np.asarray(m) for m in parts]
        gray, apart = window_to_uint8(image.array.mean(0)), pixel_spacing(image)
    else:
        axial = [
            reorient(image.with_(array=np.asarray(a)[None], channels=())) for a in (image.array[-1], *parts)
        ]
        both = (
            np.any([a.array[0] > 0 for a in axial[1:]], axis=0) if parts else np.zeros(axial[0].spatial, bool)
        )
        k = best_slice(both)
        gray, apart = window_to_uint8(slice_of(axial[0], k)), pixel_spacing(axial[0])
        planes = [slice_of(a, k) for a in axial[1:]]
    gray = fit_box(gray, PIXELS, apart)
    if not planes:
        return np.repeat(gray[..., None], 3, -1)
    fitted = [fit_box(plane.astype(np.uint8), PIXELS, apart, labels=True) for plane in planes]
    return np.concatenate([overlay(gray, plane) for plane in fitted], axis=1)
