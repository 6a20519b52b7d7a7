"""The JSON API answers as it describes itself, whatever is asked of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from fastapi.testclient import TestClient
from hypothesis import strategies as st
from tests.web.clinic import KEY, Clinic, csrf

from overread.clinic.tables import Aside, DeliveryState, StudyState
from overread.web.app import create_app

EXAMPLES = 60


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    made = Clinic(Path(tmp_path_factory.mktemp("api")), login=False, requests_per_minute=100_000)
    made.add_study()
    made.add_run()
    return made


def described(browser: TestClient) -> dict[str, Any]:
    return dict(browser.get("/api/openapi.json").json())


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@hypothesis.given(data=st.data())
def test_no_request_is_answered_with_what_is_not_described(clinic: Clinic, data: st.DataObject) -> None:
    browser = clinic.browser()
    paths = described(browser)["paths"]
    path = data.draw(st.sampled_from(sorted(paths)))
    method = data.draw(st.sampled_from(sorted(paths[path])))
    operation = paths[path][method]
    words = st.text(max_size=12)
    values = {
        "uid": data.draw(st.sampled_from(["1.2.3", "9", "..", "a", "1" * 70])),
        "key": data.draw(st.sampled_from([KEY, "f" * 32, "x"])),
    }
    query = {
        p["name"]: data.draw(st.one_of(words, st.integers().map(str)))
        for p in operation.get("parameters", [])
        if p["in"] == "query" and data.draw(st.booleans())
    }
    body = None
    if "requestBody" in operation:
        known = st.sampled_from(
            ["accept", "reject", "correct", "other", "retry", "delete", "yes", KEY, "1.2.3", "x" * 3000]
        )
        names = ["verdict", "reason", "comment", "correction", "action", "run", "study", "sure"]
        anything = st.one_of(known, words, st.none(), st.integers())
        body = data.draw(
            st.one_of(st.dictionaries(st.sampled_from(names), anything, max_size=6), words, st.none())
        )
    token = csrf(browser.get("/studies/1.2.3").text)
    answer = browser.request(
        method, path.format(**values), params=query, json=body, headers={"X-CSRF-Token": token}
    )
    # A path that is none any more once a part is "..", or one that another page answers.
    if str(answer.url.path) == path.format(**values):
        assert str(answer.status_code) in operation["responses"], answer.text
        assert answer.headers["content-type"].startswith("application/json")


def test_the_reading_list_in_parts(clinic: Clinic) -> None:
    browser = clinic.browser()
    assert browser.get("/api/studies").json()["found"] == 1
    assert browser.get("/api/studies?offset=1").json() == {"found": 1, "studies": []}
    assert browser.get("/api/studies?state=failed").json()["found"] == 0
    assert browser.get("/api/studies/1.2.3").json()["result"] == "lesion found"


def test_feedback_and_operations_need_the_token_of_the_session(clinic: Clinic) -> None:
    browser = clinic.browser()
    path = f"/api/studies/1.2.3/runs/{KEY}/feedback"
    assert browser.post(path, json={"verdict": "accept"}).status_code == 403
    token = {"X-CSRF-Token": csrf(browser.get("/studies/1.2.3").text)}
    assert browser.post(path, json={"verdict": "accept"}, headers=token).status_code == 201
    assert browser.post(path, json={"verdict": "reject"}, headers=token).status_code == 400
    assert browser.get("/api/feedback").json()[0]["verdict"] == "accept"
    answer = browser.post("/api/operations", json={"action": "rerun", "study": "1.2.3"}, headers=token)
    assert answer.status_code == 202
    answer = browser.post("/api/operations", json={"action": "retry", "run": "no"}, headers=token)
    assert answer.status_code == 409


def test_no_folder_of_the_machine_in_what_is_said_of_errors(tmp_path: Path) -> None:
    made = Clinic(tmp_path, login=False)
    made.add_study(description="CT /head/neck")
    said = "cannot read /srv/node/spool/1.dcm"
    made.add_run(error=said)
    made.state.set_study("1.2.3", StudyState.QUEUED, error=said, aside=[Aside("1.2", "UNREADABLE", said)])
    made.state.set_delivery(KEY, "PACS", DeliveryState.WAITING, error=said, objects={"sr.dcm": said})
    answer = made.browser().get("/api/studies/1.2.3")
    assert "/srv/node" not in answer.text
    assert answer.json()["description"] == "CT /head/neck"
    assert answer.json()["run"]["deliveries"][0]["objects"] == {"sr.dcm": "cannot read 1.dcm"}


def test_numbers_are_counted_once_in_a_while_however_often_they_are_asked_for(tmp_path: Path) -> None:
    made, asked = Clinic(tmp_path, login=False), []
    site = replace(made.site, metrics=lambda: bytes(asked.append(1) or b"overread_up 1"))
    browser = TestClient(create_app(site), base_url="http://127.0.0.1")
    assert [browser.get("/metrics").text for _ in range(3)] == ["overread_up 1"] * 3
    assert len(asked) == 1
