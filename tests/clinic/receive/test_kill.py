"""SIGKILL while DCMTK sends; `benchmarks/kill_receiver.py` does it far more often."""

from __future__ import annotations

import shutil

import pytest
from benchmarks.kill_receiver import run


def test_nothing_acknowledged_is_lost_or_doubled() -> None:
    if shutil.which("storescu") is None:
        pytest.skip("storescu is not installed")
    assert run(2, seed=1, objects=100).startswith("2 kills")
