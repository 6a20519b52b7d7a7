"""The report's pictures show a patient in the patient's own proportions, and every box that there is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.cohort.cohort import Case
from overread.evaluate.tasks.protocol import Telling
from overread.imaging.boxes import Boxes
from overread.imaging.image import Image
from overread.pipeline.report.gallery import Gallery
from overread.pipeline.report.pictures import PIXELS
from overread.runtime.answer import Answer, Classes, LabelMap, Objects
from overread.runtime.prediction import Outcome, Prediction


def _picture(folder: Path, image: Image, answer: Answer, truth: Any) -> np.ndarray:
    case = Case("c1", "p1", {"image": folder / "c1"})
    gallery = Gallery(folder / "predictions")
    gallery.add(case, image, Prediction(Outcome.OK, "any", "p", "1", "0", answer=answer), truth)
    ((_, _, png),) = gallery.pictures([Telling("Worst", "c1", "")])
    gallery.close()
    return np.asarray(Pillow.open(io.BytesIO(png)))


def _shown(folder: Path, image: Image, mask: np.ndarray) -> np.ndarray:
    return _picture(folder, image, LabelMap(mask), mask)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_gallery_of_coarse_rows(tmp_path: Path, axes: tuple[int, ...]) -> None:
    """10 rows of 4 mm and 40 columns of 1 mm are a square patient, however the volume is stored."""
    array = np.random.default_rng(0).normal(100, 10, (40, 10, 3)).astype(np.float32)
    mask = np.zeros(array.shape, np.uint8)
    mask[10:20, 2:4, 1] = 1
    affine = np.diag([1.0, 4, 5, 1])
    affine = affine[:, [*axes, 3]]
    image = Image(array.transpose(axes)[None], affine, "MR")
    shown = _shown(tmp_path, image, mask.transpose(axes)).astype(int)
    assert shown.shape[:2] == (PIXELS, 2 * PIXELS)
    rows, columns = np.nonzero(np.ptp(shown[:, :PIXELS], axis=2) > 30)
    # 10 mm x 8 mm of 40 mm.
    assert np.ptp(columns) + 1 == pytest.approx(PIXELS * 10 / 40, abs=2)
    assert np.ptp(rows) + 1 == pytest.approx(PIXELS * 8 / 40, abs=2)


def test_gallery_of_a_plane(tmp_path: Path) -> None:
    image = Image(np.arange(200, dtype=np.float32).reshape(1, 10, 20), np.diag([2.0, 1, 1, 1]), "CR")
    assert _shown(tmp_path, image, np.zeros((10, 20), np.uint8)).shape[:2] == (PIXELS, 2 * PIXELS)


def test_boxes_of_a_plane_are_drawn_where_they_are(tmp_path: Path) -> None:
    """A box of columns 5 to 10 and rows 2 to 6 has its outline at as many of the picture's pixels."""
    image = Image(np.zeros((1, 20, 26), np.float32), np.eye(4), "CR")
    truth = Boxes.of([[2, 5]], [[6, 10]], [0], axes=2)
    found = Boxes.of(np.zeros((0, 2)), np.zeros((0, 2)), [], axes=2)
    shown = _picture(tmp_path, image, Objects(found, ("cell",)), truth).astype(int)
    rows, columns = np.nonzero(np.ptp(shown, axis=2) > 30)
    scale = 420 / 26
    found = np.array([rows.min(), rows.max() + 1, columns.min(), columns.max() + 1])
    np.testing.assert_allclose(found, scale * np.array([2, 6, 5, 10]), atol=1.5)


def test_boxes_of_a_volume_turn_with_it(tmp_path: Path) -> None:
    image = Image(np.zeros((1, 12, 20, 20), np.float32), np.eye(4)[[2, 0, 1, 3]], "CT")
    truth = Boxes.of([[6, 2, 2]], [[7, 8, 8]], [0], axes=3)
    shown = _picture(tmp_path, image, Objects(truth, ("cell",)), truth).astype(int)
    assert (np.ptp(shown, axis=2) > 30).any()


def test_a_colour_picture_is_drawn_in_colour(tmp_path: Path) -> None:
    array = np.zeros((3, 10, 10), np.float32)
    array[0, :, 5:] = 255
    shown = _picture(tmp_path, Image(array, np.eye(4), "XC"), Classes({"a": 1.0}, "a"), 0)
    assert shown[100, 200, 0] > 200 and shown[100, 200, 1] < 50
