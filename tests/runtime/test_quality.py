"""Agreement of a label's probabilities, and the Dice to expect from it."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.models import manifest

from overread.runtime.manifest import Uncertainty
from overread.runtime.manifest_quality import Quality
from overread.runtime.quality import agreement, estimate, predicted, sums_of
from overread.runtime.regions import Region

LABELS = {"task": "segmentation", "labels": ["background", "organ", "tumour"], "positive": None}


def _probability(seed: int = 0) -> np.ndarray:
    z = np.random.default_rng(seed).normal(size=(3, 6, 7)) * 3
    return (np.exp(z) / np.exp(z).sum(axis=0)).astype(np.float32)


def test_of_one_network_it_is_the_dice_to_expect_of_its_decision() -> None:
    """Where truths are drawn from the probabilities, the decision overlaps them so far on average."""
    p = _probability()
    m = manifest(**LABELS)
    found = agreement({"probability": p}, m)
    winner = p.argmax(axis=0)
    generator = np.random.default_rng(1)
    for k, label in enumerate(m.labels[1:], 1):
        inner = [(generator.random(p[k].shape) < p[k]) for _ in range(300)]
        dice = 2 * np.mean([(t & (winner == k)).sum() for t in inner])
        dice /= (winner == k).sum() + np.mean([t.sum() for t in inner])
        assert found[label]["probabilities"] == pytest.approx(dice, abs=0.02)
    sure = np.stack([winner == k for k in range(3)]).astype(np.float32)
    assert agreement({"probability": sure}, m)["organ"] == {"probabilities": 1.0}


def test_sums_that_come_with_the_stream_are_taken() -> None:
    p, m = _probability(), manifest(**LABELS)
    sums = sums_of(p)
    assert sums["voxels"].sum() == 42 and sums["expected"].sum() == pytest.approx(42, rel=1e-5)
    assert agreement(sums, m) == agreement({"probability": p}, m)
    apart = {"views_apart": np.array([0, 1.0, 2.0]), "views_total": np.array([9.0, 10, 10])}
    several = agreement({**sums, **apart}, m)
    assert several["organ"]["views"] == pytest.approx(0.95) and several["tumour"]["views"] == pytest.approx(
        0.9
    )


def test_regions_are_likelier_than_not_each_by_itself() -> None:
    p = np.array([[[0.9, 0.8, 0.4]], [[0.7, 0.1, 0.1]]], np.float32)
    regions = {
        "whole": Region(labels=["organ", "tumour"], paints="organ"),
        "core": Region(labels=["tumour"], paints="tumour"),
    }
    found = agreement({"probability": p}, manifest(**LABELS, regions=regions))
    assert found["whole"]["probabilities"] == pytest.approx(2 * 1.7 / (2 + 2.1))
    assert found["core"]["probabilities"] == pytest.approx(2 * 0.7 / (1 + 0.9))


def test_what_is_not_found_has_no_quality() -> None:
    p = np.zeros((3, 4, 4), np.float32)
    p[0] = 1
    quality = Quality(source="views", intercept=0.1, slope=0.8, low=-1, high=0.5, coverage=0.9, patients=20)
    m = manifest(**LABELS, uncertainty=Uncertainty(quality={"organ": quality}))
    assert agreement({"probability": p}, m) == {} == predicted({"probability": p}, m)
    # A package that was calibrated on views and is answered in one says nothing rather than another thing.
    assert predicted({"probability": _probability()}, m) == {}


def test_an_estimate_stays_between_nothing_and_all() -> None:
    quality = Quality(source="views", intercept=0.1, slope=0.8, low=-1, high=0.5, coverage=0.9, patients=20)
    q = estimate(quality, {"views": 0.75})
    assert (q.value, q.low, q.high) == (pytest.approx(0.7), pytest.approx(0.35), pytest.approx(0.875))
    assert estimate(quality, {"views": 0.0}).low == 0
