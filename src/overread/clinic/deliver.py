"""Offer a run's results to one destination, once, and say what is to happen next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from overread.clinic.associate import UnreachableError
from overread.clinic.config_destinations import (
    AnyDestination,
    Delivery,
    Destination,
    Fhir,
    Hl7,
    MailTo,
    Stow,
    Webhook,
)
from overread.clinic.outward.parcel import MESSAGE, Parcel, Said
from overread.clinic.tables import DeliveryState

DELIVERED, STORED, OFFERED = "delivered", "stored", "offered"
"""What is kept of an object that its destination has, of one that it has yet to confirm, and of one that is being sent
to it, or was when the node ended."""


@dataclass(frozen=True)
class Offered:
    """How one attempt ended. ``wait`` is seconds to the next attempt, None where there is none.

    ``objects``: of each part `DELIVERED`, `STORED`, or what was said of it.
    """

    state: DeliveryState
    error: str
    refused: bool
    wait: float | None
    objects: dict[str, str] = field(default_factory=dict)


def parts_of(parcel: Parcel, destination: AnyDestination) -> list[str]:
    """Names of what a destination gets: each object by itself, or one message."""
    match destination:
        case Destination() | Stow():
            return [p.name for p in parcel.objects]
        case Hl7() | Fhir() | Webhook() | MailTo():
            return [MESSAGE]
        case _:
            assert_never(destination)


def send_to(parcel: Parcel, destination: AnyDestination) -> Mapping[str, Said]:
    """One attempt. Raises UnreachableError where there is no answer."""
    from overread.clinic.outward import dicom, fhir, hl7, mail, stow, webhook

    match destination:
        case Destination():
            return dicom.send(parcel, destination)
        case Stow():
            return stow.send(parcel, destination)
        case Hl7():
            return hl7.send(parcel, destination)
        case Fhir():
            return fhir.send(parcel, destination)
        case Webhook():
            return webhook.send(parcel, destination)
        case MailTo():
            return mail.send(parcel, destination)
        case _:
            assert_never(destination)


def offer(
    parcel: Parcel,
    destination: AnyDestination,
    policy: Delivery,
    *,
    attempt: int,
    refusals: int,
    known: Mapping[str, str],
) -> Offered:
    """Send what a destination does not have yet.

    A destination that cannot be reached, breaks off or is out of resources is tried again for ever. One that refuses a
    part is tried until it has refused ``policy.attempts`` times; the other parts do not wait for that. A repeated
    object has the same UIDs and bytes, so that an archive keeps one.

    Parameters
    ----------
    parcel
        Objects that are not delivered yet.
    attempt, refusals
        Number of this attempt, from 1, and how many before it ended in a refusal.
    known
        What earlier attempts left of each part.
    """
    kept = {name: known.get(name, "") for name in parts_of(parcel, destination)} | dict(known)
    try:
        said = send_to(parcel, destination)
    except UnreachableError as error:
        return Offered(DeliveryState.WAITING, str(error), False, backoff(policy, attempt), kept)
    for name, what in said.items():
        kept[name] = DELIVERED if what.taken else STORED if what.stored else what.text
    return judge(kept, said, policy, attempt=attempt, refusals=refusals)


def judge(
    kept: dict[str, str], said: Mapping[str, Said], policy: Delivery, *, attempt: int, refusals: int
) -> Offered:
    """What follows from what was said of each part."""
    missing = [name for name, what in kept.items() if what != DELIVERED]
    if not missing:
        return Offered(DeliveryState.DELIVERED, "", False, None, kept)
    refused = [s for s in said.values() if s.refused]
    waiting = [s for s in said.values() if not s.taken and not s.refused]
    error = (refused or waiting or [Said(text="not offered yet")])[0].text
    if refused and refusals + 1 >= policy.attempts and not waiting:
        return Offered(DeliveryState.REFUSED, error, True, None, kept)
    unconfirmed = all(kept[name] == STORED for name in missing)
    state = DeliveryState.CONFIRMING if unconfirmed else DeliveryState.WAITING
    return Offered(state, error, bool(refused), backoff(policy, attempt), kept)


def backoff(policy: Delivery, attempt: int) -> float:
    """Seconds to wait after attempt number ``attempt``: doubling, up to the longest."""
    return min(policy.retry_seconds * 2.0 ** min(attempt - 1, 60), policy.longest_retry_seconds)
