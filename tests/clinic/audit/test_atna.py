"""Audit messages: well formed, coded as PS3.15 A.5 has it, whatever an event holds."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from overread.clinic.audit.atna import message
from overread.clinic.audit.kinds import KINDS
from overread.ledger.ledger import Ledger

EVIL = 'a"<&>\x1b[31m\n' + chr(0xFFFE)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(tmp_path / "ledger.db")


def test_a_view_names_user_study_patient_and_place_in_the_chain(ledger: Ledger) -> None:
    event = ledger.append("web.viewed", {"study": "1.2.3", "run": "k", "address": "192.0.2.7"}, actor="ann")
    root = ET.fromstring(message(event, source="src", application="NODE", patient="P1"))
    assert root.find("EventIdentification/EventID").attrib == {
        "csd-code": "110103",
        "codeSystemName": "DCM",
        "originalText": "DICOM Instances Accessed",
    }
    identification = root.find("EventIdentification").attrib
    assert identification["EventActionCode"] == "R"
    assert identification["EventOutcomeIndicator"] == "0"
    assert identification["EventDateTime"] == event.time
    users = {p.get("UserID"): p for p in root.iter("ActiveParticipant")}
    assert users["ann"].get("UserIsRequestor") == "true"
    assert users["ann"].get("NetworkAccessPointID") == "192.0.2.7"
    assert users["NODE"].get("UserIsRequestor") == "false"
    objects = {o.get("ParticipantObjectID"): o for o in root.iter("ParticipantObjectIdentification")}
    assert set(objects) == {"1.2.3", "P1"}
    details = {d.get("type"): base64.b64decode(d.get("value")) for d in objects["1.2.3"] if d.get("type")}
    assert details["chain"].decode() == f"{event.seq} {event.hash}"


@pytest.mark.parametrize("kind", [*KINDS, "clinic.of_a_later_version"])
def test_every_kind_is_well_formed_with_hostile_values(ledger: Ledger, kind: str) -> None:
    payload = dict.fromkeys(("study", "sender", "destination", "address", "user"), EVIL)
    event = ledger.append(kind, payload, actor="ann")
    root = ET.fromstring(message(event, source="src", application="NODE", patient=EVIL))
    assert root.tag == "AuditMessage"
    assert {t.get("originalText") for t in root.iter("EventTypeCode")} >= {kind}
    assert root.find("AuditSourceIdentification").get("AuditSourceID") == "src"
    facts = next(d for d in root.iter("ParticipantObjectDetail") if d.get("type") == "facts")
    assert json.loads(base64.b64decode(facts.get("value"))) == payload
