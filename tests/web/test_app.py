"""The status page over a state of the test's own making."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, StudyState
from overread.web.app import NodeFacts, create_app, person

KEY = "0123456789abcdef" * 2
EVIL = "<img src=x onerror=alert(1)>"


def prediction(**changes: Any) -> dict[str, Any]:
    base = {
        "outcome": "ok",
        "task": "segmentation",
        "breaches": [],
        "scores": {},
        "score_intervals": {},
        "label": None,
        "label_set": [],
        "set_coverage": None,
        "measurements": [],
        "notes": [],
        "seconds": 1.5,
    }
    return base | changes


class Clinic:
    """A page, the state behind it, and one study in it."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "clinic.db")
        self.results = folder / "results"
        self.trouble = ""
        facts = NodeFacts("NODE", "127.0.0.1:104", (("r", "p", "1", "a" * 64),), ("PACS",), "RESEARCH")
        self.page = TestClient(create_app(self.state, self.results, facts, lambda: self.trouble))

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
    assert clinic.page.get("/api/studies").json() == []


def test_nothing_is_believed_that_a_sender_or_a_model_wrote(clinic: Clinic) -> None:
    clinic.add(patient_name=EVIL, patient_id=EVIL, description=EVIL, modalities=EVIL)
    measurement = {"label": EVIL, "name": EVIL, "value": 1.0, "low": 0.5, "high": 2.0, "unit": EVIL}
    measurement["confidence"] = 0.9
    breach = {"code": EVIL, "found": EVIL, "expected": EVIL}
    clinic.run(error=EVIL, prediction=prediction(measurements=[measurement], breaches=[breach], notes=[EVIL]))
    clinic.state.set_delivery(KEY, "PACS", DeliveryState.WAITING, error=EVIL)
    clinic.trouble = EVIL
    for page in both(clinic):
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page
        assert "<script" not in page


def test_page_asks_nothing_of_the_network(clinic: Clinic) -> None:
    clinic.add()
    answer = clinic.page.get("/")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "http://" not in answer.text
    assert "https://" not in answer.text
    assert clinic.page.get("/static/clinic.css").status_code == 200
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert clinic.page.get(path).status_code == 404


def test_number_with_unit_and_interval(clinic: Clinic) -> None:
    clinic.add()
    volume = {"label": "lesion", "name": "volume", "value": 3.14159, "low": 2, "high": 5, "unit": "ml"}
    volume["confidence"] = 0.9
    clinic.run(
        prediction=prediction(measurements=[volume, {**volume, "label": "cyst", "value": 0, "low": None}])
    )
    for page in both(clinic):
        assert "lesion found" in page
        assert "3.14 ml" in page
        assert "90% interval 2 to 5 ml" in page
        assert "0 ml" in page


def test_counts_and_pixels(clinic: Clinic) -> None:
    """A count has no unit, an area in pixels says so in words; without limits there is no interval."""
    clinic.add()
    count = {"label": "cell", "name": "count", "value": 12, "low": None, "high": None, "unit": "1"}
    count["confidence"] = 0.9
    area = {**count, "name": "area", "value": 123456, "unit": "{pixels}"}
    wide = {**area, "label": "nucleus", "value": 0.0, "low": 0.0, "high": 23456.7}
    clinic.run(prediction=prediction(measurements=[count, area, wide]))
    for page in both(clinic):
        assert "cell count <b>12</b>" in page or "<td><b>12</b></td>" in page
        assert "<b>123456 pixels</b>" in page
        assert page.count("90% interval") == 1
        assert "90% interval 0 to 23500 pixels" in page
        assert "{" not in page


def test_classification_and_its_set(clinic: Clinic) -> None:
    clinic.add()
    clinic.run(
        prediction=prediction(
            task="classification",
            label="bright",
            scores={"dark": 0.2, "bright": 0.8},
            score_intervals={"bright": [0.7, 0.95]},
            label_set=["bright"],
            set_coverage=0.9,
        )
    )
    overview, page = both(clinic)
    assert "Probability of bright" in overview
    assert "90% interval 0.70 to 0.95" in overview
    assert "90% prediction set: bright" in page
    assert clinic.page.get("/api/studies/1.2.3").json()["result"] == "bright"


def test_out_of_limits_shows_reasons_and_no_score(clinic: Clinic) -> None:
    clinic.add()
    breach = {"code": "SIZE", "found": "2000 x 2000", "expected": "28 x 28"}
    clinic.run(prediction=prediction(outcome="out_of_limits", task="classification", breaches=[breach]))
    for page in both(clinic):
        assert "Not analysed" in page
        assert "2000 x 2000" in page
        assert "Probability" not in page


def test_nothing_found_is_said(clinic: Clinic) -> None:
    clinic.add()
    clinic.run(prediction=prediction())
    assert all("Nothing found" in page for page in both(clinic))


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
