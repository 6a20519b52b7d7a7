from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.stats.gatekeeping import fallback, fixed_sequence, graphical, serial_gatekeeping
from overread.stats.multiplicity import holm

values = st.lists(st.floats(0, 1), min_size=1, max_size=7)


@given(values)
def test_the_complete_graph_is_holm(p: list[float]) -> None:
    n = len(p)
    passed = (np.ones((n, n)) - np.eye(n)) / max(1, n - 1)
    found = graphical(p, weights=np.full(n, 1 / n), transitions=passed)
    assert found.adjusted == pytest.approx(holm(p).adjusted)


@given(values)
def test_a_fixed_sequence_adjusts_to_the_largest_so_far(p: list[float]) -> None:
    assert fixed_sequence(p).adjusted == pytest.approx(np.maximum.accumulate(p))


def test_fallback_by_hand() -> None:
    """Shares .5, .25, .25: the first fails at .08; the second holds at .04 and hands its quarter to the third."""
    assert fallback([0.04, 0.01, 0.02], weights=[0.5, 0.25, 0.25]).adjusted == pytest.approx(
        [0.08, 0.04, 0.04]
    )


def test_parallel_gatekeeping_step_by_step() -> None:
    """Two primary hypotheses share alpha; each passes its half to its own secondary, and that to the other primary."""
    graph = [[0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]]
    found = graphical([0.02, 0.05, 0.01, 0.06], weights=[0.5, 0.5, 0, 0], transitions=graph)
    # .02 <= .025: half of alpha goes to the third, .01 <= .025; it goes on to the second, which then has all: .05.
    assert found.order == (0, 2, 1)
    assert found.adjusted == pytest.approx([0.04, 0.05, 0.04, 0.06])


def test_secondary_endpoints_wait_for_all_primary_ones() -> None:
    primary, secondary = serial_gatekeeping([[0.01, 0.03], [0.001, 0.2]])
    assert primary.reject.all() and secondary.reject.tolist() == [True, False]
    assert secondary.adjusted == pytest.approx([0.03, 0.2])
    _, closed = serial_gatekeeping([[0.01, 0.09], [0.001]])
    assert not closed.reject.any()


def test_the_level_holds_where_nothing_is_true() -> None:
    generator = np.random.default_rng(8)
    graph = [[0, 0.5, 0.5, 0], [0, 0, 0.5, 0.5], [0, 0.5, 0, 0.5], [0, 0.5, 0.5, 0]]
    common = generator.normal(size=(2000, 1))
    z = 0.7 * common + np.sqrt(0.51) * generator.normal(size=(2000, 4))
    from scipy.special import ndtr

    false = sum(graphical(p, weights=[0.4, 0.3, 0.2, 0.1], transitions=graph).reject.any() for p in ndtr(-z))
    assert false / 2000 <= 0.06


@pytest.mark.parametrize(
    ("weights", "graph", "match"),
    [
        ([0.6, 0.6], [[0, 1], [1, 0]], "sum to 1"),
        ([0.5, 0.5], [[0, 2], [1, 0]], "sum to 1"),
        ([0.5, 0.5], [[0.5, 0.5], [1, 0]], "diagonal"),
        ([0.5, 0.5], [[0, 1]], r"expected \(2, 2\)"),
        ([1.0], [[0, 1], [1, 0]], "1 rows"),
    ],
)
def test_graphs_that_are_none(weights: list, graph: list, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        graphical([0.1, 0.2], weights=weights, transitions=graph)
