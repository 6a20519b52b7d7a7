"""init: a protocol.yaml that fits the cohort, for a person to read and edit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from overread.cohort.cohort import FILE as COHORT
from overread.cohort.cohort import Cohort
from overread.cohort.load import load_case
from overread.cohort.masks import read_mask
from overread.cohort.table import read_table
from overread.errors import InputError
from overread.pipeline.protocol import FILE, write_protocol
from overread.pipeline.workspace import Workspace, console, recording

TASKS = ("classification", "segmentation")
SUBGROUPS = ("sex", "age", "site", "scanner")


def init_stage(folder: Path) -> None:
    """Write ``folder/protocol.yaml`` from cohort.csv and an import's task.json; keep one that is there."""
    if (folder / FILE).is_file():
        space = Workspace.open(folder)
        with recording(space, "init") as result:
            result["written"] = False
        console.print(f"{folder / FILE} is there already and is kept.")
        return
    values = _values(folder)
    write_protocol(folder, values)
    with recording(Workspace.open(folder), "init") as result:
        result.update(written=True, task=values["task"], dimensions=values["dimensions"])
    console.print(
        f"Wrote {folder / FILE}: {values['dimensions']}D {values['task']} of {', '.join(values['labels'])}. "
        "Read it before you train."
    )


def _values(folder: Path) -> dict[str, Any]:
    task = _stated(folder)
    cohort = Cohort.read(folder, need=None)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-.") or "protocol"
    kind = task.get("task") or _infer_task(cohort, folder)
    if kind not in TASKS:
        raise InputError(
            f"{folder / 'task.json'}: the task is {kind}, which cannot be trained yet, only {' and '.join(TASKS)}; "
            "the cohort itself can be read (overread.cohort.cohort.Cohort.read) and its table used elsewhere"
        )
    cohort = Cohort.read(folder, need="label" if kind == "classification" else "mask")
    image = load_case(cohort.cases[0])
    labels = task.get("labels") or _infer_labels(cohort, kind)
    if len(labels) < 2:
        raise InputError(
            f"{folder / COHORT}: found {labels} only, expected at least two "
            f"{'classes in column label' if kind == 'classification' else 'values in the masks'}"
        )
    modality = task.get("modality") or ([image.modality] if image.modality else [])
    stated = task.get("channels", {})
    attributes = {k for c in cohort for k in c.attributes}
    metric = "dice" if kind == "segmentation" else ("auroc" if len(labels) == 2 else "auroc_macro")
    positive = task.get("positive") or (labels[-1] if kind == "classification" and len(labels) == 2 else None)
    return {
        "name": task.get("name") or name,
        "intended_use": task.get("intended_use", ""),
        "task": kind,
        "dimensions": len(image.spatial),
        "labels": labels,
        "positive": positive,
        "channels": [
            {"name": c, "modality": modality, "match": stated.get(c, {}).get("match", {})}
            for c in cohort.channels
        ],
        "limits": task.get("limits") or {},
        "counted_labels": task.get("counted_labels", []),
        "operating_point": task.get("operating_point", "youden"),
        "endpoints": task.get("endpoints")
        or [{"metric": metric, "goal": 0.7 if kind == "segmentation" else 0.8}],
        "subgroups": [a for a in SUBGROUPS if a in attributes],
        "virtual": bool(task.get("source", {}).get("virtual", False)),
    }


def _stated(folder: Path) -> dict[str, Any]:
    path = folder / "task.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); import the data again or delete the file") from error
    if not isinstance(content, dict) or not {"task", "labels"} <= set(content):
        raise InputError(f"{path}: has no task and labels; import the data again or delete the file")
    return content


def _infer_task(cohort: Cohort, folder: Path) -> str:
    with_mask, with_label = (all(getattr(c, k) for c in cohort) for k in ("mask", "label"))
    if not with_mask and not with_label:
        columns = read_table(folder).columns
        raise InputError(
            f"{folder / COHORT}: neither column 'label' (classification) nor 'mask' (segmentation) is filled in "
            "every row; "
            f"found columns {', '.join(columns)}"
        )
    return "segmentation" if with_mask else "classification"


def _infer_labels(cohort: Cohort, kind: str) -> list[str]:
    if kind == "classification":
        return sorted({str(c.label) for c in cohort})
    top = max(int(np.max(read_mask(c, load_case(c)))) for c in cohort.split("train"))
    return ["background", *(f"label{k}" for k in range(1, max(1, top) + 1))]
