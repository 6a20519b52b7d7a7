"""clinic.yaml: the one file that an administrator writes, checked in full before anything starts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from overread.settings import Strict, dicom_patterns, read_settings


def _aet(value: str) -> str:
    if not re.fullmatch(r"[!-\[\]-~](?:[ -\[\]-~]{0,14}[!-\[\]-~])?", value):
        raise ValueError(
            f"found {value!r}, expected an application entity title: 1 to 16 ASCII characters, no backslash"
        )
    return value


Aet = Annotated[str, AfterValidator(_aet)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=7 * 86400)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
CodeTriple = Annotated[tuple[str, str, str], Field(description="code value, coding scheme, meaning")]


class Web(Strict):
    """Where the status page answers."""

    host: str = "127.0.0.1"
    port: Port = 8080


class SegmentCodes(Strict):
    """Coded category and type of one label, for the SEG and the SR."""

    category: CodeTriple
    type: CodeTriple


class Route(Strict):
    """Studies with a series on which every pattern of ``match`` is found go to ``package``."""

    name: Name
    package: Path
    match: Annotated[dict[str, str], AfterValidator(dicom_patterns)] = {}
    codes: dict[str, SegmentCodes] = {}


class Destination(Strict):
    """A node that gets every result."""

    name: Name
    aet: Aet
    host: str
    port: Port


class Delivery(Strict):
    """How often and how patiently results are offered.

    A destination that cannot be reached is tried for ever; an object that a destination refuses is offered
    ``attempts`` times. The wait grows from ``retry_seconds`` by 2 to ``longest_retry_seconds``.
    """

    attempts: int = Field(5, ge=1, le=1000)
    retry_seconds: Seconds = 5.0
    longest_retry_seconds: Seconds = 300.0
    timeout_seconds: Seconds = 30.0


class ClinicConfig(Strict):
    """The content of clinic.yaml; paths are absolute after ``load_config``."""

    aet: Aet
    host: str = "127.0.0.1"
    port: Port = 11112
    folder: Path
    quiet_seconds: Seconds = 30.0
    peers: Annotated[list[Aet], Field(min_length=1)] | None = None
    maximum_associations: int = Field(50, ge=1, le=1000)
    threads: int = Field(0, ge=0, le=1024)
    content_qualification: Literal["RESEARCH", "PRODUCT"] = "RESEARCH"
    serial_number: str = Field("1", min_length=1, max_length=64, pattern=r"^[ -\[\]-~]+$")
    ledger: str | None = None
    web: Web = Web()
    routes: list[Route] = Field(min_length=1)
    destinations: list[Destination] = Field(min_length=1)
    delivery: Delivery = Field(default_factory=lambda: Delivery.model_validate({}))

    @model_validator(mode="after")
    def _unique_names(self) -> ClinicConfig:
        for what, names in (
            ("routes", [r.name for r in self.routes]),
            ("destinations", [d.name for d in self.destinations]),
        ):
            twice = {n for n in names if names.count(n) > 1}
            if twice:
                raise ValueError(f"{what}: the name {min(twice)!r} is used twice; expected one of a kind")
        return self


def load_config(path: Path) -> ClinicConfig:
    """Read and check a clinic.yaml; relative paths are taken from the folder that holds it.

    Raises
    ------
    InputError
        Unreadable, not YAML, an unknown key or a value that does not fit: one line with file and key.
    """
    path = Path(path)
    config = read_settings(path, ClinicConfig, "expected the node's configuration, see docs/clinic.md")
    base = path.absolute().parent
    changes: dict[str, Any] = {
        "folder": (base / config.folder).resolve(),
        "routes": [r.model_copy(update={"package": (base / r.package).resolve()}) for r in config.routes],
    }
    if config.ledger and "://" not in config.ledger:
        changes["ledger"] = str((base / config.ledger).resolve())
    return config.model_copy(update=changes)
