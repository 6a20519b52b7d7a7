"""A measured number as it stands in report.json."""

from __future__ import annotations

import json

from overread.evaluate.metric import Measured
from overread.evaluate.metrics import METRICS
from overread.stats.interval import Interval


def test_metric_and_label_stand_apart() -> None:
    found = Measured(METRICS["auroc"], "macro", "area", Interval(0.9, 0.8, 0.95, method="DeLong", n=12))
    row = found.as_dict()
    assert json.loads(json.dumps(row)) == {
        "metric": "auroc",
        "label": "macro",
        "unit": "area",
        "estimate": 0.9,
        "low": 0.8,
        "high": 0.95,
        "confidence": 0.95,
        "method": "DeLong",
        "n": 12,
    }
