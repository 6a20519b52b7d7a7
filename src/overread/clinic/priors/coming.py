"""Priors that an archive sends by C-MOVE come in by the door of new studies: marks on disk tell them apart."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from overread.clinic.spool import Spool, safe_uid
from overread.files import write_json

FOLDER = "coming"


@contextmanager
def expected(folder: Path, study: str, sender: str) -> Iterator[None]:
    """While it lasts, what ``sender`` (a calling title) sends of ``study`` is a prior and no new study."""
    mark = folder / FOLDER / f"{safe_uid(study)}.json"
    write_json(mark, {"sender": sender})
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def is_expected(folder: Path, study: str, sender: str) -> bool:
    """Whether it is. The common case, which every instance pays, is one look at a name that is not there."""
    if not os.path.exists(f"{folder}/{FOLDER}/{study}.json"):  # noqa: PTH110
        return False
    try:
        return bool(json.loads((folder / FOLDER / f"{study}.json").read_text())["sender"] == sender)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def clear(folder: Path, spool: Spool, known: Callable[[str], bool]) -> list[str]:
    """At the node's start: remove what an archive was sending when the node ended; its run asks again.

    A study that is ``known`` was sent by somebody else, too, and stays.
    """
    gone = []
    for mark in sorted((folder / FOLDER).glob("*.json")):
        with suppress(ValueError, OSError):
            if not known(safe_uid(mark.stem)):
                spool.remove(mark.stem, spool.instances(mark.stem))
                gone.append(mark.stem)
        mark.unlink(missing_ok=True)
    return gone
