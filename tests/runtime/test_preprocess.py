"""Preparing an image: every way of scaling grey values, the same for training and for answers."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from pydantic import ValidationError

from overread.errors import InputError
from overread.imaging.grid.geometry import right_angled
from overread.imaging.image import Image
from overread.imaging.intensity.nyul import fit_landmarks, standardise
from overread.runtime.manifest import Intensity, Preprocess
from overread.runtime.preprocess import decide, normalise, prepare, prepare_mask, to_original

VALUES = np.random.default_rng(0).gamma(2, 50, (10, 11, 12)).astype(np.float32)


def test_zscore_is_over_the_brighter_part() -> None:
    there = normalise(VALUES, Intensity(method="zscore"))
    bright = there[VALUES.mean() < VALUES]
    assert bright.mean() == pytest.approx(0, abs=1e-5) and bright.std() == pytest.approx(1, abs=1e-5)
    assert (normalise(np.full((3, 3), 5), Intensity(method="zscore")) == 0).all()


def test_fixed_and_percentile() -> None:
    spec = Intensity(method="fixed", low=10, high=90, mean=50, std=40, preset="brain")
    there = normalise(np.array([[0, 10, 50, 90, 500]], np.int16), spec)
    np.testing.assert_allclose(there, [[-1, -1, 0, 1, 1]])
    there = normalise(VALUES, Intensity(method="percentile", percentiles=(1, 99)))
    assert there.min() == 0 and there.max() == 1 and there.dtype == np.float32


def test_nyul_landmarks_travel_in_the_package() -> None:
    landmarks = fit_landmarks([VALUES, VALUES * 2 + 5])
    spec = Intensity(
        method="nyul", percentiles=landmarks.percentiles, landmarks=landmarks.values, mean=50, std=25
    )
    again = Intensity.model_validate_json(spec.model_dump_json())
    assert again == spec
    expected = (standardise(VALUES, landmarks) - 50) / 25
    np.testing.assert_allclose(normalise(VALUES, again), expected, atol=1e-5)
    np.testing.assert_allclose(normalise(VALUES * 3 + 7, again), expected, atol=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "nyul"},
        {"method": "nyul", "percentiles": (1, 99), "landmarks": (5, 5)},
        {"method": "percentile"},
        {"method": "percentile", "percentiles": (99, 1)},
        {"method": "fixed", "std": 0},
    ],
)
def test_incomplete_settings_are_refused(wrong) -> None:
    with pytest.raises(ValidationError):
        Intensity(**wrong)


def test_a_package_without_the_new_keys_reads_as_before() -> None:
    old = {"method": "zscore", "low": None, "high": None, "mean": 0.0, "std": 1.0}
    assert Intensity(**old) == Intensity(method="zscore")


def test_bias_field_is_taken_out_where_the_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    shade = np.exp(np.linspace(-0.5, 0.5, 24))[:, None, None]
    tissue = np.zeros((24, 24, 24))
    tissue[3:-3, 3:-3, 3:-3] = 100
    image = Image((tissue * shade)[None].astype(np.float32), np.eye(4), "MR")
    spec = Preprocess(dimensions=3, bias="n4", intensity=[Intensity(method="fixed")])
    inside = tissue > 0
    pytest.importorskip("SimpleITK")
    plain = prepare(image, spec.model_copy(update={"bias": None})).array[0][inside]
    there = prepare(image, spec).array[0][inside]
    assert there.std() / there.mean() < 0.5 * plain.std() / plain.mean()
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(InputError, match="SimpleITK"):
        prepare(image, spec)


def leaning(degrees: float) -> Image:
    """A ball of 12 mm radius, 1 in 0, in slices of a tilted gantry; values fade over a voxel at its surface."""
    affine = np.array([[-1.2, 0, 0, 30], [0, -1.1, 0, 40], [0, 0, 2.5, -20], [0, 0, 0, 1.0]])
    affine[1, 2] = 2.5 * np.tan(np.radians(degrees))
    index = np.stack([*np.indices((48, 52, 18)), np.ones((48, 52, 18))])
    place = np.tensordot(affine[:3], index, 1)
    centre = affine[:3] @ [23, 26, 9, 1]
    away = np.linalg.norm(place - centre[:, None, None, None], axis=0)
    return Image(np.clip(12.5 - away, 0, 1)[None].astype(np.float32), affine, "CT")


@pytest.mark.parametrize("orientation", [None, "RAS", "SLP"])
def test_a_tilted_gantry_is_set_upright_and_its_masks_come_back(orientation) -> None:
    image = leaning(18.5)
    spec = Preprocess(
        dimensions=3,
        orientation=orientation,
        spacing=(1.5, 1.5, 1.5),
        intensity=[Intensity(method="fixed")],
    )
    prepared = prepare(image, spec)
    assert right_angled(prepared.affine) and "sheared" in prepared.notes[-1]
    # What the network sees is a ball: as wide along every axis.
    seen = np.argwhere(prepared.array[0] > 0.5)
    assert np.ptp(np.ptp(seen, axis=0)) <= 2
    truth = (image.array[0] > 0.5).astype(np.uint8)
    mask = prepare_mask(truth, image, spec)
    assert mask.shape == prepared.array.shape[1:]
    assert dice(mask > 0, prepared.array[0] > 0.5) > 0.95
    p = np.clip(prepared.array[0], 0, 1)
    back = decide(np.stack([1 - p, p]), prepared)
    assert back.shape == image.spatial and dice(back > 0, truth > 0) > 0.97
    # Nothing of a shift: half a voxel along one axis would show in the centre.
    np.testing.assert_allclose(np.argwhere(back).mean(axis=0), np.argwhere(truth).mean(axis=0), atol=0.05)
    nearest = to_original((prepared.oriented.array[0] > 0.5).astype(np.uint8), prepared)
    assert dice(nearest > 0, truth > 0) > 0.97


def test_what_leans_by_less_than_a_degree_is_left_alone() -> None:
    image = leaning(0.8)
    spec = Preprocess(dimensions=3, intensity=[Intensity(method="fixed")])
    prepared = prepare(image, spec)
    assert prepared.upright is image and prepared.notes == ()
    np.testing.assert_array_equal(prepared.array, image.array)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))
