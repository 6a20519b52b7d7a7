"""Intervals of the test: per patient where patients repeat, and never without width for lack of variation."""

from __future__ import annotations

import numpy as np
import pytest

from overread.pipeline.evaluate import Evaluation, classification_metrics, lesion_metrics
from overread.stats.intervals import proportion_ci


def test_rates_rest_on_patients_where_they_have_several_images() -> None:
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(20), 30)
    y = np.tile([0, 1], 300)
    skill = np.repeat(rng.random(20), 30)
    decided = np.where(rng.random(600) < skill, y, 1 - y)
    p = np.stack([1 - decided * 0.8 - 0.1, decided * 0.8 + 0.1], 1)
    found = []
    for patients in (None, cluster):
        out = Evaluation()
        classification_metrics(out, y, p, decided, ["a", "b"], "b", patients)
        found.append(out.metrics["sensitivity"])
    alone, grouped = found
    assert alone["estimate"] == pytest.approx(grouped["estimate"])
    assert (grouped["high"] - grouped["low"]) > 2 * (alone["high"] - alone["low"])
    assert grouped["n"] == 20


def test_lesions_of_two_cases_are_not_certainty() -> None:
    out = Evaluation()
    lesion_metrics(out, np.array([[1, 0, 0], [1, 0, 0], [0, 0, 0]]), "nodule", None)
    found = out.metrics["lesion_sensitivity_nodule"]
    assert (found["estimate"], found["high"]) == (1.0, 1.0) and found["low"] == proportion_ci(2, 2).low < 0.5


def test_a_precision_without_a_single_finding_is_not_computed() -> None:
    out = Evaluation()
    lesion_metrics(out, np.array([[0, 0, 2], [0, 0, 1]]), "nodule", None)
    assert "lesion_precision_nodule" in out.not_computed and "lesion_sensitivity_nodule" in out.metrics


def test_one_class_only_gives_reasons_and_no_traceback() -> None:
    out = Evaluation()
    y = np.zeros(9, int)
    p = np.linspace(0.1, 0.9, 9)
    classification_metrics(out, y, np.stack([1 - p, p], 1), (p > 0.5).astype(int), ["a", "b"], "b", None)
    assert "specificity" in out.metrics and {"auroc", "sensitivity"} <= set(out.not_computed)
