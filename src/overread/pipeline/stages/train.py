"""train: fit the planned network within the time given; and the trained network for the stages after it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import TextColumn

from overread.errors import InputError
from overread.files import atomic_path, sha256_file, write_json, write_text
from overread.pipeline.stages.plan import read_plan
from overread.pipeline.workspace import Workspace, bar, console, progress, stage_record

if TYPE_CHECKING:  # torch takes seconds to import: only the stages that train pay for it
    from torch import nn

    from overread.learn.plan import Plan


def train_stage(folder: Path) -> None:
    """Train by plan.json; leave model/weights.pt, model/plan.json and model/history.json."""
    space = Workspace.open(folder)
    plan = read_plan(space.plan_file)
    with stage_record(space, "train") as result:
        import torch

        from overread.learn.data import load_examples
        from overread.learn.fit import Epoch, fit

        cohort = space.cohort()
        train, tune = cohort.split("train"), cohort.split("val")
        began = time.perf_counter()
        with progress("Preparing cases", len(train) + len(tune)) as advance:
            examples = load_examples(train, plan, advance)
            tuning = load_examples(tune, plan, advance)
        prepared = time.perf_counter() - began
        # Preparing counts towards the time given to training.
        plan = plan.model_copy(update={"train_seconds": max(5.0, plan.train_seconds - prepared)})
        with bar(TextColumn("{task.fields[loss]}")) as display:
            task = display.add_task("Training", total=plan.epochs * plan.steps_per_epoch, loss="")

            def advance_step(total: int, epoch: Epoch | None) -> None:
                if epoch is None:
                    display.update(task, advance=1, total=total)
                else:
                    display.update(task, total=total, loss=f"loss {epoch.loss:.3f}")

            fitted = fit(plan, examples, tuning, advance_step)
        with atomic_path(space.model / "weights.pt") as temporary:
            torch.save(fitted.network.state_dict(), temporary)
        write_text(space.model / "plan.json", space.plan_file.read_text(encoding="utf-8"))
        write_text(
            space.model / "fingerprint.json", (folder / "fingerprint.json").read_text(encoding="utf-8")
        )
        write_json(space.model / "history.json", fitted.record())
        result.update(
            weights_sha256=sha256_file(space.model / "weights.pt"),
            plan_sha256=sha256_file(space.model / "plan.json"),
            cohort_sha256=cohort.digest(),
            torch=torch.__version__.split("+")[0],
            prepare_seconds=round(prepared, 1),
            **fitted.record(),
        )
    last = fitted.history[-1]
    console.print(
        f"  {len(fitted.history)} of {fitted.epochs_planned} epochs on {fitted.device} in {fitted.seconds:.0f} s; "
        f"loss {last.loss:.3f} on training patches, {last.validation_loss:.3f} on tuning cases."
        if last.validation_loss is not None
        else f"  {len(fitted.history)} epochs in {fitted.seconds:.0f} s; loss {last.loss:.3f}."
    )


def load_network(space: Workspace) -> tuple[nn.Module, Plan]:
    """The trained network and the plan it was trained by.

    Raises
    ------
    InputError
        Training has not run, or weights, plan, protocol or cohort are no longer those it ran with.
    """
    import torch

    from overread.nets.build import build

    weights = space.model / "weights.pt"
    if not weights.is_file():
        raise InputError(f"{weights}: no such file; run `overread train {space.folder}` first")
    plan = read_plan(space.model / "plan.json")
    check_trained(space, plan)
    network = build(
        plan.network.name, plan.dimensions, len(plan.channels), len(plan.labels), plan.network.arguments
    )
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return network.eval(), plan


def check_trained(space: Workspace, plan: Plan) -> None:
    """Raise InputError unless weights, plan, protocol and cohort are the ones that training ran with."""
    record = space.record_of("train")["result"]
    again = f"train again: `overread train {space.folder}`"
    for name, key in (("weights.pt", "weights_sha256"), ("plan.json", "plan_sha256")):
        if sha256_file(space.model / name) != record[key]:
            raise InputError(
                f"{space.model / name}: is not what training wrote (see record/train.json); {again}"
            )
    protocol = space.protocol
    asked = (protocol.task, protocol.dimensions, protocol.labels, [c.name for c in protocol.channels])
    if asked != (plan.task, plan.dimensions, plan.labels, plan.inputs):
        raise InputError(
            f"{space.folder / 'protocol.yaml'}: task, dimensions, labels or channels were changed after training; "
            f"plan and {again}"
        )
    if space.cohort().digest() != record["cohort_sha256"]:
        table = space.folder / "cohort.csv"
        raise InputError(
            f"{table}: cases, splits, or how protocol.yaml counts uncertain and missing findings, were changed after "
            f"training; plan and {again}"
        )
