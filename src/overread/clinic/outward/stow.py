"""Results by STOW-RS (PS3.18 section 10.5), each object in a request of its own; confirmed by QIDO-RS where asked."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from pydicom import dcmread

from overread.clinic.config_destinations import Stow
from overread.clinic.outward.http import Answer, ask
from overread.clinic.outward.parcel import TAKEN, Parcel, Said

JSON = "application/dicom+json"
FAILED_SOPS, REASON = "00081198", "00081197"
SOP_INSTANCE = "00080018"


def send(parcel: Parcel, destination: Stow) -> dict[str, Said]:
    """Offer the objects that the server has not taken yet. Raises UnreachableError where it does not answer."""
    said = {}
    for path in parcel.objects:
        if path.name not in parcel.stored:
            said[path.name] = _store(path, parcel, destination)
        if destination.confirm == "query" and (path.name in parcel.stored or said[path.name].taken):
            said[path.name] = _found(path, parcel, destination)
    return said


def _store(path: Path, parcel: Parcel, destination: Stow) -> Said:
    boundary = secrets.token_hex(16)
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    answer = ask(
        "POST",
        f"{destination.url}/studies",
        body=head + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode(),
        headers={
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            "Accept": JSON,
        },
        timeout=parcel.timeout,
        ca=destination.ca,
        token_file=destination.token_file,
    )
    reason = _reason(answer.body)
    if answer.status in (200, 202) and not reason:
        return TAKEN
    words = f"{destination.name}: {path.name}: status {answer.status}" + (
        f", reason {reason}" if reason else ""
    )
    return Said(refused=is_final(answer, reason), text=words)


def is_final(answer: Answer, reason: str = "") -> bool:
    """Whether asking again soon cannot help: neither overload nor a server's own trouble (A7xx as in C-STORE)."""
    return (answer.status < 500 and answer.status not in (401, 403, 408, 425, 429)) and not reason.startswith(
        "0xa7"
    )


def _reason(body: bytes) -> str:
    """Failure Reason (0008,1197) of the first failed object, or empty."""
    try:
        content: Any = json.loads(body or b"{}")
        failed = content.get(FAILED_SOPS, {}).get("Value") or []
        return f"{int(failed[0][REASON]['Value'][0]):#06x}" if failed else ""
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return ""


def _uids(body: bytes) -> set[str]:
    """SOP Instance UIDs (0008,0018) of a QIDO-RS answer; none where it is no such answer."""
    try:
        found: Any = json.loads(body or b"[]")
        return {str(item[SOP_INSTANCE]["Value"][0]) for item in found}
    except (ValueError, KeyError, TypeError, IndexError):
        return set()


def _found(path: Path, parcel: Parcel, destination: Stow) -> Said:
    head = dcmread(path, stop_before_pixels=True)
    url = f"{destination.url}/studies/{head.StudyInstanceUID}/instances?SOPInstanceUID={head.SOPInstanceUID}"
    answer = ask(
        "GET",
        url,
        headers={"Accept": JSON},
        timeout=parcel.timeout,
        ca=destination.ca,
        token_file=destination.token_file,
    )
    if answer.status == 200 and str(head.SOPInstanceUID) in _uids(answer.body):
        return TAKEN
    return Said(stored=True, text=f"{destination.name}: {path.name}: stored, but not found by query yet")
