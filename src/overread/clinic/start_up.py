"""What a process of the node needs to start: a lock, a place among the hosts, or one line that says why not."""

from __future__ import annotations

import fcntl
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from overread.clinic import workflow
from overread.clinic.hosts import Membership
from overread.clinic.run_steps import RunSteps
from overread.errors import InputError


@contextmanager
def told_in_a_line(folder: Path) -> Iterator[None]:
    """Raise InputError for a disk or a database that is full, away or not ours; SQLite may be the first to say so."""
    try:
        yield
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        # A database's error is told by the driver; what was asked for, and with which values, is nobody's business.
        reason = getattr(error, "strerror", None) or getattr(error, "orig", None) or error
        line = (str(reason) or type(error).__name__).splitlines()[0]
        where = getattr(error, "filename", None) or folder
        raise InputError(
            f"{where}: the node cannot start ({line}); free space, give it a folder that it may write, "
            "and see that its database answers"
        ) from error


def membership(steps: RunSteps, executor: workflow.Executor, role: str) -> Membership | None:
    """This process among the hosts of a shared database; None where there is none."""
    if steps.config.database is None:
        return None
    return Membership(
        steps.state, executor.name, socket.gethostname(), role, steps.config.work, workflow.take_over
    )


def lock(path: Path, taken: str) -> Any:
    """Hold a file for this process alone. Raises InputError with ``taken`` where another one does."""
    handle = path.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise InputError(f"{taken}; give each node a folder of its own") from error
    return handle
