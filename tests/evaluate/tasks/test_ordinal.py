"""Ordered grades held against scikit-learn, and an operating point that keeps what its rule says."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, recall_score, roc_auc_score
from tests.evaluate.samples import manifest_of
from tests.evaluate.samples import ordinal as sample_of

from overread.evaluate.figures import ConfusionFigure, RocFigure
from overread.evaluate.run import evaluation_of
from overread.evaluate.tasks import ordinal
from overread.runtime.answer import Classes
from overread.runtime.tasks.ordinal import at_least, log_probabilities

GRADES = ["none", "mild", "moderate", "severe"]


def test_agreement_areas_and_calls_are_scikit_learns() -> None:
    sample = sample_of(GRADES, "moderate", n=120)
    found = evaluation_of(sample.rows, sample.manifest)
    y = np.array([truth for _, truth in sample.cases])
    answers = [a for a, _ in sample.cases if isinstance(a, Classes)]
    decided = np.array([GRADES.index(a.decided) for a in answers])
    expected = {
        ("quadratic_kappa", None): cohen_kappa_score(y, decided, weights="quadratic"),
        ("grade_error", None): np.abs(y - decided).mean(),
        ("accuracy", None): (y == decided).mean(),
        ("sensitivity", "moderate"): recall_score(y >= 2, [bool(a.called) for a in answers]),
    }
    for k, label in enumerate(GRADES[1:], 1):
        expected["auroc_at_least", label] = roc_auc_score(y >= k, [a.at_least[label] for a in answers])
    for (key, label), value in expected.items():
        m = found.of(key, label)
        assert m is not None and m.interval.estimate == pytest.approx(value), (key, label)
        assert m.interval.low < value < m.interval.high
    confusion = next(f for f in found.figures if isinstance(f, ConfusionFigure))
    assert confusion.decided.tolist() == decided.tolist()
    curves = next(f for f in found.figures if isinstance(f, RocFigure)).curves
    assert [c.threshold for c in curves] == [None, 0.4, None]


def test_the_threshold_on_the_tuning_cases_keeps_its_rule() -> None:
    generator = np.random.default_rng(3)
    y = np.arange(200) % 4
    z = 1.5 * (y[:, None] - np.arange(3)) - 0.7 + generator.normal(size=(200, 3)) * 2
    manifest = manifest_of("ordinal", GRADES, positive="moderate")
    evidence = [(log_probabilities(a), int(b)) for a, b in zip(z, y, strict=True)]
    found = ordinal.calibrate(evidence, manifest, ordinal.rule("sensitivity>=0.9", GRADES, "moderate"), None)
    [(label, point)] = found.operating_points.items()
    p = np.exp(log_probabilities(z) / found.calibration.temperature)
    reached = at_least(p / p.sum(1, keepdims=True))[:, 2]
    assert label == "moderate" and (reached[y >= 2] >= point.threshold).mean() >= 0.9
    assert set(found.calibration.conformal_quantiles) == set(GRADES)
    assert not ordinal.calibrate(evidence, manifest_of("ordinal", GRADES), "", None).operating_points


def test_without_a_positive_grade_there_is_no_rule() -> None:
    assert ordinal.rule("", GRADES, None) == "" and ordinal.rule("", GRADES, "mild") == "youden"
    with pytest.raises(ValueError, match="lowest grade that counts as positive"):
        ordinal.rule("youden", GRADES, None)


def test_a_refused_case_counts_as_the_grade_farthest_off() -> None:
    manifest = sample_of(GRADES, "moderate").manifest
    for label, far in (("none", "severe"), ("mild", "severe"), ("moderate", "none"), ("severe", "none")):
        row = ordinal.unanswered({"label": label}, manifest)
        assert row["decided"] == far and row["called"] == (label in ("none", "mild"))
        assert row["at_least_severe"] == (label != "severe")
