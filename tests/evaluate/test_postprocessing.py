"""Cleaning is chosen where it helps beyond chance, and what is predicted of a step is what the step does."""

from __future__ import annotations

import numpy as np
import pytest

from overread.evaluate.mask_pair import MaskPair
from overread.evaluate.postprocessing import choose_cleaning, parts_of
from overread.imaging.image import Image
from overread.runtime.manifest_postprocess import Cleaning
from overread.runtime.postprocess import clean
from overread.stats.segmentation import dice

LABELS = ["background", "organ"]


def _pair(found: np.ndarray, true: np.ndarray) -> MaskPair:
    return MaskPair.of(found, true, Image(np.zeros((1, *true.shape), np.float32), np.eye(4)), {})


def _cases(n: int, specks: float, *, empty: int = 0) -> list[MaskPair]:
    """An organ, found a pixel off; in a share of the cases a false speck beside it. The last show no organ."""
    generator = np.random.default_rng(0)
    out = []
    for i in range(n):
        true = np.zeros((40, 40), np.uint8)
        found = true.copy()
        if i < n - empty:
            true[8:24, 8:24] = 1
            found[9:25, 8:24] = 1
        if generator.random() < specks:
            found[32:35, 32:36] = 1
        out.append(_pair(found, true))
    return out


def test_specks_in_most_cases_are_removed_and_the_gain_is_said() -> None:
    steps, said = choose_cleaning(_cases(30, 0.7), LABELS, [], None)
    step = steps["organ"]
    assert step.largest and not step.fill_holes and step.smallest == 0
    gain = step.figures["apparent_gain"]
    assert 0 < gain["low"] < gain["estimate"] and gain["confidence"] > 0.99
    assert "only the largest part kept: Dice of tuning cases +0.01" in said["organ"]


def test_nothing_is_done_where_nothing_helps_or_a_few_cases_make_the_gain() -> None:
    for specks in (0.0, 0.08):
        steps, said = choose_cleaning(_cases(30, specks), LABELS, [], None)
        assert not steps and "beyond chance" in said["organ"]
    assert choose_cleaning(_cases(8, 1.0), LABELS, [], None) == ({}, {})


def test_a_least_size_is_chosen_where_there_is_no_largest_part() -> None:
    """In cases without the organ the largest part is a speck, too."""
    steps, _ = choose_cleaning(_cases(40, 0.9, empty=20), LABELS, [], None)
    assert not steps["organ"].largest and 12 < steps["organ"].smallest < 200


def test_of_lesions_none_is_given_up_for_a_better_dice() -> None:
    """Small true lesions weigh nothing in Dice: what removes them with the specks is not done."""
    generator = np.random.default_rng(0)
    pairs = []
    for _ in range(30):
        true = np.zeros((60, 60), np.uint8)
        true[5:30, 5:30] = 1
        true[50:52, 5:8] = 1
        found = true.copy()
        found[50:53, 30 : 33 + int(generator.integers(0, 5))] = 1
        pairs.append(_pair(found, true))
    assert not choose_cleaning(pairs, LABELS, ["organ"], None)[0]
    assert choose_cleaning(pairs, LABELS, [], None)[0]["organ"].largest


@pytest.mark.parametrize(
    "step",
    [
        Cleaning(),
        Cleaning(fill_holes=True),
        Cleaning(largest=True),
        Cleaning(fill_holes=True, smallest=6),
        Cleaning(fill_holes=True, largest=True),
    ],
    ids=str,
)
def test_a_score_is_that_of_the_cleaned_map(step: Cleaning) -> None:
    generator = np.random.default_rng(1)
    for _ in range(5):
        found, true = (generator.choice(3, (24, 24), p=[0.45, 0.45, 0.1]).astype(np.uint8) for _ in range(2))
        parts = parts_of(found, true, 1, per_voxel=1.0, fill=step.fill_holes)
        cleaned = clean(found, {"organ": step}, [*LABELS, "other"], per_voxel=1.0)
        assert parts.score(step) == pytest.approx(dice(cleaned == 1, true == 1))
