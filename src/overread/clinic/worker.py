"""overread work: a process that analyses studies for a node on a shared PostgreSQL, on this host or another.

It needs the node's clinic.yaml, its folder (on a shared disk) and its database. It receives and delivers nothing.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from pathlib import Path

from overread.clinic import workflow
from overread.clinic.child.pool import Children
from overread.clinic.config import ClinicConfig
from overread.clinic.pinned import load_pinned
from overread.clinic.priors.fetch import Fetcher
from overread.clinic.run_steps import RunSteps
from overread.clinic.spool import Spool
from overread.clinic.start_up import lock, membership
from overread.clinic.state import State
from overread.errors import InputError
from overread.files import only_mine
from overread.ledger.ledger import Ledger

log = logging.getLogger(__name__)


class Worker:
    """Analyses, until it is stopped.

    Raises
    ------
    InputError
        No shared database; a folder that is not there; another worker of this name on this host.
    """

    def __init__(self, config: ClinicConfig, name: str = "1") -> None:
        if config.database is None:
            raise InputError(
                "database: missing; workers beside the node need a PostgreSQL that they share with it"
            )
        if not (config.folder / "spool").is_dir():
            raise InputError(
                f"{config.folder}: holds no spool; expected the folder of the node, on a disk of both"
            )
        executor = f"{socket.gethostname()}-{name}"
        self._lock = lock(config.folder / f".worker-{executor}", f"worker {executor} runs already")
        packages = {p.sha256: p for p in map(load_pinned, config.routes)}
        ledger = config.ledger or config.folder / "ledger.db"
        self.children = Children(config)
        # Its journal is the receiver's alone.
        spool, state = SpoolReader(config.folder / "spool"), State(config.database)

        def was_sent(study: str) -> bool:
            return state.study(study) is not None

        self.steps = RunSteps(
            config,
            packages,
            spool,
            state,
            Ledger.open(ledger),
            children=self.children,
            fetcher=Fetcher(config, spool, was_sent, self.children.stopping),
        )
        self.executor = workflow.Executor(executor, config.database, receives=False)
        self.membership = membership(self.steps, self.executor, "worker")

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop``; what is under way then ends within the time for draining, or is left to others."""
        workflow.launch(self.steps, self.executor)
        assert self.membership is not None
        self.membership.start()
        self.children.warm()
        stop.wait()
        begun, limit = time.monotonic(), self.steps.config.work.drain_seconds
        while self.children.busy and time.monotonic() - begun < limit:
            time.sleep(0.1)
        self.children.stop()
        workflow.stop(1)
        # What was cut off is free for the others at once.
        self.membership.hand_over()
        self._lock.close()


class SpoolReader(Spool):
    """Where instances lie, for a process that receives none: it opens no journal and tidies nothing up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


@only_mine()
def work(config: ClinicConfig, name: str) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    import signal

    from rich.console import Console

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker = Worker(config, name)
    Console(highlight=False).print(f"worker {worker.executor.name} waits for studies", markup=False)
    worker.run(stop)
