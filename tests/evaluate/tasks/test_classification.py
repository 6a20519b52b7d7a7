"""One class of several: decisions are the package's own, areas are scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from tests.evaluate.samples import classification as sample_of
from tests.evaluate.samples import image, manifest_of

from overread.evaluate.figures import (
    ConfusionFigure,
    ReliabilityFigure,
    RiskCoverageFigure,
    RocFigure,
    ScoresFigure,
)
from overread.evaluate.meaning import STEPS
from overread.evaluate.run import evaluation_of
from overread.evaluate.tasks import classification
from overread.runtime.answer import Classes
from overread.runtime.manifest import Manifest
from overread.runtime.probability import log_odds
from overread.runtime.tasks.classification import calibrated

BINARY, SEVERAL = ["normal", "pneumonia"], ["macro", "rate", "mean"]


def _drawn(n: int, labels: list[str], seed: int = 0) -> list[tuple[np.ndarray, int]]:
    generator = np.random.default_rng(seed)
    out = []
    for i in range(n):
        z = generator.normal(size=len(labels))
        z[i % len(labels)] += 1.5
        out.append((z, i % len(labels)))
    return out


def test_several_classes_are_scikit_learns_one_against_the_rest() -> None:
    sample = sample_of(SEVERAL, n=90)
    found = evaluation_of(sample.rows, sample.manifest)
    y = np.array([truth for _, truth in sample.cases])
    answers = [answer for answer, _ in sample.cases if isinstance(answer, Classes)]
    p = np.array([[a.scores[label] for label in SEVERAL] for a in answers])
    decided = np.array([SEVERAL.index(a.decided) for a in answers])
    assert (decided != p.argmax(axis=1)).any()
    expected = {
        ("auroc_macro", None): roc_auc_score(y, p, multi_class="ovr"),
        ("accuracy", None): accuracy_score(y, decided),
        ("balanced_accuracy", None): balanced_accuracy_score(y, decided),
    }
    for k, label in enumerate(SEVERAL):
        expected[("auroc", label)] = roc_auc_score(y == k, p[:, k])
        expected[("sensitivity", label)] = recall_score(y == k, decided == k)
        expected[("specificity", label)] = recall_score(y != k, decided != k)
        expected[("ppv", label)] = precision_score(y == k, decided == k)
    for (key, label), value in expected.items():
        m = found.of(key, label)
        assert m is not None and m.interval.estimate == pytest.approx(value), (key, label)
        assert m.interval.low < value < m.interval.high


def test_a_class_named_macro_is_not_the_mean() -> None:
    sample = sample_of(SEVERAL, n=90)
    found = evaluation_of(sample.rows, sample.manifest)
    mean, own = found.of("auroc_macro", None), found.of("auroc", "macro")
    assert mean is not None and own is not None and mean.interval != own.interval


@pytest.mark.parametrize(("labels", "positive"), [(BINARY, "pneumonia"), (SEVERAL, None)])
def test_figures_show_the_packages_decisions(labels: list[str], positive: str | None) -> None:
    sample = sample_of(labels, positive)
    figures = evaluation_of(sample.rows, sample.manifest).figures
    confusion = next(f for f in figures if isinstance(f, ConfusionFigure))
    assert [labels[k] for k in confusion.decided] == [r["decided"] for r in sample.rows]
    assert [type(f) for f in figures] == [
        RocFigure,
        ReliabilityFigure,
        ConfusionFigure,
        *([ScoresFigure] if positive else []),
        RiskCoverageFigure,
    ]
    roc = figures[0]
    assert isinstance(roc, RocFigure) and len(roc.curves) == (1 if positive else 3)
    assert all(curve.area is not None for curve in roc.curves)
    assert roc.curves[0].threshold == (0.4 if positive else None)
    assert roc.curves[0].clusters is not None


def test_areas_rank_what_rounds_to_1() -> None:
    """Margins of 40 and 50 are both a probability of exactly 1; their order is not lost."""
    manifest = manifest_of("classification", BINARY, positive="pneumonia")
    rows = []
    for i, margin in enumerate([40.0, 45, 50, 55]):
        z = np.array([0.0, margin])
        odds = dict(zip(BINARY, log_odds(z).tolist(), strict=True))
        answer = Classes(dict(zip(BINARY, softmax(z).tolist(), strict=True)), BINARY[1], log_odds=odds)
        about = {"case": f"c{i}", "patient": f"p{i}", "outcome": "ok"}
        rows.append(about | classification.row(answer, i % 4 // 2, image(), manifest))
    assert {r["score_pneumonia"] for r in rows} == {1.0}
    m = evaluation_of(rows, manifest).of("auroc", None)
    assert m is not None and m.interval.estimate == 1


def test_one_class_only_gives_reasons_and_no_traceback() -> None:
    sample = sample_of(BINARY, "pneumonia")
    rows = [r for r in sample.rows if r["label"] == "normal"]
    found = evaluation_of(rows, sample.manifest)
    assert found.of("specificity", None) is not None
    assert {n.metric for n in found.not_computed} >= {"auroc", "sensitivity"}


def test_calibration_of_two_classes() -> None:
    manifest = manifest_of("classification", BINARY, positive="pneumonia")
    found = classification.calibrate(_drawn(400, BINARY), manifest, "sensitivity>=0.9", None)
    calibration, point = found.calibration, found.operating_points["pneumonia"]
    assert set(found.operating_points) == {"pneumonia"}
    assert point.rule == "sensitivity>=0.9" and point.figures["apparent_sensitivity"]["estimate"] >= 0.9
    assert set(calibration.bins) == set(calibration.conformal_quantiles) == set(BINARY)
    assert all(len(bins) == len(STEPS) - 1 for bins in calibration.bins.values()) and not calibration.reasons
    assert calibration.cases == 400 and calibration.conformal_coverage == 0.9
    assert found.reference["temperature"]["low"] <= found.reference["temperature"]["high"]
    assert len(found.reference["score_quantiles"]["normal"]) == 21 and "notes" not in found.reference


def test_calibration_of_several_classes_has_no_threshold() -> None:
    manifest = manifest_of("classification", SEVERAL)
    found = classification.calibrate(_drawn(60, SEVERAL), manifest, "", None)
    assert not found.operating_points and len(found.calibration.conformal_quantiles) == 3
    few = classification.calibrate(_drawn(24, SEVERAL), manifest, "", None)
    assert not any(few.calibration.bins.values()) and set(few.calibration.reasons) == set(SEVERAL)


def test_patients_and_not_images_are_counted_at_calibration() -> None:
    manifest = manifest_of("classification", BINARY, positive="pneumonia")
    evidence = _drawn(200, BINARY)
    clusters = np.arange(200) // 25
    alone = classification.calibrate(evidence, manifest, "youden", None)
    grouped = classification.calibrate(evidence, manifest, "youden", clusters)
    assert not any(grouped.calibration.bins.values()) and all(alone.calibration.bins.values())
    a, b = (f.operating_points["pneumonia"] for f in (alone, grouped))
    assert set(grouped.calibration.reasons) == set(BINARY)
    numbers = [point.figures["apparent_sensitivity"]["n"] for point in (a, b)]
    assert numbers[0] > numbers[1] == 8


def test_tuning_cases_of_one_class_fix_one_half_and_say_so() -> None:
    manifest = manifest_of("classification", BINARY, positive="pneumonia")
    evidence = [(z, 0) for z, _ in _drawn(30, BINARY)]
    found = classification.calibrate(evidence, manifest, "youden", None)
    assert found.operating_points["pneumonia"].threshold == 0.5
    notes = found.reference["notes"]["pneumonia"]
    assert any("lacks it" in note for note in notes) and any("in every set" in note for note in notes)


def test_the_surest_errors_are_told_first() -> None:
    sample = sample_of(BINARY, "pneumonia")
    told = classification.telling(sample.rows, sample.manifest)
    wrong = [t for t in told if t.title == "Most confident errors"]
    by_case = {r["case"]: r for r in sample.rows}
    sure = [by_case[t.case][f"score_{by_case[t.case]['decided']}"] for t in wrong]
    assert len(wrong) == 6 and sure == sorted(sure, reverse=True)
    assert all(by_case[t.case]["decided"] != by_case[t.case]["label"] for t in wrong)


def _bent(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of two classes whose log odds mean twice what they say below 0 and next to nothing above, the true
    probability of the second, and drawn classes."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(0, 2, n)
    p = expit(np.where(odds > 0, 0.05 * odds, 2 * odds))
    shift = generator.normal(size=n)
    return np.stack([shift, shift + odds], axis=1), p, (generator.random(n) < p).astype(int)


@pytest.mark.parametrize("positive", [0, 1])
def test_two_classes_whose_odds_are_bent_get_a_curve_that_keeps_ranks(positive: int) -> None:
    z, _, y = _bent(2000, seed=0)
    labels = BINARY
    bare = manifest_of("classification", labels, positive=labels[positive])
    found = classification.calibrate([(a, int(b)) for a, b in zip(z, y, strict=True)], bare, "youden", None)
    assert list(found.calibration.curves) == [labels[positive]]
    assert (found.calibration.temperature, found.calibration.vector) == (1.0, [])
    assert found.reference["scaling"].startswith("isotonic curve")
    new, p, _ = _bent(1000, seed=1)
    scaled, given = calibrated(new, found.calibration, labels)
    assert np.abs(given[:, 1] - p).mean() < 0.03 < np.abs(softmax(new, axis=1)[:, 1] - p).mean()
    odds = new[:, 1] - new[:, 0]
    assert (np.argsort(scaled[:, 1] - scaled[:, 0]) == np.argsort(odds)).all()
    ready = bare.model_copy(update={"calibration": found.calibration})
    assert Manifest.model_validate(ready.model_dump(mode="json")) == ready


def test_two_classes_whose_odds_are_straight_keep_their_temperature() -> None:
    cases = _drawn(400, BINARY)
    bare = manifest_of("classification", BINARY, positive=BINARY[1])
    found = classification.calibrate(cases, bare, "youden", None)
    assert not found.calibration.curves and found.reference["scaling"].startswith("temperature")


def test_a_curve_of_another_class_than_the_positive_is_refused() -> None:
    curve = {"odds": [-1, 1], "calibrated": [-2, 2]}
    bare = manifest_of("classification", BINARY, positive=BINARY[1])
    content = bare.model_dump(mode="json") | {"calibration": {"curves": {BINARY[0]: curve}}}
    with pytest.raises(ValueError, match=r"calibration\.curves: .*only the positive one of two"):
        Manifest.model_validate(content)
