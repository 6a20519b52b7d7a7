"""The test's pictures and segmentations, kept on disk while the cases pass by."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.truth.protocol import TruthValue
from overread.evaluate.tasks.protocol import Telling
from overread.imaging.boxes import Boxes
from overread.imaging.formats.nifti import write_nifti
from overread.imaging.formats.raster import write_png
from overread.imaging.image import Image
from overread.pipeline.report.pictures import boxes_picture, image_picture, masks_picture
from overread.runtime.answer import Classes, Findings, LabelMap, Objects, Value
from overread.runtime.prediction import Prediction

SIDE_BY_SIDE = "Left: reference, right: found."


class Gallery:
    """Writes each segmentation to ``folder`` and keeps a small picture of each case until it is closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store = tempfile.TemporaryDirectory(prefix="overread-pictures-")
        self._paired: set[str] = set()

    def add(self, case: Case, image: Image, prediction: Prediction, truth: TruthValue) -> None:
        """Take note of one test case."""
        (Path(self._store.name) / f"{case.case}.png").write_bytes(
            self._picture(case, image, prediction, truth)
        )

    def pictures(self, telling: Sequence[Telling]) -> list[tuple[str, str, bytes]]:
        """Title, caption and PNG of the cases worth looking at."""
        return [(t.title, self._caption(t), self._file(t.case).read_bytes()) for t in telling]

    def _caption(self, telling: Telling) -> str:
        """With what is where, in a picture of two."""
        if telling.case not in self._paired:
            return telling.caption
        return f"{telling.caption.rstrip('.')}. {SIDE_BY_SIDE}"

    def _file(self, case: str) -> Path:
        return Path(self._store.name) / f"{case}.png"

    def close(self) -> None:
        """Remove the pictures that no report took."""
        self._store.cleanup()

    def _picture(self, case: Case, image: Image, prediction: Prediction, truth: TruthValue) -> bytes:
        answer = prediction.answer
        # One file of three channels is a colour picture; three files are three contrasts.
        color = len(case.images) == 1 and len(image.array) == 3
        match answer:
            case LabelMap():
                self._write_mask(case, answer.mask, image)
                self._paired.add(case.case)
                return masks_picture(image, [np.asarray(truth), answer.mask], color=color)
            case Objects():
                assert isinstance(truth, Boxes)
                self._paired.add(case.case)
                return boxes_picture(image, [truth, answer.boxes], color=color, pixels=420)
            case Classes() | Findings() | Value() | None:
                return image_picture(image, color=color)
            case _:
                assert_never(answer)

    def _write_mask(self, case: Case, mask: NDArray[np.uint8], image: Image) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if mask.ndim == 3:
            write_nifti(self.folder / f"{case.case}.nii.gz", mask, image.affine)
        else:
            write_png(self.folder / f"{case.case}.png", mask)
