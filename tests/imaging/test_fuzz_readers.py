"""A sample of the damaged files of benchmarks/fuzz_readers.py, and the bench itself."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from benchmarks import fuzz_readers
from benchmarks.fuzz_readers import mutate, run_case, seeds, watch

from overread.imaging.read import read

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(autouse=True)
def quiet() -> object:
    """pydicom logs each fault it meets; here there are thousands."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_undamaged_files_are_images(tmp_path: Path) -> None:
    for name, content in seeds():
        (tmp_path / name).write_bytes(content)
        assert np.isfinite(read(tmp_path / name).array).all(), name


@pytest.mark.parametrize("part", range(5))
def test_damaged_files_are_images_or_refused(tmp_path: Path, part: int) -> None:
    wrong = {}
    for number in range(1_000_000 + part, 1_000_400, 5):
        _, outcome = run_case(number, tmp_path)
        if outcome not in ("image", "refused"):
            wrong[number] = outcome
    assert wrong == {}


def test_cases_can_be_made_again() -> None:
    assert mutate(17) == mutate(17)
    assert len({mutate(n)[1] for n in range(100)}) >= 9


def test_the_watch_counts_every_case(monkeypatch: pytest.MonkeyPatch) -> None:
    # A busy machine is no hang.
    monkeypatch.setattr(fuzz_readers, "HANG_SECONDS", 250)
    results: list[tuple[int, str, str, float, int, int]] = []
    watch(0, 12, 2, results)
    assert [r[0] for r in results] == [0, 2, 4, 6, 8, 10]
    assert {r[2] for r in results} <= {"image", "refused"}
    assert all(r[5] > 0 for r in results)
