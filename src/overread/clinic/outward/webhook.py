"""A signed JSON message to an address; done when it answers with a success."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from overread.clinic.config_destinations import Webhook
from overread.clinic.outward.http import ask, secret
from overread.clinic.outward.parcel import MESSAGE, TAKEN, Parcel, Said
from overread.clinic.outward.signed import HEADER, sign
from overread.clinic.outward.stow import is_final
from overread.files import canonical_json, sha256_bytes


def send(parcel: Parcel, destination: Webhook) -> dict[str, Said]:
    """One message about a result. Raises UnreachableError where nobody answers."""
    if destination.urgent_only and not parcel.urgent:
        return {MESSAGE: TAKEN}
    return {MESSAGE: post(parcel.without_identity, destination, parcel.timeout)}


def post(content: Mapping[str, Any], destination: Webhook, timeout: float) -> Said:
    """Post any signed message. Raises UnreachableError where nobody answers."""
    body, seconds = canonical_json(content).encode(), int(time.time())
    headers = {
        "Content-Type": "application/json",
        HEADER: sign(body, secret(destination.secret_file), seconds),
        # The same for the same message: a receiver may pass over what it has seen.
        "Idempotency-Key": f"{content['run']}{content.get('event', '')}"
        if "run" in content
        else sha256_bytes(body)[:32],
    }
    answer = ask("POST", destination.url, body=body, headers=headers, timeout=timeout, ca=destination.ca)
    if 200 <= answer.status < 300:
        return TAKEN
    return Said(refused=is_final(answer), text=f"{destination.name}: status {answer.status}")
