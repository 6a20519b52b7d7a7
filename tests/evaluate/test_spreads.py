"""Spreads of volumes and counts that cover what they say, of those with a finding as of those without."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from overread.evaluate.spreads import FEWEST_PATIENTS, difference_spreads, ratio_spreads
from overread.runtime.manifest import Spread


def _part(parts: list[Spread], found: float) -> Spread | None:
    for p in parts:
        if p.found_from <= found and (p.found_to is None or found < p.found_to):
            return p
    return None


def _cases(generator: np.random.Generator, n: int, without: float) -> np.ndarray:
    """Found and true volume: small ones are measured with larger relative errors; many have none, and none found."""
    true = np.where(generator.random(n) < without, 0, generator.lognormal(1, 1, n))
    found = true * generator.lognormal(0, 0.6 / np.sqrt(1 + true))
    return np.stack([np.where(true > 0, found, 0), true], axis=1)


@pytest.mark.parametrize("without", [0.0, 0.5, 0.8])
def test_those_with_a_finding_are_covered_as_said(without: float) -> None:
    """One spread over all covers 0.81 of them with half the patients empty, 0.52 with four fifths."""
    generator = np.random.default_rng(0)
    held, small, stated = [], [], []
    for _ in range(60):
        parts, _ = ratio_spreads(_cases(generator, 300, without))
        for found, true in _cases(generator, 100, without):
            if true == 0:
                continue
            p = _part(parts, found)
            assert p is not None
            inside = p.low - 1e-9 <= (true + p.offset) / (found + p.offset) <= p.high + 1e-9
            held.append(inside)
            stated.append(p.coverage)
            if found < 1:
                small.append(inside)
    assert np.mean(stated) == pytest.approx(0.9, abs=0.03)
    assert np.mean(held) == pytest.approx(np.mean(stated), abs=0.03)
    assert np.mean(small) >= 0.85


@pytest.mark.parametrize("patients", [9, 12, 30])
def test_intervals_cover_by_patient(patients: int) -> None:
    """Ten images of each patient that are off alike: what is stated is what a new patient has."""
    generator = np.random.default_rng(patients)
    hits, stated = [], []
    for _ in range(1500):
        of_patient = generator.normal(0, 3, patients + 1)
        error = np.repeat(of_patient, 10) + generator.normal(0, 0.1, 10 * (patients + 1))
        pairs = np.stack([np.full(10 * patients, 50.0), 50 + error[:-10]], axis=1)
        parts, _ = difference_spreads(pairs, cluster=np.repeat(np.arange(patients), 10))
        part = _part(parts, 50)
        assert part is not None and part.cases == patients
        hits.append(part.low <= error[-1] <= part.high)
        stated.append(part.coverage)
    assert np.mean(hits) >= np.mean(stated) - 0.03


@pytest.mark.parametrize("patients", [1, 2, 3, 8])
def test_too_few_patients_give_no_interval_and_say_so(patients: int) -> None:
    pairs = np.ones((10 * patients, 2))
    for spreads in (ratio_spreads, difference_spreads):
        parts, why = spreads(pairs, cluster=np.repeat(np.arange(patients), 10))
        assert parts == [] and f"something was found in {patients} tuning patients" in why
        assert f"an interval needs {FEWEST_PATIENTS}" in why


def test_parts_follow_each_other_without_gaps() -> None:
    parts, why = ratio_spreads(_cases(np.random.default_rng(0), 200, 0.4))
    assert not why and len(parts) == 4 and parts[0].found_from == 0 and parts[-1].found_to is None
    assert all(a.found_to == b.found_from for a, b in pairwise(parts))
    assert len({p.offset for p in parts}) == 1


def test_nothing_found_in_too_few_has_no_interval_of_its_own() -> None:
    parts, why = ratio_spreads(_cases(np.random.default_rng(0), 40, 0.0))
    assert _part(parts, 0) is None and _part(parts, 3.0) is not None
    assert why == "nothing was found in 0 tuning patients; an interval needs 9"


def test_counts_of_few_values_are_not_parted_too_finely() -> None:
    found = np.repeat([0, 1, 2], [20, 24, 3])
    parts, _ = difference_spreads(np.stack([found, found + 1], axis=1).astype(float))
    assert [(p.found_from, p.found_to) for p in parts] == [(0, 1), (1, None)]
    assert all((p.low, p.high) == (1, 1) for p in parts)


def test_nothing_there_in_any_case_gives_no_ratio() -> None:
    assert ratio_spreads(np.stack([np.ones(20), np.zeros(20)], axis=1)) == ([], "no tuning case has it")
