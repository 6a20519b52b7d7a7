"""Durable workflows (DBOS on SQLite or PostgreSQL): what was begun is finished, also after the process was killed.

Workflow ids are made of what is to be done, so that asking twice does it once. DBOS keeps which steps of
which workflow are done; a step that was under way when the process died is done again, see ``run_steps``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from dbos import (
    DBOS,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    error,
)

from overread.clinic.run_steps import RunSteps
from overread.clinic.tables import DeliveryState, Priority, StudyState
from overread.clinic.workflow_queue import (
    ACTIVE,
    ANALYSE_QUEUE,
    APPLICATION_VERSION,
    DELIVER_QUEUE,
    enqueue,
    queue_of,
    workflows,
)
from overread.clinic.workflow_rows import drop_other_serializers

EXECUTOR = "node"
# Who counts deaths are the steps: they know whose they are.
MAXIMUM_DEATHS = 1_000_000
DELIVERIES_AT_ONCE = 2
POLL_SECONDS = 0.2
log = logging.getLogger(__name__)
_steps: RunSteps | None = None


@dataclass(frozen=True)
class Executor:
    """Who works: its name for DBOS and the database's URL. A ``receives`` one delivers, too, and begins work."""

    name: str
    database: str
    receives: bool = True


def database_of(steps: RunSteps) -> str:
    """The URL of the database of workflows."""
    return steps.config.database or f"sqlite:///{steps.config.folder / 'workflows.db'}"


