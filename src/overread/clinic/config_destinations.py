"""Destinations of results in clinic.yaml: by DICOM, DICOMweb, HL7, FHIR, webhook, mail."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from overread.clinic.config_parts import Aet, Name, Port, Seconds
from overread.settings import Strict


def _http(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@?#]+(?:/[^\s?#]*)?", value):
        raise ValueError(
            f"found {value!r}, expected an address such as https://192.0.2.7/dicom-web, without a password"
        )
    return value.rstrip("/")


def _address(value: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>]{1,64}@[^@\s,;<>]{1,255}", value):
        raise ValueError(f"found {value!r}, expected a mail address such as ward@example.org")
    return value


LOOPBACK = ("127.0.0.1", "::1", "[::1]", "localhost")


def token_is_safe(url: str, token_file: Path | None, plain: bool) -> None:
    """Raises ValueError where a bearer token would go over a network unencrypted (RFC 6750 section 5.3)."""
    host = urlsplit(url).hostname or ""
    if token_file is not None and url.startswith("http:") and host not in LOOPBACK and not plain:
        raise ValueError(
            f"token_file: the token would go to {host} unencrypted; expected an https address, or plain: true where "
            "something else encrypts the way"
        )


Http = Annotated[str, AfterValidator(_http)]
Mail = Annotated[str, AfterValidator(_address)]


class Tls(Strict):
    """Certificates of an encrypted connection: whom we trust, and who we are."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key: expected both, or neither")
        return self


class _Any(Strict):
    name: Name


class Destination(_Any):
    """A DICOM node that gets every result object.

    ``confirm``: what says that it has them. ``response``: its answer to each C-STORE; ``query``: besides, it finds
    them when asked by C-FIND; ``commitment``: besides, it commits itself to them (Storage Commitment Push Model).
    """

    kind: Literal["dicom"] = "dicom"
    aet: Aet
    host: str
    port: Port
    tls: Tls | None = None
    confirm: Literal["response", "query", "commitment"] = "response"


class Stow(_Any):
    """A DICOMweb server that gets every result object by STOW-RS.

    ``token_file`` holds a bearer token, which goes to an https address alone unless ``plain``.
    ``confirm: query`` asks for each by QIDO-RS before the delivery is done.
    """

    kind: Literal["stow"]
    url: Http
    token_file: Path | None = None
    ca: Path | None = None
    confirm: Literal["response", "query"] = "response"
    plain: bool = False

    @model_validator(mode="after")
    def _safe(self) -> Self:
        token_is_safe(self.url, self.token_file, self.plain)
        return self


class Hl7(_Any):
    """A receiver of HL7 v2.5.1 ORU^R01 messages by MLLP; done when it acknowledges with AA or CA."""

    kind: Literal["hl7"]
    host: str
    port: Port
    application: str = Field("PACS", pattern=r"^[A-Za-z0-9 _.-]{1,64}$")
    facility: str = Field("HOSPITAL", pattern=r"^[A-Za-z0-9 _.-]{1,64}$")
    tls: Tls | None = None


class Fhir(_Any):
    """A FHIR R4 server that gets a DiagnosticReport and an ImagingStudy in one transaction."""

    kind: Literal["fhir"]
    url: Http
    token_file: Path | None = None
    ca: Path | None = None
    plain: bool = False

    @model_validator(mode="after")
    def _safe(self) -> Self:
        token_is_safe(self.url, self.token_file, self.plain)
        return self


class Webhook(_Any):
    """An address that gets a signed JSON message (HMAC-SHA256 by the secret in ``secret_file``)."""

    kind: Literal["webhook"]
    url: Http
    secret_file: Path
    ca: Path | None = None
    urgent_only: bool = False


class MailTo(_Any):
    """A mailbox that gets a short signed message without a patient's name."""

    kind: Literal["mail"]
    host: str
    port: Port = 25
    sender: Mail
    to: list[Mail] = Field(min_length=1)
    secret_file: Path
    starttls: bool = False
    urgent_only: bool = False


def _kind(value: Any) -> str:
    return str(value.get("kind", "dicom") if isinstance(value, dict) else getattr(value, "kind", "dicom"))


AnyDestination = Annotated[
    Annotated[Destination, Tag("dicom")]
    | Annotated[Stow, Tag("stow")]
    | Annotated[Hl7, Tag("hl7")]
    | Annotated[Fhir, Tag("fhir")]
    | Annotated[Webhook, Tag("webhook")]
    | Annotated[MailTo, Tag("mail")],
    Discriminator(_kind),
]


class Delivery(Strict):
    """How often and how patiently results are offered.

    A destination that cannot be reached is tried for ever; an object that a destination refuses is offered
    ``attempts`` times. The wait grows from ``retry_seconds`` by 2 to ``longest_retry_seconds``.
    """

    attempts: int = Field(5, ge=1, le=1000)
    retry_seconds: Seconds = 5.0
    longest_retry_seconds: Seconds = 300.0
    timeout_seconds: Seconds = 30.0


class Alarms(Strict):
    """Who is told, through destinations of kind ``webhook`` or ``mail``, and of what: see docs/clinic.md."""

    to: list[Webhook | MailTo] = []
    repeat_seconds: Seconds = 3600.0
    unreachable_seconds: Seconds = 600.0
    certificate_days: int = Field(30, ge=1, le=3650)
