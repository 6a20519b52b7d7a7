"""Average precision: scikit-learn's, with ties, and chance at the share of positive cases."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from overread.evaluate.precision import average_precision


@pytest.mark.parametrize("digits", [1, 8])
def test_it_is_scikit_learns_also_with_ties(digits: int) -> None:
    generator = np.random.default_rng(0)
    truth = generator.random(200) < 0.1
    score = (generator.normal(size=200) + truth).round(digits)
    found = average_precision(truth, score)
    assert found.estimate == pytest.approx(average_precision_score(truth, score))
    assert found.low < found.estimate < found.high


def test_a_score_that_says_nothing_gives_the_share_of_positive_cases() -> None:
    truth = np.arange(50) < 10
    assert average_precision(truth, np.zeros(50)).estimate == pytest.approx(0.2)


def test_patients_are_drawn_with_all_their_images() -> None:
    generator = np.random.default_rng(1)
    truth = np.repeat(generator.random(40) < 0.3, 5)
    score = np.repeat(generator.normal(size=40), 5) + truth
    alone, together = (
        average_precision(truth, score),
        average_precision(truth, score, cluster=np.repeat(range(40), 5)),
    )
    assert together.n == 40 and together.high - together.low > 1.5 * (alone.high - alone.low)
    with pytest.raises(ValueError, match="no case has it"):
        average_precision(np.zeros(3, bool), np.zeros(3))
