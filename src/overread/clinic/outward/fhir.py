"""Results as FHIR R4: ImagingStudy and DiagnosticReport in one transaction, repeated without a second copy."""

from __future__ import annotations

import json
import urllib.parse
import uuid
from typing import Any

from overread.clinic.config_destinations import Fhir
from overread.clinic.outward.http import ask
from overread.clinic.outward.parcel import MESSAGE, TAKEN, Parcel, Said
from overread.clinic.outward.stow import is_final

RUN_SYSTEM = "urn:overread:run"
DICOM_UID = "urn:dicom:uid"


def send(parcel: Parcel, destination: Fhir) -> dict[str, Said]:
    """One transaction. Raises UnreachableError where the server does not answer."""
    answer = ask(
        "POST",
        destination.url,
        body=json.dumps(transaction(parcel)).encode(),
        headers={"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"},
        timeout=parcel.timeout,
        ca=destination.ca,
        token_file=destination.token_file,
    )
    if answer.status in (200, 201) and _all_done(answer.body):
        return {MESSAGE: TAKEN}
    words = f"{destination.name}: status {answer.status}{_diagnostics(answer.body)}"
    return {MESSAGE: Said(refused=is_final(answer), text=words)}


def transaction(parcel: Parcel) -> dict[str, Any]:
    """A Bundle: conditional updates by identifier, so that the same run makes the same resources."""
    study_uid = parcel.facts.study_uid
    study_url, report_url = (
        f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'{kind} {parcel.facts.key}')}"
        for kind in ("study", "report")
    )
    study_identifier = {"system": DICOM_UID, "value": f"urn:oid:{study_uid}"}
    report_identifier = {"system": RUN_SYSTEM, "value": parcel.facts.key}
    subject = _subject(parcel)
    accession = parcel.value("AccessionNumber")
    based_on = [{"identifier": {"value": accession}}] if accession else []
    study = {
        "resourceType": "ImagingStudy",
        "identifier": [study_identifier],
        "status": "available",
        "subject": subject,
    }
    report: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "identifier": [report_identifier],
        "status": "preliminary",
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}
        ],
        "code": {
            "coding": [
                {"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging study"}
            ]
        },
        "subject": subject,
        "issued": parcel.facts.time.isoformat(timespec="seconds"),
        "imagingStudy": [{"reference": study_url}],
        "performer": [
            {"display": f"{parcel.facts.package_name} {parcel.facts.package_version} (computer program)"}
        ],
        "conclusion": "\n".join([*([parcel.headline] if parcel.headline else []), *parcel.lines])
        or "No result",
    }
    if based_on:
        study["basedOn"] = report["basedOn"] = based_on
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            _entry(study_url, study, f"ImagingStudy?identifier={_query(study_identifier)}"),
            _entry(report_url, report, f"DiagnosticReport?identifier={_query(report_identifier)}"),
        ],
    }


def _subject(parcel: Parcel) -> dict[str, Any]:
    identifier: dict[str, Any] = {"value": parcel.value("PatientID") or "unknown"}
    if parcel.value("IssuerOfPatientID"):
        identifier["assigner"] = {"display": parcel.value("IssuerOfPatientID")}
    return {"type": "Patient", "identifier": identifier}


def _query(identifier: dict[str, str]) -> str:
    return urllib.parse.quote(f"{identifier['system']}|{identifier['value']}", safe="")


def _entry(url: str, resource: dict[str, Any], request: str) -> dict[str, Any]:
    return {"fullUrl": url, "resource": resource, "request": {"method": "PUT", "url": request}}


def _all_done(body: bytes) -> bool:
    """Whether each entry of the answer has a status of success."""
    try:
        entries = json.loads(body)["entry"]
        return len(entries) == 2 and all(str(e["response"]["status"]).startswith("2") for e in entries)
    except (ValueError, KeyError, TypeError):
        return False


def _diagnostics(body: bytes) -> str:
    try:
        return f" ({json.loads(body)['issue'][0]['diagnostics'][:200]})"
    except (ValueError, KeyError, TypeError, IndexError):
        return ""
