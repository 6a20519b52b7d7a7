"""clinic.yaml: the one file that an administrator writes, checked in full before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from overread.clinic.audit.settings import Audit
from overread.clinic.config_destinations import Alarms, AnyDestination, Delivery, Destination
from overread.clinic.config_parts import (
    Aet,
    Complete,
    Disk,
    Log,
    Port,
    Route,
    Seconds,
    SegmentCodes,
    Work,
)
from overread.clinic.pull.settings import Pull, Source
from overread.clinic.receive.settings import Receive
from overread.clinic.results.settings import Results
from overread.clinic.web_settings import Web
from overread.settings import Strict, read_settings

__all__ = ["ClinicConfig", "Delivery", "Destination", "Route", "SegmentCodes", "json_schema", "load_config"]


class ClinicConfig(Strict):
    """The content of clinic.yaml; paths are absolute after ``load_config``."""

    aet: Aet
    host: str = "127.0.0.1"
    port: Port = 11112
    folder: Path
    quiet_seconds: Seconds = 30.0
    complete: list[Complete] = []
    peers: Annotated[list[Aet], Field(min_length=1)] | None = None
    maximum_associations: int = Field(50, ge=1, le=1000)
    receive: Receive = Field(default_factory=lambda: Receive.model_validate({}))
    pull: Pull = Field(default_factory=lambda: Pull.model_validate({}))
    threads: int = Field(0, ge=0, le=1024)
    work: Work = Field(default_factory=lambda: Work.model_validate({}))
    content_qualification: Literal["RESEARCH", "PRODUCT"] = "RESEARCH"
    serial_number: str = Field("1", min_length=1, max_length=64, pattern=r"^[ -\[\]-~]+$")
    database: str | None = Field(None, pattern=r"^postgresql\+psycopg://\S+$")
    ledger: str | None = None
    web: Web = Field(default_factory=lambda: Web.model_validate({}))
    routes: list[Route] = Field(min_length=1)
    destinations: list[AnyDestination] = Field(min_length=1)
    delivery: Delivery = Field(default_factory=lambda: Delivery.model_validate({}))
    results: Results = Field(default_factory=lambda: Results.model_validate({}))
    audit: Audit = Field(default_factory=lambda: Audit.model_validate({}))
    disk: Disk = Field(default_factory=lambda: Disk.model_validate({}))
    log: Log = Field(default_factory=lambda: Log.model_validate({}))
    alarms: Alarms = Field(default_factory=lambda: Alarms.model_validate({}))

    @model_validator(mode="after")
    def _names(self) -> ClinicConfig:
        for what, names in (
            ("routes", [r.name for r in self.routes]),
            ("destinations", [d.name for d in self.destinations]),
        ):
            twice = {n for n in names if names.count(n) > 1}
            if twice:
                raise ValueError(f"{what}: the name {min(twice)!r} is used twice; expected one of a kind")
        known = [d.name for d in self.destinations]
        sources = [s.name for s in self.pull.sources]
        for route in self.routes:
            if route.priors is not None and route.priors.source not in sources:
                raise ValueError(
                    f"routes: {route.name}: priors.source {route.priors.source!r} is not among pull.sources "
                    f"({', '.join(sources) or 'none'})"
                )
            if route.priors is not None and self.database and self._moves(route.priors.source):
                raise ValueError(
                    f"routes: {route.name}: priors.source {route.priors.source!r} has retrieve: move, which sends to "
                    "the node alone; workers on several hosts (database) need retrieve: get"
                )
            for name in route.destinations or []:
                if name not in known:
                    raise ValueError(
                        f"routes: {route.name}: destination {name!r} is not among destinations ({', '.join(known)})"
                    )
        return self

    def _moves(self, source: str) -> bool:
        return any(
            isinstance(s, Source) and s.name == source and s.retrieve == "move" for s in self.pull.sources
        )

    def complete_for(self, sender: str) -> Complete:
        """The first rule of completeness for a calling title; a quiet time where there is none."""
        for rule in self.complete:
            if rule.sources is None or sender in rule.sources:
                return rule
        return Complete.model_validate({})

    def quiet_for(self, rule: Complete) -> float:
        """Seconds without an instance after which a study is complete by ``rule``."""
        return rule.quiet_seconds or self.quiet_seconds


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
    config = _absolute(config, base)
    if config.ledger and "://" not in config.ledger:
        return config.model_copy(update={"ledger": str((base / config.ledger).resolve())})
    return config


def _absolute(model: Any, base: Path) -> Any:
    """``model`` with every path in it taken from ``base``."""
    if isinstance(model, Path):
        return (base / model).resolve()
    if isinstance(model, list):
        return [_absolute(m, base) for m in model]
    if isinstance(model, BaseModel):
        return model.model_copy(
            update={name: _absolute(getattr(model, name), base) for name in type(model).model_fields}
        )
    return model


def json_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of clinic.yaml, for editors that check while one writes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "clinic.yaml",
        **ClinicConfig.model_json_schema(),
    }
