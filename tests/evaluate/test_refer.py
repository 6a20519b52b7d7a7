"""Referral: the risk of what is decided holds as often as stated, and reasons where nothing can be shown."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.models import manifest

from overread.evaluate.refer import decided, referral, referrals
from overread.runtime.answer import Classes, Findings, LabelMap


def drawn(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Confidences that are what they say."""
    sure = generator.uniform(0.5, 1, n)
    return sure, generator.random(n) > sure


def test_the_risk_of_what_is_decided_exceeds_the_stated_one_no_oftener_than_stated() -> None:
    generator, broken, kept = np.random.default_rng(0), 0, []
    for _ in range(300):
        found, _ = referral(*drawn(generator, 200), risk=0.15, confidence=0.8)
        if found is None:
            continue
        # Right with probability t: above the threshold on average (1 + threshold) / 2.
        broken += 1 - (1 + max(found.threshold, 0.5)) / 2 > 0.15
        kept.append(found.threshold)
    assert broken / 300 <= 0.2 + 0.05
    assert len(kept) > 200 and np.mean(kept) < 0.85


def test_patients_with_many_images_count_once() -> None:
    generator = np.random.default_rng(0)
    sure, wrong = drawn(generator, 120)
    many = (np.repeat(sure, 10), np.repeat(wrong, 10))
    alone, _ = referral(sure, wrong, risk=0.25, confidence=0.9)
    grouped, _ = referral(*many, risk=0.25, confidence=0.9, cluster=np.repeat(np.arange(120), 10))
    naive, _ = referral(*many, risk=0.25, confidence=0.9)
    assert alone is not None and grouped is not None and naive is not None
    assert grouped.threshold == pytest.approx(alone.threshold, abs=0.03) and grouped.patients == 120
    assert naive.threshold < grouped.threshold


def test_what_cannot_be_shown_is_said() -> None:
    few, why = referral(np.full(20, 0.9), np.zeros(20, bool), risk=0.05, confidence=0.9)
    assert few is None and why.startswith("20 tuning patients cannot show that at most 5.0%")
    assert "45 without an error" in why
    bad, why = referral(np.linspace(0.5, 1, 200), np.ones(200, bool), risk=0.05, confidence=0.9)
    assert bad is None and "no confidence keeps wrong decisions" in why


def test_where_all_may_be_decided_nobody_is_referred() -> None:
    found, why = referral(np.linspace(0.5, 1, 200), np.zeros(200, bool), risk=0.05, confidence=0.9)
    assert found is not None and found.threshold == 0 and not why
    assert found.figures["apparent_decided"]["estimate"] == 1


def test_confidence_and_error_by_kind_of_answer() -> None:
    m = manifest()
    answer = Classes(scores={"normal": 0.7, "abnormal": 0.3}, decided="abnormal")
    assert decided(answer, 0, m) == {"": (0.3, True)} and decided(answer, 1, m) == {"": (0.3, False)}
    found = manifest(task="multilabel", positive=None)
    thresholds = {"normal": 0.5, "abnormal": 0.5}
    said = Findings(scores={"normal": 0.7, "abnormal": 0.2}, thresholds=thresholds, present=("normal",))
    assert decided(said, np.array([0.0, np.nan]), found) == {"normal": (0.7, True)}
    assert decided(said, np.array([np.nan, 0.0]), found) == {"abnormal": (0.8, False)}
    assert decided(LabelMap(mask=np.zeros((2, 2), np.uint8)), np.zeros((2, 2)), m) == {}


def test_each_label_by_its_own_cases() -> None:
    generator = np.random.default_rng(0)
    cases = [
        {"a": (float(s), bool(w))} | ({"b": (0.9, False)} if k < 10 else {})
        for k, (s, w) in enumerate(zip(*drawn(generator, 300), strict=True))
    ]
    found, notes = referrals(cases, risk=0.2, confidence=0.9, cluster=None)
    assert set(found) == {"a"} and len(notes) == 1 and notes[0].startswith("b: 10 tuning patients")
