"""The section ``web`` of clinic.yaml: where the pages answer, to whom, and how many at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from overread.clinic.receive.settings import Certificates, Network, StowClient
from overread.settings import Strict

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Ups(Strict):
    """UPS-RS at ``/dicom-web/workitems`` on the pages' port, for programs that show a bearer token.

    ``plain`` lets the tokens go over the network without encryption, where something else encrypts them.
    """

    clients: list[StowClient] = Field(min_length=1)
    plain: bool = False


class Web(Strict):
    """Where the pages answer.

    ``hosts``: names that a browser may call the node by, besides its address. ``login``: False asks for no password,
    which only a page on loopback may do. ``connections``: how many at once; those that ask nothing for
    ``idle_seconds`` are closed. ``tls``: the pages by https. ``proxies``: addresses of proxies that speak https to
    browsers; what they say of who asks and how (X-Forwarded-For, X-Forwarded-Proto) is believed, from them alone.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    hosts: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]{1,255}$")]] = []
    login: bool = True
    session_minutes: float = Field(30.0, gt=0, le=1440)
    session_hours: float = Field(12.0, gt=0, le=168)
    connections: int = Field(100, ge=4, le=10000)
    idle_seconds: float = Field(10.0, gt=0, le=600)
    requests_per_minute: int = Field(600, ge=10, le=100000)
    tls: Certificates | None = None
    proxies: list[Network] = []
    ups: Ups | None = None

    @property
    def scheme(self) -> str:
        """How browsers that come without a proxy ask."""
        return "http" if self.tls is None else "https"

    @property
    def open_to_listeners(self) -> bool:
        """Whether passwords go over a network unencrypted, as far as can be known here."""
        return self.login and self.tls is None and not self.proxies and self.host not in LOOPBACK

    @model_validator(mode="after")
    def _guarded(self) -> Web:
        bare = self.tls is None and not self.proxies and self.host not in LOOPBACK
        if self.ups is not None and bare and not self.ups.plain:
            raise ValueError(
                f"ups: the tokens would come to {self.host} unencrypted; expected tls, proxies, or ups.plain: true"
            )
        if not self.login and self.host not in LOOPBACK:
            raise ValueError(
                f"login: is false on {self.host}, where others could read patients' data without a password; "
                "expected true, or host 127.0.0.1"
            )
        return self
