"""Shared fixtures: where the real images are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real images; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("OVERREAD_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder} (set OVERREAD_DATA)")
    return folder


pytest_plugins = ["tests.small_road"]
