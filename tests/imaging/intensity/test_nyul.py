"""Histogram standardisation: against MedPy, and what the method promises."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError
from overread.imaging.intensity.nyul import PERCENTILES, Landmarks, fit_landmarks, standardise


def head(seed: int, gain: float = 1.0, shift: float = 0.0) -> np.ndarray:
    """Air and three tissues of random shares."""
    rng = np.random.default_rng(seed)
    tissue = np.array([0.0, 40, 80, 110])[rng.choice(4, (12, 14, 10), p=[0.5, *rng.dirichlet([5, 5, 5]) / 2])]
    return (tissue + rng.normal(0, 4, tissue.shape)) * gain + shift


def test_equals_medpy() -> None:
    medpy = pytest.importorskip("medpy.filter.IntensityRangeStandardization")
    images = [head(k, 1 + k / 3, 5 * k) for k in range(6)]
    flat = [i[i > i.mean()] for i in images]
    reference = medpy.IntensityRangeStandardization(stdrange=(0, 100))
    reference.train([f.copy() for f in flat])
    landmarks = fit_landmarks(images)
    np.testing.assert_allclose(landmarks.values, reference.model, atol=1e-9)
    for image, inside in zip(images, flat, strict=True):
        expected = reference.transform(inside.copy(), surpress_mapping_check=True)
        np.testing.assert_allclose(standardise(image, landmarks)[image > image.mean()], expected, atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99), st.floats(0.1, 50), st.floats(-500, 500))
def test_gain_and_shift_do_not_matter(seed, gain, shift) -> None:
    landmarks = fit_landmarks([head(k) for k in range(100, 104)])
    np.testing.assert_allclose(
        standardise(head(seed, gain, shift), landmarks), standardise(head(seed), landmarks), atol=1e-2
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99))
def test_order_is_kept_and_landmarks_arrive(seed) -> None:
    landmarks = fit_landmarks([head(k) for k in range(100, 104)])
    image = head(seed)
    there = standardise(image, landmarks)
    order = np.argsort(image, axis=None)
    assert (np.diff(there.ravel()[order]) >= -1e-4).all()
    inside = image > image.mean()
    np.testing.assert_allclose(np.percentile(there[inside], PERCENTILES), landmarks.values, atol=1.5)
    # (a percentile may lie in a gap between two tissues, where the pieces meet: hence the tolerance).
    # Once more over the same voxels changes nothing.
    np.testing.assert_allclose(standardise(there, landmarks, mask=inside)[inside], there[inside], atol=1.5)


def test_spread_between_scanners_shrinks() -> None:
    images = [head(k, gain, shift) for k, (gain, shift) in enumerate([(1, 0), (3, 50), (0.4, -20), (7, 10)])]
    landmarks = fit_landmarks(images)
    before = [np.median(i[i > i.mean()]) for i in images]
    after = [np.median(standardise(i, landmarks)[i > i.mean()]) for i in images]
    assert np.std(after) / np.ptp(landmarks.values) < 0.02 < np.std(before) / 100


def test_masks_json_and_images_without_contrast() -> None:
    images = [head(k) for k in range(3)]
    masks = [i > 60 for i in images]
    landmarks = fit_landmarks(images, masks)
    assert landmarks != fit_landmarks(images)
    assert Landmarks.from_dict(json.loads(json.dumps(landmarks.as_dict()))) == landmarks
    assert (standardise(np.full((3, 3), 7.0), landmarks) == landmarks.values[0]).all()
    # Most of the foreground has one value: landmarks coincide, and the result stays finite and in order.
    flat = np.zeros((10, 10))
    flat[5:] = 100
    flat[9] = 120
    there = standardise(flat, landmarks)
    assert np.isfinite(there).all() and there[0, 0] <= there[5, 0] <= there[9, 0]


def test_refusals() -> None:
    with pytest.raises(InputError, match="no image"):
        fit_landmarks([])
    with pytest.raises(InputError, match="image 2: its foreground has no contrast"):
        fit_landmarks([head(0), np.zeros((3, 3))])
    for percentiles, values in (((1,), (0,)), ((1, 99), (5, 5)), ((99, 1), (0, 1)), ((1, 50, 99), (0, 1))):
        with pytest.raises(InputError, match="both rising"):
            Landmarks(percentiles, values)
    for content in ({}, {"percentiles": 3, "values": [1]}, {"percentiles": ["x"], "values": [1]}):
        with pytest.raises(InputError, match="landmarks"):
            Landmarks.from_dict(content)
