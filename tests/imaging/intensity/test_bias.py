"""N4: a planted bias field is found and taken out."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from overread.errors import InputError
from overread.imaging.image import Image
from overread.imaging.intensity.bias import n4

SHAPE = (40, 44, 36)


def shaded(shape=SHAPE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two tissues in air, a smooth field over them, and where the tissue is."""
    rng = np.random.default_rng(0)
    grid = [np.linspace(-1, 1, n) for n in shape]
    axes = np.meshgrid(*grid, indexing="ij")
    radius = np.sqrt(sum(a**2 for a in axes))
    tissue = np.where(radius < 0.85, 100.0, 0) + np.where(radius < 0.45, 60.0, 0)
    field = np.exp(0.35 * axes[0] + 0.25 * axes[1] ** 2)
    return tissue + rng.normal(0, 1, shape) * (tissue > 0), field, tissue > 0


@pytest.mark.parametrize("shape", [SHAPE, (64, 60)])
def test_planted_field_is_taken_out(shape) -> None:
    pytest.importorskip("SimpleITK")
    tissue, field, inside = shaded(shape)
    affine = np.diag([1.0, 1.1, 0.9, 1])
    image = Image((tissue * field)[None].astype(np.float32), affine, "MR")
    there = n4(image, inside, shrink=2)
    outer = inside & (tissue < 130)
    spread = [np.std(a[outer]) / np.mean(a[outer]) for a in (image.array[0], there.array[0])]
    assert spread[1] < 0.35 * spread[0]
    assert there.notes[-1] == "bias field taken out by N4" and there.array.dtype == np.float32
    np.testing.assert_array_equal(there.affine, affine)
    # Without a mask, what is brighter than the mean serves.
    assert np.std(n4(image, shrink=2).array[0][outer]) < np.std(image.array[0][outer])


def test_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    flat = Image(np.ones((1, 8, 8, 8), np.float32), np.eye(4))
    if __import__("importlib.util").util.find_spec("SimpleITK"):
        with pytest.raises(InputError, match="no contrast"):
            n4(flat)
        with pytest.raises(InputError, match="mask has shape"):
            n4(flat, np.ones((2, 2), bool))
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(InputError, match=r"pip install 'overread\[formats\]'"):
        n4(flat)
