"""Offer a run's objects to one destination, once, and say what is to happen next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.clinic.config import Delivery, Destination
from overread.clinic.send import Peer, SendResult, UnreachableError, send_files
from overread.clinic.tables import DeliveryState

OUT_OF_RESOURCES = 0xA7
Send = Callable[..., SendResult]


@dataclass(frozen=True)
class Offered:
    """How one attempt ended. ``wait`` is seconds to the next attempt, None where there is none."""

    state: DeliveryState
    error: str
    refused: bool
    wait: float | None


def offer(
    files: Sequence[Path],
    destination: Destination,
    calling: str,
    policy: Delivery,
    attempt: int,
    refusals: int,
    send: Send = send_files,
) -> Offered:
    """Send all objects of a run to one destination.

    A destination that cannot be reached, breaks off or is out of resources is tried again for ever. One that
    refuses an object by its status is tried until it has refused ``policy.attempts`` times. A repeated object
    has the same UIDs and bytes, so that an archive keeps one.

    Parameters
    ----------
    attempt
        Number of this attempt, from 1.
    refusals
        How many attempts before this one ended in a refusal.
    """
    peer = Peer(destination.aet, destination.host, destination.port)
    try:
        result = send(list(files), peer, calling, timeout=policy.timeout_seconds)
    except UnreachableError as error:
        return Offered(DeliveryState.WAITING, str(error), False, backoff(policy, attempt))
    if not result.failed:
        return Offered(DeliveryState.DELIVERED, "", False, None)
    final = [a for a in result.failed if a.status is not None and a.status >> 8 != OUT_OF_RESOURCES]
    first = (final or list(result.failed))[0]
    status = "no answer" if first.status is None else f"status {first.status:#06x}"
    said = f"{peer}: {first.path.name}: {status}" + (f" ({first.comment})" if first.comment else "")
    if final and refusals + 1 >= policy.attempts:
        return Offered(DeliveryState.REFUSED, said, True, None)
    return Offered(DeliveryState.WAITING, said, bool(final), backoff(policy, attempt))


def backoff(policy: Delivery, attempt: int) -> float:
    """Seconds to wait after attempt number ``attempt``: doubling, up to the longest."""
    return min(policy.retry_seconds * 2.0 ** min(attempt - 1, 60), policy.longest_retry_seconds)
