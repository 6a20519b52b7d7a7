"""Tables and rows of the node's database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text


class StudyState(StrEnum):
    """Where a study stands."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    RUNNING = "running"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    SHADOW = "shadow"
    SUPERSEDED = "superseded"
    NO_ROUTE = "no_route"
    FAILED = "failed"


ENDED = (StudyState.DELIVERED, StudyState.SHADOW, StudyState.SUPERSEDED, StudyState.FAILED)
"""States in which nothing more happens to a run by itself."""
# What a study is, where its runs differ: what still has to happen comes before what is over.
ORDER = (
    StudyState.RUNNING,
    StudyState.QUEUED,
    StudyState.DELIVERING,
    StudyState.FAILED,
    StudyState.DELIVERED,
    StudyState.SUPERSEDED,
    StudyState.SHADOW,
)


def state_of(states: Sequence[StudyState]) -> StudyState | None:
    """What a study is whose runs are in ``states``; None where it has none."""
    return min(states, key=ORDER.index) if states else None


class DeliveryState(StrEnum):
    """Where the results of one run stand with one destination."""

    WAITING = "waiting"
    CONFIRMING = "confirming"
    DELIVERED = "delivered"
    REFUSED = "refused"


class Priority(StrEnum):
    """How soon a study is to be looked at: by the node, and by the reader."""

    URGENT = "urgent"
    NORMAL = "normal"
    LOW = "low"


RANK = {Priority.URGENT: 0, Priority.NORMAL: 1, Priority.LOW: 2}

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
    Column("runs", Text, nullable=False, default="[]"),
    Column("aside", Text, nullable=False, default="[]"),
    Column("revision", Integer, nullable=False, default=0),
    Column("rank", Integer, nullable=False, default=RANK[Priority.NORMAL]),
    Column("urgent_reason", Text, nullable=False, default=""),
    Column("accession", Text, nullable=False, default=""),
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
    Column("rank", Integer, nullable=False, default=RANK[Priority.NORMAL]),
    Column("shadow", Integer, nullable=False, default=0),
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
    Column("objects", Text, nullable=False, default="{}"),
    Column("first_tried", String, nullable=False, default=""),
)
hosts_table = Table(
    "hosts",
    metadata,
    Column("executor", String, primary_key=True),
    Column("host", Text, nullable=False),
    Column("role", String, nullable=False),
    Column("alive", Integer, nullable=False, default=1),
    Column("seen", Float, nullable=False, default=0.0),
    Column("started", String, nullable=False, default=""),
)
requests_table = Table(
    "requests",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("made", String, nullable=False),
    Column("done", String, nullable=False, default=""),
    Column("answer", Text, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", Float, nullable=False, default=0.0),
    Column("given_up", Integer, nullable=False, default=0),
)
workitems_table = Table(
    "workitems",
    metadata,
    Column("uid", String, primary_key=True),
    Column("study_uid", String, nullable=False, index=True),
    Column("run", String, nullable=False),
    Column("label", Text, nullable=False, default=""),
    Column("comment", Text, nullable=False, default=""),
    Column("state", String, nullable=False),
    Column("created", String, nullable=False),
    Column("updated", String, nullable=False),
    Column("transaction", String, nullable=False, default=""),
    Column("performer", Text, nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
)


@dataclass(frozen=True)
class Delivery:
    """One destination of one run. ``objects``: of each result object by file name, ``delivered`` or what was said."""

    run: str
    destination: str
    state: DeliveryState
    attempts: int
    refusals: int
    error: str
    updated: str
    objects: dict[str, str] = field(default_factory=dict)
    first_tried: str = ""


@dataclass(frozen=True)
class RunRow:
    """One analysis of one study as it was at one moment.

    ``prediction`` is what `overread.clinic.shown.shown` makes of one, or empty; ``files`` are names in the run's
    results folder; ``again`` is 1 where the next start of the node is to try once more; a ``shadow`` run is never
    delivered.
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
    priority: Priority = Priority.NORMAL
    shadow: bool = False


@dataclass(frozen=True)
class Aside:
    """An object of a study that was set aside, with a short stable code and a sentence."""

    sop: str
    code: str
    text: str


@dataclass(frozen=True)
class StudyRow:
    """One study and its runs: ``runs`` are all of its latest revision, ``run`` the first of them."""

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
    runs: tuple[RunRow, ...] = ()
    aside: tuple[Aside, ...] = ()
    revision: int = 0
    priority: Priority = Priority.NORMAL
    urgent_reason: str = ""
    accession: str = ""
