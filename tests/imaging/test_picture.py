"""Pictures: upright, with the patient's right on the left, colours where the labels are."""

from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image as Pillow

from overread.imaging.grid.geometry import reorient
from overread.imaging.image import Image
from overread.imaging.picture import (
    COLORS,
    best_slice,
    border,
    caption,
    fit_box,
    heatmap,
    montage,
    overlay,
    pixel_spacing,
    png_bytes,
    slice_of,
    window_to_uint8,
)


def patient() -> Image:
    """RAS volume with 1 at the right, 2 at the front, 3 at the top of the patient, by position in mm."""
    array = np.zeros((1, 7, 9, 11), np.int16)
    array[0, 6, 4, 5] = 1
    array[0, 3, 8, 5] = 2
    array[0, 3, 4, 10] = 3
    return Image(array, np.diag([1.0, 2, 3, 1]))


def at(picture: np.ndarray, value: int) -> tuple[int, ...]:
    return tuple(np.argwhere(picture == value)[0].tolist())


@pytest.mark.parametrize("codes", ["RAS", "LPS", "ARS", "PLI", "RAI"])
def test_axial_slice_is_radiological(codes: str) -> None:
    image = reorient(patient(), codes)
    picture, mask = slice_of(image, 5, image.array[0])
    np.testing.assert_array_equal(picture, mask)
    assert picture.shape == (9, 7)
    assert at(picture, 1) == (4, 0)  # the patient's right, on the left
    assert at(picture, 2) == (0, 3)  # front, on top


@pytest.mark.parametrize("codes", ["RSA", "LIP", "SRA"])
def test_coronal_slice(codes: str) -> None:
    picture = slice_of(reorient(patient(), codes), 4)
    assert at(picture, 1) == (5, 0)
    assert at(picture, 3) == (0, 3)


@pytest.mark.parametrize("codes", ["ASR", "PIL", "SAL"])
def test_sagittal_slice(codes: str) -> None:
    picture = slice_of(reorient(patient(), codes), 3)
    assert at(picture, 2) == (5, 0)
    assert at(picture, 3) == (0, 4)


def test_slice_of_dicom_volume_is_the_stored_slice(make_slice) -> None:
    from overread.imaging.dicom.series import read_datasets

    datasets = [make_slice(k) for k in range(3)]
    stored = np.frombuffer(datasets[1].PixelData, np.uint16).reshape(6, 5)
    np.testing.assert_array_equal(slice_of(read_datasets(datasets), 1), stored)
    np.testing.assert_array_equal(slice_of(read_datasets(datasets[1:2]), 0), stored)


def test_best_slice() -> None:
    mask = np.zeros((4, 4, 9), bool)
    assert best_slice(mask) == 4
    mask[0, 0, 1] = mask[:2, :2, 6] = True
    assert best_slice(mask) == 6
    assert best_slice(mask[:, :, 0]) == 0
    with pytest.raises(ValueError, match="mask"):
        slice_of(patient(), 0, mask)


def test_window() -> None:
    ramp = np.linspace(-50, 150, 201)[None]
    np.testing.assert_array_equal(
        window_to_uint8(ramp, low=0, high=100)[0, [0, 50, 100, 150, 200]], [0, 0, 128, 255, 255]
    )
    spread = window_to_uint8(ramp)
    assert spread.min() == 0 and spread.max() == 255
    spot = np.zeros((50, 50))
    spot[3, 3] = 9
    assert window_to_uint8(spot)[3, 3] == 255
    assert not window_to_uint8(np.full((3, 3), 5)).any()


def test_overlay() -> None:
    gray = np.full((9, 9), 100, np.uint8)
    mask = np.zeros((9, 9), np.uint8)
    mask[2:7, 2:7] = 1
    mask[4:, 6:] = 2
    rgb = overlay(gray, mask)
    assert (rgb[0, 0] == 100).all()
    assert tuple(rgb[2, 2]) == COLORS[0]
    np.testing.assert_allclose(rgb[4, 4], 55 + 0.45 * np.array(COLORS[0]), atol=0.51)
    assert tuple(rgb[5, 6]) == COLORS[1]
    # At the rim of the picture there is no border.
    assert tuple(rgb[8, 8]) != COLORS[1]
    plain = overlay(gray, mask, colors=[(255, 0, 0)], alpha=1, outline=False)
    assert (plain[mask > 0] == (255, 0, 0)).all()
    assert (plain[mask == 0] == 100).all()
    with pytest.raises(ValueError, match="mask"):
        overlay(gray, mask[1:])


