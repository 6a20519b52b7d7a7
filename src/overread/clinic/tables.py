"""Tables and rows of the node's database."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Integer, MetaData, String, Table, Text


class StudyState(StrEnum):
    """Where a study stands."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    RUNNING = "running"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    NO_ROUTE = "no_route"
    FAILED = "failed"


class DeliveryState(StrEnum):
    """Where the results of one run stand with one destination."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"


metadata = MetaData()
studies_table = Table(
    "studies",
    metadata,
    Column("study_uid", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("patient_id", Text, nullable=False, default=""),
    Column("patient_name", Text, nullable=False, default=""),
    Column("description", Text, nullable=False, default=""),
    Column("modalities", Text, nullable=False, default=""),
    Column("study_date", Text, nullable=False, default=""),
    Column("virtual", Integer, nullable=False, default=0),
    Column("sender", Text, nullable=False, default=""),
    Column("instances", Integer, nullable=False, default=0),
    Column("first_received", String, nullable=False),
    Column("last_received", String, nullable=False),
    Column("sops_sha256", String, nullable=False, default=""),
    Column("run", String, nullable=False, default=""),
    Column("error", Text, nullable=False, default=""),
)
runs_table = Table(
    "runs",
    metadata,
    Column("key", String, primary_key=True),
    Column("study_uid", String, nullable=False, index=True),
    Column("created", String, nullable=False),
    Column("updated", String, nullable=False),
    Column("state", String, nullable=False),
    Column("route", Text, nullable=False),
    Column("package_name", Text, nullable=False),
    Column("package_version", Text, nullable=False),
    Column("package_sha256", String, nullable=False),
    Column("sops_sha256", String, nullable=False),
    Column("instances", Integer, nullable=False),
    Column("prediction", Text, nullable=False, default=""),
    Column("files", Text, nullable=False, default="[]"),
    Column("error", Text, nullable=False, default=""),
    Column("again", Integer, nullable=False, default=0),
)
deliveries_table = Table(
    "deliveries",
    metadata,
    Column("run", String, primary_key=True),
    Column("destination", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("refusals", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("updated", String, nullable=False),
)


@dataclass(frozen=True)
class Delivery:
    """One destination of one run."""

    run: str
    destination: str
    state: DeliveryState
    attempts: int
    refusals: int
    error: str
    updated: str


@dataclass(frozen=True)
class RunRow:
    """One analysis of one study as it was at one moment.

    ``prediction`` is what `overread.clinic.shown.shown` makes of one, or empty; ``files`` are names in the run's
    results folder; ``again`` is 1 where the next start of the node is to try once more.
    """

    key: str
    study_uid: str
    created: str
    updated: str
    state: StudyState
    route: str
    package_name: str
    package_version: str
    package_sha256: str
    sops_sha256: str
    instances: int
    prediction: dict[str, Any]
    files: tuple[str, ...]
    error: str
    again: bool
    deliveries: tuple[Delivery, ...] = field(default=())


@dataclass(frozen=True)
class StudyRow:
    """One study and its latest run."""

    study_uid: str
    state: StudyState
    patient_id: str
    patient_name: str
    description: str
    modalities: str
    study_date: str
    virtual: bool
    sender: str
    instances: int
    first_received: str
    last_received: str
    sops_sha256: str
    error: str
    run: RunRow | None
