"""Every road that a plan knows is trained in turn; tuning cases decide which network is kept."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.pipeline.training_display import training_display
from overread.pipeline.workspace import Workspace, console, progress

if TYPE_CHECKING:  # torch takes seconds to import: only the stages that train pay for it
    from torch import nn

    from overread.learn.checkpoint import Checkpoints
    from overread.learn.example import Example
    from overread.learn.history import Fitted
    from overread.learn.plan import Plan
    from overread.learn.transfer.judge import Judged

HOW = {"full": "fine-tuned", "gradual": "fine-tuned gradually", "lora": "fine-tuned by low-rank changes"}


@dataclass(frozen=True)
class _Candidate:
    """A network at the end of a road, or on the way, and how it did on the tuning cases."""

    judged: Judged
    network: nn.Module
    plan: Plan
    fitted: Fitted


def fit_roads(
    space: Workspace, plan: Plan, cohort: Cohort, kept: Checkpoints | None, *, resume: bool
) -> tuple[float, Fitted, Plan]:
    """Train ``plan`` and its rivals, and keep the best network.

    With pretrained weights the head is solved for on frozen features first; that network, what training makes of it,
    and the mean of both are candidates, beside those of the other roads. Without weights or rivals there is nothing to
    choose. Returned are the seconds of preparing cases, what was trained, and the plan that it was trained by.

    Raises as `overread.learn.fit.fit`.
    """
    from overread.learn.plan import Plan
    from overread.learn.processes import agreed, join, leave

    join()
    plan = Plan.model_validate(agreed(plan.model_dump()))
    roads = [plan.model_copy(update={"rivals": []}), *plan.rivals]
    prepared, candidates = 0.0, []
    # The cheap ones first: the last one has what is left of the time, and checkpoints.
    for i, road in reversed(list(enumerate(roads))):
        seconds, found = _road(space, road, cohort, None if i else kept, resume=resume, judge=_several(roads))
        prepared += seconds
        candidates += found
    best = min(range(len(candidates)), key=lambda k: candidates[k].judged.mean) if _several(roads) else 0
    chosen = candidates[agreed(best)]
    fitted = chosen.fitted
    if _several(roads):
        patients = [c.patient for c in cohort.split("val")]
        fitted = replace(fitted, network=chosen.network, roads=_told(candidates, chosen, patients))
    leave()
    return prepared, fitted, chosen.plan


def _several(roads: Sequence[Plan]) -> bool:
    return len(roads) > 1 or roads[0].transfer is not None


def _road(
    space: Workspace, plan: Plan, cohort: Cohort, kept: Checkpoints | None, *, resume: bool, judge: bool
) -> tuple[float, list[_Candidate]]:
    """Prepare the cases and train by one plan; the seconds of the first, and the networks that came of it."""
    from overread.learn.data import load_examples
    from overread.learn.transfer.judge import halfway, judged
    from overread.learn.transfer.solve import solved_start
    from overread.learn.watched import watched

    train, tune = cohort.split("train"), cohort.split("val")
    chosen = watched([c.case for c in tune], task=plan.task, dimensions=plan.dimensions)
    began = time.perf_counter()
    shown = tune if judge else [tune[i] for i in chosen]
    with progress("Preparing cases", len(train) + len(shown)) as advance:
        examples = load_examples(train, plan, advance)
        tuning = load_examples(shown, plan, advance)
    prepared = time.perf_counter() - began
    start = None
    if plan.transfer:
        with progress("Features of training cases", len(train)) as advance:
            start = solved_start(plan, examples, patients=[c.patient for c in train], advance=advance)
        console.print(
            f"  Weights {plan.transfer.weights}: {start.loaded}. Head solved on frozen features, "
            f"C {start.solution.c:g} by cross-validation, {start.seconds:.0f} s.",
            highlight=False,
        )
    if start and plan.transfer and plan.transfer.how == "features":
        solved = _solved(start.network, start.record(), start.seconds)
        return prepared, [
            _Candidate(judged("frozen features", start.network, plan, tuning), start.network, plan, solved)
        ]
    # What came before counts towards the time given to training.
    spent = time.perf_counter() - began
    timed = plan.model_copy(update={"train_seconds": max(5.0, plan.train_seconds - spent)})
    watch = [tuning[i] for i in chosen] if judge else tuning
    fitted = _fitted(space, timed, examples, watch, tune, kept, resume=resume, start=start and start.state)
    if not judge:
        # There is nothing to compare with.
        return prepared, [_Candidate(_nothing(), fitted.network, plan, fitted)]
    name = HOW[plan.transfer.how] if plan.transfer else "from scratch"
    found = [_Candidate(judged(name, fitted.network, plan, tuning), fitted.network, plan, fitted)]
    if start:
        fitted = replace(fitted, start=start.record())
        middle = copy.deepcopy(fitted.network)
        middle.load_state_dict(halfway(start.state, fitted.network.state_dict()))
        found = [replace(found[0], fitted=fitted)]
        for other, network in (("frozen features", start.network), ("halfway between both", middle)):
            found.append(_Candidate(judged(other, network, plan, tuning), network, plan, fitted))
    return prepared, found


def _fitted(
    space: Workspace,
    plan: Plan,
    examples: Sequence[Example],
    tuning: Sequence[Example],
    tune: Sequence[Case],
    kept: Checkpoints | None,
    *,
    resume: bool,
    start: Any,
) -> Fitted:
    from overread.learn.board import board
    from overread.learn.fit import fit
    from overread.learn.selection import tuning_metric

    protocol = space.protocol
    metric = tuning_metric(plan, tune, positive=protocol.positive, counted=protocol.counted_labels)
    write = board(space.model / "tensorboard") if kept else lambda live: None
    name = plan.selection.metric if plan.selection else ""
    with training_display(plan.epochs * plan.steps_per_epoch, name) as show:

        def report(live: Any) -> None:
            show(live)
            write(live)

        return fit(
            plan,
            examples,
            tuning,
            report,
            metric=metric,
            checkpoints=kept,
            resume=resume and kept is not None,
            start=start,
        )


def _solved(network: nn.Module, record: dict[str, Any], seconds: float) -> Fitted:
    """The record of a network that was solved for and not trained."""
    import torch

    from overread.learn.history import Fitted

    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Fitted(network, [], seconds, 0, device, ended_by="solved", repeatable=True, start=record)


def _nothing() -> Judged:
    import numpy as np

    from overread.learn.transfer.judge import Judged

    return Judged("", np.zeros(1), 1.0)


def _told(
    candidates: Sequence[_Candidate], chosen: _Candidate, patients: Sequence[str]
) -> list[dict[str, Any]]:
    """Every candidate for the record, the best first: its loss on the tuning cases, and how much more that is."""
    from overread.learn.transfer.judge import difference

    rows = []
    for candidate in sorted(candidates, key=lambda c: c.judged.mean):
        more, low, high = difference(candidate.judged, chosen.judged, patients=patients)
        rows.append(
            {
                "name": candidate.judged.name,
                "network": candidate.plan.network.name,
                "weights": candidate.plan.transfer.weights if candidate.plan.transfer else None,
                "size": candidate.plan.patch,
                "kept": candidate is chosen,
                "loss": round(candidate.judged.mean, 5),
                "more": [round(v, 5) for v in (more, low, high)],
                "cases": len(candidate.judged.losses),
            }
        )
    return rows
