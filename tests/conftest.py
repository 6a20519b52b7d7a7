"""Shared fixtures: where the real images are. Where CI is set, drawn examples are the same in every run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
# Before anything loads torch, see overread.learn.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

# No deadline: on a machine under load it would end tests that are right.
settings.register_profile("plain", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "plain")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real images; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("OVERREAD_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder} (set OVERREAD_DATA)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def prepared_cases(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Prepared cases of the tests, and of the processes that they start, are kept apart from the person's own."""
    from overread.keys.envelope import SCRYPT

    # Keys are made and opened in many tests, none of which is about how long guessing takes.
    SCRYPT["n"] = 2**12
    os.environ["OVERREAD_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["OVERREAD_STATE"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module", autouse=True)
def openings_of_the_module(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a module's shared fixtures open was opened by no other module."""
    os.environ["OVERREAD_STATE"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(autouse=True)
def own_openings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Openings of a test's images are counted in each test by itself, not among all that share them."""
    monkeypatch.setenv("OVERREAD_STATE", str(tmp_path_factory.mktemp("state")))


pytest_plugins = ["tests.small_road", "tests.sealed_road"]
