"""UPS-RS over the pages' door: tokens, statuses, and that what is stated is what is served."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.web.clinic import Clinic

from overread.clinic.ups.resources import BASE, TRANSACTIONS
from overread.clinic.web_settings import Web
from overread.clinic.workitem_rows import workitem_uid
from overread.web import ups

UID = workitem_uid("k")
ITEM = f"{BASE}/workitems/{UID}"
CLAIM = [
    {
        "00741000": {"vr": "CS", "Value": ["IN PROGRESS"]},
        "00081195": {"vr": "UI", "Value": ["1.2.99"]},
    }
]


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    (tmp_path / "token").write_text("a long random token\n")
    made = Clinic(tmp_path, ups={"clients": [{"name": "RIS", "token_file": tmp_path / "token"}]})
    made.add_study()
    made.state.add_workitem("1.2.3", "k", "Read: bleeding", "finder: bleeding")
    return made


def program(clinic: Clinic, token: str = "a long random token") -> TestClient:
    return clinic.browser(headers={"Authorization": f"Bearer {token}"})


def put(who: TestClient, body: Any) -> int:
    headers = {"Content-Type": "application/dicom+json"}
    return who.put(f"{ITEM}/state", content=json.dumps(body), headers=headers).status_code


def test_what_is_served_is_what_is_stated() -> None:
    served = {(m, r.path) for r in ups.router.routes for m in r.methods}  # type: ignore[attr-defined]
    assert served == {(t.method, BASE + t.path) for t in TRANSACTIONS}


def test_found_read_claimed(clinic: Clinic) -> None:
    who = program(clinic)
    answer = who.get(f"{BASE}/workitems?ProcedureStepState=SCHEDULED")
    assert answer.headers["content-type"] == "application/dicom+json"
    assert [i["00080018"]["Value"] for i in answer.json()] == [[UID]]
    assert who.get(ITEM).json()[0]["00741204"]["Value"] == ["Read: bleeding"]
    assert put(who, CLAIM) == 200
    assert who.get(f"{BASE}/workitems?ProcedureStepState=SCHEDULED").status_code == 204
    refused = who.post(f"{ITEM}/cancelrequest")
    assert refused.status_code == 409 and refused.headers["warning"].startswith("299 overread: ")
    assert ("clinic.workitem", "RIS") in [(kind, actor) for kind, actor, _ in clinic.notes]
    assert who.get(f"{BASE}/workitems/1.2.404").status_code == 404
    assert who.get(f"{BASE}/workitems/..%2f..").status_code == 404
    assert who.get(f"{BASE}/workitems?Rows=1").status_code == 400


def test_bodies(clinic: Clinic) -> None:
    who = program(clinic)
    assert put(who, "text") == put(who, {}) == 400
    headers = {"Content-Type": "application/dicom+json"}
    assert who.put(f"{ITEM}/state", content=b"{", headers=headers).status_code == 400
    assert who.put(f"{ITEM}/state", content=b"[" * 50_000, headers=headers).status_code == 400
    xml = {"Content-Type": "application/dicom+xml"}
    assert who.put(f"{ITEM}/state", content=b"<a/>", headers=xml).status_code == 415


def test_without_a_token_nothing_is_told(clinic: Clinic) -> None:
    answer = clinic.browser().get(f"{BASE}/workitems")
    assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    reader = clinic.person("eva")
    assert reader.get(f"{BASE}/workitems").status_code == 401, "a session of the pages is no token"
    wrong = [program(clinic, "wrong token").get(ITEM).status_code for _ in range(5)]
    assert wrong == [401] * 3 + [429] * 2, "the two above count, too"


def test_without_clients_there_is_nothing(tmp_path: Path) -> None:
    assert Clinic(tmp_path).browser().get(f"{BASE}/workitems").status_code == 404


def test_tokens_do_not_go_in_the_clear(tmp_path: Path) -> None:
    clients = [{"name": "RIS", "token_file": "t"}]
    with pytest.raises(ValueError, match="unencrypted"):
        Web.model_validate({"host": "0.0.0.0", "ups": {"clients": clients}})
    Web.model_validate({"host": "0.0.0.0", "ups": {"clients": clients, "plain": True}})
