"""Published worked examples with their data files, where the folder that holds them is present."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The first example of a run imports what it compares with: timing says nothing here.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def goldens_data() -> Path:
    """Folder of the data files of published examples; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("OVERREAD_GOLDENS", ROOT.parent / "shared" / "goldens")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no published example data at {folder} (set OVERREAD_GOLDENS)")
    return folder
