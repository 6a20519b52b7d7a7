"""The section ``receive`` of clinic.yaml: who may come, by which way, and how much of the node one of them may take."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from overread.clinic.config_parts import Aet, Port, Seconds
from overread.settings import Strict

ServiceName = Literal["echo", "store", "commit", "worklist"]
EVERY_SERVICE: frozenset[ServiceName] = frozenset({"echo", "store", "commit", "worklist"})


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(
            f"found {value!r}, expected an IP address or network such as 192.0.2.7 or 192.0.2.0/24"
        ) from error
    return value


Network = Annotated[str, AfterValidator(_network)]


class PeerRow(Strict):
    """One node that may call, and what it may ask for."""

    aet: Aet
    addresses: list[Network] = []
    services: list[ServiceName] = sorted(EVERY_SERVICE)
    tls: bool = False
    host: str | None = None
    port: Port | None = None

    @model_validator(mode="after")
    def _reachable(self) -> PeerRow:
        if (self.host is None) != (self.port is None):
            raise ValueError("host and port are given together, or neither")
        return self


class Certificates(Strict):
    """TLS 1.2 or 1.3 (PS3.15 annex B.12).

    Without ``authorities`` no client certificate is asked for; with them every client must show one, unless
    ``client_certificates`` says otherwise.
    """

    certificate: Path
    key: Path
    authorities: Path | None = None
    client_certificates: Literal["required", "optional"] = "required"
    warn_days: int = Field(30, ge=1, le=3650)


class Tls(Certificates):
    """A second port, which speaks TLS."""

    port: Port = 2762


class StowClient(Strict):
    """Who may send by STOW-RS: whoever shows the token, from one of the addresses.

    ``name`` stands for a calling title, in files and in rules of completeness and routes.
    """

    name: Aet
    token_file: Path
    addresses: list[Network] = []


class StowIn(Strict):
    """A listener of its own for STOW-RS (PS3.18 section 10.5), at ``/dicom-web/studies``.

    ``plain`` lets the tokens go over the network without encryption, where something else encrypts them.
    """

    host: str = "127.0.0.1"
    port: Port = 8043
    clients: list[StowClient] = Field(min_length=1)
    tls: Certificates | None = None
    plain: bool = False
    maximum_connections: int = Field(64, ge=2, le=10_000)
    maximum_requests: int = Field(8, ge=1, le=256)
    maximum_body_mb: int = Field(16_384, ge=1, le=10_000_000)
    maximum_parts: int = Field(20_000, ge=1, le=10_000_000)
    head_seconds: Seconds = 30.0
    idle_seconds: Seconds = 60.0
    request_seconds: Seconds = 3600.0

    @model_validator(mode="after")
    def _careful(self) -> StowIn:
        if self.tls is None and not self.plain and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("tls: needed on any host but loopback, for the tokens; or plain: true")
        names = [client.name for client in self.clients]
        if len(set(names)) < len(names):
            raise ValueError("clients: a name is used twice; expected one of a kind")
        return self


class Receive(Strict):
    """What may come in, and its limits."""

    peers: list[PeerRow] = []
    tls: Tls | None = None
    associations_per_address: int | None = Field(None, ge=1, le=1000)
    maximum_connections: int = Field(256, ge=8, le=10_000)
    request_seconds: Seconds = 30.0
    idle_seconds: Seconds = 60.0
    pdu_seconds: Seconds = 60.0
    maximum_object_mb: int = Field(4096, ge=1, le=1_000_000)
    stow: StowIn | None = None

    @model_validator(mode="after")
    def _one_row_each(self) -> Receive:
        titles = [row.aet for row in self.peers]
        twice = {t for t in titles if titles.count(t) > 1}
        if twice:
            raise ValueError(f"peers: {min(twice)!r} has two rows, expected one with all its addresses")
        return self
