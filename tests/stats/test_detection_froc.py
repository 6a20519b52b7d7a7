"""Free-response studies: FROC, CPM and the AFROC family."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.stats.detection import (
    Marks,
    afroc,
    afroc1,
    cpm,
    figure_of_merit,
    froc_curve,
    hr_auc,
    leave_one_out,
    matched_marks,
    rated_marks,
    sensitivity_at_false_positives,
    wafroc,
    wafroc1,
)
from overread.stats.roc import auc

NONE = -np.inf
Ratings = list[list[float]]
rating = st.sampled_from([NONE, 1.0, 2.0, 3.0, 4.0])
cases = st.lists(
    st.tuples(st.lists(rating, max_size=3), st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0]), max_size=3)),
    min_size=2,
    max_size=6,
)


def _psi(lesion: float, false: float) -> float:
    return 1.0 if lesion > false else 0.5 if lesion == false else 0.0


def _brute(lesions: Ratings, false: Ratings, fom: str, weights: Ratings | None = None) -> float:
    """The figures of merit as the papers write them: double sums over cases and lesions."""
    top = [max(f, default=NONE) for f in false]
    normal = [k for k, case in enumerate(lesions) if not case]
    abnormal = [k for k, case in enumerate(lesions) if case]
    if fom == "max-llf":
        return sum(r > NONE for case in lesions for r in case) / sum(map(len, lesions))
    if fom == "hr-auc":
        highest = [max([*lesions[k], top[k]]) for k in range(len(top))]
        return float(np.mean([_psi(highest[a], highest[n]) for a in abnormal for n in normal]))
    against = range(len(top)) if fom.endswith("1") else normal
    total = size = 0.0
    for a in abnormal:
        for j, r in enumerate(lesions[a]):
            share = 1.0
            if fom.startswith("w"):
                share = weights[a][j] if weights else 1 / len(lesions[a])
            size += share
            total += share * sum(_psi(r, top[k]) for k in against)
    return total / (size * len(against))


FIGURES_OF_MERIT: dict[str, Any] = {
    "wafroc": wafroc,
    "wafroc1": wafroc1,
    "afroc": afroc,
    "afroc1": afroc1,
    "hr-auc": hr_auc,
}


@settings(max_examples=50)
@given(cases)
def test_figures_of_merit_agree_with_double_sums(drawn: list[tuple[list[float], list[float]]]) -> None:
    lesions, false = [c[0] for c in drawn], [c[1] for c in drawn]
    if not any(lesions):
        return
    marks = rated_marks(lesions, false)
    for fom in (*FIGURES_OF_MERIT, "max-llf"):
        if all(lesions) and fom in ("wafroc", "afroc", "hr-auc"):
            with pytest.raises(ValueError, match="needs a normal case"):
                figure_of_merit(marks, fom=fom)  # type: ignore[arg-type]
            continue
        expected = _brute(lesions, false, fom)
        assert figure_of_merit(marks, fom=fom)[0] == pytest.approx(expected)  # type: ignore[arg-type]
        # Leaving a case out by its weight is leaving it out of the table.
        without = leave_one_out(marks, fom=fom)  # type: ignore[arg-type]
        for k in range(len(lesions)):
            rest = [c for i, c in enumerate(lesions) if i != k], [c for i, c in enumerate(false) if i != k]
            undefined = not any(rest[0]) or (all(rest[0]) and (not fom.endswith("1") and fom != "max-llf"))
            if undefined:
                assert np.isnan(without[k])
            else:
                assert without[k] == pytest.approx(_brute(*rest, fom))


def test_conventions() -> None:
    """G14's conventions: no mark is minus infinity, ties count one half, lesions weigh by their weights."""
    nothing = rated_marks([[NONE], []], [[], []])
    assert figure_of_merit(nothing, fom="wafroc")[0] == 0.5
    assert figure_of_merit(rated_marks([[1.0], []], [[], []]), fom="wafroc")[0] == 1
    assert figure_of_merit(rated_marks([[NONE], []], [[], [0.2]]), fom="wafroc")[0] == 0
    assert figure_of_merit(rated_marks([[2.0], []], [[], [2.0]]), fom="wafroc")[0] == 0.5
    lesions, false, weights = [[3.0, NONE], [1.0], []], [[], [5.0], [2.0]], [[0.8, 0.2], [1.0], []]
    marks = rated_marks(lesions, false, weights=weights)
    assert figure_of_merit(marks, fom="wafroc")[0] == pytest.approx(0.8 / 2)
    assert figure_of_merit(marks, fom="afroc")[0] == pytest.approx(1 / 3)
    assert figure_of_merit(marks, fom="wafroc1")[0] == pytest.approx(
        _brute(lesions, false, "wafroc1", weights)
    )
    assert figure_of_merit(marks, fom="max-llf")[0] == pytest.approx(2 / 3)
    # A table padded with minus infinity holds the same marks.
    padded = rated_marks(lesions, [[NONE, NONE], [5.0, NONE], [NONE, 2.0]], weights=weights)
    assert np.array_equal(padded.false_score, marks.false_score)


