"""The commands that ask a running node for something, and show what waits for a person."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from overread.clinic.config import ClinicConfig
from overread.clinic.delivering import REFUSED
from overread.clinic.operate import Operate
from overread.clinic.state import State
from overread.clinic.tables import DeliveryState, StudyState
from overread.errors import InputError, printable

WAIT_SECONDS = 15.0


def state_of_node(config: ClinicConfig) -> State:
    """The node's database. Raises InputError where there is none yet."""
    if config.database is None and not (config.folder / "clinic.db").exists():
        raise InputError(f"{config.folder}: holds no database of a node; start it once with overread serve")
    return State(config.database or config.folder / "clinic.db")


def dead_letters_command(config: ClinicConfig) -> None:
    """What failed and waits for a person: runs, deliveries, studies that could not be read, objects set aside."""
    console, state = Console(highlight=False, soft_wrap=True), state_of_node(config)
    # What destinations refused is told below, once for each of them.
    failed = [r for r in state.dead_letters() if not r.error.startswith(REFUSED)]
    lines = [f"run {r.key} of study {r.study_uid}: {r.error}" for r in failed]
    for delivery in state.undelivered():
        if delivery.state is DeliveryState.REFUSED:
            lines.append(f"run {delivery.run} to {delivery.destination}: {delivery.error}")
    for study in state.studies(limit=100_000):
        if study.state is StudyState.FAILED and not study.runs:
            lines.append(f"study {study.study_uid}: {study.error}")
        lines += [
            f"study {study.study_uid}, object {a.sop} set aside: {a.code}: {a.text}" for a in study.aside
        ]
    lines += [f"request {r.id}, {r.kind} of {r.subject}: {r.answer}" for r in state.given_up()]
    for line in lines or ["nothing waits for a person"]:
        console.print(printable(line), markup=False)
    if lines:
        console.print("overread replay takes a run, a study or a request up again", markup=False)


def replay_command(config: ClinicConfig, what: list[str], every: bool) -> None:
    """Ask the node to take up again runs, or studies, that failed."""
    console, state = Console(highlight=False, soft_wrap=True), state_of_node(config)
    operate = Operate(state)
    if every:
        what = [r.key for r in state.dead_letters()]
        what += [str(r.id) for r in state.given_up()]
        what += [s.study_uid for s in state.studies(limit=100_000, states=(StudyState.FAILED,)) if not s.runs]
    if every and not what:
        console.print("nothing to replay")
        return
    if not what:
        raise InputError("nothing to replay; name runs or studies of overread dead-letters, or give --all")
    numbers = {w: _replay(operate, state, w) for w in what}
    deadline = time.monotonic() + WAIT_SECONDS
    for name, number in numbers.items():
        answer = ""
        while not answer and time.monotonic() < deadline:
            request = state.request(number)
            answer = request.answer if request and request.done else ""
            time.sleep(0.2)
        told = answer or "asked for; the node takes it up when it runs"
        console.print(printable(f"{name}: {told}"), markup=False)


def _replay(operate: Operate, state: State, what: str) -> int:
    """The number of the request that takes up a study (by its UID), a request (by its number), or a run."""
    if "." in what:
        return operate.rerun(what)
    if what.isdigit() and len(what) < 16:
        return operate.again(what)
    return _replay_run(operate, state, what)


def _replay_run(operate: Operate, state: State, key: str) -> int:
    """A run whose objects are there and were refused is offered again; any other is answered again."""
    run = state.run(key)
    refused = [d for d in run.deliveries if d.state is DeliveryState.REFUSED] if run else []
    if refused:
        return [operate.resend(key, d.destination) for d in refused][-1]
    return operate.retry(key)


def backup_command(config: ClinicConfig, out: Path) -> None:
    """Copy the node's folder while it runs."""
    from overread.clinic.backup import backup

    console = Console(highlight=False, soft_wrap=True)
    with console.status("copying") as status:
        count = backup(config.folder, out, lambda n: status.update(f"copying, {n} files"))
    console.print(f"{count} files are in {out}", markup=False)
    if config.database:
        console.print("the shared database is not among them: back it up with pg_dump", markup=False)
