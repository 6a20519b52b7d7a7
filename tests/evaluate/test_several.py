"""Decisions between several classes: better than argmax where the rule says what counts, and rules as they are read."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import balanced_accuracy_score
from tests.evaluate.samples import manifest_of

from overread.evaluate.several import points_of, several_rule
from overread.evaluate.tasks import classification
from overread.runtime.manifest import OperatingPoint
from overread.runtime.tasks.classification import decide_label

LABELS = ["naevus", "keratosis", "melanoma"]


def _drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities of classes of which one is rare: posteriors of normal scores."""
    generator = np.random.default_rng(seed)
    prior = np.array([0.8, 0.15, 0.05])
    y = generator.choice(3, n, p=prior)
    x = generator.normal(size=(n, 3)) + 1.2 * np.eye(3)[y]
    return softmax(1.2 * x + np.log(prior), axis=1), y


def _decided(p: np.ndarray, rule: str) -> np.ndarray:
    tuned, truth = _drawn(600, 0)
    points, _ = points_of(tuned, truth, LABELS, several_rule(rule, LABELS))
    manifest = manifest_of("classification", LABELS, operating_points=points)
    return np.array([LABELS.index(decide_label(row, manifest)) for row in p])


def test_balanced_accuracy_is_better_by_its_rule_and_accuracy_by_argmax() -> None:
    p, y = _drawn(4000, 1)
    plain, balanced = _decided(p, ""), _decided(p, "balanced accuracy")
    assert (plain == p.argmax(axis=1)).all()
    assert balanced_accuracy_score(y, balanced) > balanced_accuracy_score(y, plain) + 0.1
    assert (plain == y).mean() > (balanced == y).mean()
    youden = _decided(p, "youden")
    assert balanced_accuracy_score(y, youden) > balanced_accuracy_score(y, plain) + 0.1


def test_a_rule_of_one_class_is_kept_on_later_cases() -> None:
    p, y = _drawn(4000, 2)
    decided = _decided(p, "sensitivity>=0.9 of melanoma")
    assert (decided[y == 2] == 2).mean() > 0.8
    others = p[:, :2].argmax(axis=1)
    assert (decided[decided != 2] == others[decided != 2]).all()


def test_rules_are_read_and_others_named() -> None:
    assert several_rule(" balanced_accuracy ", LABELS) == "balanced accuracy"
    assert several_rule("sensitivity >= 0.95 of melanoma", LABELS) == "sensitivity>=0.95 of melanoma"
    assert classification.rule("", LABELS, None) == ""
    for wrong in ("sensitivity>=0.9", "youden of wart", "f1"):
        with pytest.raises(ValueError, match="expected"):
            several_rule(wrong, LABELS)


def test_a_class_that_tuning_lacks_is_not_decided_for_everybody() -> None:
    p, y = _drawn(200, 3)
    points, _ = points_of(p, np.where(y == 2, 0, y), LABELS, "balanced accuracy")
    assert 0 < points["melanoma"].threshold < points["keratosis"].threshold


def test_some_thresholds_of_several_classes_are_a_fault() -> None:
    point = OperatingPoint(rule="youden", threshold=0.2)
    with pytest.raises(ValueError, match="one for each"):
        manifest_of("classification", LABELS, operating_points=dict.fromkeys(LABELS[:2], point))
    zero = OperatingPoint(rule="youden", threshold=0.0)
    with pytest.raises(ValueError, match="above 0"):
        manifest_of("classification", LABELS, operating_points=dict.fromkeys(LABELS, zero))
