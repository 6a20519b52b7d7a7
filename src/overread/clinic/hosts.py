"""This process among others that share its work: it says that it lives, and takes over what the dead have left."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from overread.clinic.config_parts import Work
from overread.clinic.state import State

log = logging.getLogger(__name__)


@dataclass
class Membership:
    """Heartbeat and sweeper of one process.

    ``take_over`` queues again what an executor was working on, and may do so twice.
    """

    state: State
    executor: str
    host: str
    role: str
    work: Work
    take_over: Callable[[str], list[str]]
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """From now on."""
        self.state.beat(self.executor, self.host, self.role)
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """In order: nobody needs to take anything over, DBOS gives it back at the next start of this executor."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=self.work.heartbeat_seconds)
            try:
                self.state.leave(self.executor)
            except Exception as error:
                log.warning("the heartbeat cannot be taken back (%s)", type(error).__name__)

    def hand_over(self) -> None:
        """In order, but what was under way was cut off: it counts as dead, so that the others need not wait."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=self.work.heartbeat_seconds)
        self.state.bury(self.executor, -self.work.take_over_seconds)

    def _beat(self) -> None:
        while not self._stop.wait(self.work.heartbeat_seconds):
            try:
                self.state.beat(self.executor, self.host, self.role)
                self.sweep()
            except Exception as error:
                # The database restarts, or the network is away: the next beat tells.
                log.warning("no heartbeat (%s)", type(error).__name__)

    def sweep(self) -> list[str]:
        """Take over the work of hosts that are silent; ids of what was queued again."""
        taken: list[str] = []
        for host in self.state.hosts():
            if host.executor == self.executor:
                continue
            if host.alive and not self.state.bury(host.executor, self.work.take_over_seconds):
                continue
            ids = self.take_over(host.executor)
            log.warning(
                "%s on %s was silent for %.0f s: %d of its jobs taken over",
                host.executor,
                host.host,
                host.silent,
                len(ids),
            )
            self.state.forget(host.executor)
            taken += ids
        return taken
