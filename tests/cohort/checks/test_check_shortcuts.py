"""Shortcuts: planted ones are found and named, and labels that nothing tells raise nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.cohort.case import Case
from overread.cohort.checks import shortcuts
from overread.cohort.checks.inspection import Inspection
from overread.cohort.checks.logistic import cross_validated, fit_logistic
from overread.cohort.checks.measure import Measured
from overread.cohort.checks.presence import presence_of
from overread.cohort.checks.shortcuts import FEWEST, check_shortcuts
from overread.cohort.finding import Finding
from overread.cohort.truth.protocol import Shown

LABELS = ["no", "yes"]


def _sights(
    n: int, rng: np.random.Generator, **planted: NDArray[np.bool_]
) -> tuple[list[Inspection], NDArray[np.bool_]]:
    """Cases with attributes, sizes and corners that say nothing of the label, unless named in ``planted``."""
    yes = rng.random(n) < 0.4
    inspections = []
    for i in range(n):
        told = {k: bool(yes[i]) ^ bool(v[i]) for k, v in planted.items()}
        site = ("A" if told["site"] else "B") if "site" in told else "AB"[rng.integers(2)]
        corner = rng.normal(size=12) + (2 * told["border"] if "border" in told else 0)
        size = 512 + (64 * told["size"] if "size" in told else 0)
        case = Case(
            f"c{i}",
            f"p{i}",
            {"image": Path("x.png")},
            LABELS[int(yes[i])],
            split="train",
            attributes={"site": site, "age": f"{rng.integers(20, 90)}", "note": f"free text {i}"},
        )
        inspections.append(
            Inspection(
                case, shape=(size, 512), spacing=(1.0, 1.0), measured=Measured(border=tuple(corner.tolist()))
            )
        )
    return inspections, yes


def _checked(
    inspections: list[Inspection], truth: str = "label", labels: list[str] = LABELS
) -> list[Finding]:
    return check_shortcuts(inspections, presence_of(inspections, truth=truth, labels=labels))


def _warned(found: list[Finding]) -> set[str]:
    return {f.message.split(" alone ")[0] for f in found if f.severity == "warning"}


@pytest.mark.parametrize(
    ("planted", "named"),
    [("site", "site"), ("border", "corners and edges of the image"), ("size", "image size")],
)
def test_a_planted_shortcut_is_named(planted: str, named: str) -> None:
    rng = np.random.default_rng(1)
    wrong = rng.random(300) < 0.2
    inspections, _ = _sights(300, rng, **{planted: wrong})
    found = _checked(inspections)
    assert named in _warned(found)
    assert _warned(found) <= {named, "all attributes and facts of the files"}
    first = next(f for f in found if f.message.startswith(named))
    assert "'yes'" in first.message and "cross-validated AUC 0." in first.message
    assert first.code == ("shortcut.border" if planted == "border" else "shortcut.metadata")


def test_labels_that_nothing_tells_raise_nothing() -> None:
    """Of 60 sets without a shortcut, no more than the 5% that the correction allows for."""
    alarms = 0
    for seed in range(60):
        inspections, _ = _sights(120, np.random.default_rng(seed))
        found = _checked(inspections)
        assert found
        alarms += bool(_warned(found))
    assert alarms <= 5


def test_test_cases_are_not_looked_at_and_few_say_nothing() -> None:
    rng = np.random.default_rng(0)
    inspections, _ = _sights(200, rng, site=np.zeros(200, bool))
    sealed = [
        Inspection(Case(**(vars(s.case) | {"split": "test"})), shape=s.shape, measured=s.measured)
        for s in inspections
    ]
    assert not _checked(sealed)
    (few,) = _checked(inspections[: 2 * FEWEST - 5])
    assert few.severity == "info" and "not looked for" in few.message


def test_images_of_one_patient_count_once() -> None:
    """Ten images each of 40 patients, with a site that copies the patient's label by chance only."""
    rng = np.random.default_rng(5)
    inspections = []
    for p in range(40):
        label, site = LABELS[p % 2], f"s{rng.integers(3)}"
        for i in range(10):
            case = Case(
                f"c{p}-{i}", f"p{p}", {"image": Path("x")}, label, split="train", attributes={"site": site}
            )
            inspections.append(Inspection(case, shape=(9, 9)))
    assert not _warned(_checked(inspections))


