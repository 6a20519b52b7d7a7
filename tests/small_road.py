"""A whole protocol on a dozen virtual patients, run once per test session and shared by the tests that need one."""

from __future__ import annotations

from pathlib import Path

import pytest

from overread.cohort.virtual.cohort import make_virtual_cohort
from overread.learn.planner import patch
from overread.pipeline.stages import run_stages
from tests.narrow import narrow


@pytest.fixture(scope="session")
def small_road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a protocol that went through every stage; the model is hardly trained."""
    folder = tmp_path_factory.mktemp("road") / "lesions"
    make_virtual_cohort(folder, patients=12)
    with pytest.MonkeyPatch.context() as small:
        narrow(small)
        small.setitem(patch.CPU_PATCH, 3, patch.SMALLEST_PATCH[3])
        run_stages(folder, epochs=3)
    return folder
