"""The whole node as a process: studies in, results out, whatever happens in between."""

from __future__ import annotations

from pathlib import Path

from tests.clinic.site import Archive, Site, wait_for, write_series

from overread.clinic.send import parse_peer, send_files


def test_study_comes_back_as_sr_and_seg(site: Site, archive: Archive, tmp_path: Path) -> None:
    archive.start()
    site.start()
    sent = send_files(write_series(tmp_path / "in"), parse_peer(site.peer), "MODALITY")
    assert not sent.failed
    wait_for(lambda: len(archive.files()) == 2)
    assert set(archive.by_modality()) == {"SR", "SEG"}
    print(site.get("/api/studies"))
    assert site.stop() == 0
