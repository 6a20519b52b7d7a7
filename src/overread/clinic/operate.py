"""What a person can ask of the node, from page and command line: take up again, send again, answer again, delete.

A request is kept in the database and done by the node that runs, so that it does not matter who asks from where.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass, replace

from overread.clinic import workflow
from overread.clinic.delivering import something_went_out
from overread.clinic.intake import Intake, add_run
from overread.clinic.records.hosts import Request
from overread.clinic.run_folder import sops_sha256
from overread.clinic.run_steps import RunSteps
from overread.clinic.spool import safe_uid
from overread.clinic.state import State, now
from overread.clinic.tables import DeliveryState, Priority, RunRow, StudyState
from overread.errors import InputError
from overread.files import sha256_bytes

log = logging.getLogger(__name__)
ATTEMPTS, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 8, 2.0, 300.0
RETRY, RESEND, RERUN, DELETE, PRIORITY = "retry", "resend", "rerun", "delete", "priority"


@dataclass(frozen=True)
class Operate:
    """Requests of a person, checked and kept: each gives its number, and raises InputError where it cannot be done."""

    state: State

    def retry(self, run: str) -> int:
        """Answer once more: for a run that failed."""
        row = self._run(run)
        if row.state not in (StudyState.FAILED, StudyState.DELIVERED, StudyState.SHADOW):
            raise InputError(f"run {run}: is {row.state.value}, expected one that has ended")
        return self.state.ask(RETRY, run)

    def resend(self, run: str, destination: str) -> int:
        """Offer the results of a run to a destination again, all of them."""
        row = self._run(run)
        if not row.files or row.shadow:
            raise InputError(f"run {run}: has no result object that could be sent")
        return self.state.ask(RESEND, run, destination)

    def rerun(self, study: str) -> int:
        """Route a study again, and answer it with whatever fits now."""
        self._study(study)
        return self.state.ask(RERUN, study)

    def delete(self, study: str) -> int:
        """Remove a study and its results from this node."""
        self._study(study)
        return self.state.ask(DELETE, study)

    def raise_priority(self, study: str, reason: str) -> int:
        """Put a study before the others."""
        self._study(study)
        return self.state.ask(PRIORITY, study, reason)

    def again(self, request: str) -> int:
        """Try a request once more that was given up."""
        if not request.isascii() or not request.isdigit() or len(request) > 15:
            raise InputError(f"request {request[:64]!r}: expected its number")
        if not self.state.ask_again(int(request)):
            raise InputError(f"request {request}: was not given up")
        return int(request)

    def _run(self, run: str) -> RunRow:
        row = self.state.run(run)
        if row is None:
            raise InputError(f"run {run}: this node knows no such run")
        return row

    def _study(self, study: str) -> None:
        if self.state.study(study) is None:
            raise InputError(f"study {study}: this node knows no such study")


@dataclass(frozen=True)
class Desk:
    """Does what was asked for, in the node's own process."""

    steps: RunSteps
    intake: Intake

    def work(self) -> None:
        """Everything that waits; one that fails is answered with the reason, and the others are done.

        What may pass (a disk, a database, a file in use) is tried again, later and later, and at last given up.
        """
        for request in self.steps.state.asked():
            try:
                answer = self._do(request)
            except InputError as error:
                answer = self.steps.bench.public(error)
            except Exception as error:
                log.exception("request %d (%s) failed", request.id, request.kind)
                self._failed(request, f"{type(error).__name__}: {self.steps.bench.public(error)}")
                continue
            self.steps.note("clinic.operated", what=request.kind, subject=request.subject)
            self.steps.state.answer(request.id, answer or "done")

    def _failed(self, request: Request, text: str) -> None:
        attempts = request.attempts + 1
        if attempts < ATTEMPTS:
            wait = min(FIRST_WAIT_SECONDS * 2.0 ** (attempts - 1), LONGEST_WAIT_SECONDS)
            self.steps.state.postpone(request.id, attempts, wait, text)
            return
        self.steps.note("clinic.given_up", what=request.kind, subject=request.subject)
        self.steps.state.give_up(request.id, attempts, f"given up after {attempts} attempts: {text}")

    def _do(self, request: Request) -> str:
        match request.kind:
            case "retry":
                return self._retry(request.subject, request.id)
            case "resend":
                return self._resend(request.subject, request.detail)
            case "rerun":
                return self._rerun(request.subject, request.id)
            case "delete":
                return self.remove(request.subject)
            case "priority":
                self.steps.state.raise_study(request.subject, Priority.URGENT, request.detail)
                return ""
            case other:
                raise InputError(f"found request {other!r}, which this version does not know")

    def _retry(self, key: str, request: int) -> str:
        """In place where nothing has gone out; otherwise as a new run, whose report names the one it replaces.

        The new run's key is made of the request's number: a request that is done twice, for the node ended before it
        was answered, makes one run.
        """
        steps, run = self.steps, self.steps.state.run(key)
        if run is None:
            raise InputError(f"run {key}: is gone")
        folder = steps.folder(key)
        facts = folder.facts()
        if something_went_out(run):
            new = sha256_bytes(f"{key} request {request}".encode())[:32]
            facts = replace(facts, key=new, predecessor="" if run.shadow else key, created=now())
            facts = steps.folder(new).write_facts(facts)
            if steps.state.run(new) is None:
                add_run(steps, facts, run.sops_sha256)
            study = steps.state.study(run.study_uid)
            keys = [new if r.key == key else r.key for r in study.runs] if study else [new]
            steps.state.set_study(run.study_uid, StudyState.QUEUED, run=keys[0], runs=keys)
            workflow.start_analysis(new, priority=Priority(facts.priority))
            return f"run {new}"
        folder.begin_again()
        steps.state.set_run(key, StudyState.QUEUED, error="", again=0, files=[], prediction={})
        for delivery in run.deliveries:
            self._forget_delivery(key, delivery.destination)
        workflow.start_analysis(key, workflow.next_attempt(key), Priority(facts.priority))
        return f"run {key}"

    def _resend(self, key: str, destination: str) -> str:
        names = [destination] if destination else self.steps.destinations(key)
        if destination and destination not in [d.name for d in self.steps.config.destinations]:
            raise InputError(f"destination {destination!r} is not in the configuration")
        for name in names:
            self.steps.state.delivery(key, name)
            self._forget_delivery(key, name)
            run = self.steps.state.run(key)
            if run is not None and run.state in (StudyState.FAILED, StudyState.DELIVERED):
                self.steps.state.set_run(key, StudyState.DELIVERING, error="")
            workflow.continue_delivery(key, name, at_once=True)
        return f"offered again to {', '.join(names)}"

    def _forget_delivery(self, key: str, name: str) -> None:
        self.steps.delivering.forget_commitments(self.steps.folder(key), name)
        self.steps.state.set_delivery(key, name, DeliveryState.WAITING, refusals=0, error="", objects={})

    def _rerun(self, study: str, request: int) -> str:
        known = self.steps.state.study(study)
        if known is None or not self.steps.spool.instances(study):
            raise InputError(f"study {study}: its images are not here any more")
        self.intake.book.forget(study)
        before = {r.key for r in known.runs}
        self.intake.arrivals.stored(study, known.sender)
        for key in before:
            run = self.steps.state.run(key)
            if run is not None and run.state in (StudyState.FAILED, StudyState.DELIVERED, StudyState.SHADOW):
                self._retry(key, request)
        return "taken up again"

    def remove(self, study: str) -> str:
        """Remove images, results and rows of a study; what is in the chain of evidence stays there."""
        safe_uid(study)
        steps = self.steps
        if study in self.intake.arrivals:
            raise InputError(f"study {study}: is coming in just now")
        busy = (StudyState.QUEUED, StudyState.RUNNING, StudyState.DELIVERING)
        runs = steps.state.runs_of(study)
        if any(r.state in busy for r in runs):
            raise InputError(f"study {study}: is being worked on; wait, or stop what holds it up")
        known, sops = steps.state.study(study), steps.spool.instances(study)
        digest = known.sops_sha256 if known is not None else ""
        if (sops and digest and digest != sops_sha256(sops)) or not steps.spool.remove(study, sops):
            raise InputError(f"study {study}: is coming in just now")
        for run in runs:
            shutil.rmtree(steps.folder(run.key).folder, ignore_errors=True)
        self.intake.book.forget(study)
        steps.state.remove(study)
        steps.note("clinic.deleted", study=study, runs=[r.key for r in runs])
        return "deleted"
