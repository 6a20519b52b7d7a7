"""Found and true boxes: who found what, and the threshold that the tuning images give."""

from __future__ import annotations

import numpy as np
import pytest
from tests.evaluate.samples import boxes_of, manifest_of

from overread.evaluate.objects import Ranked, as_text, from_text, object_point, overlap_needed, right_ones
from overread.imaging.boxes import Boxes

LABELS = ["nodule", 'mass, "large"']


def _ranked(seed: int = 0, images: int = 40) -> Ranked:
    generator = np.random.default_rng(seed)
    image = np.sort(generator.integers(0, images, 120))
    right = generator.random(120) < 0.4
    score = np.round(generator.random(120) * 0.7 + right * 0.3, 2)
    true = np.bincount(image[right], minlength=images) + (generator.random(images) < 0.3)
    return Ranked(score, right, image, true.astype(float))


def test_text_keeps_every_digit() -> None:
    found = boxes_of([(0, 1 / 3, 0.1, 0.2, 5.55, 7.7), (1, 0.25, 1, 2, 3, 4)])
    again = from_text(as_text(found, LABELS), LABELS, axes=2)
    for name in ("low", "high", "labels", "scores"):
        assert np.array_equal(getattr(again, name), getattr(found, name))
    empty = from_text(as_text(boxes_of([]), LABELS), LABELS, axes=3)
    assert len(empty) == 0 and empty.axes == 3


def test_each_object_is_found_once_and_only_by_its_own_label() -> None:
    true = boxes_of([(0, 1, 0, 0, 10, 10), (1, 1, 0, 20, 10, 30)])
    found = boxes_of(
        [
            (0, 0.6, 0, 0, 10, 10),  # a surer box has it
            (0, 0.9, 1, 1, 11, 11),
            (0, 0.8, 0, 20, 10, 30),  # the place of another label
            (1, 0.3, 0, 22, 10, 32),
            (1, 0.9, 0, 26, 10, 36),  # overlap of a quarter
        ]
    )
    assert right_ones(found, true, least=0.5).tolist() == [False, True, False, True, False]
    assert (
        right_ones(boxes_of([]), true, least=0.5).tolist() == []
        and right_ones(found, boxes_of([]), least=0.5).sum() == 0
    )


def test_volumes_need_less_overlap_than_pictures() -> None:
    plane = manifest_of("detection", ["nodule"])
    volume = plane.model_copy(update={"preprocess": plane.preprocess.model_copy(update={"dimensions": 3})})
    stated = plane.model_copy(update={"reference": {"box_overlap": 0.3}})
    assert [overlap_needed(m) for m in (plane, volume, stated)] == [0.5, 0.1, 0.3]
    low, high = np.zeros((1, 3)), np.full((1, 3), 10.0)
    true = Boxes.of(low, high, [0], axes=3)
    assert right_ones(Boxes.of(low + 4, high + 4, [0], axes=3), true, least=0.1).tolist() == [True]
    assert right_ones(Boxes.of(low + 6, high + 6, [0], axes=3), true, least=0.1).tolist() == [False]


def _at(ranked: Ranked, threshold: float) -> tuple[float, float, float]:
    right, false = (c.sum() for c in ranked.counts(threshold))
    missed = ranked.true.sum() - right
    f1 = 2 * right / (2 * right + false + missed)
    return float(f1), float(right / ranked.true.sum()), float(false / len(ranked.true))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rule", ["f1", "sensitivity>=0.6", "false_positives<=0.5"])
def test_the_rule_holds_against_every_other_threshold(rule: str, seed: int) -> None:
    ranked = _ranked(seed)
    point, note = object_point(ranked, rule)
    assert not note
    f1, sensitivity, false = _at(ranked, point.threshold)
    kept = ranked.score[ranked.score >= point.threshold].min()
    for other in np.unique(ranked.score):
        others = _at(ranked, float(other))
        if rule == "f1":
            assert others[0] <= f1
        elif rule.startswith("sensitivity"):
            assert sensitivity >= 0.6 and (other <= kept or others[1] < 0.6)
        else:
            assert false <= 0.5 and (other >= kept or others[2] > 0.5)
    assert point.threshold not in ranked.score or rule != "f1"
    figures = {key: value["estimate"] for key, value in point.figures.items()}
    assert figures["apparent_sensitivity"] == pytest.approx(sensitivity)
    assert figures["apparent_false_positives_per_image"] == pytest.approx(false)


def test_a_sensitivity_out_of_reach_gives_the_lowest_threshold_and_says_so() -> None:
    ranked = _ranked()
    point, note = object_point(ranked, "sensitivity>=1.0")
    assert "all candidates together find" in note and point.threshold == ranked.score.min()


def test_a_false_positive_rate_out_of_reach_keeps_nothing() -> None:
    ranked = Ranked(np.array([0.9, 0.8]), np.array([False, True]), np.array([0, 0]), np.array([1.0, 0.0]))
    point, note = object_point(ranked, "false_positives<=0")
    assert point.threshold > 0.9 and "breaks the rule" in note


@pytest.mark.parametrize("true", [0.0, 2.0])
def test_no_object_found_gives_one_half_and_says_so(true: float) -> None:
    ranked = Ranked(np.array([0.9]), np.array([False]), np.array([0]), np.array([true, 0.0]))
    point, note = object_point(ranked, "f1")
    assert point.threshold == 0.5 and ("no tuning image has it" in note) is (true == 0)
