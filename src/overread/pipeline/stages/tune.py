"""tune: which learning rate, weight decay, augmentation and dropout train best, by the tuning patients alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overread.cohort.case import Case
from overread.commands import command
from overread.errors import InputError
from overread.evaluate.tasks import TASKS as EVALUATE
from overread.files import canonical_json, sha256_bytes, write_json
from overread.pipeline.report.words import metric_name
from overread.pipeline.stages.plan import exactly, read_plan
from overread.pipeline.workspace import Workspace, console, progress, stage_record
from overread.settings import read_settings

if TYPE_CHECKING:
    from overread.learn.example import Example
    from overread.learn.plan import Plan
    from overread.learn.tune.search import Report

SETTINGS = "tune.yaml"
RESULT = "tuned.json"
MOST_CASES = 256
SHOWN = 5


def tune_stage(
    folder: Path,
    *,
    trials: int = 20,
    epochs: int | None = None,
    storage: str | None = None,
    apply: bool = False,
) -> None:
    """Search until ``trials`` trainings of ``epochs`` ended, over every process that shares the ``storage``.

    The space is that of tune.yaml, or of `overread.learn.tune.space.Space`. A search that was stopped goes on where the
    same is asked again. What came out best is left in tuned.json, and with ``apply`` written into plan.json.

    Raises
    ------
    InputError
        No plan, a space or a storage that cannot be, or no tuning cases.
    StoppedError
        Ctrl-C, or a request to terminate.
    """
    from overread.learn.tune.search import best_of, ended, open_study, search
    from overread.learn.tune.space import Space, changed

    if trials < 1:
        raise InputError(f"--trials: found {trials}, expected 1 or more")
    space = Workspace.open(folder)
    plan = measured_plan(
        space, exactly(read_plan(space.plan_file), epochs or read_plan(space.plan_file).epochs)
    )
    asked = folder / SETTINGS
    ranges = read_settings(asked, Space, "") if asked.is_file() else Space()
    cohort = space.cohort()
    train, tune = cohort.split("train"), cohort.split("val")
    assert plan.selection is not None
    metric, label = plan.selection.metric, plan.selection.label
    lower = _better(space, plan) == "lower"
    name = sha256_bytes(
        canonical_json(
            {
                "plan": plan.model_dump(mode="json"),
                "cohort": cohort.digest(),
                "space": ranges.model_dump(mode="json"),
            }
        ).encode()
    )[:16]
    study = open_study(
        storage or f"sqlite:///{(folder / 'tune.db').as_posix()}", name, lower=lower, seed=plan.seed
    )
    with stage_record(space, "tune") as result:
        before = ended(study)
        if before:
            console.print(f"  {before} of {trials} trials ended before; the search goes on.", highlight=False)
        objective = _Objective(space, plan, train, tune)
        search(
            study,
            plan,
            ranges,
            objective,
            trials=trials,
            told=lambda trial: console.print(
                f"  Trial {trial.number + 1}: {_said(trial.params)}; "
                + (
                    f"{metric_name(metric, label)} {trial.value:.3f}"
                    if trial.value is not None
                    else "nothing"
                )
                + (" (ended early: others were better)" if trial.state.name == "PRUNED" else "")
                + f"; {ended(study)} of {trials} ended",
                highlight=False,
            ),
        )
        best = best_of(study)
        if best is None:
            raise InputError(f"{folder}: no trial was trained to its end; ask for more with --trials")
        rows = [
            {"number": t.number, "state": t.state.name.lower(), "value": t.value, "values": dict(t.params)}
            for t in study.get_trials(deepcopy=False)
        ]
        told = {
            "metric": metric,
            "label": label,
            "tuning_cases": min(len(tune), MOST_CASES),
            "best": best,
            "as_planned": rows[0],
            "trials": rows,
        }
        write_json(folder / RESULT, told)
        result.update(trials=len(rows), best_value=best["value"], study=name)
    console.print(
        f"  Best of {ended(study)} trials: {_said(best['values'])}; {metric_name(metric, label)} {best['value']:.3f} "
        f"on tuning cases (as planned: {_value(rows[0])}). The best of many is too good by chance: only the sealed "
        "test says what it is worth.",
        highlight=False,
    )
    if apply:
        tuned = changed(read_plan(space.plan_file), best["values"])
        tuned.reasons.append(f"Tuned over {ended(study)} trials on tuning cases: {_said(best['values'])}.")
        write_json(space.plan_file, tuned.model_dump(mode="json"))
        console.print(
            f"  Written into {space.plan_file}; train with {command('train', folder)}.", highlight=False
        )


def measured_plan(space: Workspace, plan: Plan) -> Plan:
    """The plan with the task's first metric measured on tuning cases after each epoch, and without rival roads.

    Weights that it starts from stay, under a new head: from chance another network would be measured than is planned.
    """
    from overread.learn.plan import Selection

    protocol = space.protocol
    first, label = EVALUATE[plan.task].offered(protocol.judged, protocol.positive, protocol.counted_labels)[0]
    chosen = plan.selection or Selection(metric=first.key, label=label)
    chosen = chosen.model_copy(update={"most_cases": MOST_CASES, "patience": 0})
    return plan.model_copy(update={"selection": chosen, "rivals": []})


def _better(space: Workspace, plan: Plan) -> str:
    from overread.learn.selection import tuning_metric

    protocol = space.protocol
    metric = tuning_metric(
        plan, space.cohort().split("val"), positive=protocol.positive, counted=protocol.counted_labels
    )
    assert metric is not None
    return metric.metric.better


class _Objective:
    """Trains by one trial's values; cases are prepared once for all."""

    def __init__(self, space: Workspace, plan: Plan, train: Sequence[Case], tune: Sequence[Case]) -> None:
        self.space, self.plan, self.tune = space, plan, tune
        self.train, self.watched = prepared(plan, train, tune)

    def __call__(self, values: dict[str, float], report: Report) -> float:
        from overread.learn.tune.space import changed

        return trained(self.space, changed(self.plan, values), self.train, self.watched, self.tune, report)


