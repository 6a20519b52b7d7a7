from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from overread.stats.updates import learning, potential, retention, update_measures

# Rows are model versions, columns data sets: the example table of VIGILANT's README.
EXAMPLE = [[0.6, 0.4, 0.9], [0.7, 0.6, 0.2], [0.3, 0.8, 0.9]]


def test_example_of_the_readme() -> None:
    assert learning(EXAMPLE) == pytest.approx({2: 0.2, 3: 0.7})
    assert potential(EXAMPLE) == pytest.approx({2: 0.2, 3: 0.4})


def test_published_test_case() -> None:
    """VIGILANT's own test, decay .5."""
    scores = {1: [0.5, 0.4, 0.3], 2: [0.4, 0.7, 0.4], 3: [0.2, 0.4, 0.6]}
    assert learning(scores) == pytest.approx({2: 0.3, 3: 0.2})
    assert potential(scores) == pytest.approx({2: 0.1, 3: 0.3})
    assert retention(scores) == pytest.approx({2: 0.4, 3: 0.3245}, abs=5e-5)


@given(s=arrays(np.float64, st.integers(2, 6).map(lambda v: (v, v)), elements=st.floats(0, 1)))
def test_learning_less_potential_is_the_change_of_the_reported_score(s: np.ndarray) -> None:
    for k, found in enumerate(update_measures(s), start=1):
        assert found.learning - found.potential == pytest.approx(s[k, k] - s[k - 1, k - 1])
        assert s[k, :k].min() - 1e-12 <= found.retention <= s[k, :k].max() + 1e-12
        assert found.version == k + 1


def test_without_decay_retention_is_the_mean() -> None:
    assert retention(EXAMPLE, decay=0)[3] == pytest.approx(0.55)
    assert retention(EXAMPLE, decay=50)[3] == pytest.approx(0.8)


def test_versions_keep_their_names() -> None:
    found = update_measures({"v1": [0.5, 0.4], "v2": [0.4, 0.7]})
    assert found[0].version == "v2" and found[0].as_dict()["learning"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("scores", "match"),
    [
        ([[0.5]], "2 or more"),
        ([[0.5, 0.4, 0.3], [0.4, 0.7, 0.4]], "shape"),
        ([[0.5, np.nan], [0.4, 0.7]], "NaN"),
        ([0.5, 0.4], "axes"),
        ({"a": [0.5, 0.4], "b": [0.4]}, "different lengths"),
    ],
)
def test_what_cannot_be(scores: object, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        update_measures(scores)  # type: ignore[arg-type]


def test_decay_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="decay"):
        retention(EXAMPLE, decay=-1)
