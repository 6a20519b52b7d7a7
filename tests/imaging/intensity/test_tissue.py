"""z-scores of tissue are the same however much air, padding or none lies around it."""

from __future__ import annotations

import numpy as np
import pytest

from overread.imaging.intensity.tissue import LARGEST, tissue, tissue_zscore

FLUID, GREY, WHITE = 30.0, 70.0, 100.0


def head(air: float, *, noise: float = 3.0, padded: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A T1 of three tissues in a box with ``air`` (share of the volume) around it, and the tissues without noise."""
    rng = np.random.default_rng(0)
    kind = rng.choice([FLUID, GREY, WHITE], (8, 8, 8), p=[0.15, 0.5, 0.35])
    box = np.kron(kind, np.ones((4, 4, 4)))
    more = round(len(box) / (1 - air) ** (1 / 3)) - len(box)
    clean = np.pad(box, [(more // 2, more - more // 2)] * 3)
    # Magnitude of a complex signal: air is Rayleigh distributed.
    volume = np.hypot(clean + rng.normal(0, noise, clean.shape), rng.normal(0, noise, clean.shape))
    if padded:
        volume[clean == 0] = 0
    return volume.astype(np.float32), clean


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("air", [0.0, 0.06, 0.2, 0.3, 0.6, 0.9])
def test_tissue_does_not_move_with_added_air(air: float, padded: bool) -> None:
    volume, clean = head(air, padded=padded)
    z = tissue_zscore(volume)
    expected = tissue_zscore(head(0)[0])
    for level in (GREY, WHITE):
        there = expected[head(0)[1] == level].mean()
        assert z[clean == level].mean() == pytest.approx(there, abs=0.1), level
    # Nothing dark inside is taken for air, nothing is left out where there is none.
    assert tissue(volume)[clean > 0].mean() > 0.995
    assert air == 0 or tissue(volume)[clean == 0].mean() < 0.02


def test_padding_of_any_value_is_left_out() -> None:
    volume, clean = head(0.5)
    # Standardised before: padding lies between the tissues.
    volume = (volume - 60) / 25
    volume[clean == 0] = 0
    assert np.array_equal(tissue(volume), clean > 0)


def test_a_crop_of_tissue_keeps_all_of_it() -> None:
    rng = np.random.default_rng(1)
    volume = np.kron(rng.choice([FLUID, GREY, WHITE], (8, 8, 8)), np.ones((4, 4, 4))) + rng.normal(
        0, 2, (32,) * 3
    )
    assert tissue(volume).all()


def test_constant_pictures_and_large_volumes() -> None:
    assert (tissue_zscore(np.full((6, 7), 5)) == 0).all()
    assert (tissue_zscore(np.zeros((1, 1, 4))) == 0).all()
    rng = np.random.default_rng(0)
    large = rng.normal(100, 10, (LARGEST // 64 + 1, 16, 16)).astype(np.float32)
    z = tissue_zscore(large)
    assert z.shape == large.shape and z.dtype == np.float32
    assert z.mean() == pytest.approx(0, abs=0.02) and z.std() == pytest.approx(1, abs=0.02)
