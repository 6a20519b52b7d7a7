"""The address of a prepared case: a hash of all that decides what it holds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from overread.cohort.case import Case
from overread.cohort.columns import FINDINGS, IGNORE, UNLABELLED, VALUE
from overread.cohort.truth import TRUTHS
from overread.errors import InputError
from overread.files import canonical_json, sha256_bytes, sha256_file
from overread.imaging.image_files import image_files
from overread.learn.plan import Plan
from overread.learn.store.code_version import code_version
from overread.learn.store.index import Index
from overread.task import TASKS as FACTS

SETTLED_SECONDS = 3.0
"""A file changed more recently may change again within the same tick of its clock: its hash is not remembered."""


def addresses(cases: Sequence[Case], plan: Plan, index: Index) -> list[str]:
    """The key of each case as ``plan`` has it prepared.

    It is a SHA-256 over the content of its images, what its truth's column holds (of files, their content), the plan's
    preprocessing, task and labels, and `code_version`: neither names nor places count. A file is read to be hashed
    once, until its size, times or inode change. Raises InputError for a file that cannot be read.
    """
    column = TRUTHS[FACTS[plan.task].truth].COLUMN
    files = [_files_of(case, column) for case in cases]
    digests = file_digests({p for parts in files for paths in parts.values() for p in paths}, index)
    common = [code_version(), plan.preprocess.model_dump(mode="json"), plan.task, plan.labels, plan.inputs]
    keys = []
    for case, parts in zip(cases, files, strict=True):
        # A folder's files count by their names, which may say their order, from the folder on.
        content = {
            role: [
                [p.relative_to(_base(paths)).as_posix() if len(paths) > 1 else "", digests[p]] for p in paths
            ]
            for role, paths in parts.items()
        }
        stated = _of_file(case) if f"truth {column}" in parts else _stated(case, column)
        keys.append(sha256_bytes(canonical_json([common, content, stated]).encode()))
    return keys


def file_digests(paths: Iterable[Path], index: Index) -> dict[Path, str]:
    """SHA-256 of each file, from the index where the file is as it was when it was hashed."""
    paths = list(paths)
    states = {p: _state(p) for p in paths}
    known = index.digests({str(p): s for p, (s, _) in states.items()})
    new = [p for p in paths if str(p) not in known]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(new, pool.map(_hashed, new), strict=True))
    settled = time.time() - SETTLED_SECONDS
    index.remember({str(p): (states[p][0], d) for p, d in found.items() if states[p][1] < settled})
    return {p: known.get(str(p)) or found[p] for p in paths}


def _files_of(case: Case, column: str) -> Mapping[str, list[Path]]:
    """The files that the prepared case comes from, by their part in it."""
    try:
        parts = {f"image {name}": image_files(path) for name, path in case.images.items()}
        truth = getattr(case, column, None)
        if isinstance(truth, Path):
            parts[f"truth {column}"] = image_files(truth)
        return parts
    except InputError as error:
        raise InputError(f"case {case.case}: {error}") from error


def _stated(case: Case, column: str) -> Any:
    """What the row itself says in the truth's column."""
    if column == FINDINGS:
        return dict(case.findings)
    if column == VALUE:
        return dict(case.values)
    said = getattr(case, column, case.attributes.get(column))
    return [said, dict(case.votes)] if column == "label" and case.readings else said


def _of_file(case: Case) -> Any:
    """How the row says that the truth's file is to be read; None where it says nothing."""
    said = {k: case.attributes[k] for k in (IGNORE, UNLABELLED) if case.attributes.get(k)}
    return said or None


def _base(paths: Sequence[Path]) -> Path:
    return Path(os.path.commonpath([p.parent for p in paths]))


def _state(path: Path) -> tuple[str, float]:
    """What changes with a file's content, as text; and when it changed last."""
    try:
        s = path.stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    # The time of change of the inode, which nobody can set back, comes with every write.
    return f"{s.st_size} {s.st_mtime_ns} {s.st_ctime_ns} {s.st_ino} {s.st_dev}", max(s.st_mtime, s.st_ctime)


def _hashed(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
