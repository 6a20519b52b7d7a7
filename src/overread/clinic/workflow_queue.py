"""Queues of workflows: what is asked for, once each, and what waits in them."""

from __future__ import annotations

import time

from dbos import DBOS, EnqueueOptions, WorkflowSerializationFormat, WorkflowStatus

from overread.clinic.deadlines import deadline
from overread.clinic.tables import Priority

# Pinned: DBOS takes up only work of the same version. Change it when steps change in number or order; what an older
# version left unfinished is begun again from its files.
APPLICATION_VERSION = "clinic-1"
ANALYSE_QUEUE, DELIVER_QUEUE = "analyse", "deliver"
ACTIVE = ["ENQUEUED", "DELAYED", "PENDING"]


def queue_of(destination: str) -> str:
    """Each destination has a queue of its own: one that hangs delays no other."""
    return f"{DELIVER_QUEUE}-{destination}"


def workflows(prefix: str) -> list[WorkflowStatus]:
    """All whose ids begin so, whatever became of them."""
    return DBOS.list_workflows(workflow_id_prefix=prefix, load_input=False, load_output=False)


def enqueue(
    queue: str,
    name: str,
    workflow_id: str,
    delay: float,
    *args: str | int,
    priority: Priority = Priority.NORMAL,
) -> None:
    """Queue a workflow, to begin after ``delay`` seconds; of one id there is never more than one."""
    options: EnqueueOptions = {
        "workflow_name": name,
        "queue_name": queue,
        "workflow_id": workflow_id,
        "app_version": APPLICATION_VERSION,
        "serialization_type": WorkflowSerializationFormat.PORTABLE,
        "priority": deadline(priority, time.time()),
    }
    if delay > 0:
        options["delay_seconds"] = delay
    DBOS.enqueue_workflow_with_options(options, *args)