def test_border_lies_inside_the_labels() -> None:
    labels = np.zeros((5, 5), int)
    labels[1:4, 1:4] = 1
    edge = border(labels)
    assert edge.sum() == 8 and not edge[2, 2] and not edge[labels == 0].any()


def test_colours_are_far_apart() -> None:
    assert min(np.linalg.norm(np.subtract(a, b)) for a, b in combinations(COLORS, 2)) > 60


@pytest.mark.parametrize(
    ("codes", "expected"), [("RAS", (2, 1)), ("ARS", (2, 1)), ("SRA", (3, 1)), ("ASR", (3, 2))]
)
def test_steps_are_those_of_the_picture(codes: str, expected: tuple[float, float]) -> None:
    image = reorient(patient(), codes)
    assert pixel_spacing(image) == expected
    # Field of view: the patient's own extent along the picture's rows and columns.
    rows, columns = slice_of(image, 0).shape
    extent = {1: 7, 2: 18, 3: 33}
    assert (rows * expected[0], columns * expected[1]) == tuple(extent[int(e)] for e in expected)
    assert pixel_spacing(Image(np.zeros((1, 4, 5)), np.diag([3.0, 2, 1, 1]))) == (3, 2)


def test_fit_box_keeps_proportions() -> None:
    gray = np.tile(np.arange(10, dtype=np.uint8) * 20, (20, 1))
    assert fit_box(gray, 100).shape == (100, 50)
    assert fit_box(gray, 100, (1, 2)).shape == (100, 100)
    assert fit_box(gray, 100, (1, 4)).shape == (50, 100)
    assert fit_box(gray, 5, (1, 2)).shape == (5, 5)
    assert fit_box(np.zeros((1, 900), np.uint8), 30).shape == (1, 30)
    assert fit_box(np.zeros((20, 10, 3), np.uint8), 100).shape == (100, 50, 3)
    assert set(fit_box(gray, 97, labels=True).flat) == set(gray.flat)
    boxed = fit_box(np.full((20, 10), 200, np.uint8), 100, pad=True)
    assert boxed.shape == (100, 100)
    assert (boxed[:, 25:75] == 200).all() and not boxed[:, :25].any() and not boxed[:, 75:].any()
    for side, apart in ((0, (1.0, 1.0)), (9, (1.0, 0.0))):
        with pytest.raises(ValueError, match="above 0"):
            fit_box(gray, side, apart)


def test_heatmap() -> None:
    gray = np.full((2, 3), 80, np.uint8)
    heat = np.array([[0, 0.5, 1], [0, np.nan, 7]])
    rgb = heatmap(gray, heat)
    assert (rgb[:, 0] == 80).all() and (rgb[1, 1] == 80).all()
    assert rgb[0, 2].sum() > rgb[0, 1].sum()
    np.testing.assert_array_equal(rgb[1, 2], rgb[0, 2])


def test_montage_and_caption_and_png() -> None:
    tiles = [np.full((10, 20), v, np.uint8) for v in (50, 100, 150)]
    sheet = montage(tiles, 2, gap=4)
    assert sheet.shape == (24, 44, 3)
    assert [sheet[5, 10, 0], sheet[5, 34, 0], sheet[19, 10, 0], sheet[19, 34, 0]] == [50, 100, 150, 0]
    picture = caption(
        np.full((40, 200, 3), 9, np.uint8), "a long text that must be wrapped over several lines"
    )
    assert picture.shape[1] == 200 and picture.shape[0] > 40 + 2 * 14
    assert (picture[:40] == 9).all()
    assert picture[40:].max() > 200
    back = np.asarray(Pillow.open(io.BytesIO(png_bytes(picture))))
    np.testing.assert_array_equal(back, picture)
