"""A check that fails is a finding of its own: it must not stop the others, nor look as if it had found nothing."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from overread.cohort.finding import Finding
from overread.errors import OverreadError

T = TypeVar("T")
CODE = "check.failed"


def reason(error: Exception) -> str:
    """What went wrong, in one line; of an error that no one foresaw, its type and where it arose, too."""
    said = " ".join(str(error).split())[:300]
    if isinstance(error, OverreadError):
        return said
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {said}{place}"


def guarded(what: str, check: Callable[[], T], otherwise: T) -> tuple[T, list[Finding]]:
    """What ``check`` gives; where it fails, ``otherwise`` and a warning that it was not done and why."""
    try:
        return check(), []
    except Exception as error:
        message = f"not checked: {what} ({reason(error)}); the other checks were done"
        return otherwise, [Finding(CODE, "warning", message)]
