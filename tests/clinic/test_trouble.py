"""The node as a process in trouble that is not its own: a stop in the middle, a full disk, a receiver that hangs.

That an analysis, or an attempt to deliver, takes a day and the test nevertheless ends is the proof that nothing waited
for it; no time is measured.
"""

from __future__ import annotations

import json
import re
import socket
import urllib.error
from pathlib import Path

from tests.clinic.site import CEILING_SECONDS, Archive, Site, free_port, wait_for, write_series

from overread.clinic.send import parse_peer, send_files

HERE = Path(__file__).parent
A_DAY = 86400


def is_there(pid: int) -> bool:
    """Whether a process works; one that has ended and that nobody has asked about yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_stop_during_an_analysis_ends_and_the_next_start_does_the_work(
    site: Site, archive: Archive, tmp_path: Path
) -> None:
    site.config["work"] = {"drain_seconds": 1}
    archive.start()
    begun = tmp_path / "begun"
    site.start(str(HERE / "slow_serve.py"), str(site.yaml), str(begun), str(A_DAY))
    site.send(*write_series(tmp_path / "in"))
    wait_for(lambda: begun.exists() and begun.read_text().endswith("\n"))
    assert site.stop() == 0
    assert not any(is_there(int(pid)) for pid in begun.read_text().split()), "no process outlives the node"
    assert archive.arrivals == []
    site.start()
    assert site.wait_state("1.2.3", "delivered")["result"] == "lesion found"
    assert set(archive.by_modality()) == {"SR", "SEG"}
    [deaths] = [
        json.loads(p.read_text()) for p in (site.folder / "state" / "results").glob("*/deaths.json")
    ] or [{}]
    assert not any(deaths.values()), "a stop is no death"


def health_of(site: Site) -> tuple[int, str]:
    try:
        return 200, site.get("/healthz")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_full_disk_refuses_says_so_and_passes(site: Site, archive: Archive, tmp_path: Path) -> None:
    archive.start()
    full, files = tmp_path / "full", write_series(tmp_path / "in")
    site.start(str(HERE / "full_serve.py"), str(site.yaml), str(full))
    assert health_of(site)[0] == 200
    full.touch()
    # Also while nothing is pending and nothing has been refused yet.
    code, text = health_of(site)
    assert (code, "disk full" in text) == (503, True)
    result = send_files(files, parse_peer(site.peer), "MODALITY", timeout=CEILING_SECONDS)
    assert {a.status for a in result.failed} == {0xA700} and len(result.failed) == len(files)
    assert list((site.folder / "state" / "spool").glob("1.2.3/*")) == []
    full.unlink()
    # Without an instance that would have to come first.
    assert health_of(site) == (200, '{"status":"ok","trouble":""}')
    site.send(*files)
    site.wait_state("1.2.3", "delivered")
    assert set(archive.by_modality()) == {"SR", "SEG"}


def test_a_destination_that_hangs_delays_no_other(site: Site, archive: Archive, tmp_path: Path) -> None:
    """It takes connections and never says a word, more studies than it may hold at once, and for a day each."""
    port, studies = free_port(), ("1.2.3", "1.2.4", "1.2.5")
    site.config["delivery"]["timeout_seconds"] = A_DAY
    site.config["destinations"].append({"name": "STUCK", "aet": "STUCK", "host": "127.0.0.1", "port": port})
    archive.start()
    with socket.create_server(("127.0.0.1", port), backlog=16):
        site.start()
        for study in studies:
            site.send(*write_series(tmp_path / study, study=study, series=f"{study}.1"))
        for study in studies:
            wait_for(lambda study=study: deliveries(site, study).get("PACS") == "delivered")  # type: ignore[misc]
            assert deliveries(site, study) == {"PACS": "delivered", "STUCK": "waiting"}
        assert len(archive.files()) == 2 * len(studies)
        site.kill()


def deliveries(site: Site, study: str) -> dict[str, str]:
    """State of each destination of a study's run."""
    run = site.study(study).get("run") or {"deliveries": []}
    return {d["destination"]: d["state"] for d in run["deliveries"]}


def test_every_attack_of_the_page_has_its_tests() -> None:
    """The page of what was tried names tests that are there."""
    page = (HERE.parents[1] / "docs" / "attacks.md").read_text()
    named = re.findall(r"`(\S+\.py)::(test_\w+)`", page)
    assert len(named) > 25
    for file, test in named:
        assert f"\ndef {test}(" in (HERE / file).read_text(), f"{file}::{test}"
