"""What an import leaves beside the images: task.json, boxes files, and one line for the person."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from overread.cohort.case import Case
from overread.cohort.splits.parts import SPLITS
from overread.errors import InputError


def made_by(name: str, folder: Path, **options: str | None) -> dict[str, Any]:
    """How to repeat an import: its name, its folder and the options that were given."""
    return {"name": name, "folder": str(folder.resolve()), **{k: v for k, v in options.items() if v}}


def task_of(
    kind: str,
    dimensions: int,
    labels: Sequence[str],
    *,
    name: str,
    licence: str,
    note: str,
    made: Mapping[str, Any],
    modality: Sequence[str] = (),
    positive: str | None = None,
    limits: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The content of task.json.

    ``kind`` is a key of `overread.task.TASKS`: ``classification``, ``ordinal``, ``multilabel`` (columns
    ``label_<name>``), ``segmentation``, ``detection`` ...
    ``made`` is `made_by`'s. With two labels, ``positive`` is the second one unless given.
    """
    return {
        "task": kind,
        "dimensions": dimensions,
        "labels": list(labels),
        "positive": positive or (labels[1] if len(labels) == 2 else None),
        "modality": list(modality),
        "limits": dict(limits or {}),
        **more,
        "source": {"name": name, "licence": licence, "note": note, "import": dict(made)},
    }


def box(label: str, corners: Sequence[float], where: str, **more: Any) -> dict[str, Any]:
    """One object of a boxes file: low corner, then high corner (docs/cohort.md).

    Raises
    ------
    InputError
        A box without extent; ``where`` names it.
    """
    half = len(corners) // 2
    if any(low >= high for low, high in zip(corners[:half], corners[half:], strict=True)):
        shown = ", ".join(f"{v:g}" for v in corners)
        raise InputError(f"{where}: box [{shown}] has no extent; correct it or take it out")
    return {"label": label, "box": [round(float(v), 4) for v in corners], **more}


def write_boxes(folder: Path, case: str, boxes: Sequence[Mapping[str, Any]]) -> Path:
    """Write a case's boxes below ``folder`` and give the path; an empty list says that nothing is there."""
    path = folder / "boxes" / f"{case}.json"
    path.parent.mkdir(exist_ok=True)
    # The whole folder appears at once (`building`), so no file needs to be atomic by itself.
    path.write_text(json.dumps([dict(b) for b in boxes]) + "\n", encoding="utf-8")
    return path


def print_summary(out: Path, cases: Iterable[Case], what: str) -> None:
    """One line: how many cases in which split, and of what."""
    counts = Counter(c.split for c in cases)
    text = ", ".join(f"{counts[s]} {s}" for s in SPLITS)
    Console().print(f"{out}: {text} cases; {what}", highlight=False)
