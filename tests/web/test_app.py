"""The status page over a state of the test's own making."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from tests.clinic import format_1
from tests.web.clinic import OUR_SCRIPTS

from overread.clinic.feedback import FeedbackStore
from overread.clinic.people import Users
from overread.clinic.shown import shown
from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, StudyState
from overread.clinic.web_settings import Web
from overread.imaging.boxes import Boxes
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Measurement, Objects
from overread.runtime.prediction import Breach, Outcome, Prediction
from overread.web.app import create_app
from overread.web.reading import MOST_LINES
from overread.web.site import NodeFacts, Site
from overread.web.words import person, short_uids

KEY = "0123456789abcdef" * 2
EVIL = "<img src=x onerror=alert(1)>"


def prediction(answer: Answer | None, **changes: Any) -> dict[str, Any]:
    """What the state keeps of a prediction with this answer."""
    outcome = Outcome.OUT_OF_LIMITS if answer is None else Outcome.OK
    made = Prediction(outcome, "task", "finder", "2.1", "b" * 64, answer, seconds=1.5)
    return shown(replace(made, **changes))


def label_map(*measurements: Measurement) -> LabelMap:
    return LabelMap(np.zeros((2, 2), np.uint8), measurements)


class Clinic:
    """A page, the state behind it, and one study in it."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "clinic.db")
        self.results = folder / "results"
        self.trouble = ""
        self.notes: list[tuple[str, str, dict[str, Any]]] = []
        facts = NodeFacts("NODE", "127.0.0.1:104", (("r", "p", "1", "a" * 64),), ("PACS",), "RESEARCH")
        self.site = Site(
            state=self.state,
            users=Users(folder / "clinic.db"),
            feedback=FeedbackStore(folder / "clinic.db"),
            results=self.results,
            facts=facts,
            trouble=lambda: self.trouble,
            note=lambda kind, *, actor, **payload: self.notes.append((kind, actor, payload)),
            settings=Web.model_validate({"login": False}),
        )
        self.page = TestClient(create_app(self.site), base_url="http://127.0.0.1", follow_redirects=False)

    def add(self, study: str = "1.2.3", **descriptors: Any) -> None:
        self.state.arrived(study, 3, "CT1", {"patient_name": "Doe^Jane", "patient_id": "7", **descriptors})

    def run(self, **values: Any) -> None:
        self.state.add_run(
            key=KEY,
            study_uid="1.2.3",
            created="2026-01-02T03:04:05+00:00",
            state=StudyState.QUEUED,
            route="r",
            package_name="finder",
            package_version="2.1",
            package_sha256="b" * 64,
            sops_sha256="c",
            instances=3,
        )
        self.state.delivery(KEY, "PACS")
        self.state.set_run(KEY, **{"state": StudyState.DELIVERED, **values})


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


def both(clinic: Clinic) -> list[str]:
    pages = [clinic.page.get("/"), clinic.page.get("/studies/1.2.3")]
    assert [p.status_code for p in pages] == [200, 200]
    return [p.text for p in pages]


def test_empty_clinic_says_where_to_send(clinic: Clinic) -> None:
    page = clinic.page.get("/")
    assert "No study has come yet" in page.text
    assert "NODE" in page.text
    assert "Research use only" in page.text
    assert clinic.page.get("/api/studies").json() == {"found": 0, "studies": []}


def test_nothing_is_believed_that_a_sender_or_a_model_wrote(clinic: Clinic) -> None:
    clinic.add(patient_name=EVIL, patient_id=EVIL, description=EVIL, modalities=EVIL)
    answers = [
        label_map(Measurement(EVIL, EVIL, 1.0, 0.5, 2.0, EVIL)),
        Classes({EVIL: 1.0}, EVIL, {EVIL: (0.5, 1.0)}, (EVIL,), 0.9),
        Findings({EVIL: 1.0}, {EVIL: 0.5}, (EVIL,), {EVIL: (0.5, 1.0)}),
        Objects(Boxes.of([[0, 0]], [[1, 1]], [0], axes=2), (EVIL,), {EVIL: 0.5}),
        None,
    ]
    clinic.run()
    for answer in answers:
        breaches = (Breach(EVIL, EVIL, EVIL),)
        content = prediction(answer, breaches=breaches, notes=(EVIL,))
        clinic.run(error=EVIL, prediction=content)
        clinic.state.set_delivery(KEY, "PACS", DeliveryState.WAITING, error=EVIL)
        clinic.trouble = EVIL
        for page in both(clinic):
            assert "<img src=x" not in page
            assert "&lt;img src=x" in page
            assert re.findall("<script[^>]*>", page) == OUR_SCRIPTS


