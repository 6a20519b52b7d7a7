"""Durable workflows (DBOS on SQLite): what was begun is finished, also after the process was killed.

Workflow ids are made of what is to be done, so that asking twice does it once. DBOS keeps which steps of
which workflow are done; a step that was under way when the process died is done again, see ``run_steps``.
"""

from __future__ import annotations

import logging
from pathlib import Path

from dbos import DBOS, DBOSConfig, EnqueueOptions, WorkflowSerializationFormat, WorkflowStatus, error

from overread.clinic.run_steps import RunSteps
from overread.clinic.tables import DeliveryState, StudyState

# Pinned: DBOS resumes only work of the same version and executor. Change the version when steps change in
# number or order, and resume what is left of the old one first.
APPLICATION_VERSION = "clinic-1"
EXECUTOR = "node"
ANALYSE_QUEUE, DELIVER_QUEUE = "analyse", "deliver"
# A study that has killed the process this often is given up, so that the node can work on.
MAXIMUM_DEATHS = 5
DELIVERIES_AT_ONCE = 8
POLL_SECONDS = 0.2
ACTIVE = ["ENQUEUED", "DELAYED", "PENDING"]
log = logging.getLogger(__name__)
_steps: RunSteps | None = None


def launch(steps: RunSteps, database: Path) -> None:
    """Start DBOS in this process and take up what was left. One node per process."""
    global _steps
    _steps = steps
    config: DBOSConfig = {
        "name": "overread-clinic",
        "system_database_url": f"sqlite:///{database}",
        "application_version": APPLICATION_VERSION,
        "executor_id": EXECUTOR,
        "enable_otlp": False,
        "log_level": "ERROR",
        "notification_listener_polling_interval_sec": POLL_SECONDS,
    }
    DBOS(config=config)
    DBOS.launch()
    # One study at a time: a model takes all cores by itself.
    DBOS.register_queue(
        ANALYSE_QUEUE, worker_concurrency=1, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
    )
    DBOS.register_queue(
        DELIVER_QUEUE,
        worker_concurrency=DELIVERIES_AT_ONCE,
        polling_interval_sec=POLL_SECONDS,
        on_conflict="always_update",
    )


def stop(seconds: int) -> None:
    """Let running workflows end for at most ``seconds``; what is left is taken up at the next start."""
    global _steps
    DBOS.destroy(workflow_completion_timeout_sec=seconds)
    _steps = None


def start_analysis(key: str, attempt: int = 1) -> None:
    """Queue a run; asked twice for one attempt, it is done once."""
    _enqueue(ANALYSE_QUEUE, "analyse", _analysis_id(key, attempt), 0.0, key)


def resume(steps: RunSteps, starting: bool) -> None:
    """Begin again whatever is not at its end and that no workflow is about to finish.

    ``starting``: just after the node's start, when also refused results are offered again and nothing waits.
    """
    for run in steps.state.unfinished():
        found = _workflows(f"analyse:{run.key}:")
        if any(w.status in ACTIVE for w in found) or (run.again and not starting):
            continue
        if run.state is StudyState.DELIVERING:
            for destination in steps.config.destinations:
                steps.state.delivery(run.key, destination.name)
            steps.settle(run.key)
        elif all(w.status == "SUCCESS" for w in found):
            start_analysis(run.key, len(found) + 1)
        else:
            text = (
                f"the process died {MAXIMUM_DEATHS} times while it worked on this study, which was given up"
            )
            steps.give_up(run.key, text)
    for delivery in steps.state.undelivered():
        if delivery.state is DeliveryState.REFUSED:
            if not starting:
                continue
            steps.state.set_delivery(delivery.run, delivery.destination, DeliveryState.WAITING, refusals=0)
            steps.settle(delivery.run)
        _continue_delivery(delivery.run, delivery.destination, at_once=starting)


def _continue_delivery(key: str, destination: str, at_once: bool) -> None:
    """Make sure that one attempt is queued; ``at_once``: and that it does not wait."""
    prefix = f"deliver:{key}:{destination}:"
    found = _workflows(prefix)
    active = [w for w in found if w.status in ACTIVE]
    for workflow in active:
        if at_once and workflow.status == "DELAYED":
            DBOS.set_workflow_delay(workflow.workflow_id, delay_seconds=0)
    if not active:
        attempt = 1 + max((int(w.workflow_id.removeprefix(prefix)) for w in found), default=0)
        _enqueue(DELIVER_QUEUE, "deliver", f"{prefix}{attempt}", 0.0, key, destination, attempt)


def _workflows(prefix: str) -> list[WorkflowStatus]:
    return DBOS.list_workflows(workflow_id_prefix=prefix, load_input=False, load_output=False)


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
        _enqueue(DELIVER_QUEUE, "deliver", f"deliver:{key}:{name}:1", 0.0, key, name, 1)


@DBOS.workflow(name="deliver", max_recovery_attempts=MAXIMUM_DEATHS)
def _deliver(key: str, destination: str, attempt: int) -> None:
    wait = _offer(key, destination, attempt)
    if wait is not None:
        following = attempt + 1
        workflow_id = f"deliver:{key}:{destination}:{following}"
        _enqueue(DELIVER_QUEUE, "deliver", workflow_id, wait, key, destination, following)


@DBOS.step(name="answer", retries_allowed=True, max_attempts=4, interval_seconds=2.0)
def _answer(key: str) -> bool:
    return _here().answer(key)


@DBOS.step(name="write", retries_allowed=True, max_attempts=4, interval_seconds=2.0)
def _write(key: str) -> bool:
    return _here().write(key)


@DBOS.step(name="destinations")
def _destinations(key: str) -> list[str]:
    names = [d.name for d in _here().config.destinations]
    for name in names:
        _here().state.delivery(key, name)
    return names


@DBOS.step(name="offer")
def _offer(key: str, destination: str, attempt: int) -> float | None:
    return _here().deliver(key, destination, attempt)


@DBOS.step(name="give_up")
def _give_up(key: str, text: str) -> None:
    _here().give_up(key, text, again=True)


def _analysis_id(key: str, attempt: int) -> str:
    return f"analyse:{key}:{attempt}"


def _enqueue(queue: str, name: str, workflow_id: str, delay: float, *args: str | int) -> None:
    options: EnqueueOptions = {
        "workflow_name": name,
        "queue_name": queue,
        "workflow_id": workflow_id,
        "app_version": APPLICATION_VERSION,
        # JSON, not pickle: a database file must not be able to run code.
        "serialization_type": WorkflowSerializationFormat.PORTABLE,
    }
    if delay > 0:
        options["delay_seconds"] = delay
    DBOS.enqueue_workflow_with_options(options, *args)


def _here() -> RunSteps:
    assert _steps is not None, "a workflow ran before launch"
    return _steps
