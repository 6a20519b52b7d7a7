"""The whole node as a process on one day: every kind of study in, every kind of result out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from tests.clinic.outside import dicom_errors
from tests.clinic.results.content import coded, finding, groups, items, numbers
from tests.clinic.site import (
    BRIGHT,
    SHAPE,
    Archive,
    free_port,
    make_site,
    wait_for,
    write_classifier,
    write_detector,
    write_multilabel,
    write_segmenter,
    write_series,
)

from overread.ledger.ledger import Ledger
from overread.ledger.pseudonyms import Pseudonyms
from overread.runtime.manifest import Channel, Limits

SCRIPT = "<script>alert(1)</script>"
# Study: its description, which chooses the route, and what is particular about its images.
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "1.2.6": ("Bright", {}),
    "1.2.7": ("Findings", {}),
    "1.2.8": ("Nodules", {}),
    "1.2.10": ("Nodules", {"bright": False}),
    "1.2.11": ("Nodules", {"slices": 4}),
    "1.2.12": ("Bright", {"slices": 4}),
}


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
        opacity = {"category": ["49755003", "SCT", "Morphologically Abnormal Structure"]}
        opacity["type"] = ["36118008", "SCT", "Pneumothorax"]
        nodule = {**opacity, "type": ["427359005", "SCT", "Solitary nodule of lung"]}
        site.config["routes"] = [
            {"name": "pair", "package": "pair.overread", "match": {"StudyDescription": "^Pair"}},
            {"name": "bright", "package": "bright.overread", "match": {"StudyDescription": "^Bright"}},
            {
                "name": "findings",
                "package": "findings.overread",
                "match": {"StudyDescription": "^Findings"},
                "codes": {"bright": opacity},
            },
            {
                "name": "nodules",
                "package": "nodules.overread",
                "match": {"StudyDescription": "^Nodules"},
                "codes": {"nodule": nodule},
            },
            {"name": "blocks", "package": "blocks.overread", "match": {"Modality": "^MR$"}},
            {"name": "chest", "package": "chest.overread", "match": {"Modality": "^(CR|DX)$"}},
        ]
        sizes = Limits(size=[(n, n) for n in SHAPE])
        write_classifier(site.folder / "bright.overread", sizes)
        write_multilabel(site.folder / "findings.overread")
        write_detector(site.folder / "nodules.overread", limits=sizes)
        site.start()
        who = {"PatientName": SCRIPT, "PatientID": "VIRTUAL-1"}
        site.send(*write_series(folder / "a", study="1.2.1", series="1.2.1.1", **who))
        two = {"study": "1.2.2", "StudyDescription": "Pair"}
        first = write_series(folder / "b1", series="1.2.2.1", **two)
        # What belongs together is sent together: a slow machine must not pause between its series.
        site.send(
            *first, *write_series(folder / "b2", series="1.2.2.2", description="FLAIR", slices=5, **two)
        )
        lonely = {"study": "1.2.3", "series": "1.2.3.1", "StudyDescription": "Pair"}
        site.send(*write_series(folder / "c", **lonely))
        site.send(*write_series(folder / "d", study="1.2.4", series="1.2.4.1", Modality="OT"))
        self.chest = data_dir / "dicom_cr_radiographs" / "RG3_J2KR.dcm"
        site.send(self.chest)
        elsewhere = {"study": "1.2.5", "StudyDescription": "Pair"}
        first = write_series(folder / "e1", series="1.2.5.1", frame="1.2.5.8", **elsewhere)
        other = {"frame": "1.2.5.9", "description": "FLAIR", **elsewhere}
        site.send(*first, *write_series(folder / "e2", series="1.2.5.2", **other))
        for study, (description, more) in KINDS.items():
            about: dict[str, Any] = {"study": study, "series": f"{study}.1", "StudyDescription": description}
            site.send(*write_series(folder / study, **about, **more))

    def results(self, study: str) -> dict[str, Any]:
        found = [dcmread(p) for p in sorted(self.archive.folder.glob(f"{study}/*.dcm"))]
        assert len({ds.Modality for ds in found}) == len(found)
        return {str(ds.Modality): ds for ds in found}

    def files(self, study: str) -> list[Path]:
        return sorted(self.archive.folder.glob(f"{study}/*.dcm"))

    def completions(self, study: str) -> int:
        """How often the node has found a study complete."""
        state = self.site.folder / "state"
        ledger = Ledger.open(state / "ledger.db", create=False)
        kinds = [e for e in ledger.events() if e.kind == "clinic.complete"]
        # The chain calls studies by names of its own.
        name = Pseudonyms.of_folder(state).name(study)
        return sum(json.loads(e.payload)["study"] == name for e in kinds)


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
    assert study["run"]["prediction"]["answer"]["measurements"][0]["value"] == pytest.approx(0.216)
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
    assert day.site.get_bytes(study["picture"]).startswith(b"\x89PNG\r\n\x1a\n")


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
    assert row["run"]["prediction"]["answer"] is None
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
    second = wait_for(lambda: (s := day.site.study("1.2.9")) and s["instances"] == 6 and delivered(s))
    assert first["run"]["key"] != second["run"]["key"]
    assert len(day.files("1.2.9")) == 4
    before = day.completions("1.2.9")
    assert before >= 2
    day.site.send(*files)
    wait_for(lambda: day.completions("1.2.9") > before)
    third = day.site.wait_state("1.2.9", "delivered")
    assert third["run"]["key"] == second["run"]["key"]
    assert len(day.files("1.2.9")) == 4


def delivered(study: dict[str, Any]) -> dict[str, Any] | None:
    return study if study["state"] == "delivered" else None


def test_classes_come_back(day: Day) -> None:
    study = day.site.wait_state("1.2.6", "delivered")
    assert (study["result"], set(day.results("1.2.6"))) == ("bright", {"SR"})
    report = day.results("1.2.6")["SR"]
    assert coded(report, "Finding") == [("99OVERREAD", "BRIGHT")]
    assert "Probability of dark" in numbers(report)


def test_findings_come_back_with_the_routes_codes(day: Day) -> None:
    study = day.site.wait_state("1.2.7", "delivered")
    assert (study["result"], set(day.results("1.2.7"))) == ("bright present", {"SR"})
    found = groups(day.results("1.2.7")["SR"])
    assert list(found)[1:] == [f"findings of brightness {n}" for n in ("bright", "dark lesion", "haze")]
    assert finding(found["findings of brightness bright"]) == (("SCT", "49755003"), ("SCT", "36118008"))
    presence = [coded(g, "Presence")[0][1] for g in list(found.values())[1:]]
    assert presence == ["52101004", "272519000", "373068000"]
    assert study["run"]["prediction"]["lines"][0]["name"] == "Probability of bright"


def test_objects_come_back_where_they_are_with_the_routes_codes(day: Day) -> None:
    study = day.site.wait_state("1.2.8", "delivered")
    assert (study["result"], set(day.results("1.2.8"))) == ("1 nodule found", {"SR"})
    found = groups(day.results("1.2.8")["SR"])
    assert list(found)[1:] == [f"nodule finder {n}" for n in ("nodule", "gizmo", "nodule 1")]
    nodule = found["nodule finder nodule 1"]
    assert finding(nodule)[1] == ("SCT", "427359005")
    surface = [i for i in items(nodule) if i.ValueType == "SCOORD3D"]
    assert [i.GraphicData[2] for i in surface] == [3 * k for k in range(BRIGHT[2].start, BRIGHT[2].stop)]
    assert "score 0.90" in day.site.get("/studies/1.2.8")


def test_no_object_is_said(day: Day) -> None:
    study = day.site.wait_state("1.2.10", "delivered")
    assert study["result"] == "Nothing found"
    found = groups(day.results("1.2.10")["SR"])
    assert [numbers(g)["Number of objects found"] for g in list(found.values())[1:]] == [(0, "1")] * 2


@pytest.mark.parametrize("study", ["1.2.11", "1.2.12"])
def test_image_beyond_the_limits_gets_a_reason_and_no_answer(day: Day, study: str) -> None:
    row = day.site.wait_state(study, "delivered")
    prediction = row["run"]["prediction"]
    assert (prediction["outcome"], prediction["answer"], prediction["lines"]) == ("out_of_limits", None, [])
    report = day.results(study)["SR"]
    assert coded(report, "Summary of Analyses") == [("DCM", "111225")]
    assert coded(report, "Input limit broken") == [("99OVERREAD", "SIZE")]
    assert numbers(report) == {}
    assert len(groups(report)) == 1


@pytest.mark.parametrize("study", KINDS)
def test_objects_of_every_kind_are_valid_and_have_a_picture(day: Day, study: str) -> None:
    row = day.site.wait_state(study, "delivered")
    assert day.files(study)
    for path in day.files(study):
        assert dicom_errors(path) == []
    assert day.site.get_bytes(row["picture"]).startswith(b"\x89PNG\r\n\x1a\n")
    for page in ("/", f"/studies/{study}"):
        assert row["result"] in unescape(day.site.get(page))
