"""A node and a PACS in a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from tests.clinic.site import Archive, Site, free_port, make_site, write_segmenter

# An example's time says how busy the machine is, not whether it is right.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """A PACS that is not yet started."""
    made = Archive(tmp_path / "pacs", free_port())
    yield made
    made.stop()


@pytest.fixture
def site(tmp_path: Path, archive: Archive) -> Iterator[Site]:
    """A node with the block finder for MR, not yet started."""
    made = make_site(tmp_path / "site", archive.port)
    write_segmenter(made.folder / "blocks.overread")
    yield made
    made.end()
