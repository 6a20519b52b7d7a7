"""STAPLE, against SimpleITK's filter and against its own invariants."""

from __future__ import annotations

import numpy as np
import pytest

from overread.stats.agreement import staple


def drawn(
    seed: int, tables: list[list[list[float]]], prior: list[float], n: int
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.choice(len(prior), n, p=prior)
    said = [[rng.choice(len(prior), p=table[t]) for t in true] for table in tables]
    return true, np.array(said).T


THREE = [[[0.97, 0.03], [0.1, 0.9]], [[0.9, 0.1], [0.05, 0.95]], [[0.99, 0.01], [0.4, 0.6]]]


def test_two_categories_as_in_simpleitk() -> None:
    sitk = pytest.importorskip("SimpleITK")

    _, ratings = drawn(0, THREE, [0.8, 0.2], 4000)
    found = staple(ratings, categories=2)
    images = [sitk.GetImageFromArray(ratings[:, r].reshape(20, 200).astype(np.uint8)) for r in range(3)]
    filter_ = sitk.STAPLEImageFilter()
    filter_.SetForegroundValue(1)
    filter_.SetMaximumIterations(1000)
    there = sitk.GetArrayFromImage(filter_.Execute(images)).reshape(-1)
    assert found.converged
    np.testing.assert_allclose(found.probability[:, 1], there, atol=1e-4)
    np.testing.assert_allclose(found.readers[:, 1, 1], filter_.GetSensitivity(), atol=1e-4)
    np.testing.assert_allclose(found.readers[:, 0, 0], filter_.GetSpecificity(), atol=1e-4)


def test_finds_how_well_readers_see_and_beats_the_majority() -> None:
    good = np.full((3, 3), 0.02) + 0.94 * np.eye(3)
    poor = np.full((3, 3), 0.2) + 0.4 * np.eye(3)
    tables = [good.tolist(), good.tolist(), poor.tolist(), poor.tolist(), poor.tolist()]
    true, ratings = drawn(1, tables, [0.5, 0.3, 0.2], 6000)
    found = staple(ratings, categories=3, prior=[0.5, 0.3, 0.2])
    for reader, table in enumerate(tables):
        np.testing.assert_allclose(found.readers[reader], table, atol=0.05)
    votes = np.stack([(ratings == c).sum(axis=1) for c in range(3)]).argmax(axis=0)
    assert np.mean(found.decided == true) > np.mean(votes == true)
    np.testing.assert_allclose(found.probability.sum(axis=1), 1)
    np.testing.assert_allclose(found.readers.sum(axis=2), 1)


def test_readers_who_agree_are_the_truth_and_missing_ratings_are_left_out() -> None:
    same = np.array([0, 1, 1, 0, 1])
    alike = staple(np.stack([same, same, same], axis=1), categories=2)
    assert alike.decided.tolist() == same.tolist()
    _, ratings = drawn(2, THREE, [0.7, 0.3], 500)
    more = np.column_stack([ratings, np.full(500, -1)])
    assert staple(more, categories=2).decided.tolist() == staple(ratings, categories=2).decided.tolist()


@pytest.mark.parametrize(
    ("ratings", "said"),
    [
        ([[0], [1]], "two or more readers"),
        ([[0, 2]], "from 0 to 1"),
        ([[-1, -1]], "nobody rated"),
        ([[0.5, 1]], "whole"),
    ],
)
def test_what_it_refuses(ratings, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=said):
        staple(ratings, categories=2)
