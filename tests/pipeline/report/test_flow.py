"""Flow of patients, wrong answers by kind, decision curve, population, forest: rows and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.evaluate.figures import ReliabilityFigure
from overread.evaluate.metrics import METRICS
from overread.evaluate.run import Evaluation
from overread.evaluate.tasks.protocol import Telling
from overread.pipeline.report.decision import decision_curves, decision_rows
from overread.pipeline.report.failures import REFUSED, failures_of, failures_to_show
from overread.pipeline.report.flow import flow_of, flow_svg
from overread.pipeline.report.forest import forest_svg, multiplicity


def _evaluation() -> Evaluation:
    def row(k: int, label: str, decided: str | None, score: float = 0.9) -> dict[str, Any]:
        outcome = "ok" if decided else "out_of_limits"
        return {
            "case": f"c{k}",
            "patient": f"p{k // 2}",
            "outcome": outcome,
            "label": label,
            "decided": decided,
            "score_a": score,
            "score_b": score,
        }

    rows = [
        row(0, "a", "a"),
        row(1, "a", "b", 0.6),
        row(2, "a", "b", 0.8),
        row(3, "b", "b"),
        row(4, "b", None),
    ]
    telling = [Telling("Most confident errors", "c2", "c2"), Telling("Correct", "c0", "c0")]
    return Evaluation(rows, (METRICS["auroc"], None), telling=telling)


def _cohort() -> Cohort:
    cases = tuple(
        Case(f"c{k}", f"p{k // 2}", {"image": Path("x.png")}, split="test" if k < 5 else "train")
        for k in range(9)
    )
    return Cohort(Path(), cases)


def test_flow_counts_everybody_once() -> None:
    rows = flow_of(_cohort(), _evaluation())
    by = {r["box"]: r for r in rows}
    assert by["In the table"]["images"] == 9
    assert (
        by["Test, sealed"]["images"]
        == by["Without an answer"]["images"] + by["Answered and analysed"]["images"]
    )
    assert by["Without an answer"]["reason"] == "out of limits 1"
    assert by["Answer: b"]["reference"] == {"a": 2, "b": 1}
    assert sum(r["images"] for r in rows if r["level"] == 3) == by["Answered and analysed"]["images"]


def test_flow_is_a_picture_with_every_box() -> None:
    rows = flow_of(_cohort(), _evaluation())
    tree = ElementTree.fromstring(flow_svg(rows))
    assert len(tree.findall(".//{http://www.w3.org/2000/svg}rect")) == len(rows)
    # Text of people is no markup.
    assert "a &lt; b" in flow_svg([rows[0] | {"box": "a < b"}])


def test_kinds_of_error_with_their_share_of_those_who_could_make_it() -> None:
    kinds = {k["kind"]: k for k in failures_of(_evaluation())}
    assert (kinds["a answered as b"]["cases"], kinds["a answered as b"]["of"]) == (2, 3)
    assert kinds["a answered as b"]["examples"] == ["c2", "c1"]
    assert (kinds[REFUSED]["cases"], kinds[REFUSED]["of"]) == (1, 5)


def test_the_gallery_shows_each_kind_and_no_error_twice() -> None:
    shown = failures_to_show(_evaluation())
    assert [(t.title, t.case) for t in shown] == [
        ("A answered as b: 2 of 3", "c2"),
        ("A answered as b: 2 of 3", "c1"),
        ("Correct", "c0"),
    ]


def test_net_benefit_by_hand() -> None:
    """At .5 a false positive costs as much as a true one gains: (4 true - 1 false) of 10."""
    outcome = np.array([1] * 5 + [0] * 5, bool)
    probability = np.array([0.9] * 4 + [0.1] + [0.1] * 4 + [0.9])
    rows = decision_rows([ReliabilityFigure(outcome, probability, "a")])
    (half,) = [r for r in rows if r["threshold"] == 0.5]
    assert half["model"]["estimate"] == pytest.approx(0.3)
    assert half["all"]["estimate"] == pytest.approx(0.0)
    assert half["model"]["low"] < 0.3 < half["model"]["high"]
    assert "<svg" in decision_curves(rows)["a"]


def test_one_class_alone_has_no_decision_curve() -> None:
    assert decision_rows([ReliabilityFigure(np.ones(4, bool), np.full(4, 0.9), "a")]) == []


def test_forest_says_how_many_intervals_miss_by_chance() -> None:
    rows = [
        {
            "attribute": "sex",
            "group": g,
            "patients": 10,
            "estimate": 0.8,
            "low": 0.6,
            "high": 0.9,
            "confidence": 0.95,
        }
        for g in "FM"
    ]
    assert "<svg" in forest_svg(rows, rows[0], "Sensitivity")
    assert multiplicity(rows * 10).startswith("20 intervals of 95%, each for itself: of 20 such, 1.0 miss")