def test_one_lesion_a_case_is_the_inferred_roc_of_lesions() -> None:
    """With one lesion in each abnormal case and no false mark there, wAFROC, AFROC and ROC are one number."""
    generator = np.random.default_rng(0)
    y = np.repeat([0, 1], [40, 30])
    score = np.round(generator.normal(y, 1), 1)
    lesions = [[s] if d else [] for s, d in zip(score, y, strict=True)]
    false = [[] if d else [s] for s, d in zip(score, y, strict=True)]
    marks = rated_marks(lesions, false)
    area = auc(y, score).estimate
    for fom in ("wafroc", "afroc", "hr-auc"):
        assert figure_of_merit(marks, fom=fom)[0] == pytest.approx(area)


def _study(seed: int, normal: int, abnormal: int, separation: float = 1.5) -> Marks:
    """Search model: Poisson false marks, each lesion seen with a chance of .8."""
    generator = np.random.default_rng(seed)
    false = [generator.normal(0, 1, generator.poisson(0.8)) for _ in range(normal + abnormal)]
    counts = np.concatenate([np.zeros(normal, dtype=int), generator.integers(1, 4, abnormal)])
    lesions = [np.where(generator.random(n) < 0.8, generator.normal(separation, 1, n), NONE) for n in counts]
    return rated_marks(lesions, false)


@pytest.mark.parametrize("fom", list(FIGURES_OF_MERIT))
def test_intervals(fom: str) -> None:
    marks = _study(0, 40, 40)
    found = FIGURES_OF_MERIT[fom](marks, resamples=500)
    assert found.estimate == pytest.approx(figure_of_merit(marks, fom=fom)[0])  # type: ignore[arg-type]
    assert found.low < found.estimate < found.high and found.n == 80
    jackknife = leave_one_out(marks, fom=fom)  # type: ignore[arg-type]
    error = np.sqrt(79 / 80 * np.sum((jackknife - jackknife.mean()) ** 2))
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(error, rel=0.2)
    patients = FIGURES_OF_MERIT[fom](marks, cluster=np.arange(80) // 2, resamples=200)
    assert patients.n == 40 and patients.method == "bootstrap of clusters, logit scale"


@pytest.mark.parametrize("figure", [wafroc, cpm])
def test_intervals_cover(figure: Any) -> None:
    """Limits over 30 + 30 cases: 95% within the simulation error (1.1%) of 400 repetitions."""
    large = _study(10_000, 20_000, 20_000)
    true = cpm(large, resamples=2).estimate if figure is cpm else figure_of_merit(large, fom="wafroc")[0]
    found = [figure(_study(seed, 30, 30), resamples=200) for seed in range(400)]
    assert 0.92 <= np.mean([i.low <= true <= i.high for i in found]) <= 0.98


def test_froc_curve_by_hand() -> None:
    marks = rated_marks([[0.9, NONE], [0.5], [], []], [[0.5], [], [0.7, 0.2], []])
    curve = froc_curve(marks)
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.7, 0.5, 0.2]
    assert curve.sensitivity == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert curve.false_per_image == pytest.approx([0, 0, 0.25, 0.5, 0.75])
    linear = sensitivity_at_false_positives(marks, rates=[0.375, 0.5, 8], resamples=50)
    assert [i.estimate for i in linear.values()] == pytest.approx([0.5, 2 / 3, 2 / 3])
    step = sensitivity_at_false_positives(marks, rates=[0.375, 0.5, 8], interpolation="step", resamples=50)
    assert [i.estimate for i in step.values()] == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert list(step) == [0.375, 0.5, 8]
    with pytest.raises(ValueError, match="no case holds a lesion"):
        froc_curve(rated_marks([[], []], [[1.0], []]))
    silent = rated_marks([[NONE], []], [[], []])
    assert froc_curve(silent).sensitivity.tolist() == [0] and cpm(silent, resamples=20).estimate == 0


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.booleans())
def test_froc_agrees_with_monai(seed: int, ties: bool) -> None:
    theirs = pytest.importorskip("monai.metrics")
    marks = _study(seed, 5, 6)
    decimals = 0 if ties else 6
    lesion, false = np.round(marks.lesion_score, decimals), np.round(marks.false_score, decimals)
    marks = Marks(lesion, marks.lesion_case, marks.lesion_weight, false, marks.false_case, marks.cases)
    hit = lesion[lesion > NONE]
    if not len(hit) or not len(false):
        return
    # MONAI leaves out the lowest rating as a threshold: a mark below all others makes it use the real ones.
    marked = np.append(false, -99.0)
    per_image, sensitivity = theirs.compute_froc_curve_data(marked, hit, len(lesion), marks.cases)
    curve = froc_curve(marks)
    assert np.allclose(np.sort(per_image), curve.false_per_image)
    assert np.allclose(np.sort(sensitivity), curve.sensitivity)
    rates = (0.25, 0.5, 1, 2, 4, 8)
    score = theirs.compute_froc_score(per_image, sensitivity, rates)
    assert cpm(marks, rates=rates, resamples=2).estimate == pytest.approx(score, abs=1e-9)


