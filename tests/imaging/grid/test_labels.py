"""Label maps on other grids: where they were, of the labels there were, and where the image is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from overread.imaging.grid.labels import resize_labels
from overread.imaging.grid.zoom import resize_array

CEILINGS = {
    2.0: (0.795, 0.884, 0.931, 0.955),
    1.3: (0.91, 0.93, 0.965, 0.98),
    1.5: (0.81, 0.91, 0.945, 0.965),
}
"""Dice that a perfect network reaches at least, by factor, for the radii."""
RADII = (3, 5, 8, 12)


def balls(radius: float) -> Iterator[np.ndarray]:
    """Balls somewhere in the grid, as its voxels hold them."""
    rng = np.random.default_rng(0)
    for _ in range(24):
        away = np.indices((36,) * 3) - (17.5 + rng.uniform(0, 3, 3))[:, None, None, None]
        yield (away**2).sum(axis=0) <= radius**2


def there_and_back(mask: np.ndarray, factor: float) -> np.ndarray:
    """What a perfect network gives: the mask on a coarser grid, back by its probabilities as `decide` does it."""
    coarse = resize_labels(mask.astype(np.uint8), [round(n / factor) for n in mask.shape])
    p = resize_array((coarse > 0)[None].astype(np.float32), mask.shape, order=1)[0]
    return p > 0.5


@pytest.mark.parametrize("factor", CEILINGS)
def test_perfect_masks_come_back_unshifted(factor: float) -> None:
    for radius, least in zip(RADII, CEILINGS[factor], strict=True):
        pairs = [(mask, there_and_back(mask, factor)) for mask in balls(radius)]
        shift = [np.argwhere(back).mean(axis=0) - np.argwhere(mask).mean(axis=0) for mask, back in pairs]
        # The mean over places has an error of its own, which is that of a single ball by the root of their number.
        assert np.abs(np.mean(shift, axis=0)).max() < 0.05 + 0.06 * (radius < 8), radius
        dice = np.mean([2 * (b & m).sum() / (b.sum() + m.sum()) for m, b in pairs])
        assert dice >= least, (radius, dice)


def whole_shares(mask: np.ndarray, size: list[int]) -> np.ndarray:
    """Every label's share, read over the whole grid by SciPy."""
    at = np.meshgrid(
        *[(np.arange(m) + 0.5) * n / m - 0.5 for n, m in zip(mask.shape, size, strict=True)], indexing="ij"
    )
    return np.stack(
        [map_coordinates((mask == k).astype(float), at, order=1, mode="nearest") for k in np.unique(mask)]
    )


@settings(deadline=None)
@given(
    st.integers(0, 1000),
    st.lists(st.integers(1, 14), min_size=2, max_size=3),
    st.sampled_from([np.uint8, np.int16, np.int64]),
)
def test_every_voxel_gets_a_label_of_the_largest_share(seed: int, size: list[int], dtype: type) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.choice(np.array([0, 3, 7, 9, 100], dtype), rng.integers(1, 12, len(size)))
    mask.flat[: mask.size // 2] = 7
    found = resize_labels(mask, size)
    assert found.dtype == mask.dtype and found.shape == tuple(size) and np.isin(found, mask).all()
    shares = whole_shares(mask, size)
    own = np.take_along_axis(shares, np.searchsorted(np.unique(mask), found)[None], axis=0)[0]
    assert (own >= shares.max(axis=0) - 3e-5).all()


def test_of_equal_shares_the_largest_label_wins() -> None:
    assert resize_labels(np.array([[0, 2], [0, 2]], np.uint8), [1, 1]).tolist() == [[2]]
    assert resize_labels(np.array([[2, 1], [2, 1]], np.int16), [1, 1]).tolist() == [[2]]


def test_the_same_grid_is_the_same_map() -> None:
    mask = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    assert resize_labels(mask, [2, 3, 4]) is mask
