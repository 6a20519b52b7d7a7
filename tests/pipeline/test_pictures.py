"""The pictures of test and explain show a patient in the patient's own proportions."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.cohort.cohort import Case
from overread.imaging.image import Image
from overread.pipeline.report.gallery import PIXELS, Gallery
from overread.pipeline.stages import explain
from overread.runtime.prediction import Outcome, Prediction


def _shown(folder: Path, image: Image, mask: np.ndarray) -> np.ndarray:
    case = Case("c1", "p1", {"image": folder / "c1"})
    gallery = Gallery(folder / "predictions")
    gallery.add(case, image, Prediction(Outcome.OK, "segmentation", "p", "1", "0", mask=mask), mask)
    ((_, _, png),) = gallery.pictures([{"case": "c1", "dice": 1.0}])
    return np.asarray(Pillow.open(io.BytesIO(png)))


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


def test_explain_shows_the_last_channel_and_colour_as_grey() -> None:
    ramp = np.tile(np.arange(32, dtype=np.float32), (16, 1))
    window = np.stack([ramp[:, ::-1], ramp * 0, ramp])
    affine = np.diag([2.0, 1, 1, 1])
    heat = np.zeros((16, 32), np.float32)
    last = explain._picture(window, affine, heat, colour=False)
    side = explain.PIXELS
    assert last.shape == (side, 2 * side, 3)
    np.testing.assert_array_equal(last[:, :side], last[:, side:])
    assert last[:, 5].max() < last[:, side - 5].min()
    colour = explain._picture(window, affine, heat, colour=True)
    assert np.ptp(colour) == 0


def test_explain_of_a_volume_shows_the_hottest_slice_upright() -> None:
    window = np.zeros((2, 8, 4, 5), np.float32)
    window[-1, 6, 3, 2] = 1
    heat = np.zeros((8, 4, 5), np.float32)
    heat[6, 3, 2] = 1
    picture = explain._picture(window, np.diag([1.0, 2, 9, 1]), heat, colour=False).astype(int)
    side = explain.PIXELS
    rows, columns = np.nonzero(picture[:, :side, 0] > 200)
    # Seen from below: the patient's right on the left, front on top.
    assert rows.max() < side / 4 and side / 8 - 1 <= columns.min() <= columns.max() <= side / 4 + 1
    warm = np.ptp(picture[:, side:], axis=2)
    assert np.unravel_index(warm.argmax(), warm.shape)[0] < side / 4