def launch(steps: RunSteps, executor: Executor) -> None:
    """Start DBOS in this process and take up what it left. One node per process."""
    global _steps
    if executor.database.startswith("sqlite:///"):
        path = Path(executor.database.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
    drop_other_serializers(executor.database)
    _steps = steps
    config: DBOSConfig = {
        "name": "overread-clinic",
        "system_database_url": executor.database,
        "application_version": APPLICATION_VERSION,
        "executor_id": executor.name,
        # JSON, not pickle: a database must not be able to run code.
        "serializer": DBOSPortableJSONSerializer(),
        "enable_otlp": False,
        "log_level": "ERROR",
        "notification_listener_polling_interval_sec": POLL_SECONDS,
    }
    DBOS(config=config)
    if not executor.receives:
        DBOS.listen_queues([ANALYSE_QUEUE])
    DBOS.launch()
    if executor.receives:
        _queue(ANALYSE_QUEUE, steps.config.work.workers)
        # What an earlier version, which had one queue for all, left in it.
        _queue(DELIVER_QUEUE, DELIVERIES_AT_ONCE)
        for destination in steps.config.destinations:
            _queue(queue_of(destination.name), DELIVERIES_AT_ONCE)


def _queue(name: str, at_once: int) -> None:
    DBOS.register_queue(
        name, worker_concurrency=at_once, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
    )


def stop(seconds: int) -> None:
    """Let running workflows end for at most ``seconds``; what is left is taken up at the next start."""
    global _steps
    DBOS.destroy(workflow_completion_timeout_sec=seconds)
    _steps = None


def start_analysis(key: str, attempt: int = 1, priority: Priority = Priority.NORMAL) -> None:
    """Queue a run; asked twice for one attempt, it is done once."""
    enqueue(ANALYSE_QUEUE, "analyse", _analysis_id(key, attempt), 0.0, key, priority=priority)


def next_attempt(key: str) -> int:
    """The number of an attempt that there was not yet."""
    prefix = f"analyse:{key}:"
    return 1 + max((int(w.workflow_id.removeprefix(prefix)) for w in workflows(prefix)), default=0)


def resume(steps: RunSteps, starting: bool) -> None:
    """Begin again whatever is not at its end and that no workflow is about to finish.

    ``starting``: just after the node's start, when also refused results are offered again and nothing waits.
    """
    if starting:
        _drop_other_versions()
    for run in steps.state.unfinished():
        found = workflows(f"analyse:{run.key}:")
        if any(w.status in ACTIVE for w in found) or (run.again and not starting):
            continue
        if run.state is StudyState.DELIVERING:
            steps.destinations(run.key)
            steps.settle(run.key)
        else:
            start_analysis(run.key, next_attempt(run.key), run.priority)
    for delivery in steps.state.undelivered():
        run_row = steps.state.run(delivery.run)
        if run_row is None or run_row.state is StudyState.SUPERSEDED:
            continue
        if delivery.state is DeliveryState.REFUSED:
            if not starting:
                continue
            steps.state.set_delivery(delivery.run, delivery.destination, DeliveryState.WAITING, refusals=0)
            steps.settle(delivery.run)
        continue_delivery(delivery.run, delivery.destination, at_once=starting)


def _drop_other_versions() -> None:
    """Work that an older version left half done is begun again from its files, by the steps of this one."""
    for workflow in DBOS.list_workflows(status=ACTIVE, load_input=False, load_output=False):
        if workflow.app_version not in (APPLICATION_VERSION, None):
            log.warning("%s: left by version %s, begun again", workflow.workflow_id, workflow.app_version)
            DBOS.cancel_workflow(workflow.workflow_id)


def continue_delivery(key: str, destination: str, at_once: bool) -> None:
    """Make sure that one attempt is queued; ``at_once``: and that it does not wait."""
    prefix = f"deliver:{key}:{destination}:"
    found = workflows(prefix)
    active = [w for w in found if w.status in ACTIVE]
    for workflow in active:
        if at_once and workflow.status == "DELAYED":
            DBOS.set_workflow_delay(workflow.workflow_id, delay_seconds=0)
    if not active:
        attempt = 1 + max((int(w.workflow_id.removeprefix(prefix)) for w in found), default=0)
        enqueue(queue_of(destination), "deliver", f"{prefix}{attempt}", 0.0, key, destination, attempt)


def take_over(executor: str) -> list[str]:
    """Queue again what a dead host was working on; the ids."""
    left = DBOS.list_workflows(executor_id=executor, status=["PENDING"], load_input=False, load_output=False)
    for workflow in left:
        DBOS.resume_workflow(workflow.workflow_id, queue_name=workflow.queue_name)
    return [w.workflow_id for w in left]


@DBOS.workflow(name="analyse", max_recovery_attempts=MAXIMUM_DEATHS)
def _analyse(key: str) -> None:
    try:
        if not _answer(key) or not _write(key):
            return
    except error.DBOSMaxStepRetriesExceeded as spent:
        reason = "; ".join(sorted({str(e) for e in spent.errors})) or str(spent)
        _give_up(key, f"the node could not finish: {reason}; the next start tries again")
        return
    for name in _destinations(key):
        enqueue(queue_of(name), "deliver", f"deliver:{key}:{name}:1", 0.0, key, name, 1)


@DBOS.workflow(name="deliver", max_recovery_attempts=MAXIMUM_DEATHS)
def _deliver(key: str, destination: str, attempt: int) -> None:
    wait = _offer(key, destination, attempt)
    if wait is not None:
        following = attempt + 1
        workflow_id = f"deliver:{key}:{destination}:{following}"
        enqueue(queue_of(destination), "deliver", workflow_id, wait, key, destination, following)


@DBOS.step(name="answer", retries_allowed=True, max_attempts=4, interval_seconds=2.0)
def _answer(key: str) -> bool:
    return _here().answer(key)


@DBOS.step(name="write", retries_allowed=True, max_attempts=4, interval_seconds=2.0)
def _write(key: str) -> bool:
    return _here().write(key)


@DBOS.step(name="destinations")
def _destinations(key: str) -> list[str]:
    return _here().destinations(key)


@DBOS.step(name="offer", retries_allowed=True, max_attempts=4, interval_seconds=2.0)
def _offer(key: str, destination: str, attempt: int) -> float | None:
    return _here().deliver(key, destination, attempt)


@DBOS.step(name="give_up")
def _give_up(key: str, text: str) -> None:
    _here().give_up(key, text, again=True)


def _analysis_id(key: str, attempt: int) -> str:
    return f"analyse:{key}:{attempt}"


def _here() -> RunSteps:
    assert _steps is not None, "a workflow ran before launch"
    return _steps
