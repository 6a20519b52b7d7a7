"""Associations that we ask for, encrypted where the peer is set up so."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import A_ASSOCIATE

from overread.clinic.checkpoint import hold
from overread.clinic.config_destinations import Tls
from overread.clinic.storage import MAXIMUM_PDU, no_delay
from overread.errors import InputError, OverreadError


@dataclass(frozen=True)
class Peer:
    """A node on the network."""

    aet: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.aet}@{self.host}:{self.port}"


class UnreachableError(OverreadError):
    """No association could be made, or it broke."""


def associate(
    peer: Peer,
    calling: str,
    contexts: Collection[tuple[str, str | tuple[str, ...]]],
    timeout: float,
    tls: Tls | None = None,
    handlers: Sequence[Any] = (),
    roles: Sequence[Any] = (),
) -> Association:
    """An association for ``contexts`` of SOP class and transfer syntax or several, which the caller releases.

    ``roles`` says where we are the provider.

    Raises UnreachableError where the peer does not answer, rejects it, or shows a certificate that is not trusted.
    """
    ae = AE(ae_title=calling)
    ae.connection_timeout = ae.acse_timeout = ae.dimse_timeout = timeout
    ae.network_timeout = timeout
    for sop_class, syntaxes in sorted(contexts, key=str):
        ae.add_requested_context(sop_class, [syntaxes] if isinstance(syntaxes, str) else list(syntaxes))
    association = ae.associate(
        peer.host,
        peer.port,
        ae_title=peer.aet,
        max_pdu=MAXIMUM_PDU,
        ext_neg=list(roles),
        evt_handlers=[(evt.EVT_CONN_OPEN, no_delay), *handlers],
        tls_args=(context_of(tls), peer.host) if tls else None,
    )
    if association.is_established:
        hold(association)
        return association
    answer = association.acceptor.primitive if association.is_rejected else _unheard(association)
    if association.is_rejected or answer is not None:
        reason = f": {answer.reason_str}" if answer is not None else ""
        raise UnreachableError(f"{peer} rejects our association as {calling}{reason}")
    if association.acceptor.primitive is not None and not association.accepted_contexts:
        # The peer answered but takes none of our kinds of object: for each of them that is a refusal.
        return association
    raise UnreachableError(f"{peer} cannot be reached or does not answer")


def _unheard(association: Association) -> A_ASSOCIATE | None:
    """A rejection that came and was never looked at.

    pynetdicom asks whether the connection is still open before it waits for the answer, and takes a peer that rejects
    and closes faster than that for one that cannot be reached.
    """
    while (primitive := association.dul.receive_pdu()) is not None:
        if isinstance(primitive, A_ASSOCIATE) and primitive.result:
            return primitive
    return None


def context_of(tls: Tls) -> ssl.SSLContext:
    """What a TLS client trusts and shows (BCP 195: TLS 1.2 or later). Raises InputError for files that are none."""
    try:
        context = ssl.create_default_context(cafile=str(tls.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.certificate and tls.key:
            context.load_cert_chain(str(tls.certificate), str(tls.key))
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"{tls.certificate or tls.ca}: not usable for TLS ({getattr(error, 'strerror', None) or error})"
        ) from error
    return context
