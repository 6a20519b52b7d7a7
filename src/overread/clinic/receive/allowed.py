"""Who may call: by title, by address, by the way it comes, and for which services."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from overread.clinic.receive.negotiate import APPLICATION_CONTEXT, Refusal, Request
from overread.clinic.receive.settings import EVERY_SERVICE, PeerRow


@lru_cache(maxsize=4096)
def in_networks(address: str, networks: tuple[str, ...]) -> bool:
    """Whether an address lies in one of the networks; an IPv4 address mapped into IPv6 counts as what it is."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(network) for network in networks)


def admit(
    request: Request,
    *,
    address: str,
    encrypted: bool,
    aet: str | None,
    titles: Sequence[str] | None,
    rows: Sequence[PeerRow],
) -> Refusal | frozenset[str]:
    """The services that a caller may use, or why it is rejected.

    Parameters
    ----------
    aet
        Our title; None where any called title will do.
    titles, rows
        Titles that are accepted for everything, and rows that say more. Neither: anybody may call.
    """
    if not request.version & 1:
        return Refusal.PROTOCOL_VERSION
    if request.application_context != APPLICATION_CONTEXT:
        return Refusal.APPLICATION_CONTEXT
    if aet is not None and request.called != aet:
        return Refusal.CALLED_TITLE
    row = next((r for r in rows if r.aet == request.calling), None)
    if row is not None:
        if row.addresses and not in_networks(address, tuple(row.addresses)):
            return Refusal.CALLING_TITLE
        if row.tls and not encrypted:
            return Refusal.CALLING_TITLE
        return frozenset(row.services)
    if titles is None and not rows:
        return frozenset(EVERY_SERVICE)
    if titles is not None and request.calling in titles:
        return frozenset(EVERY_SERVICE)
    return Refusal.CALLING_TITLE
