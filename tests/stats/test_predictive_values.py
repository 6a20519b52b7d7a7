from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from overread.stats.diagnostic import diagnostic_accuracy, predictive_values


def test_limits_by_the_formula() -> None:
    """Variance of the logit of the positive predictive value as Mercaldo, Lau and Zhou 2007 give it."""
    found = predictive_values(
        sensitivity=240 / 418, specificity=178 / 240, prevalence=0.03, positives=418, negatives=240
    )
    se, sp = 240 / 418, 178 / 240
    spread = np.sqrt((1 - se) / (se * 418) + sp / ((1 - sp) * 240))
    centre = np.log(se * 0.03 / ((1 - sp) * 0.97))
    low, high = expit(centre + norm.ppf([0.025, 0.975]) * spread)
    assert (found.ppv.low, found.ppv.high) == pytest.approx((low, high))


def test_at_the_prevalence_of_the_test_set_it_is_the_table() -> None:
    table = diagnostic_accuracy(670, 202, 74, 640)
    found = predictive_values(
        sensitivity=table.sensitivity, specificity=table.specificity, prevalence=744 / 1586
    )
    assert table.ppv and table.npv
    assert found.ppv.estimate == pytest.approx(table.ppv.estimate)
    assert found.npv.estimate == pytest.approx(table.npv.estimate)
    assert found.ppv.n == 1586


def test_known_inputs_have_no_width() -> None:
    found = predictive_values(sensitivity=0.9, specificity=0.95, prevalence=0.01)
    assert found.ppv.estimate == pytest.approx(0.9 * 0.01 / (0.9 * 0.01 + 0.05 * 0.99))
    assert found.ppv.low == found.ppv.high and "known" in found.ppv.method


def test_an_uncertain_prevalence_widens() -> None:
    prevalence = diagnostic_accuracy(5, 5, 5, 85).prevalence
    fixed = predictive_values(
        sensitivity=0.9, specificity=0.8, prevalence=prevalence.estimate, positives=100, negatives=100
    ).ppv
    wide = predictive_values(
        sensitivity=0.9, specificity=0.8, prevalence=prevalence, positives=100, negatives=100
    ).ppv
    assert wide.estimate == pytest.approx(fixed.estimate) and wide.high - wide.low > fixed.high - fixed.low


def test_full_sensitivity_keeps_a_width() -> None:
    found = predictive_values(sensitivity=1.0, specificity=0.9, prevalence=0.1, positives=40, negatives=200)
    assert found.npv.high > found.npv.low and "adjusted" in found.npv.method


def test_predictive_values_cover_95_percent() -> None:
    """100 positives and 150 negatives, prevalence .1."""
    generator = np.random.default_rng(0)
    ppv, npv = 0.08 / (0.08 + 0.2 * 0.9), 0.72 / (0.72 + 0.02)
    hits = np.zeros(2)
    for x, z in zip(generator.binomial(100, 0.8, 2000), generator.binomial(150, 0.8, 2000), strict=True):
        found = predictive_values(
            sensitivity=x / 100, specificity=z / 150, prevalence=0.1, positives=100, negatives=150
        )
        hits += [found.ppv.low <= ppv <= found.ppv.high, found.npv.low <= npv <= found.npv.high]
    assert (hits / 2000 >= 0.93).all() and (hits / 2000 <= 0.97).all()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"sensitivity": 1.2, "specificity": 0.9, "prevalence": 0.1}, "sensitivity is 1.2"),
        ({"sensitivity": 0.9, "specificity": np.nan, "prevalence": 0.1}, "specificity is nan"),
        ({"sensitivity": 0.9, "specificity": 0.9, "prevalence": 0.0}, "prevalence is 0"),
        ({"sensitivity": 0.9, "specificity": 0.9, "prevalence": 0.1, "positives": 100}, "both"),
        ({"sensitivity": 0.0, "specificity": 1.0, "prevalence": 0.1}, "does not exist"),
        (
            {"sensitivity": 0.9, "specificity": 0.9, "prevalence": 0.1, "positives": 0, "negatives": 10},
            "1 or more",
        ),
    ],
)
def test_what_has_no_predictive_value(arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        predictive_values(**arguments)


def test_logit_is_symmetric() -> None:
    """Swapping the classes swaps the two values."""
    one, other = (
        predictive_values(sensitivity=0.7, specificity=0.9, prevalence=0.2, positives=50, negatives=80),
        predictive_values(sensitivity=0.9, specificity=0.7, prevalence=0.8, positives=80, negatives=50),
    )
    assert one.ppv.estimate == pytest.approx(other.npv.estimate)
    assert logit(one.ppv.low) == pytest.approx(logit(other.npv.low))


def test_a_rate_of_one_keeps_its_estimate() -> None:
    """The adjusted counts make the limits only: with no case missed the estimate is Bayes' own."""
    found = predictive_values(sensitivity=1.0, specificity=0.9, prevalence=0.1, positives=40, negatives=200)
    assert found.ppv.estimate == pytest.approx(0.1 / (0.1 + 0.1 * 0.9))
    assert found.npv.estimate == found.npv.high == 1 and 0.9 < found.npv.low < 1
    with pytest.raises(ValueError, match="does not exist"):
        predictive_values(sensitivity=0.0, specificity=1.0, prevalence=0.1, positives=40, negatives=200)
