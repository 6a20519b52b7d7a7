"""What the pages stand on: the node's records, its folders, and who may do what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from overread.clinic.feedback import FeedbackStore
from overread.clinic.operate import Operate
from overread.clinic.people import Users
from overread.clinic.receive.stow.callers import Callers
from overread.clinic.state import State
from overread.clinic.web_settings import Web
from overread.web.limits import Limiter
from overread.web.sessions import Sessions

Note = Callable[..., Any]
VIEW_SECONDS = 600.0
METRICS_SECONDS = 5.0
"""So long are numbers good: they go through all studies, nobody logs in for them, and the receiver needs the core."""


@dataclass(frozen=True)
class NodeFacts:
    """What the pages say about the node itself."""

    aet: str
    address: str
    packages: tuple[tuple[str, str, str, str], ...]  # route, name, version, sha256
    destinations: tuple[str, ...]
    content_qualification: str


@dataclass(frozen=True)
class Site:
    """Everything that pages and JSON API need.

    Attributes
    ----------
    trouble
        Text of what keeps the node from working at this moment; empty when all is well.
    note
        ``note(kind, actor=..., **payload)``: one event in the chain of evidence and in the audit trail.
    metrics
        Numbers of the node in the Prometheus text format.
    ready
        Whether the node takes instances now.
    access_log
        File that gets one JSON line for each request; None for none.
    """

    state: State
    users: Users
    feedback: FeedbackStore
    results: Path
    facts: NodeFacts
    trouble: Callable[[], str]
    note: Note
    settings: Web = field(default_factory=lambda: Web.model_validate({}))
    access_log: Path | None = None
    metrics: Callable[[], bytes] | None = None
    ready: Callable[[], bool] = lambda: True
    sessions: Sessions = field(init=False)
    requests: Limiter = field(init=False)
    failures: Limiter = field(init=False)
    callers: Callers | None = field(init=False)
    _views: Limiter = field(init=False)
    _counting: threading.Lock = field(init=False, default_factory=threading.Lock)
    _counted: list[tuple[float, bytes]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        web = self.settings
        object.__setattr__(
            self, "sessions", Sessions(idle=60 * web.session_minutes, longest=3600 * web.session_hours)
        )
        object.__setattr__(self, "requests", Limiter(web.requests_per_minute, 60))
        callers = Callers(web.ups.clients, where="web.ups") if web.ups else None
        object.__setattr__(self, "callers", callers)
        object.__setattr__(self, "failures", Limiter(5, 300))
        object.__setattr__(self, "_views", Limiter(1, VIEW_SECONDS))

    def viewed(self, actor: str, study: str, run: str) -> None:
        """Someone looks at a study: one event, however often a page or program looks again within some minutes."""
        key = f"{actor} {study} {run}"
        if not self._views.wait(key):
            self._views.count(key)
            self.note("web.viewed", actor=actor, study=study, run=run)

    def counted(self) -> bytes:
        """The metrics, counted anew after `METRICS_SECONDS`; who asks meanwhile gets the same."""
        assert self.metrics is not None
        with self._counting:
            if not self._counted or time.monotonic() - self._counted[0][0] > METRICS_SECONDS:
                self._counted[:] = [(time.monotonic(), self.metrics())]
            return self._counted[0][1]

    @property
    def operate(self) -> Operate:
        """What a person can ask of the node."""
        return Operate(self.state)
