"""The node as a process that is killed, refused, or finds what others left: nothing is lost and nothing doubled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pynetdicom.dsutils import split_dataset
from tests.clinic import format_1
from tests.clinic.site import (
    BRIGHT,
    CEILING_SECONDS,
    SHAPE,
    Archive,
    Site,
    free_port,
    wait_for,
    write_series,
)

from overread.clinic.config import load_config
from overread.clinic.node import Node
from overread.errors import InputError
from overread.runtime.package import Package
from overread.web.serve import serve

HERE = Path(__file__).parent
FOR_EVER = "86400"


def data_set_bytes(path: Path) -> bytes:
    """The content without its file's own header, which the receiver writes anew."""
    return path.read_bytes()[split_dataset(path)[1] :]


def serve_once(config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "overread.cli", "serve", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=CEILING_SECONDS)


def assert_only_mine(folder: Path) -> None:
    """Whatever the umask of who started the node: images, results and databases are for its user alone."""
    found = {p: p.stat().st_mode & 0o777 for p in (folder, *folder.rglob("*")) if p.exists()}
    assert len(found) > 10
    assert {m for p, m in found.items() if p.is_dir()} == {0o700}
    assert {p.name: oct(m) for p, m in found.items() if p.is_file() and m != 0o600} == {}


def test_killed_right_after_the_acknowledgement(site: Site, archive: Archive, tmp_path: Path) -> None:
    # However slow the machine, the first node does not get to the study.
    quiet = site.config["quiet_seconds"]
    site.config["quiet_seconds"] = 86400
    archive.start()
    site.start()
    site.send(*write_series(tmp_path / "in"))
    site.kill()
    assert archive.files() == []
    site.config["quiet_seconds"] = quiet
    site.start()
    site.wait_state("1.2.3", "delivered")
    assert set(archive.by_modality()) == {"SR", "SEG"}
    assert len(archive.files()) == 2
    assert_only_mine(site.folder / site.config["folder"])


