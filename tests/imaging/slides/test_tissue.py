"""Tissue by colour, Otsu's threshold and the tiles over a slide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.imaging.slides.slide import Slide
from overread.imaging.slides.tissue import otsu, tiles, tissue_mask


class Painted:
    """A slide that is one array."""

    vendor, notes, associated = "test", (), ()

    def __init__(self, array: np.ndarray, mpp: float | None = 0.5) -> None:
        self.array, self.mpp = array, None if mpp is None else (mpp, mpp)
        self.sizes = [(array.shape[1], array.shape[0])]
        self.read = 0

    def pixels(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        self.read += 1
        out = np.full((height, width, self.array.shape[2]), 255, np.uint8)
        part = self.array[max(y, 0) : y + height, max(x, 0) : x + width]
        out[max(-y, 0) : max(-y, 0) + part.shape[0], max(-x, 0) : max(-x, 0) + part.shape[1]] = part
        return out

    def close(self) -> None:
        pass


def slide_of(array: np.ndarray, mpp: float | None = 0.5) -> Slide:
    return Slide(Path("painted"), Painted(array, mpp))


def stained(width: int = 800, height: int = 600, radius: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Glass with noise and a pink disc, and where the disc is."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    disc = (x - 300) ** 2 + (y - 250) ** 2 < radius**2
    array = np.full((height, width, 3), 240.0)
    array[disc] = (200, 120, 170)
    return np.clip(array + rng.normal(0, 3, array.shape), 0, 255).astype(np.uint8), disc


@pytest.mark.parametrize("seed", range(5))
def test_otsu_equals_scikit_image(seed: int) -> None:
    filters = pytest.importorskip("skimage.filters")
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(0, 1, 500), rng.normal(rng.uniform(2, 8), 1, rng.integers(50, 900))])
    assert otsu(values) == pytest.approx(filters.threshold_otsu(values), abs=1e-9)
    assert otsu(np.full(5, 3.0)) == 3.0
    for wrong in (np.array([]), np.array([1.0, np.nan])):
        with pytest.raises(ValueError):
            otsu(wrong)


@pytest.mark.parametrize("most", [200, 400, 1024])
def test_tissue_is_found(most: int) -> None:
    array, disc = stained()
    tissue = tissue_mask(slide_of(array), most=most)
    area = tissue.mask.sum() * tissue.scale**2
    assert area == pytest.approx(disc.sum(), rel=0.05)
    y, x = np.nonzero(tissue.mask)
    assert np.mean(x + 0.5) * tissue.scale == pytest.approx(300, abs=4)
    assert np.mean(y + 0.5) * tissue.scale == pytest.approx(250, abs=4)
    assert tissue.share(250, 200, 100, 100) == 1
    assert tissue.share(600, 400, 100, 100) == 0
    assert tissue.share(-500, -500, 100, 100) == 0


def test_empty_and_gray_slides() -> None:
    glass, _ = stained(radius=0)
    assert not tissue_mask(slide_of(glass)).mask.any()
    with pytest.raises(InputError, match="in gray"):
        tissue_mask(slide_of(glass[..., :1]))


@pytest.mark.parametrize("overlap", [0, 16])
@pytest.mark.parametrize("options", [{"level": 0}, {"mpp": 0.5}])
def test_tiles_put_together_are_the_slide(overlap: int, options: dict) -> None:
    array, _ = stained(230, 170)
    again = np.zeros((512, 512, 3), np.uint8)
    found = list(tiles(slide_of(array), 64, overlap=overlap, **options))
    for tile in found:
        assert (tile.x, tile.y) == (tile.column * (64 - overlap), tile.row * (64 - overlap))
        assert tile.tissue is None
        again[tile.y : tile.y + 64, tile.x : tile.x + 64] = tile.image.array.transpose(1, 2, 0)
    np.testing.assert_array_equal(again[:170, :230], array)
    assert len({(t.row, t.column) for t in found}) == len(found) == (12 if overlap == 0 else 20)


def test_tiles_at_another_resolution() -> None:
    array, _ = stained(256, 192)
    found = list(tiles(slide_of(array), 32, mpp=1.0))
    assert len(found) == 4 * 3
    assert found[-1].x == 192 and found[-1].y == 128
    assert found[0].image.spacing == pytest.approx((0.001, 0.001))


def test_glass_is_passed_over_unread() -> None:
    array, disc = stained()
    painted = Painted(array)
    slide = Slide(Path("painted"), painted)
    tissue = tissue_mask(slide)
    painted.read = 0
    found = list(tiles(slide, 50, level=0, tissue=tissue, min_tissue=0.5))
    assert painted.read == len(found)
    for tile in found:
        truth = disc[tile.y : tile.y + 50, tile.x : tile.x + 50].mean()
        assert tile.tissue is not None and tile.tissue == pytest.approx(truth, abs=0.1)
    expected = sum(
        disc[y : y + 50, x : x + 50].mean() >= 0.5 for y in range(0, 600, 50) for x in range(0, 800, 50)
    )
    assert abs(len(found) - expected) <= 2


def test_refusals() -> None:
    slide = slide_of(stained(100, 100)[0])
    for wrong in (
        {"overlap": 64},
        {"size": 0},
        {"min_tissue": 2},
        {"min_tissue": 0.5},
        {"mpp": 1.0},
    ):
        with pytest.raises(ValueError):
            next(tiles(slide, **{"size": 64, "level": 0, **wrong}))
    with pytest.raises(ValueError):
        next(tiles(slide, 64))
    with pytest.raises(InputError, match="no microns"):
        next(tiles(slide_of(stained(100, 100)[0], None), 64, mpp=1.0))
