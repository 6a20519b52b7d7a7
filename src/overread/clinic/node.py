"""The node: everything that runs while ``overread serve`` does, but the pages."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from overread.clinic import retention, workflow
from overread.clinic.alarms import Bell, conditions
from overread.clinic.child.pool import Children
from overread.clinic.completeness import Arrivals
from overread.clinic.config import ClinicConfig
from overread.clinic.intake import Intake
from overread.clinic.operate import Desk, Operate
from overread.clinic.outward.dicom import clear_reports, keep_report
from overread.clinic.pinned import load_pinned
from overread.clinic.priors import coming
from overread.clinic.priors.fetch import Fetcher, clear_scratch
from overread.clinic.receive.commitment import Report, commitment_services, owed_reports
from overread.clinic.receive.find import WORKLIST, find_service
from overread.clinic.receive.tls import expiry_warnings
from overread.clinic.run_steps import RunSteps
from overread.clinic.spool import Spool, Status, Stored
from overread.clinic.start_up import lock, membership, told_in_a_line
from overread.clinic.state import State
from overread.clinic.storage import start_storage
from overread.clinic.worklist import answers
from overread.errors import InputError
from overread.files import fsync_folder
from overread.ledger.ledger import Ledger

LONGEST_TICK_SECONDS = 0.5
CHECK_SECONDS = 60.0
GIBIBYTE = 2**30
COMMITMENT_DAYS = 30
"""A report on storage commitment that nothing has used for so long is removed; whoever waits for it asks again."""
log = logging.getLogger(__name__)


class Node:
    """A DICOM node that answers studies with packages.

    Parameters
    ----------
    config
        A checked configuration.

    Raises
    ------
    InputError
        A package that cannot be loaded or was changed; a state folder that another node uses; a database that does not
        answer.
    """

    def __init__(self, config: ClinicConfig) -> None:
        self.config = config
        self.packages = {route.name: load_pinned(route) for route in config.routes}
        with told_in_a_line(config.folder):
            config.folder.mkdir(parents=True, exist_ok=True)
            fsync_folder(config.folder.parent)
            self._lock = lock(config.folder / ".lock", f"{config.folder}: another node works in this folder")
            self.spool = Spool(config.folder / "spool")
            self.state = State(config.database or config.folder / "clinic.db")
            self.ledger = Ledger.open(config.ledger or config.folder / "ledger.db")
        self.children = Children(config)
        by_hash = {p.sha256: p for p in self.packages.values()}
        self.steps = RunSteps(
            config,
            by_hash,
            self.spool,
            self.state,
            self.ledger,
            children=self.children,
            fetcher=Fetcher(config, self.spool, self._was_sent, self.children.stopping),
        )
        self.arrivals = Arrivals()
        self.intake = Intake(
            self.steps, self.packages, self.children.look, self.arrivals, arriving=self._arriving
        )
        self.desk = Desk(self.steps, self.intake)
        self.operate = Operate(self.state)
        self.executor = workflow.Executor(workflow.EXECUTOR, workflow.database_of(self.steps))
        self.membership = membership(self.steps, self.executor, "receiver")
        self.bell = Bell(config.alarms, config.delivery.timeout_seconds)
        self._troubles = ""
        self.owed = owed_reports(config.folder / "owed", config.receive.peers, config.aet)
        self.draining = False
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="study-completion", daemon=True)
        self._server: Any = None

    def start(self) -> None:
        """Take up what was left, then listen. Raises InputError where disk, database or port cannot be had."""
        config = self.config
        try:
            with told_in_a_line(config.folder):
                clear_scratch(config.folder)
                coming.clear(config.folder, self.spool, self._was_sent)
                workflow.launch(self.steps, self.executor)
                workflow.resume(self.steps, starting=True)
                for study in self.spool.studies():
                    self.intake.take_up(study)
            self._server = start_storage(
                self.spool,
                aet=config.aet,
                host=config.host,
                port=config.port,
                on_stored=self._stored,
                peers=config.peers,
                maximum_associations=config.maximum_associations,
                settings=config.receive,
                least_free_bytes=int(config.disk.refuse_gib * GIBIBYTE),
                on_released=self.arrivals.released,
                services={
                    **commitment_services(
                        self.spool,
                        aet=config.aet,
                        peers=config.receive.peers,
                        owed=self.owed,
                        on_report=self._committed,
                    ),
                    **find_service(WORKLIST, partial(answers, self.state)),
                },
            )
        except InputError:
            self.stop()
            raise
        if self.membership is not None:
            self.membership.start()
        self.children.warm()
        self.owed.start()
        self._watcher.start()
        packages = {name: p.sha256 for name, p in self.packages.items()}
        self.steps.note("clinic.started", aet=config.aet, packages=packages)

    def stop(self) -> None:
        """Stop listening, let what is under way end for a while, and leave the rest to the next start."""
        begun, limit = time.monotonic(), self.config.work.drain_seconds
        self.drain()
        self._stop.set()
        self.owed.stop()
        if self._watcher.is_alive():
            self._watcher.join(timeout=limit)
        while self.children.busy and time.monotonic() - begun < limit:
            time.sleep(0.1)
        # What is left ends now: a result that is not whole is made again.
        self.children.stop()
        workflow.stop(max(1, int(limit - (time.monotonic() - begun))))
        if self.membership is not None:
            self.membership.stop()
        self._lock.close()

    def drain(self) -> None:
        """Take no more instances; what is here is answered and delivered."""
        self.draining = True
        if self._server is not None:
            server, self._server = self._server, None
            server.shutdown()

    @property
    def trouble(self) -> str:
        """Why the node cannot do its work just now; empty where it can."""
        texts = [self._troubles]
        if self._server is not None:
            texts.append(self._server.trouble())
        if self.draining:
            texts.append("draining: no instances are taken")
        free = shutil.disk_usage(self.config.folder).free
        if free < self.config.disk.refuse_gib * GIBIBYTE:
            texts.append(f"disk full: {free / GIBIBYTE:.2f} GiB free")
        texts.append(self.state.answers() and "the database does not answer")
        return "; ".join(dict.fromkeys(t for t in texts if t))

    def _committed(self, report: Report) -> None:
        """A destination has told on an association of its own what it commits itself to."""
        good, bad = {sop for _, sop in report.kept}, {sop for _, sop, _ in report.failed}
        if not keep_report(self.config.folder / "commitments", report.transaction, good, bad):
            log.warning("a report on storage commitment that nobody asked for was not believed")

    def _arriving(self) -> frozenset[str]:
        """Studies that an association which is still open has brought instances of."""
        server = self._server
        return server.arriving() if server is not None else frozenset()

    def _was_sent(self, study: str) -> bool:
        return self.state.study(study) is not None

    def _stored(self, stored: Stored, sender: str) -> None:
        if stored.status is Status.SUCCESS and coming.is_expected(self.config.folder, stored.study, sender):
            return
        if stored.status is Status.SUCCESS:
            self.arrivals.stored(stored.study, sender)
        else:
            log.warning("refused an instance from %s: %#06x %s", sender, stored.status, stored.comment)

    def _watch(self) -> None:
        tick = min(LONGEST_TICK_SECONDS, self.config.quiet_seconds / 5)
        checked = time.monotonic()
        while not self._stop.wait(tick):
            troubles = [self._guarded(partial(self.intake.step, a)) for a in self.arrivals.all()]
            troubles.append(self._guarded(self.desk.work))
            if time.monotonic() - checked > CHECK_SECONDS:
                checked = time.monotonic()
                troubles.append(self._guarded(lambda: workflow.resume(self.steps, starting=False)))
                self._guarded(self._look_after)
            self._troubles = "; ".join(t for t in troubles if t)

    def _look_after(self) -> None:
        """Remove what may go, and alarm who is to be alarmed."""
        config, state = self.config, self.state
        moment = datetime.now(UTC)
        clear_reports(config.folder / "commitments", moment.timestamp() - COMMITMENT_DAYS * 86400)

        def free() -> int:
            return shutil.disk_usage(config.folder).free

        if config.disk.keep_days is not None or free() < config.disk.clean_gib * GIBIBYTE:
            studies = state.studies(limit=1_000_000)
            retention.clean(studies, config.disk, moment, free=free, remove=self.desk.remove)
        if config.alarms.to:
            wrong = conditions(
                state,
                config.alarms,
                trouble=self.trouble,
                free_gib=free() / GIBIBYTE,
                warn_gib=config.disk.warn_gib,
                certificates=[
                    *(self._server.certificate_warnings() if self._server is not None else []),
                    *expiry_warnings(config.web.tls),
                ],
                now=moment,
            )
            self.bell.ring_beside(wrong)

    def _guarded(self, action: Callable[[], None]) -> str:
        """Do one thing; an error is logged and returned as text.

        A full disk or a locked database passes; a dead watcher would lose studies without a word.
        """
        try:
            action()
        except Exception as error:
            log.exception("the study watcher met an error and goes on")
            return f"{type(error).__name__}: {self.steps.bench.public(error)}"
        except BaseException as stopped:
            if not self._stop.is_set():
                return f"{type(stopped).__name__}"
        return ""