def test_page_asks_nothing_of_the_network(clinic: Clinic) -> None:
    clinic.add()
    answer = clinic.page.get("/")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert clinic.page.get("/static/clinic.css").status_code == 200
    assert clinic.page.get("/static/overread.js").status_code == 200
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert clinic.page.get(path).status_code == 404


def test_number_with_unit_and_interval(clinic: Clinic) -> None:
    clinic.add()
    volume = Measurement("lesion", "volume", 3.14159, 2, 5, "ml")
    none = Measurement("cyst", "volume", 0, None, 5, "ml")
    clinic.run(prediction=prediction(label_map(volume, none)))
    for page in both(clinic):
        assert "lesion found" in page
        assert "3.14 ml" in page
        assert "90% interval 2 to 5 ml" in page
        assert "0 ml" in page


def test_counts_and_pixels(clinic: Clinic) -> None:
    """A count has no unit, an area in pixels says so in words; without limits there is no interval."""
    clinic.add()
    count = Measurement("cell", "count", 12, None, None, "1")
    area = Measurement("cell", "area", 123456, None, None, "{pixels}")
    wide = Measurement("nucleus", "area", 0.0, 0.0, 23456.7, "{pixels}")
    clinic.run(prediction=prediction(label_map(count, area, wide)))
    for page in both(clinic):
        assert "cell count <b>12</b>" in page or "<td><b>12</b></td>" in page
        assert "<b>123456 pixels</b>" in page
        assert page.count("90% interval") == 1
        assert "90% interval 0 to 23500 pixels" in page
        assert "{" not in page


def test_classes_and_their_set(clinic: Clinic) -> None:
    clinic.add()
    answer = Classes({"dark": 0.2, "bright": 0.8}, "bright", {"bright": (0.7, 0.95)}, ("bright",), 0.9)
    clinic.run(prediction=prediction(answer))
    overview, page = both(clinic)
    assert "Probability of bright" in overview
    assert "such a score that had bright" in overview and "70% to 95%" in overview
    assert "90% prediction set" in page
    assert "<b>bright</b>" in page
    assert clinic.page.get("/api/studies/1.2.3").json()["result"] == "bright"


def test_findings(clinic: Clinic) -> None:
    clinic.add()
    answer = Findings(
        {"mass": 0.83, "effusion": 0.1}, {"mass": 0.5, "effusion": 0.5}, ("mass",), {"mass": (0.6, 0.9)}
    )
    clinic.run(prediction=prediction(answer))
    for page in both(clinic):
        assert "mass present</" in page
        assert "Probability of mass" in page and "0.83" in page
        assert "such a score that had mass" in page and "60% to 90%" in page
        assert "Probability of effusion" in page
    assert clinic.page.get("/api/studies/1.2.3").json()["result"] == "mass present"


def test_objects(clinic: Clinic) -> None:
    clinic.add()
    boxes = Boxes.of([[0, 0, 0], [5, 5, 5]], [[2, 3, 4], [7, 9, 8]], [0, 0], [0.91, 0.64], axes=3)
    world = np.array([[0, 0, 0, 4, 3, 8], [1, 1, 1, 5, 5, 5]], float)
    count = Measurement("nodule", "count", 2, 1, 4, "1")
    clinic.run(prediction=prediction(Objects(boxes, ("nodule",), {"nodule": 0.5}, world, (count,))))
    for page in both(clinic):
        assert "2 nodule found" in page
        assert "90% interval 1 to 4" in page
        assert "score 0.91, 4 x 3 x 8 mm" in page
        assert "score 0.64" in page


