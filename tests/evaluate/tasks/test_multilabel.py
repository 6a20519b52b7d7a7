"""Several findings: each over the cases that state it, and over no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import brier_score_loss, precision_score, recall_score, roc_auc_score
from tests.evaluate.samples import manifest_of
from tests.evaluate.samples import multilabel as sample_of

from overread.evaluate.figures import ReliabilityFigure, RocFigure
from overread.evaluate.meaning import STEPS
from overread.evaluate.run import Evaluation, evaluation_of
from overread.evaluate.tasks import multilabel

LABELS = ["macro", "effusion", "mass"]


def _numbers(evaluation: Evaluation) -> dict[tuple[str, str | None], object]:
    return {(m.metric.key, m.label): m.interval for m in evaluation.measured}


def _evidence(n: int = 300, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Logits that are twice as sure as they should be, and a quarter of findings that nobody stated."""
    generator = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        z = generator.normal(-0.5, 1, 3)
        truth = (generator.random(3) < expit(z)).astype(float)
        truth[generator.random(3) < 0.25] = np.nan
        out.append((2 * z, truth))
    return out


def test_each_finding_is_scikit_learns_over_the_cases_that_state_it() -> None:
    sample = sample_of(LABELS, n=120)
    found = _numbers(evaluation_of(sample.rows, sample.manifest))
    areas = []
    for label in LABELS:
        known = [r for r in sample.rows if r[f"truth_{label}"] is not None]
        assert 60 < len(known) < 120
        y, p, said = (
            np.array([r[f"{kind}_{label}"] for r in known]) for kind in ("truth", "score", "present")
        )
        areas.append(roc_auc_score(y, p))
        expected = {
            "auroc": areas[-1],
            "sensitivity": recall_score(y, said),
            "specificity": recall_score(1 - y, 1 - said),
            "ppv": precision_score(y, said),
            "npv": precision_score(1 - y, 1 - said),
            "brier": brier_score_loss(y, p),
        }
        for key, value in expected.items():
            assert found[(key, label)].estimate == pytest.approx(value), (key, label)  # type: ignore[attr-defined]
    assert found[("auroc_macro", None)].estimate == pytest.approx(np.mean(areas))  # type: ignore[attr-defined]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1000), score=st.floats(0.001, 0.999), present=st.sampled_from([0, 1]))
def test_what_is_not_stated_never_counts(seed: int, score: float, present: int) -> None:
    """Whatever the package answers where nothing is stated: no number changes."""
    sample = sample_of(LABELS, n=40, seed=seed)
    changed = []
    for row in sample.rows:
        unknown = [label for label in LABELS if row[f"truth_{label}"] is None]
        answers = {f"score_{label}": score for label in unknown}
        answers |= {f"log_odds_{label}": 99.0 for label in unknown}
        changed.append(row | answers | {f"present_{label}": present for label in unknown})
    before, after = (evaluation_of(rows, sample.manifest) for rows in (sample.rows, changed))
    assert _numbers(before) == _numbers(after) and before.not_computed == after.not_computed


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), logit=st.floats(-9, 9))
def test_what_is_not_stated_decides_nothing(seed: int, logit: float) -> None:
    evidence = _evidence(120, seed)
    manifest = manifest_of("multilabel", LABELS)
    changed = [(np.where(np.isnan(truth), logit, z), truth) for z, truth in evidence]
    before, after = (multilabel.calibrate(e, manifest, "youden", None) for e in (evidence, changed))
    assert before.calibration == after.calibration
    assert before.operating_points == after.operating_points


def test_the_scale_makes_sure_scores_less_sure() -> None:
    found = multilabel.calibrate(_evidence(3000), manifest_of("multilabel", LABELS), "youden", None)
    for label in LABELS:
        scale = found.calibration.scales[label]
        assert scale.slope == pytest.approx(0.5, abs=0.06) and scale.intercept == pytest.approx(0, abs=0.12)
        assert len(found.calibration.bins[label]) == len(STEPS) - 1
        assert {"apparent_sensitivity", "apparent_specificity"} <= set(found.operating_points[label].figures)
    assert "notes" not in found.reference


def test_findings_with_too_few_cases_keep_the_networks_scores_and_say_so() -> None:
    evidence = [(z, np.array([truth[0], 0.0, np.nan])) for z, truth in _evidence(200)]
    found = multilabel.calibrate(evidence, manifest_of("multilabel", LABELS), "youden", None)
    notes = found.reference["notes"]
    assert "macro" not in notes and set(notes) == {"effusion", "mass"}
    for label, reason in (("effusion", "every tuning case lacks it"), ("mass", "no tuning case states it")):
        scale = found.calibration.scales[label]
        assert (scale.slope, scale.intercept, found.operating_points[label].threshold) == (1, 0, 0.5)
        assert any("the network's own" in n for n in notes[label]) and any(reason in n for n in notes[label])


def test_the_rule_holds_for_each_finding() -> None:
    manifest = manifest_of("multilabel", LABELS)
    found = multilabel.calibrate(_evidence(400), manifest, "sensitivity>=0.9", np.arange(400) // 2)
    for point in found.operating_points.values():
        assert point.figures["apparent_sensitivity"]["estimate"] >= 0.9 and point.rule == "sensitivity>=0.9"


def test_a_finding_that_no_case_has_is_named_in_the_means_unit() -> None:
    sample = sample_of(LABELS)
    rows = [r | {"truth_mass": 0} for r in sample.rows]
    found = evaluation_of(rows, sample.manifest)
    mean = found.of("auroc_macro", None)
    assert mean is not None and "2 of 3" in mean.unit and "mass" in mean.unit
    assert found.reason("auroc", "mass") and found.reason("sensitivity", "mass") == "no case has it"


def test_a_finding_without_a_threshold_is_not_decided() -> None:
    sample = sample_of(LABELS)
    rows = [r | {"present_mass": None} for r in sample.rows]
    found = evaluation_of(rows, sample.manifest)
    assert found.of("auroc", "mass") is not None and found.of("sensitivity", "mass") is None
    assert not any("mass" in t.caption for t in found.telling)


def test_figures_hold_only_what_is_stated() -> None:
    sample = sample_of(LABELS, n=120)
    roc, *others = evaluation_of(sample.rows, sample.manifest).figures
    assert isinstance(roc, RocFigure) and len(roc.curves) == 3
    for curve, figure in zip(roc.curves, others, strict=True):
        known = [r for r in sample.rows if r[f"truth_{curve.label}"] is not None]
        assert isinstance(figure, ReliabilityFigure)
        assert len(curve.truth) == len(curve.score) == len(figure.outcome) == len(known) < 120
        assert curve.clusters is None or len(curve.clusters) == len(known)


def test_misses_and_false_alarms_are_told() -> None:
    sample = replace(sample_of(LABELS, n=120))
    told = multilabel.telling(sample.rows, sample.manifest)
    assert 0 < len(told) <= 9
    assert {"missed", "false alarm"} >= {
        t.caption.split(": ")[1].split(" ", 1)[1].split(" (")[0] for t in told
    }
