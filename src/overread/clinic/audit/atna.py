"""Audit messages in XML (PS3.15 A.5, after RFC 3881) made of events of the chain of evidence."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

from overread.clinic.audit.kinds import KINDS, OTHER, USER_AUTHENTICATION, Code
from overread.ledger.ledger import Event

STUDY_UID: Code = ("110180", "Study Instance UID")
APPLICATION: Code = ("110150", "Application")
SOURCE: Code = ("110153", "Source Role ID")
DESTINATION: Code = ("110152", "Destination Role ID")
LARGEST_DETAIL = 2000


def message(event: Event, *, source: str, application: str, patient: str = "", study: str = "") -> bytes:
    """One audit message, UTF-8.

    Parameters
    ----------
    event
        From the chain of evidence; its number and hash stand in the message, so that the two can be compared.
    source
        Audit Source ID of this node.
    application
        What the node is called by others: its application entity title.
    patient
        Patient ID of the study that the event is about, where there is one: the chain itself never holds it.
    study
        Its Study Instance UID, which the chain holds under a keyed hash; without it the message has that.
    """
    kind = KINDS.get(event.kind, OTHER)
    payload: Mapping[str, Any] = json.loads(event.payload)
    root = ET.Element("AuditMessage")
    identification = ET.SubElement(
        root,
        "EventIdentification",
        EventActionCode=kind.action,
        EventDateTime=event.time,
        EventOutcomeIndicator=str(kind.outcome),
    )
    _coded(identification, "EventID", kind.event)
    if kind.type is not None:
        _coded(identification, "EventTypeCode", kind.type)
    _coded(identification, "EventTypeCode", (event.kind, event.kind), system="99OVERREAD")
    address = str(payload.get("address", "") or "")
    person = event.actor if event.actor != "overread" else ""
    named = str(payload.get("user", "") or "") if kind.event == USER_AUTHENTICATION else ""
    if person:
        _participant(root, named or person, requestor=True, address=address)
    _participant(root, application, requestor=not person, role=APPLICATION)
    for name, role in (("sender", SOURCE), ("destination", DESTINATION)):
        if payload.get(name):
            _participant(root, str(payload[name]), requestor=False, role=role)
    ET.SubElement(root, "AuditSourceIdentification", AuditSourceID=source)
    if payload.get("study"):
        about = _object(root, study or str(payload["study"]), kind="2", role="3", code=STUDY_UID)
        _detail(about, "chain", f"{event.seq} {event.hash}")
        _detail(about, "facts", event.payload[:LARGEST_DETAIL])
        if patient:
            _object(root, patient, kind="1", role="1", code=("2", "Patient Number"), system="RFC-3881")
    else:
        about = _object(
            root, f"{event.seq} {event.hash}", kind="2", role="13", code=("12", "URI"), system="RFC-3881"
        )
        _detail(about, "facts", event.payload[:LARGEST_DETAIL])
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _coded(parent: ET.Element, name: str, code: Code, system: str = "DCM") -> None:
    ET.SubElement(parent, name, {"csd-code": code[0], "codeSystemName": system, "originalText": code[1]})


def _participant(
    root: ET.Element, user: str, *, requestor: bool, address: str = "", role: Code | None = None
) -> None:
    attributes = {"UserID": printable(user), "UserIsRequestor": "true" if requestor else "false"}
    if address:
        # 2: an IP address.
        attributes |= {"NetworkAccessPointID": printable(address), "NetworkAccessPointTypeCode": "2"}
    participant = ET.SubElement(root, "ActiveParticipant", attributes)
    if role is not None:
        _coded(participant, "RoleIDCode", role)


def _object(
    root: ET.Element, identifier: str, *, kind: str, role: str, code: Code, system: str = "DCM"
) -> ET.Element:
    about = ET.SubElement(
        root,
        "ParticipantObjectIdentification",
        ParticipantObjectID=printable(identifier),
        ParticipantObjectTypeCode=kind,
        ParticipantObjectTypeCodeRole=role,
    )
    _coded(about, "ParticipantObjectIDTypeCode", code, system)
    return about


def _detail(about: ET.Element, name: str, value: str) -> None:
    # Base 64, as the schema has it: the value may hold anything.
    ET.SubElement(
        about, "ParticipantObjectDetail", type=name, value=base64.b64encode(value.encode()).decode()
    )


def printable(text: str) -> str:
    """Text without what XML 1.0 has no place for."""
    return "".join(c if c.isprintable() else "?" for c in text)[:256]
