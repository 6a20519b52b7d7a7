"""What the plan foretold of time and memory beside what it took: in report.json and on the screen."""

from __future__ import annotations

import json
import resource
from typing import Any

from overread.files import write_json
from overread.pipeline.stages.plan import read_plan
from overread.pipeline.workspace import Workspace


def keep_predicted(space: Workspace, *, peak_gib: float | None = None) -> str:
    """Put ``predicted`` into report.json, which the test has written, and return it as a sentence.

    ``training`` and ``answering`` (tuning and test cases, with what is computed of them): seconds foretold and taken.
    ``memory`` likewise in GiB, where ``peak_gib``, this process's own peak by default, is of the whole run. What was
    not foretold, since a number of epochs was given, is left out.
    """
    plan = read_plan(space.model / "plan.json")
    trained = space.record_of("train")["result"]
    cohort, seconds = space.cohort(), space.seconds()
    answered = len(cohort.split("val")) + len(cohort.split("test"))
    taken = {
        "training": (plan.train_seconds, trained["seconds"] + trained.get("prepare_seconds", 0.0), "s"),
        "answering": (
            answered * plan.answer_seconds,
            seconds.get("package", 0.0) + seconds.get("test", 0.0),
            "s",
        ),
        "memory": (plan.memory_gib, peak_gib if peak_gib is not None else own_peak_gib(), "GiB"),
    }
    told: dict[str, Any] = {
        name: {"predicted": round(a, 2), "taken": round(b, 2), "unit": unit}
        for name, (a, b, unit) in taken.items()
        if a > 0
    }
    path = space.folder / "report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    write_json(path, report | {"predicted": told})
    parts = [f"{name} {v['predicted']:.1f} and {v['taken']:.1f} {v['unit']}" for name, v in told.items()]
    return f"Planned and taken: {', '.join(parts)}." if parts else ""


def own_peak_gib() -> float:
    """The most memory that this process has held, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
