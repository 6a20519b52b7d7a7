"""Results as HL7 v2.5.1 ORU^R01 by MLLP; done when the receiver acknowledges."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import hl7

from overread.clinic.associate import UnreachableError, context_of
from overread.clinic.config_destinations import Hl7
from overread.clinic.outward.parcel import MESSAGE, TAKEN, Parcel, Said

START, END = b"\x0b", b"\x1c\r"
LONGEST_ACK_BYTES = 1 << 20
# Chapter 2.7.1 of the standard; letters beyond ASCII stay as they are, for the message says that it is UTF-8.
ESCAPES = {"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"}
ACCEPTED, REJECTED = ("AA", "CA"), ("AR", "CR")


def send(parcel: Parcel, destination: Hl7) -> dict[str, Said]:
    """One message. Raises UnreachableError where there is no acknowledgement."""
    message = oru(parcel, destination, datetime.now(UTC))
    answer = _exchange(message.encode(), parcel, destination)
    code, text = acknowledged(answer, control_id(parcel))
    if code in ACCEPTED:
        return {MESSAGE: TAKEN}
    words = f"{destination.name}: acknowledged with {code or 'nothing'}" + (f" ({text})" if text else "")
    return {MESSAGE: Said(refused=code in ("AE", "CE", *REJECTED), text=words)}


def control_id(parcel: Parcel) -> str:
    """MSH-10: the same for the same run, so that a repeated message is known as one."""
    return parcel.facts.key[:20].upper()


def oru(parcel: Parcel, destination: Hl7, now: datetime) -> str:
    """The message: patient, order, and one OBX a line of the answer, all preliminary (P)."""

    def safe(value: str) -> str:
        return "".join(ESCAPES.get(c, c) for c in " ".join(value.split()) if c.isprintable())

    def name(value: str) -> str:
        return "^".join(safe(part.strip()) for part in value.split("=")[0].split("^")[:5])

    when = now.strftime("%Y%m%d%H%M%S+0000")
    analysed = parcel.facts.time.strftime("%Y%m%d%H%M%S+0000")
    accession, study = safe(parcel.value("AccessionNumber")), parcel.facts.study_uid
    issuer = safe(parcel.value("IssuerOfPatientID"))
    segments = [
        f"MSH|^~\\&|OVERREAD|{safe(parcel.serial_number)}|{safe(destination.application)}|"
        f"{safe(destination.facility)}|{when}||ORU^R01^ORU_R01|{control_id(parcel)}|P|2.5.1||||||UNICODE UTF-8",
        f"PID|1||{safe(parcel.value('PatientID'))}^^^{issuer}||{name(parcel.value('PatientName'))}||"
        f"{safe(parcel.value('PatientBirthDate'))}|{safe(parcel.value('PatientSex'))}",
        f"OBR|1|{accession}|{parcel.facts.key}|18748-4^Diagnostic imaging study^LN|||{analysed}"
        f"|||||||||||{accession}||||||||P",
        f"OBX|1|ST|113014^DICOM Study^DCM||{study}||||||O",
    ]
    flag = "AA" if parcel.urgent else ""
    texts = [parcel.headline, *parcel.lines, "Preliminary result of a computer program. Not for diagnosis."]
    package = safe(f"{parcel.facts.package_name} {parcel.facts.package_version}")
    for number, text in enumerate((t for t in texts if t), start=2):
        flagged = flag if number == 2 else ""
        segments.append(
            f"OBX|{number}|TX|59776-5^Procedure findings^LN|{number - 1}|{safe(text)}"
            f"|||{flagged}|||P|||{analysed}||{package}"
        )
    return "\r".join(segments) + "\r"


def acknowledged(answer: bytes, control: str) -> tuple[str, str]:
    """MSA-1 and MSA-3 of an acknowledgement of message ``control``; empty where it is none."""
    try:
        message = hl7.parse(answer.decode("utf-8", "replace").strip())
        segment = message.segment("MSA")
        code, whose = str(segment[1]), str(segment[2])
        text = str(segment[3]) if len(segment) > 3 else ""
    except (hl7.HL7Exception, KeyError, IndexError, ValueError):
        return "", "no acknowledgement that can be read"
    if whose != control:
        return "", f"it acknowledges message {whose[:40]!r}, expected {control}"
    return code, text[:200]


def _exchange(message: bytes, parcel: Parcel, destination: Hl7) -> bytes:
    where = f"{destination.host}:{destination.port}"
    try:
        with socket.create_connection((destination.host, destination.port), parcel.timeout) as plain:
            wire = plain
            if destination.tls is not None:
                wire = context_of(destination.tls).wrap_socket(plain, server_hostname=destination.host)
            with wire:
                wire.settimeout(parcel.timeout)
                wire.sendall(START + message + END)
                return _framed(wire)
    except OSError as error:
        raise UnreachableError(f"{where} takes no HL7 message ({error.strerror or error})") from error


def _framed(wire: socket.socket) -> bytes:
    """One message between start and end block, not longer than any acknowledgement is."""
    found = b""
    while END not in found:
        piece = wire.recv(65536)
        found += piece
        if not piece or len(found) > LONGEST_ACK_BYTES:
            raise UnreachableError("the receiver ended the connection without an acknowledgement")
    return found[found.find(START) + 1 : found.index(END)]
