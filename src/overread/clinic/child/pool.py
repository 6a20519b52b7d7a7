"""Child processes that wait for work, and the cores that all of them together may use."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overread.clinic.child.process import Budget, Child, StoppingError
from overread.clinic.config import ClinicConfig, Route

MEMORY_SHARE = 0.75
WAIT_SECONDS = 0.2


class Cores:
    """How many cores are free; who asks first gets first, so that a large request is never passed over."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._free = total
        self._turn: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, count: int, stop: threading.Event) -> Iterator[None]:
        """Hold ``count`` cores, all where it is 0 or more than there are. Raises StoppingError when ``stop`` is set."""
        wanted = min(count or self.total, self.total)
        me = object()
        with self._changed:
            self._turn.append(me)
            try:
                while self._turn[0] is not me or self._free < wanted:
                    if stop.is_set():
                        raise StoppingError("the node stops")
                    self._changed.wait(WAIT_SECONDS)
                self._free -= wanted
            finally:
                self._turn.remove(me)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()


class Children:
    """Processes for studies' headers (one, always the same) and for runs (by budget; idle ones are kept)."""

    def __init__(self, config: ClinicConfig) -> None:
        self._config = config
        self._json = config.model_dump_json()
        self.stopping = threading.Event()
        total = config.work.cores or config.threads or os.cpu_count() or 1
        self.cores = Cores(total)
        self._idle: dict[Budget, list[Child]] = {}
        self._busy = 0
        self._lock = threading.Lock()

    @property
    def busy(self) -> int:
        """How many processes are at work."""
        return self._busy

    def budget(self, route: Route | None) -> Budget:
        """What a run of ``route`` may use; of the reading of headers where it is None."""
        work = self._config.work
        gibibytes = (route.memory_gib if route else None) or work.memory_gib
        memory = int(gibibytes * 2**30) if gibibytes else int(MEMORY_SHARE * physical_memory() / work.workers)
        cores = (route.cores if route else 1) or (self.cores.total if work.workers == 1 else 0)
        cores = cores or max(1, self.cores.total // work.workers)
        return Budget(min(cores, self.cores.total), memory, route.gpu if route else None)

    def run(self, job: Mapping[str, Any], route: Route) -> dict[str, Any]:
        """Do a run's job within its budget of cores, memory and time. Raises as `Child.ask`."""
        budget = self.budget(route)
        with self.cores.take(budget.cores, self.stopping):
            return self._ask(job, budget, route.seconds or self._config.work.seconds)

    def look(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Read headers, beside whatever runs. Raises as `Child.ask`."""
        return self._ask(job, self.budget(None), self._config.work.look_seconds)

    def _ask(self, job: Mapping[str, Any], budget: Budget, seconds: float) -> dict[str, Any]:
        if self.stopping.is_set():
            raise StoppingError("the node stops")
        with self._lock:
            waiting = self._idle.setdefault(budget, [])
            child = waiting.pop() if waiting else None
        if child is not None and not child.alive:
            child.end()
            child = None
        child = child or Child(self._json, budget)
        with self._lock:
            self._busy += 1
        try:
            answer = child.ask(job, seconds=seconds, stop=self.stopping)
        finally:
            with self._lock:
                self._busy -= 1
        with self._lock:
            if not self.stopping.is_set():
                self._idle[budget].append(child)
                return answer
        child.end()
        return answer

    def warm(self) -> None:
        """Start a process for headers and one for each budget of a route, so that the first study need not wait."""
        for job, budget in (
            ("look", self.budget(None)),
            *(("answer", b) for b in dict.fromkeys(map(self.budget, self._config.routes))),
        ):
            with self._lock:
                if self.stopping.is_set() or self._idle.get(budget):
                    continue
            child = Child(self._json, budget)
            child.warm(job)
            with self._lock:
                self._idle.setdefault(budget, []).append(child)

    def stop(self) -> None:
        """End all processes, those that work too."""
        self.stopping.set()
        with self._lock:
            idle = [c for children in self._idle.values() for c in children]
            self._idle.clear()
        for child in idle:
            child.end()


def physical_memory() -> int:
    """Bytes of memory of the machine, or of the control group where that has less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return machine
