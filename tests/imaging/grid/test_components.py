"""Connected parts, against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import generate_binary_structure, label

from overread.imaging.grid.components import components


@pytest.mark.parametrize("axes", [2, 3])
def test_parts_agree_with_scipy(axes: int) -> None:
    """Hundreds of masks: of bool ones in 2D, cc3d by itself gives one in twenty with numbers in the background."""
    rng = np.random.default_rng(0)
    for _ in range(300):
        mask = rng.random(rng.integers(5, 60 if axes == 2 else 20, axes)) < rng.choice([0.1, 0.2, 0.3, 0.5])
        parts, count = components(mask)
        reference, n = label(mask, generate_binary_structure(axes, axes))
        assert count == n == parts.max(initial=0)
        np.testing.assert_array_equal(parts > 0, mask)
        pairs = {*zip(parts[mask].tolist(), reference[mask].tolist(), strict=True)}
        assert len(pairs) == n


def test_values_count_as_inside_and_nothing_has_no_part() -> None:
    assert components(np.array([[0, 3], [7, 0]]))[1] == 1
    parts, count = components(np.zeros((4, 5, 6), bool))
    assert count == 0 and parts.shape == (4, 5, 6) and not parts.any()
