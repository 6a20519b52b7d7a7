"""plan: choose grid, network, loss and epochs from the training cases and the budget."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.cohort.cohort import Case, Cohort
from overread.cohort.columns import UNLABELLED
from overread.cohort.fingerprint import fingerprint
from overread.cohort.splits.apply import keep_splits
from overread.commands import command
from overread.errors import InputError
from overread.evaluate.rules import shortfall
from overread.files import sha256_file, write_json, write_text
from overread.parse import parse_json
from overread.pipeline.openings import refuse_opened
from overread.pipeline.protocol import Protocol, parse_budget
from overread.pipeline.workspace import Workspace, console, progress, stage_record
from overread.settings import validated

if TYPE_CHECKING:  # torch takes seconds to import: only the stages that train pay for it
    from overread.learn.plan import Plan

ANSWERED = 2
"""Training cases that are answered to see how long that takes."""


def plan_stage(
    folder: Path, budget: str | None = None, *, epochs: int | None = None, exact: bool = False
) -> None:
    """Write plan.json from the training cases and the budget (of the whole run).

    With ``epochs`` training does exactly so many, whatever the clock says: the same seed then gives the same network
    on the same machine, and nothing in the plan depends on its speed. ``exact`` takes those that the budget should hold
    at the speed seen now, and does exactly these: the plan can be trained again to the same weights.
    """
    total = check_budget(budget, epochs)
    space = Workspace.open(folder)
    protocol = space.protocol
    done = sum(v for k, v in space.seconds().items() if k in ("init", "check"))
    left = (total or parse_budget(protocol.budget)) - done
    began = time.perf_counter()
    with stage_record(space, "plan") as result:
        from overread.learn.plan_roads import plan_roads
        from overread.learn.planner.answering import measure_answering

        cohort = space.cohort()
        refuse_opened(space, cohort)
        if keep_splits(folder, {c.patient: c.split for c in cohort}):
            console.print("  The patients' splits were written into the table (column split), and stay.")
        train = cohort.split("train")
        with progress("Reading training cases", len(train)) as advance:
            look = fingerprint(train, truth=protocol.facts.truth, labels=protocol.labels, progress=advance)
        modality = sorted({m for c in protocol.channels for m in c.modality} | set(look.modalities))
        plan = plan_roads(
            look,
            weights=protocol.weights,
            task=protocol.task,
            quantity=protocol.quantity,
            dimensions=protocol.dimensions,
            channels=[c.name for c in protocol.channels],
            labels=protocol.labels,
            modality=modality,
            body_part=protocol.limits.body_part or body_parts(train),
            inputs=protocol.channels,
            train_cases=len(train),
            answered_cases=len(cohort.split("val")) + len(cohort.split("test")),
            seconds_left=left - (time.perf_counter() - began),
            answering=lambda plan: measure_answering(plan, train[:ANSWERED], positive=protocol.positive),
            epochs=epochs,
            seed=protocol.seed,
            constraints=protocol.augmentation,
            regions=protocol.regions,
            partly_labelled=any(c.attributes.get(UNLABELLED) for c in train),
        )
        if protocol.dimensions == 2 and not epochs:
            plan = _read_as_measured(plan, train)
        if epochs or exact:
            plan = exactly(plan, epochs or plan.epochs)
        if short := _shortfall(protocol, cohort):
            plan = plan.model_copy(update={"reasons": [*plan.reasons, short]})
        write_text(space.plan_file, json.dumps(plan.model_dump(mode="json"), indent=2) + "\n")
        write_json(folder / "fingerprint.json", look.as_dict())
        event = space.ledger.append(
            "cohort.sealed", {"test": cohort.digest("test"), "cases": len(cohort.split("test"))}
        )
        result.update(
            plan_sha256=sha256_file(space.plan_file),
            cohort_sha256=cohort.digest(),
            sealed_test_sha256=cohort.digest("test"),
            sealed_at=event.time,
            epochs=plan.epochs,
            train_seconds=plan.train_seconds,
        )
    for reason in plan.reasons:
        console.print(f"  {reason}", highlight=False)


def _read_as_measured(plan: Plan, train: Sequence[Case]) -> Plan:
    """The plan with pictures from the store or from their files, whichever takes less time."""
    from overread.learn.reading import choose_read, measure_reading

    read, why = choose_read(
        measure_reading(train, plan),
        dimensions=plan.dimensions,
        cases=len(train),
        seen=plan.epochs * plan.steps_per_epoch * plan.batch,
    )
    return plan.model_copy(update={"read": read, "reasons": [*plan.reasons, why]})


def _shortfall(protocol: Protocol, cohort: Cohort) -> str:
    """Why the tuning patients are too few for the operating point's rule; empty where they are not."""
    if protocol.positive is None:
        return ""
    labels = [c.label for c in cohort.split("val")]
    positive = labels.count(protocol.positive)
    return shortfall(protocol.rule(), positive=positive, negative=len(labels) - positive)


def check_budget(budget: str | None, epochs: int | None) -> float | None:
    """Seconds of ``budget``, None where none is given. Raises InputError for it, or epochs, that cannot be."""
    if epochs is not None and epochs < 1:
        raise InputError(f"--epochs: found {epochs}, expected 1 or more")
    try:
        return parse_budget(budget) if budget else None
    except ValueError as error:
        raise InputError(f"--budget: {error}") from error


def exactly(plan: Plan, epochs: int) -> Plan:
    """The plan with just so many epochs, and no clock."""
    steps = epochs * plan.steps_per_epoch
    return plan.model_copy(
        update={
            "epochs": epochs,
            "most_epochs": epochs,
            "follow_clock": False,
            "train_seconds": round(steps * plan.seconds_per_step, 1),
            "reasons": [
                *(r for r in plan.reasons if not r.startswith("About ")),
                f"Exactly {epochs} epochs of {plan.steps_per_epoch} steps, whatever the clock says.",
            ],
        }
    )


def body_parts(cases: Sequence[Case]) -> list[str]:
    """What the column body_part of cohort.csv says of ``cases``; none where the column or a value is missing."""
    found = {c.attributes.get("body_part", "") for c in cases}
    return [] if "" in found else sorted(found)


def read_plan(path: Path) -> Plan:
    """The plan at ``path``. Raises InputError where it is missing or was edited into something impossible."""
    from overread.learn.plan import Plan
    from overread.learn.plan_check import check_plan

    if not path.is_file():
        raise InputError(f"{path}: no such file; run {command('plan', path.parent)} first")
    content = parse_json(path.read_bytes(), str(path))
    plan = validated(Plan, content, str(path))
    check_plan(plan, str(path))
    return plan