def test_cpm_and_its_interval() -> None:
    marks = _study(5, 30, 30)
    found = cpm(marks, resamples=300)
    at = sensitivity_at_false_positives(marks, resamples=300)
    assert found.estimate == pytest.approx(np.mean([i.estimate for i in at.values()]))
    assert list(at) == [0.125, 0.25, 0.5, 1, 2, 4, 8]
    estimates = [i.estimate for i in at.values()]
    assert estimates == sorted(estimates) and found.low < found.estimate < found.high
    assert cpm(marks, resamples=300, seed=0) == found
    doubled = cpm(marks, cluster=np.arange(60) // 3, resamples=100)
    assert doubled.n == 20 and doubled.estimate == found.estimate


def test_marks_from_boxes() -> None:
    truth = [
        {"boxes": [[0, 0, 10, 10], [20, 0, 30, 10]]},
        {"boxes": np.zeros((0, 4))},
        {"boxes": [[0, 0, 5, 5], [50, 50, 60, 60]], "ignore": [0, 1]},
    ]
    pred = [
        {"boxes": [[1, 1, 9, 9], [2, 2, 8, 8], [40, 0, 50, 10]], "scores": [0.6, 0.8, 0.3]},
        {"boxes": [[0, 0, 3, 3]], "scores": [0.4]},
        {"boxes": [[50, 50, 60, 60]], "scores": [0.9]},
    ]
    marks = matched_marks(pred, truth)
    assert marks.lesion_score.tolist() == [0.8, NONE, NONE]
    assert marks.lesion_weight.tolist() == [0.5, 0.5, 1]
    assert marks.false_score.tolist() == [0.3, 0.4] and marks.false_case.tolist() == [0, 1]
    assert marks.abnormal.tolist() == [True, False, True]
    assert marks.highest.tolist() == [0.8, 0.4, NONE]
    strict = matched_marks(pred, truth, rule="iou", threshold=0.5, duplicates="false")
    assert strict.lesion_score.tolist() == [0.6, NONE, NONE]
    assert sorted(strict.false_score.tolist()) == [0.3, 0.4, 0.8]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([[1.0]], [[], []]), {}, "1 cases, false_marks 2"),
        (([], []), {}, "empty"),
        (([[np.nan]], [[]]), {}, "NaN"),
        (([[1.0]], [[np.inf]]), {}, "infinity"),
        (([[1.0, 2.0]], [[]]), {"weights": [[0.5, 0.6]]}, "sum to 1"),
        (([[1.0]], [[]]), {"weights": [[1.0], []]}, "weights has 2"),
    ],
)
def test_bad_ratings(arguments: tuple, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rated_marks(*arguments, **options)


def test_bad_arguments() -> None:
    marks = rated_marks([[1.0], []], [[], [0.5]])
    with pytest.raises(ValueError, match="rates"):
        cpm(marks, rates=[0.0])
    with pytest.raises(ValueError, match="interpolation"):
        cpm(marks, interpolation="cubic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fom is 'roc'"):
        figure_of_merit(marks, fom="roc")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="case_weights"):
        figure_of_merit(marks, fom="wafroc", case_weights=np.ones((1, 3)))
    with pytest.raises(ValueError, match="at least one abnormal case"):
        wafroc(rated_marks([[], []], [[], []]))
    alone = wafroc1(rated_marks([[1.0]], [[0.5]]))
    assert (alone.estimate, alone.low, alone.high) == (1, 0, 1)