def test_every_truth_has_targets() -> None:
    rng = np.random.default_rng(2)
    inspections, yes = _sights(200, rng, site=np.zeros(200, bool))
    marked = [
        replace(s, shown=Shown({"0": 9, "1": int(y)}, "digest"))
        for s, y in zip(inspections, yes, strict=True)
    ]
    assert "site" in _warned(_checked(marked, "mask", ["background", "lesion"]))
    boxed = [
        replace(s, shown=Shown({"cell": int(y)}, "digest")) for s, y in zip(inspections, yes, strict=True)
    ]
    assert "site" in _warned(_checked(boxed, "boxes", ["cell"]))
    stated = [
        replace(s, case=replace(s.case, findings={"mass": int(y)}))
        for s, y in zip(inspections, yes, strict=True)
    ]
    found = _checked(stated, "labels", ["mass"])
    assert "site" in _warned(found) and any("'mass'" in f.message for f in found)


@pytest.mark.parametrize("state", [-1, None])
def test_unstated_findings_are_no_absent_ones(state: int | None) -> None:
    """All of site B are uncertain: counted as absent, the site would tell the finding nearly by itself."""
    rng = np.random.default_rng(3)
    inspections, yes = _sights(300, rng)
    stated, absent = [], []
    for s, y in zip(inspections, yes.tolist(), strict=True):
        value = int(y) if s.case.attributes["site"] == "A" else state
        stated.append(replace(s, case=replace(s.case, findings={"mass": value})))
        absent.append(replace(s, case=replace(s.case, findings={"mass": int(value == 1)})))
    assert "site" in _warned(_checked(absent, "labels", ["mass"]))
    found = _checked(stated, "labels", ["mass"])
    assert found and not _warned(found)


def test_of_labels_that_say_the_same_one_is_asked() -> None:
    rng = np.random.default_rng(4)
    inspections, yes = _sights(200, rng, site=np.zeros(200, bool))
    both = [
        replace(s, case=replace(s.case, findings={"none": int(not y), "mass": int(y), "again": int(y)}))
        for s, y in zip(inspections, yes, strict=True)
    ]
    found = _checked(both, "labels", ["none", "mass", "again"])
    assert {f.message.split("'")[1] for f in found if f.severity == "warning"} == {"again"}


def test_an_image_without_measured_corners_is_taken_along() -> None:
    rng = np.random.default_rng(1)
    inspections, _ = _sights(300, rng, border=rng.random(300) < 0.2)
    inspections[7] = replace(inspections[7], measured=Measured())
    assert "corners and edges of the image" in _warned(_checked(inspections))


def test_logistic_regression_agrees_with_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 4))
    y = x[:, 0] + 0.5 * x[:, 1] + rng.normal(size=120) > 0
    ours = fit_logistic(x, y, ridge=2.0)
    theirs = linear_model.LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(x, y)
    np.testing.assert_allclose(ours, [*theirs.intercept_, *theirs.coef_[0]], atol=1e-4)
    separated = fit_logistic(np.sign(x[:, :1]), x[:, 0] > 0, ridge=1.0)
    assert np.isfinite(separated).all() and separated[1] > 1


def test_scores_come_from_other_folds() -> None:
    rng = np.random.default_rng(0)
    x, fold = rng.normal(size=(90, 3)), np.arange(90) % 3
    y = rng.random(90) < 0.5
    score = cross_validated(x, y, fold)
    changed = y.copy()
    changed[fold == 1] = ~changed[fold == 1]
    again = cross_validated(x, changed, fold)
    np.testing.assert_array_equal(score[fold == 1], again[fold == 1])
    assert (score[fold == 0] != again[fold == 0]).any()


def test_ranks_within_folds_forget_the_folds_levels() -> None:
    """Scores of which one fold's are all higher: compared within folds their area is what the folds say."""
    fold = np.repeat([0, 1], 50)
    truth = np.tile([0, 1], 50)
    rng = np.random.default_rng(0)
    score = truth + rng.normal(size=100)
    moved = score + 100 * fold
    np.testing.assert_allclose(shortcuts._within(moved, fold), shortcuts._within(score, fold))
    found = shortcuts._within(np.array([3.0, 1, 1, 2]), np.zeros(4, np.int64))
    np.testing.assert_allclose(found, [0.875, 0.25, 0.25, 0.625])
