from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.stats.calibration import brier
from overread.stats.decision import decision_curve, net_benefit
from overread.stats.fairness import by_group
from overread.stats.roc import auc, roc_contrast


def test_published_decision_curve(goldens_data: Path) -> None:
    """The R package dcurves, its example data of 750 patients with 105 cancers."""
    with (goldens_data / "dcurves_df_binary.csv").open() as file:
        rows = list(csv.DictReader(file))
    y = np.array([row["cancer"] == "TRUE" for row in rows])
    p = {
        "model": [float(row["cancerpredmarker"]) for row in rows],
        "family history": [float(row["famhistory"]) for row in rows],
    }
    thresholds = [0.05, 0.10, 0.15, 0.20, 0.25, 0.35]
    found = decision_curve(y, p, thresholds=thresholds, resamples=200)
    model = [0.1055438596, 0.0874074074, 0.0792156863, 0.0673333333, 0.064, 0.0501538462]
    everyone = [0.0947368421, 0.0444444444, -0.0117647059, -0.075]
    assert [i.estimate for i in found.models["model"].net_benefit] == pytest.approx(model, rel=1e-6)
    assert [i.estimate for i in found.treat_all.net_benefit][:4] == pytest.approx(everyone, rel=1e-6)
    history = found.models["family history"].net_benefit[1]
    assert history.estimate == pytest.approx(0.0185185185, rel=1e-6)
    assert found.prevalence == pytest.approx(0.14)
    # The published area counts as tied one pair (of 67,725) that the file's rounded numbers tell apart by 3e-6;
    # scikit-learn and we get half a pair more from the file.
    area = auc(y, p["model"], method="delong")
    assert area.estimate == pytest.approx(0.860620155 + 0.5 / (105 * 645), rel=1e-6)
    assert (area.low, area.high) == pytest.approx((0.8219268, 0.8993282), abs=1e-5)
    assert brier(y, p["model"]).estimate == pytest.approx(0.0849290978, rel=1e-6)
    assert all(i.low < i.estimate < i.high for i in found.models["model"].net_benefit)


cases = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.floats(0.1, 5)),
    min_size=2,
    max_size=30,
).filter(lambda rows: 0 < sum(r[0] for r in rows) < len(rows))


@settings(max_examples=50)
@given(cases, st.sampled_from([0.0, 0.1, 0.25, 0.6]))
def test_net_benefit_by_counting(rows: list, threshold: float) -> None:
    y, p, w = (np.array(column) for column in zip(*rows, strict=True))
    odds = threshold / (1 - threshold)
    tp, fp = (w * (y == 1) * (p >= threshold)).sum(), (w * (y == 0) * (p >= threshold)).sum()
    found = decision_curve(y, p, thresholds=[threshold], weights=w, resamples=20)
    assert found.model.net_benefit[0].estimate == pytest.approx((tp - odds * fp) / w.sum())
    share = (w * y).sum() / w.sum()
    assert found.treat_all.net_benefit[0].estimate == pytest.approx(share - odds * (1 - share))
    assert found.model.standardized[0].estimate == pytest.approx((tp - odds * fp) / w.sum() / share)
    assert found.treat_none.net_benefit[0].high == 0
    avoided = found.model.interventions_avoided[0]
    if threshold == 0:
        assert avoided is None
    else:
        spared = (found.model.net_benefit[0].estimate - found.treat_all.net_benefit[0].estimate) / odds
        assert avoided is not None and avoided.estimate == pytest.approx(spared)


def test_whole_weights_are_copies() -> None:
    generator = np.random.default_rng(0)
    y, p = generator.integers(0, 2, 40), generator.random(40)
    times = generator.integers(1, 4, 40)
    weighted = net_benefit(y, p, threshold=0.3, weights=times)
    copied = net_benefit(np.repeat(y, times), np.repeat(p, times), threshold=0.3)
    assert weighted.estimate == pytest.approx(copied.estimate)


