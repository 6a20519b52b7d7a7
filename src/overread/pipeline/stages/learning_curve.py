"""learning-curve: trainings on parts of the training patients, and how much further patients would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from overread.errors import InputError
from overread.evaluate.learning_curve import LearningCurve, fit_curve, sizes
from overread.files import write_json, write_text
from overread.pipeline.report.words import metric_name
from overread.pipeline.stages.plan import exactly, read_plan
from overread.pipeline.stages.tune import measured_plan, prepared, trained
from overread.pipeline.workspace import Workspace, console, stage_record

RESULT, PICTURE = "learning_curve.json", "learning_curve.svg"
AHEAD = (2, 4)
"""Times as many patients as there are, for which the curve is read."""


def learning_curve_stage(
    folder: Path, *, points: int = 5, repeats: int = 3, epochs: int | None = None
) -> None:
    """Train on growing parts of the training patients, ``repeats`` times each with another seed and other patients, for
    as many steps as the plan has, and measure on all tuning patients.

    Leaves learning_curve.json and learning_curve.svg. Each part of a repeat holds the smaller ones.

    Raises InputError for too few patients or points, no plan, or tuning cases that cannot give the metric.
    """
    if points < 3 or repeats < 1:
        raise InputError(
            f"--points, --repeats: found {points} and {repeats}, expected 3 or more and 1 or more"
        )
    space = Workspace.open(folder)
    plan = read_plan(space.plan_file)
    plan = measured_plan(space, exactly(plan, epochs or plan.epochs))
    cohort = space.cohort()
    train, tune = cohort.split("train"), cohort.split("val")
    people = sorted({c.patient for c in train})
    parts = sizes(len(people), points)
    if len(parts) < 3:
        raise InputError(f"{folder}: {len(people)} training patients are too few for a learning curve")
    assert plan.selection is not None
    metric, label = plan.selection.metric, plan.selection.label
    rows: list[dict[str, Any]] = []
    with stage_record(space, "learning-curve") as result:
        examples, watched = prepared(plan, train, tune)
        for repeat in range(repeats):
            order = np.random.default_rng(plan.seed + repeat).permutation(people)
            for count in parts:
                chosen = set(order[:count])
                own = [e for c, e in zip(train, examples, strict=True) if c.patient in chosen]
                again = plan.model_copy(update={"seed": plan.seed + repeat})
                value = trained(space, again, own, watched, tune)
                rows.append({"patients": count, "repeat": repeat, "value": value})
                console.print(
                    f"  {count} patients, {len(own)} images, repeat {repeat + 1} of {repeats}: "
                    f"{metric_name(metric, label)} {value:.3f}",
                    highlight=False,
                )
        at = [*parts, *(k * len(people) for k in AHEAD)]
        found = fit_curve(
            [r["patients"] for r in rows], [r["value"] for r in rows], at=at, lower=_lower(plan, metric)
        )
        told = {
            "metric": metric,
            "label": label,
            "tuning_patients": len({c.patient for c in tune}),
            "trainings": rows,
            **{k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(found).items()},
        }
        write_json(folder / RESULT, told)
        write_text(folder / PICTURE, curve_svg(found, rows, metric_name(metric, label)))
        result.update(trainings=len(rows), end=found.end)
    for times in (1, *AHEAD):
        k = int(np.argmin(np.abs(found.patients - times * len(people))))
        console.print(
            f"  With {times * len(people)} training patients ({times} times as many): {metric_name(metric, label)} "
            f"{found.curve[k]:.3f} (90% band {found.low[k]:.3f} to {found.high[k]:.3f}), on tuning patients",
            highlight=False,
        )
    console.print(f"  {folder / PICTURE}", highlight=False)


def _lower(plan: Any, metric: str) -> bool:
    from overread.evaluate.metrics import METRICS

    return METRICS[metric].better == "lower"


def curve_svg(found: LearningCurve, rows: Sequence[dict[str, Any]], name: str) -> str:
    """Trainings as points, the fitted curve with its band, and where it goes on beyond the patients there are."""
    from overread.pipeline.report.plots import COLOURS, drawing, svg

    most = max(r["patients"] for r in rows)
    with drawing(5.0, 3.6) as (page, axes):
        axes.fill_between(
            found.patients, found.low, found.high, color=COLOURS[4], alpha=0.3, label="90% band"
        )
        axes.plot(found.patients, found.curve, color=COLOURS[0], label="inverse power law")
        axes.plot([r["patients"] for r in rows], [r["value"] for r in rows], "o", color=COLOURS[1], ms=4)
        axes.axvline(most, color=COLOURS[6], linewidth=0.8, linestyle=":", label=f"{most} patients there are")
        axes.set_xscale("log")
        axes.set_xlabel("Training patients")
        axes.set_ylabel(f"{name}, tuning patients")
        axes.legend()
        return svg(page)
