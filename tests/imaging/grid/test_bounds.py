"""No grid is made that could not be held: an InputError with spacing, shape and bound, before memory is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from overread.errors import InputError
from overread.imaging.grid.bounds import MOST_VOXELS, GridTooLargeError, check_grid, spaced_size
from overread.imaging.grid.geometry import (
    pad_to,
    resample,
    resample_labels,
    resample_to,
    resize,
    resize_array,
)
from overread.imaging.image import Image

IN_METRES = Image(
    np.zeros((1, 64, 64, 40), np.uint8), np.diag([1000.0, 1000, 1000, 1]), source={"path": "a.nii"}
)
THICK = Image(np.zeros((1, 64, 64, 40), np.uint8), np.diag([1.0, 1, 1000, 1]), source={"path": "a.nii"})
HUGE = (3000, 3000, 3000)


@pytest.mark.parametrize("image", [IN_METRES, THICK])
@pytest.mark.parametrize(
    "make", [lambda i: resample(i, (1, 1, 1), order=1), lambda i: resample_labels(i, (1, 1, 1))]
)
def test_metres_for_millimetres(image: Image, make: Callable[[Image], Image]) -> None:
    with pytest.raises(
        InputError, match=r"a\.nii: 64 x 64 x 40 voxels of .*1000 mm would become .* x 40000; expected"
    ):
        make(image)


@pytest.mark.parametrize(
    "make",
    [
        lambda i: resize(i, HUGE, order=1),
        lambda i: resize_array(i.array, HUGE, order=0),
        lambda i: resample_to(i, HUGE, i.affine, order=1),
        lambda i: pad_to(i, HUGE),
    ],
)
def test_every_function_that_makes_a_grid(make: Callable[[Image], object]) -> None:
    with pytest.raises(GridTooLargeError, match="3000 x 3000 x 3000; expected at most"):
        make(THICK)


@pytest.mark.parametrize("spacing", [(0.0, 1, 1), (math.nan, 1, 1), (math.inf, 1, 1)])
def test_spacing_that_is_none(spacing: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="positive numbers"):
        spaced_size((4, 4, 4), spacing, (1, 1, 1))


def test_ordinary_grids_pass() -> None:
    assert spaced_size((512, 512, 40), (0.5, 0.5, 5.0), (1, 1, 1)) == (256, 256, 200)
    assert spaced_size((10, 10), (0.01, 0.01), (1.0, 1.0)) == (1, 1)
    check_grid((MOST_VOXELS, 1, 1), (1, 1, 1))
