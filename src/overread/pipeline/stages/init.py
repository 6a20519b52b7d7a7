"""init: a protocol.yaml that fits the cohort, for a person to read and edit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from overread.cohort.cohort import FILE as COHORT
from overread.cohort.cohort import Cohort
from overread.cohort.load import load_case
from overread.cohort.table import read_table
from overread.cohort.truth import TRUTHS
from overread.errors import InputError
from overread.evaluate import tasks as evaluate_tasks
from overread.parse import parse_json
from overread.pipeline.guided import Ask, guided
from overread.pipeline.protocol import FILE
from overread.pipeline.protocol_file import write_protocol
from overread.pipeline.workspace import Workspace, console, stage_record
from overread.task import TASKS

SUBGROUPS = ("sex", "age", "site", "scanner")
# Names of the class without the finding; of two classes the other one is then the positive one.
NEGATIVE = re.compile(
    r"(?i)(^|[\W_])(no|non|none|normal|negative|neg|healthy|control|absent|absence|benign|without|0)([\W_]|$)"
)
GOALS = {"auroc": 0.8, "auroc_macro": 0.8, "mae_gain": 0.0}
OTHER_GOAL = 0.7
"""Goals that a new protocol proposes: of an area under the ROC curve, where chance is 0.5, of a number that it is
better than the mean, and of everything else."""


def init_stage(folder: Path, *, ask: Ask | None = None) -> None:
    """Write ``folder/protocol.yaml`` from cohort.csv and an import's task.json; keep one that is there.

    With ``ask`` a person answers what neither of them tells, see `overread.pipeline.guided.guided`.
    """
    if (folder / FILE).is_file():
        space = Workspace.open(folder)
        with stage_record(space, "init") as result:
            result["written"] = False
        console.print(f"{folder / FILE} is there already and is kept.")
        return
    values, remarks = _values(folder)
    if ask is not None:
        values = guided(values, remarks, ask)
    write_protocol(folder, values)
    with stage_record(Workspace.open(folder), "init") as result:
        result.update(written=True, task=values["task"], dimensions=values["dimensions"])
    console.print(
        f"Wrote {folder / FILE}: {values['dimensions']}D {values['task']} of {', '.join(values['labels'])}. "
        "Read it before you train."
    )
    for remark in remarks:
        console.print(f"  {remark}", highlight=False)


def _values(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The content of protocol.yaml, and what was guessed on the way, a sentence each."""
    stated = _stated(folder)
    cohort = Cohort.read(folder, need=None)
    remarks: list[str] = []
    kind = stated.get("task") or _infer_task(cohort, folder, remarks)
    if kind not in TASKS:
        raise InputError(
            f"{folder / 'task.json'}: the task is {kind}, for which there is no task, only {' and '.join(TASKS)}; "
            "the cohort itself can be read (overread.cohort.cohort.Cohort.read) and its table used elsewhere"
        )
    facts = TASKS[kind]
    truth = TRUTHS[facts.truth]
    named = stated.get("labels") if facts.answer == "value" else None
    cohort = Cohort.read(folder, need=truth.COLUMN, labels=named)
    image = load_case(cohort.cases[0])
    labels = stated.get("labels") or truth.infer([c for c in cohort if c.split != "test"])
    if len(labels) < facts.fewest_labels:
        raise InputError(
            f"{folder / COHORT}: found labels {labels or 'none'}, expected at least {facts.fewest_labels} for {kind} "
            f"(column {truth.COLUMN})"
        )
    positive = None
    if facts.answer == "classes" and len(labels) == 2 and not facts.ordered:
        positive = stated.get("positive") or _guess_positive(labels, remarks)
    elif facts.ordered:
        positive = stated.get("positive")
        remarks.append(
            f"The grades are taken in this order, lowest first: {', '.join(labels)}; change labels if that is not so."
        )
    modality = stated.get("modality") or ([image.modality] if image.modality else [])
    matches = stated.get("channels", {})
    attributes = {k for c in cohort for k in c.attributes}
    task = evaluate_tasks.TASKS[kind]
    counted = stated.get("counted_labels", [])
    pairs = task.offered(labels, positive, counted)
    metric, label = next((p for p in pairs if p[0].key in GOALS), pairs[0])
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-.") or "protocol"
    values = {
        "name": stated.get("name") or name,
        "intended_use": stated.get("intended_use", ""),
        "task": kind,
        "dimensions": len(image.spatial),
        "labels": labels,
        "positive": positive,
        "quantity": _quantity(stated, remarks) if facts.answer == "value" else None,
        "channels": [
            {"name": c, "modality": modality, "match": matches.get(c, {}).get("match", {})}
            for c in cohort.channels
        ],
        "limits": stated.get("limits") or {},
        "counted_labels": counted,
        "operating_point": task.rule(stated.get("operating_point", ""), labels, positive),
        "endpoints": stated.get("endpoints")
        or [
            {
                "metric": metric.key,
                "goal": GOALS.get(metric.key, OTHER_GOAL),
                **({} if label is None else {"label": label}),
                "proposed": True,
            }
        ],
        "subgroups": [a for a in SUBGROUPS if a in attributes],
        "virtual": bool(stated.get("source", {}).get("virtual", False)),
    }
    if truth.UNSURE:
        values |= {"uncertain": "ignore", "missing": "ignore"}
    return {k: v for k, v in values.items() if v is not None}, remarks


