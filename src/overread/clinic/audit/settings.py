"""The section ``audit`` of clinic.yaml: where audit messages go."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from overread.settings import Strict

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Audit(Strict):
    """An audit record repository (syslog over TLS, RFC 5425). Without ``host`` nothing is sent; the chain of evidence
    holds the events all the same.

    ``ca``: who vouches for the repository, the machine's own list where None. ``certificate`` and ``key``: ours, for
    repositories that ask for one. ``tls`` False is for a repository on this machine alone.
    """

    host: str | None = None
    port: Annotated[int, Field(ge=1, le=65535)] = 6514
    tls: bool = True
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    source: str = Field("overread", min_length=1, max_length=64, pattern=r"^[!-~]+$")

    @model_validator(mode="after")
    def _guarded(self) -> Audit:
        if not self.tls and self.host not in (None, *LOOPBACK):
            raise ValueError(f"tls: is false for {self.host}: audit messages name patients; expected true")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key: expected both or neither")
        return self
