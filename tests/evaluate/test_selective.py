"""Risk and coverage of a test: measured of every decision, and of what was left to a person where anybody was."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.models import manifest

from overread.evaluate.run import evaluation_of
from overread.evaluate.selective import selective_figure, selective_measures
from overread.pipeline.report.figures import draw

N = 400


def rows(*, refer: bool = True) -> tuple[list[dict], np.ndarray]:
    """Scores of an abnormal class that mean what they say, decided at a half, left to a person below 0.8."""
    generator = np.random.default_rng(0)
    p = generator.random(N)
    y = generator.random(N) < p
    out = []
    for k in range(N):
        out.append(
            {
                "case": f"c{k}",
                "patient": f"p{k}",
                "outcome": "ok",
                "label": ("normal", "abnormal")[int(y[k])],
                "decided": ("normal", "abnormal")[int(p[k] >= 0.5)],
                "score_normal": 1 - p[k],
                "score_abnormal": p[k],
            }
            | ({"refer": int(max(p[k], 1 - p[k]) < 0.8)} if refer else {})
        )
    return out, np.maximum(p, 1 - p)


def test_of_a_classification() -> None:
    found, sure = rows()
    evaluation = evaluation_of(found, manifest())
    values = {m.metric.key: m.interval for m in evaluation.measured}
    wrong = np.array([r["label"] != r["decided"] for r in found])
    assert values["aurc"].estimate < wrong.mean() and values["selective_gain"].low > 0
    assert values["referred"].estimate == np.mean(sure < 0.8)
    assert values["decided_wrong"].estimate == pytest.approx(wrong[sure >= 0.8].mean())
    assert values["decided_wrong"].estimate < 1 - values["accuracy"].estimate
    (figure,) = [f for f in evaluation.figures if type(f).__name__ == "RiskCoverageFigure"]
    drawn = draw(figure)
    assert "<svg" in drawn.svg and "by its own threshold" in drawn.caption


def test_without_a_rule_nobody_is_said_to_be_referred() -> None:
    keys = {m.metric.key for m in evaluation_of(rows(refer=False)[0], manifest()).measured}
    assert {"aurc", "selective_gain"} <= keys and not {"referred", "decided_wrong"} & keys


def test_of_a_finding_that_nobody_decided() -> None:
    (area, gain) = selective_measures([], np.zeros(0), np.zeros(0, bool), None, label="mass")
    for measure in (area, gain):
        with pytest.raises(ValueError, match=r"nothing was decided|n = 0|empty"):
            measure.compute()
    assert selective_figure("x", [], np.ones(2), np.zeros(2, bool), []).point is None
