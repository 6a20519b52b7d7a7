"""cache: what the store of prepared cases holds, and making it smaller."""

from __future__ import annotations

import os

from overread.errors import InputError
from overread.learn.store.place import LIMIT, in_words, parse_size
from overread.learn.store.store import Store
from overread.pipeline.workspace import console


def cache_command(*, prune: bool, keep: str | None) -> None:
    """Print what the store holds; with ``prune`` first remove what no training uses, down to ``keep``.

    Raises InputError for a ``keep`` that is no size, or without ``prune``.
    """
    if keep is not None and not prune:
        raise InputError("--keep: says how much --prune leaves; give --prune, too")
    store = Store()
    if prune:
        freed = store.prune(parse_size(keep, "--keep") if keep is not None else 0)
        console.print(f"  Removed {in_words(freed)}.")
    usage = store.usage()
    console.print(f"  {usage.folder}", soft_wrap=True)
    cases = "1 prepared case" if usage.entries == 1 else f"{usage.entries} prepared cases"
    why = (
        f"as {LIMIT} says"
        if os.environ.get(LIMIT)
        else f"half of what the disk has; {LIMIT} sets another limit"
    )
    console.print(
        f"  {cases} in {in_words(usage.held)}, of at most {in_words(usage.limit)} ({why}).", soft_wrap=True
    )
    if prune and usage.held and keep is None:
        console.print("  What is left is in use by trainings that run now.")