def prepared(plan: Plan, train: Sequence[Case], tune: Sequence[Case]) -> tuple[list[Example], list[Example]]:
    """Training examples, and those of the tuning cases whose loss is watched."""
    from overread.learn.data import load_examples
    from overread.learn.watched import watched

    chosen = watched([c.case for c in tune], task=plan.task, dimensions=plan.dimensions)
    with progress("Preparing cases", len(train) + len(chosen)) as advance:
        examples = load_examples(train, plan, advance)
        return list(examples), list(load_examples([tune[i] for i in chosen], plan, advance))


def trained(
    space: Workspace,
    plan: Plan,
    train: list[Example],
    watched: list[Example],
    tune: Sequence[Case],
    report: Any = lambda value, epoch: None,
) -> float:
    """The tuning metric of a training by ``plan``; ``report`` is told it after each epoch that measures it.

    Raises InputError where tuning cases never gave it.
    """
    from overread.learn.fit import fit
    from overread.learn.selection import tuning_metric

    protocol = space.protocol
    metric = tuning_metric(plan, tune, positive=protocol.positive, counted=protocol.counted_labels)
    last: list[float] = []

    def tell(live: Any) -> None:
        if live.epoch is not None and live.epoch.metric is not None:
            last.append(live.epoch.metric)
            report(live.epoch.metric, live.epoch.epoch)

    fit(plan, train, watched, tell, metric=metric)
    if not last:
        why = metric.reason if metric else "nothing was measured"
        raise InputError(f"{space.folder}: the tuning cases do not give the metric ({why})")
    return last[-1]


def _said(values: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in values.items())


def _value(row: dict[str, Any]) -> str:
    return "ended early" if row["value"] is None or row["state"] != "complete" else f"{row['value']:.3f}"