def test_killed_while_predicting_and_while_delivering(site: Site, archive: Archive, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    site.start(str(HERE / "slow_serve.py"), str(site.yaml), str(begun), FOR_EVER)
    site.send(*write_series(tmp_path / "in"))
    wait_for(begun.exists)
    site.kill()
    # The PACS is down now: the next process predicts and then cannot deliver.
    site.start()
    waiting = site.wait_state("1.2.3", "delivering")
    wait_for(lambda: any(d["attempts"] >= 2 for d in site.study("1.2.3")["run"]["deliveries"]))
    assert "cannot be reached" in site.study("1.2.3")["run"]["deliveries"][0]["error"]
    site.kill()
    # The PACS comes up, takes the first object, and the node dies before it can note that.
    archive.on_first = site.kill
    archive.start()
    # Which may be before its page has answered once.
    site.launch()
    wait_for(lambda: site.process is not None and site.process.poll() is not None)
    assert len(archive.files()) >= 1
    site.start()
    done = site.wait_state("1.2.3", "delivered")
    assert done["run"]["key"] == waiting["run"]["key"]
    assert set(archive.by_modality()) == {"SR", "SEG"}
    assert len(archive.files()) == 2
    assert len(archive.arrivals) > 2, "an object was sent twice under one UID and kept once"


def test_refused_results_are_kept_and_offered_again_after_a_restart(
    site: Site, archive: Archive, tmp_path: Path
) -> None:
    archive.refuse = True
    archive.start()
    site.start()
    site.send(*write_series(tmp_path / "in"))
    row = site.wait_state("1.2.3", "failed")
    assert "the results were refused by PACS" in row["run"]["error"]
    assert row["run"]["deliveries"][0]["state"] == "refused"
    assert row["run"]["deliveries"][0]["attempts"] == 3
    assert site.stop() == 0
    archive.refuse = False
    site.start()
    site.wait_state("1.2.3", "delivered")
    assert len(archive.files()) == 2


def test_state_that_was_lost_is_made_again_from_files(site: Site, archive: Archive, tmp_path: Path) -> None:
    archive.start()
    site.start()
    site.send(*write_series(tmp_path / "in"))
    before = site.wait_state("1.2.3", "delivered")
    objects = {p: p.read_bytes() for p in archive.files()}
    site.kill()
    for name in ("clinic.db", "workflows.db"):
        for path in (site.folder / "state").glob(f"{name}*"):
            path.unlink()
    site.start()
    after = site.wait_state("1.2.3", "delivered")
    assert (after["run"]["key"], after["run"]["created"]) == (before["run"]["key"], before["run"]["created"])
    assert {p: p.read_bytes() for p in archive.files()} == objects
    assert len(archive.refusals) == 0, "the same UIDs came with the same bytes"


@pytest.mark.parametrize(
    "lost", [(), ("clinic.db", "workflows.db")], ids=["databases kept", "databases lost"]
)
def test_results_of_an_earlier_version_are_delivered(
    site: Site, archive: Archive, tmp_path: Path, lost: tuple[str, ...]
) -> None:
    """A node of the version before there were kinds of answers died with its results undelivered."""
    site.start()
    files = write_series(tmp_path / "in")
    site.send(*files)
    # The PACS is down.
    key = site.wait_state("1.2.3", "delivering")["run"]["key"]
    # Its delivery has been tried: a node that dies before it has noted that the objects are written writes them again.
    wait_for(lambda: site.study("1.2.3")["run"]["deliveries"][0]["error"])
    site.kill()
    folder = site.folder / "state" / "results" / key
    objects = [data_set_bytes(folder / name) for name in ("seg.dcm", "sr.dcm")]
    reasons_apart = [without_comments(folder / name) for name in ("seg.dcm", "sr.dcm")]
    content = format_1.SEGMENTED | {"package_sha256": Package.load(site.folder / "blocks.overread").sha256}
    content |= {"measurements": format_1.measured(0.216), "notes": []}
    mask = np.zeros(SHAPE, np.uint8)
    mask[BRIGHT] = 1
    (folder / "arrays.npz").unlink()
    format_1.write(folder, content, [path.stem for path in files], mask)
    format_1.write_row(site.folder / "state" / "clinic.db", key, content)
    for name in lost:
        for path in (site.folder / "state").glob(f"{name}*"):
            path.unlink()
    archive.start()
    site.start()
    done = site.wait_state("1.2.3", "delivered")
    assert (done["run"]["key"], done["result"]) == (key, "lesion found")
    assert "0.216 ml" in site.get("/studies/1.2.3")
    if lost:
        # Made again from the older answer, which knew no reason for an interval that is not there.
        assert sorted(map(without_comments, archive.files())) == sorted(reasons_apart)
    else:
        assert sorted(map(data_set_bytes, archive.files())) == sorted(objects)
    assert archive.refusals == []


def is_comment(item: Dataset) -> bool:
    """Content item (121106, DCM, "Comment")."""
    return any(code.CodeValue == "121106" for code in item.get("ConceptNameCodeSequence", []))


def without_comments(path: Path) -> str:
    """A data set as JSON, less the comments of its content items."""
    content = dcmread(path)

    def strip(item: Dataset) -> None:
        if "ContentSequence" in item:
            item.ContentSequence = [i for i in item.ContentSequence if not is_comment(i)]
            for inner in item.ContentSequence:
                strip(inner)

    strip(content)
    return str(content.to_json())


def test_damaged_result_is_answered_again(site: Site, archive: Archive, tmp_path: Path) -> None:
    site.start()
    site.send(*write_series(tmp_path / "in"))
    key = site.wait_state("1.2.3", "delivering")["run"]["key"]
    site.kill()
    (site.folder / "state" / "results" / key / "answer.json").write_text("{")
    for name in ("clinic.db", "workflows.db"):
        for path in (site.folder / "state").glob(f"{name}*"):
            path.unlink()
    archive.start()
    site.start()
    assert site.wait_state("1.2.3", "delivered")["result"] == "lesion found"
    assert set(archive.by_modality()) == {"SR", "SEG"}


def test_refuses_to_start(site: Site, tmp_path: Path) -> None:
    package = site.folder / "blocks.overread"
    whole = package.read_bytes()
    raw = bytearray(whole)
    raw[len(raw) // 2] ^= 1
    package.write_bytes(bytes(raw))
    ended = serve_once(site.yaml)
    assert ended.returncode == 2
    assert "blocks.overread" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert not (site.folder / "state").exists()
    package.write_bytes(whole)
    assert Package.load(package).manifest.name == "block finder"
    site.config["quite_seconds"] = 1
    with pytest.raises(InputError, match="quite_seconds: unknown key"):
        serve(site.yaml)


def test_two_nodes_do_not_share_a_folder_or_a_page(site: Site, archive: Archive) -> None:
    site.start()
    config = dict(site.config)
    site.config = {**config, "port": free_port(), "web": {"port": free_port()}}
    with pytest.raises(InputError, match="another node works in this folder"):
        Node(load_config(site.yaml))
    site.config = {**config, "folder": "other", "port": free_port()}
    ended = serve_once(site.yaml)
    assert (ended.returncode, "web: cannot listen" in ended.stderr) == (2, True)
    site.config = config
    assert site.stop() == 0


def test_the_clinic_needs_no_torch() -> None:
    code = (
        "import overread.clinic, overread.runtime, overread.web.serve, sys;"
        "assert 'torch' not in sys.modules and 'monai' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=CEILING_SECONDS)