def test_long_results_are_cut_in_the_list_and_whole_on_their_page(clinic: Clinic) -> None:
    clinic.add()
    scores = {f"finding {n}": n / 20 for n in range(14)}
    clinic.run(prediction=prediction(Findings(scores, {}, ())))
    overview, page = both(clinic)
    assert overview.count("Probability of finding") == MOST_LINES
    assert f"and {14 - MOST_LINES} more" in overview
    assert page.count("Probability of finding") == 14


def test_out_of_limits_shows_reasons_and_no_score(clinic: Clinic) -> None:
    clinic.add()
    clinic.run(prediction=prediction(None, breaches=(Breach("SIZE", "2000 x 2000", "28 x 28"),)))
    for page in both(clinic):
        assert "Not analysed" in page
        assert "2000 x 2000" in page
        assert "Probability" not in page


def test_nothing_found_is_said(clinic: Clinic) -> None:
    clinic.add()
    clinic.run(prediction=prediction(label_map()))
    assert all("Nothing found" in page for page in both(clinic))


@pytest.mark.parametrize(
    "content", [format_1.SEGMENTED, format_1.CLASSIFIED, format_1.REFUSED, {"task": "?"}]
)
def test_rows_of_an_earlier_version(clinic: Clinic, content: dict[str, Any]) -> None:
    clinic.add()
    clinic.run(prediction=content)
    overview, page = both(clinic)
    words = {"lesion": "90% interval 0.1 to 0.3 ml", "bright": "70% to 95%"}
    expected = words.get(next((w for w in words if w in str(content)), ""), "")
    assert expected in overview
    assert expected in page
    assert clinic.page.get("/api/studies").status_code == 200


def test_states_deliveries_package_and_virtual_patients(clinic: Clinic) -> None:
    clinic.add(virtual=1)
    assert "Receiving" in clinic.page.get("/").text
    clinic.run()
    clinic.state.set_delivery(KEY, "PACS", DeliveryState.REFUSED, attempts=3, error="status 0xa900")
    overview, page = both(clinic)
    assert "PACS: Refused" in overview
    assert "Doe, Jane" in overview
    assert "virtual patient" in overview
    for words in ("finder 2.1", "b" * 64, "3 attempts", "status 0xa900", "CT1"):
        assert words in page


def test_pictures_only_of_known_runs(clinic: Clinic, tmp_path: Path) -> None:
    clinic.add()
    clinic.run(files=["overlay.png"])
    (clinic.results / KEY).mkdir(parents=True)
    (clinic.results / KEY / "overlay.png").write_bytes(b"picture")
    (tmp_path / "overlay.png").write_bytes(b"secret")
    assert clinic.page.get(f"/runs/{KEY}/overlay.png").content == b"picture"
    for key in ("f" * 32, "..", "%2e%2e", KEY.upper(), f"{KEY}%2f.."):
        assert clinic.page.get(f"/runs/{key}/overlay.png").status_code == 404


def test_unknown_study_and_health(clinic: Clinic) -> None:
    assert clinic.page.get("/studies/9.9").status_code == 404
    assert clinic.page.get("/api/studies/9.9").status_code == 404
    assert clinic.page.get("/healthz").json() == {"status": "ok", "trouble": ""}
    clinic.trouble = "disk full"
    assert clinic.page.get("/healthz").status_code == 503
    assert "disk full" in clinic.page.get("/").text


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("Doe^Jane^A^Dr", "Doe, Jane A"),
        ("Doe", "Doe"),
        ("", ""),
        ("Yamada^Tarou=\u5c71\u7530", "Yamada, Tarou"),
    ],
)
def test_person_names_are_read(name: str, read: str) -> None:
    assert person(name) == read


def test_long_uids_in_the_list_are_told_by_their_end() -> None:
    uid = "1.2.826.0.1.3680043.9.4245.1760717064491086528325869788156915668"
    assert short_uids(f"slices of {uid}/1.2.3.4.dcm are 6.9986 mm apart") == (
        "slices of ...56915668/1.2.3.4.dcm are 6.9986 mm apart"
    )