def test_a_case_control_sample_takes_the_prevalence_of_the_population() -> None:
    generator = np.random.default_rng(1)
    y = np.repeat([1, 0], [100, 100])
    p = np.clip(generator.normal(0.35 + 0.3 * y, 0.15), 0, 1)
    found = decision_curve(y, p, thresholds=[0.2], prevalence=0.1)
    sensitivity, false = (p[y == 1] >= 0.2).mean(), (p[y == 0] >= 0.2).mean()
    assert found.model.net_benefit[0].estimate == pytest.approx(sensitivity * 0.1 - false * 0.9 * 0.25)
    everyone = found.treat_all.net_benefit[0]
    assert everyone.low == pytest.approx(everyone.high) and found.prevalence == 0.1


def test_net_benefit_covers_95_percent() -> None:
    """300 cases, prevalence .2, and 100 patients with three images that are alike."""
    generator = np.random.default_rng(2)
    sensitivity, false, odds = 0.8, 0.25, 0.25
    truth = sensitivity * 0.2 - false * 0.8 * odds
    alone = together = 0
    for repeat in range(400):
        y = (generator.random(300) < 0.2).astype(int)
        called = generator.random(300) < np.where(y == 1, sensitivity, false)
        found = net_benefit(y, called.astype(float), threshold=0.2, resamples=400, seed=repeat)
        alone += found.low <= truth <= found.high
        y, called = np.repeat(y[:100], 3), np.repeat(called[:100], 3)
        found = net_benefit(
            y,
            called.astype(float),
            threshold=0.2,
            cluster=np.repeat(np.arange(100), 3),
            resamples=400,
            seed=repeat,
        )
        together += found.low <= truth <= found.high
    assert 0.92 <= alone / 400 <= 0.975 and 0.91 <= together / 400 <= 0.975


def test_several_models_have_names() -> None:
    found = decision_curve(
        [0, 1, 0, 1], {"a": [0.1, 0.9, 0.2, 0.8], "b": [0, 1, 1, 1]}, thresholds=[0.5], resamples=50
    )
    assert list(found.models) == ["a", "b"]
    with pytest.raises(ValueError, match="2 models"):
        _ = found.model


@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        (([0, 1], [0.1, np.nan]), {}, "NaN"),
        (([0, 1], [0.1, 1.2]), {}, "0 to 1"),
        (([0, 0], [0.1, 0.2]), {}, "only class 0"),
        (([[0], [1]], [0.1, 0.2]), {}, r"\(2, 1\)"),
        (([0, 1], [[0.1], [0.2]]), {}, r"\(2, 1\)"),
        (([0, 1], [0.1, 0.2]), {"thresholds": [1.0]}, "below 1"),
        (([0, 1], [0.1, 0.2]), {"thresholds": [0.5], "prevalence": 1.0}, "prevalence"),
        (([0, 1], [0.1, 0.2]), {"thresholds": [0.5], "weights": [0, 0]}, "weights"),
        (([0, 1], {}), {}, "no model"),
        (([0, 1], [0.1, 0.2]), {"thresholds": [0.5], "cluster": [1, 1]}, "one case"),
        (([0, 1], [0.1, 0.2, 0.3]), {}, "3 rows"),
    ],
)
def test_what_has_no_net_benefit(arguments: tuple, options: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        decision_curve(*arguments, **options)


def test_data_frames_bring_names() -> None:
    """Columns of a data frame name the models, the curves and the attributes."""
    pandas = pytest.importorskip("pandas")
    y, one, two = [0, 0, 1, 1, 0, 1], [0.1, 0.4, 0.35, 0.8, 0.2, 0.9], [0.2, 0.1, 0.6, 0.7, 0.8, 0.5]
    frame = pandas.DataFrame({"first": one, "second": two}, index=range(10, 16))
    curve = decision_curve(y, frame, thresholds=[0.3], resamples=50)
    assert list(curve.models) == ["first", "second"]
    assert (
        curve.models
        == decision_curve(y, {"first": one, "second": two}, thresholds=[0.3], resamples=50).models
    )
    assert roc_contrast(y, frame).names == ("first", "second")
    sex = pandas.DataFrame({"sex": list("ababab")})
    assert [rates.group for rates in by_group(y, y, sex)] == ["sex=a", "sex=b"]


def test_no_resample_is_no_interval() -> None:
    for resamples in (0, -1, 0.5):
        with pytest.raises(ValueError, match="resamples is"):
            net_benefit([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], threshold=0.2, resamples=resamples)  # type: ignore[arg-type]
