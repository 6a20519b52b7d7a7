"""Scales that an image sets for itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.imaging.intensity.normalise import foreground, percentile_scale, zscore

IMAGE = np.random.default_rng(0).gamma(2, 50, (12, 13)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 100), st.floats(-1000, 1000))
def test_gain_and_shift_do_not_matter(gain, shift) -> None:
    for scale in (zscore, percentile_scale):
        np.testing.assert_allclose(scale(IMAGE * gain + shift), scale(IMAGE), atol=2e-2)


def test_zscore_over_foreground_and_mask() -> None:
    there = zscore(IMAGE)
    inside = there[foreground(IMAGE)]
    assert inside.mean() == pytest.approx(0, abs=1e-5) and inside.std() == pytest.approx(1, abs=1e-5)
    mask = IMAGE < 60
    there = zscore(IMAGE, mask=mask)
    assert there[mask].mean() == pytest.approx(0, abs=1e-5) and there[mask].std() == pytest.approx(
        1, abs=1e-5
    )
    # More air around the patient changes little.
    wide = np.zeros((40, 40), np.float32)
    wide[:12, :13] = IMAGE + 100
    assert zscore(wide)[:12, :13].mean() == pytest.approx(0, abs=0.2)


def test_percentiles() -> None:
    there = percentile_scale(IMAGE, 5, 90)
    assert there.min() == 0 and there.max() == 1
    assert (there == 0).mean() == pytest.approx(0.05, abs=0.01)
    assert (there == 1).mean() == pytest.approx(0.10, abs=0.01)
    np.testing.assert_array_equal(percentile_scale(IMAGE, 0, 100).argmax(), IMAGE.argmax())


def test_nothing_to_scale_and_refusals() -> None:
    for scale in (zscore, percentile_scale):
        assert (scale(np.full((3, 3), 5)) == 0).all()
        assert (scale(IMAGE, mask=np.zeros(IMAGE.shape, bool)) == 0).all()
        with pytest.raises(ValueError, match="mask"):
            scale(IMAGE, mask=np.ones((2, 2), bool))
    for low, high in ((5, 5), (-1, 50), (0, 101)):
        with pytest.raises(ValueError, match="percentiles"):
            percentile_scale(IMAGE, low, high)
