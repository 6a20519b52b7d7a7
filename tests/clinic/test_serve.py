"""The whole node as a process: studies in, results out, also when it is killed at a bad moment."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from tests.clinic.outside import dicom_errors
from tests.clinic.results.content import coded, numbers
from tests.clinic.site import (
    BRIGHT,
    SHAPE,
    Archive,
    Site,
    free_port,
    make_site,
    wait_for,
    write_classifier,
    write_segmenter,
    write_series,
)

from overread.clinic.config import load_config
from overread.clinic.node import Node
from overread.errors import InputError
from overread.ledger.ledger import Ledger
from overread.runtime.manifest import Channel, Limits
from overread.runtime.package import Package
from overread.web.serve import serve

HERE = Path(__file__).parent
SCRIPT = "<script>alert(1)</script>"


def sop_uids(archive: Archive) -> list[str]:
    return sorted(p.stem for p in archive.files())


def serve_once(config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "overread.cli", "serve", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


class Day:
    """One node with three routes, one PACS, and everything that was sent on one day."""

    def __init__(self, folder: Path, data_dir: Path) -> None:
        self.archive = Archive(folder / "pacs", free_port())
        self.archive.start()
        self.site = site = make_site(folder / "site", self.archive.port)
        pair = (
            Channel(name="T1", modality=["MR"], match={"SeriesDescription": "^T1"}),
            Channel(name="FLAIR", modality=["MR"], match={"SeriesDescription": "FLAIR"}),
        )
        write_segmenter(site.folder / "blocks.overread")
        write_segmenter(site.folder / "pair.overread", pair)
        small = Limits(size=[(28, 28), (28, 28)])
        write_classifier(site.folder / "chest.overread", small, dimensions=2)
        site.config["routes"] = [
            {"name": "pair", "package": "pair.overread", "match": {"StudyDescription": "^Pair"}},
            {"name": "blocks", "package": "blocks.overread", "match": {"Modality": "^MR$"}},
            {"name": "chest", "package": "chest.overread", "match": {"Modality": "^(CR|DX)$"}},
        ]
        site.start()
        who = {"PatientName": SCRIPT, "PatientID": "VIRTUAL-1"}
        site.send(*write_series(folder / "a", study="1.2.1", series="1.2.1.1", **who))
        two = {"study": "1.2.2", "StudyDescription": "Pair"}
        site.send(*write_series(folder / "b1", series="1.2.2.1", **two))
        site.send(*write_series(folder / "b2", series="1.2.2.2", description="FLAIR", slices=5, **two))
        lonely = {"study": "1.2.3", "series": "1.2.3.1", "StudyDescription": "Pair"}
        site.send(*write_series(folder / "c", **lonely))
        site.send(*write_series(folder / "d", study="1.2.4", series="1.2.4.1", Modality="OT"))
        self.chest = data_dir / "dicom_cr_radiographs" / "RG3_J2KR.dcm"
        site.send(self.chest)
        elsewhere = {"study": "1.2.5", "StudyDescription": "Pair"}
        site.send(*write_series(folder / "e1", series="1.2.5.1", frame="1.2.5.8", **elsewhere))
        other = {"frame": "1.2.5.9", "description": "FLAIR", **elsewhere}
        site.send(*write_series(folder / "e2", series="1.2.5.2", **other))

    def results(self, study: str) -> dict[str, Any]:
        found = [dcmread(p) for p in sorted(self.archive.folder.glob(f"{study}/*.dcm"))]
        assert len({ds.Modality for ds in found}) == len(found)
        return {str(ds.Modality): ds for ds in found}

    def files(self, study: str) -> list[Path]:
        return sorted(self.archive.folder.glob(f"{study}/*.dcm"))


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Day]:
    made = Day(tmp_path_factory.mktemp("day"), data_dir)
    yield made
    assert made.site.stop() == 0
    made.archive.stop()


def test_study_comes_back_as_sr_and_seg(day: Day) -> None:
    study = day.site.wait_state("1.2.1", "delivered")
    results = day.results("1.2.1")
    assert set(results) == {"SR", "SEG"}
    expected = np.zeros(SHAPE, bool)
    expected[BRIGHT] = True
    assert int(results["SEG"].pixel_array.sum()) == int(expected.sum())
    assert study["run"]["prediction"]["measurements"][0]["value"] == pytest.approx(0.216)
    assert [d["state"] for d in study["run"]["deliveries"]] == ["delivered"]
    assert study["result"] == "lesion found"


def test_page_lists_it_and_escapes_what_senders_write(day: Day) -> None:
    study = day.site.wait_state("1.2.1", "delivered")
    for path in ("/", "/studies/1.2.1"):
        page = day.site.get(path)
        assert SCRIPT not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "Research use only" in page
        assert "virtual patient" in page
        assert "0.216 ml" in page
    url = f"http://127.0.0.1:{day.site.config['web']['port']}{study['picture']}"
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.read(8) == b"\x89PNG\r\n\x1a\n"


def test_two_channels_on_one_grid(day: Day) -> None:
    study = day.site.wait_state("1.2.2", "delivered")
    assert set(day.results("1.2.2")) == {"SR", "SEG"}
    notes = study["run"]["prediction"]["notes"]
    assert "FLAIR: resampled from 12 x 10 x 5 to the first channel's grid of 12 x 10 x 6" in notes
    [evidence] = day.results("1.2.2")["SR"].CurrentRequestedProcedureEvidenceSequence
    counts = sorted(len(s.ReferencedSOPSequence) for s in evidence.ReferencedSeriesSequence)
    assert counts == [1, 5, 6]


@pytest.mark.parametrize(
    ("study", "code", "words"),
    [
        ("1.2.3", "CHANNEL_MISSING", "channel FLAIR: no series fits"),
        ("1.2.5", "FRAME_DIFFERS", "frame of reference 1.2.5.9"),
    ],
)
def test_unreadable_study_is_failed_with_a_coded_report(day: Day, study: str, code: str, words: str) -> None:
    day.site.wait_state(study, "failed")
    wait_for(lambda: day.files(study))
    row = day.site.study(study)
    assert words in row["run"]["error"]
    assert words in day.site.get("/")
    report = day.results(study)
    assert set(report) == {"SR"}
    assert dicom_errors(day.files(study)[0]) == []
    assert coded(report["SR"], "Summary of Analyses") == [("DCM", "111224")]
    assert coded(report["SR"], "Reason of failure") == [("99OVERREAD", code)]


def test_study_without_a_route_says_so(day: Day) -> None:
    row = day.site.wait_state("1.2.4", "no_route")
    assert "no route of clinic.yaml fits" in row["error"]
    assert day.files("1.2.4") == []


def test_real_radiograph_out_of_limits_is_a_coded_outcome(day: Day) -> None:
    uid = str(dcmread(day.chest, stop_before_pixels=True).StudyInstanceUID)
    row = day.site.wait_state(uid, "delivered")
    assert row["run"]["prediction"]["outcome"] == "out_of_limits"
    assert row["run"]["prediction"]["scores"] == {}
    report = day.results(uid)
    assert set(report) == {"SR"}
    assert dicom_errors(day.files(uid)[0]) == []
    assert coded(report["SR"], "Summary of Analyses") == [("DCM", "111225")]
    assert coded(report["SR"], "Input limit broken") == [("99OVERREAD", "SIZE")]
    assert numbers(report["SR"]) == {}


def test_every_object_is_valid_and_the_ledger_whole(day: Day) -> None:
    for study in ("1.2.1", "1.2.2"):
        day.site.wait_state(study, "delivered")
        for path in day.files(study):
            assert dicom_errors(path) == []
    ledger = Ledger.open(day.site.folder / "state" / "ledger.db", create=False)
    assert ledger.verify().ok
    kinds = [event.kind for event in ledger.events()]
    for kind in ("started", "received", "complete", "predicted", "delivered", "failed"):
        assert f"clinic.{kind}" in kinds
    assert "VIRTUAL" not in " ".join(event.payload for event in ledger.events())


def test_late_instances_start_a_new_run_and_repeated_ones_do_not(day: Day, tmp_path: Path) -> None:
    files = write_series(tmp_path / "in", study="1.2.9", series="1.2.9.1")
    day.site.send(*files[:5])
    first = day.site.wait_state("1.2.9", "delivered")
    day.site.send(files[5])
    second = wait_for(lambda: (s := day.site.wait_state("1.2.9", "delivered"))["instances"] == 6 and s)
    assert first["run"]["key"] != second["run"]["key"]
    assert len(day.files("1.2.9")) == 4
    day.site.send(*files)
    wait_for(lambda: day.site.study("1.2.9")["state"] == "receiving")
    third = day.site.wait_state("1.2.9", "delivered")
    assert third["run"]["key"] == second["run"]["key"]
    assert len(day.files("1.2.9")) == 4


def test_killed_right_after_the_acknowledgement(site: Site, archive: Archive, tmp_path: Path) -> None:
    site.config["quiet_seconds"] = 1.0
    archive.start()
    site.start()
    site.send(*write_series(tmp_path / "in"))
    site.kill()
    assert archive.files() == []
    site.start()
    site.wait_state("1.2.3", "delivered")
    assert set(archive.by_modality()) == {"SR", "SEG"}
    assert len(archive.files()) == 2


def test_killed_while_predicting_and_while_delivering(site: Site, archive: Archive, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    site.start(str(HERE / "slow_serve.py"), str(site.yaml), str(begun), "30")
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
    site.start()
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
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
