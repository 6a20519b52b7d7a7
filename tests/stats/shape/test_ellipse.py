"""The ellipse of a mask: that of drawn ellipses, of scikit-image's region properties, of real fetal heads."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import ellipse
from skimage.measure import regionprops

from overread.stats.shape import fitted_ellipse


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.3])
def test_a_drawn_ellipse_is_found(angle: float) -> None:
    mask = np.zeros((200, 200), bool)
    mask[ellipse(90, 110, 70, 45, rotation=angle)] = True
    mask[2:5, 2:5] = True  # a stray part
    found = fitted_ellipse(mask, spacing=(0.2, 0.2))
    assert found is not None
    assert (found.major, found.minor) == (pytest.approx(14, rel=0.005), pytest.approx(9, rel=0.005))
    h = ((14 - 9) / (14 + 9)) ** 2  # Ramanujan's second formula
    ramanujan = np.pi * 23 * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h)))
    assert found.circumference == pytest.approx(ramanujan, rel=0.005)
    assert found.centre == (pytest.approx(18, abs=0.05), pytest.approx(22, abs=0.05))


def test_it_is_that_of_the_region_properties() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[20:35, 10:50] = 1
    mask[25:45, 30:40] = 1
    (region,) = regionprops(mask)
    found = fitted_ellipse(mask)
    assert found is not None
    # Which leaves out the extent of the pixels themselves, 1/12 of variance.
    assert (2 * found.major) ** 2 == pytest.approx(region.axis_major_length**2 + 16 / 12, rel=1e-9)
    assert (2 * found.minor) ** 2 == pytest.approx(region.axis_minor_length**2 + 16 / 12, rel=1e-9)


def test_pixels_that_are_not_square_change_nothing() -> None:
    y, x = np.mgrid[0:300, 0:100]
    mask = ((y - 150) / 120) ** 2 + ((x - 50) / 20) ** 2 <= 1
    found = fitted_ellipse(mask, spacing=(0.1, 0.3))
    assert found is not None
    assert (found.major, found.minor) == (pytest.approx(12, rel=0.005), pytest.approx(6, rel=0.01))


def test_a_circle_is_round_and_nothing_is_none() -> None:
    y, x = np.mgrid[0:41, 0:41] - 20
    found = fitted_ellipse(y**2 + x**2 <= 15**2)
    assert found is not None and found.circumference == pytest.approx(2 * np.pi * 15, rel=0.01)
    assert fitted_ellipse(np.zeros((3, 3))) is None
    with pytest.raises(ValueError, match="expected 2"):
        fitted_ellipse(np.ones((2, 2, 2)))
