from __future__ import annotations

import numpy as np
import pytest

from overread.stats.diagnostic import begg_greenes

# Drum and Christacopoulos, J Nucl Med 1972;13:908, as in Begg and Greenes 1983: liver scans of 650 patients.
TRUTH = np.repeat([1, 0, np.nan, 1, 0, np.nan], [231, 32, 166, 27, 54, 140])
SCAN = np.repeat([1, 0], [231 + 32 + 166, 27 + 54 + 140])


def test_published_correction() -> None:
    """Sensitivity .90 and specificity .63 of the verified become .84 and .74."""
    found = begg_greenes(TRUTH, SCAN)
    assert (round(found.naive_sensitivity, 2), round(found.naive_specificity, 2)) == (0.90, 0.63)
    assert (round(found.sensitivity.estimate, 3), round(found.specificity.estimate, 3)) == (0.836, 0.738)
    assert found.verified == pytest.approx((263 / 429, 81 / 221))


def test_all_verified_are_plain_rates() -> None:
    found = begg_greenes([1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 1])
    assert (found.sensitivity.estimate, found.specificity.estimate) == pytest.approx((2 / 3, 3 / 4))
    assert found.prevalence == pytest.approx(3 / 7)


def test_limits_cover_and_the_naive_rates_do_not() -> None:
    generator = np.random.default_rng(9)
    hits = [0, 0]
    for _ in range(400):
        truth = generator.random(500) < 0.3
        test = np.where(truth, generator.random(500) < 0.8, generator.random(500) < 0.1)
        seen = generator.random(500) < np.where(test, 0.9, 0.2)
        found = begg_greenes(np.where(seen, truth, np.nan), test)
        hits[0] += found.sensitivity.low <= 0.8 <= found.sensitivity.high
        hits[1] += found.specificity.low <= 0.9 <= found.specificity.high
    assert all(0.92 <= n / 400 <= 0.98 for n in hits), hits


def test_a_count_of_zero_still_has_limits() -> None:
    found = begg_greenes([1] * 10 + [0] * 5 + [None] * 20, [1] * 12 + [0] * 23)
    assert 0 < found.sensitivity.low <= found.sensitivity.estimate <= found.sensitivity.high <= 1
    assert "added" in found.sensitivity.method


def test_a_result_nobody_verified_is_refused() -> None:
    with pytest.raises(ValueError, match="negative test was verified"):
        begg_greenes([1, 0, None, None], [1, 1, 0, 0])
    with pytest.raises(ValueError, match="other than 0, 1"):
        begg_greenes([1, 2, 0, 0], [1, 1, 0, 0])