def _quantity(stated: Mapping[str, Any], remarks: list[str]) -> dict[str, Any]:
    """Unit and bounds as an import stated them; without it a bare number, which is said."""
    given: dict[str, Any] | None = stated.get("quantity")
    if given is None:
        remarks.append("The number is taken to have no unit and no bounds: state them under quantity.")
    return given or {"unit": "1"}


def _stated(folder: Path) -> dict[str, Any]:
    path = folder / "task.json"
    if not path.is_file():
        return {}
    content = parse_json(path.read_bytes(), str(path))
    if not isinstance(content, dict) or not {"task", "labels"} <= set(content):
        raise InputError(f"{path}: has no task and labels; import the data again or delete the file")
    return content


def _infer_task(cohort: Cohort, folder: Path, remarks: list[str]) -> str:
    """The task whose truth every row has; of several the one that says most, which is said aloud."""
    stated = {name for name, truth in TRUTHS.items() if all(map(truth.stated, cohort))}
    # What says where is more than what says whether; the first task of a truth is its plain one.
    fitting = sorted((n for n, t in TASKS.items() if t.truth in stated), key=lambda n: not TASKS[n].local)
    if not fitting:
        columns = ", ".join(read_table(folder).columns)
        wanted = "; ".join(f"{truth.COLUMN} ({', '.join(_tasks_of(name))})" for name, truth in TRUTHS.items())
        raise InputError(
            f"{folder / COHORT}: no column of a truth is filled in every row; expected one of: {wanted}; "
            f"found columns {columns}"
        )
    if len(fitting) > 1:
        remarks.append(
            f"The table would also do for {', '.join(fitting[1:])}: change task and labels for that."
        )
    return fitting[0]


def _tasks_of(truth: str) -> Sequence[str]:
    return [name for name, task in TASKS.items() if task.truth == truth]


def _guess_positive(labels: Sequence[str], remarks: list[str]) -> str:
    """Which of two classes is the one to be found: the one that is not named as absence, else the second."""
    negative = [label for label in labels if NEGATIVE.search(label)]
    if len(negative) == 1:
        positive = next(label for label in labels if label != negative[0])
        remarks.append(f"Positive is {positive!r}, since {negative[0]!r} reads as its absence.")
    else:
        positive = labels[-1]
        remarks.append(
            f"Positive is {positive!r}, the second of the names, for neither reads as an absence: is that so?"
        )
    return positive
