"""A node and a PACS in a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clinic.site import Archive, Site, free_port, write_segmenter


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """A PACS that is not yet started."""
    made = Archive(tmp_path / "pacs", free_port())
    yield made
    made.stop()


@pytest.fixture
def site(tmp_path: Path, archive: Archive) -> Iterator[Site]:
    """A node with the block finder for MR, not yet started."""
    folder = tmp_path / "site"
    folder.mkdir()
    write_segmenter(folder / "blocks.overread")
    config = {
        "aet": "OVERREAD",
        "port": free_port(),
        "folder": "state",
        "quiet_seconds": 0.5,
        "web": {"port": free_port()},
        "routes": [{"name": "blocks", "package": "blocks.overread", "match": {"Modality": "^MR$"}}],
        "destinations": [{"name": "PACS", "aet": "PACS", "host": "127.0.0.1", "port": archive.port}],
        "delivery": {"attempts": 3, "retry_seconds": 0.2, "longest_retry_seconds": 1, "timeout_seconds": 5},
    }
    made = Site(folder, config)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait(10)
