"""Making a cohort folder whole or not at all, and repeating that safely."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overread.errors import InputError
from overread.files import fsync_folder, new_folder_beside, write_json

TASK = "task.json"
OURS = {"images", "masks", "boxes", "dicom", "cohort.csv", "README.txt", TASK}


@contextmanager
def building(out: Path, task: Mapping[str, Any]) -> Iterator[Path]:
    """Yield a temporary folder beside ``out``; on success it gets ``task.json`` and becomes ``out``.

    ``task["source"]["import"]`` names the maker and its arguments. A folder that the same import made is
    replaced; what people added to it since (``protocol.yaml``, ``record/``) stays, provided that the
    arguments are the same, for then the data are too.

    Raises
    ------
    InputError
        ``out`` is a file, or a folder holding anything else.
    """
    out = Path(out)
    kept = _kept(out, task)
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = new_folder_beside(out)
    try:
        yield temporary
        write_json(temporary / TASK, dict(task))
        if kept:
            for name in sorted(OURS):
                _replace(temporary / name, out / name)
        else:
            _replace(temporary, out)
        fsync_folder(out.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _kept(out: Path, task: Mapping[str, Any]) -> list[str]:
    """Names in an existing ``out`` that a repeated import must leave alone."""
    if not out.exists():
        return []
    if not out.is_dir():
        raise InputError(f"{out}: is a file, expected a folder to make; choose another --out")
    names = {p.name for p in out.iterdir()}
    if not names:
        return []
    made = _source(out / TASK).get("import")
    mine = task["source"]["import"]
    if not isinstance(made, dict) or made.get("name") != mine["name"]:
        raise InputError(
            f"{out}: is not empty and was not made by `overread import {mine['name']}`; choose another --out"
        )
    others = sorted(names - OURS)
    if others and made != mine:
        raise InputError(
            f"{out}: holds {', '.join(others[:3])} built on other data ({made}, now {mine}); "
            "choose another --out"
        )
    return others


def _source(path: Path) -> dict[str, Any]:
    """The ``source`` part of a task.json, empty where there is none to be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    source = found.get("source") if isinstance(found, dict) else None
    return source if isinstance(source, dict) else {}


def _replace(new: Path, old: Path) -> None:
    """Put ``new`` (which may be absent) where ``old`` is; the old one is deleted only once out of the way."""
    aside = old.with_name(f".{old.name}.old")
    if aside.exists():
        shutil.rmtree(aside)
    if old.is_dir():
        old.rename(aside)
    if new.exists():
        new.replace(old)
    else:
        old.unlink(missing_ok=True)
    if aside.exists():
        shutil.rmtree(aside)
