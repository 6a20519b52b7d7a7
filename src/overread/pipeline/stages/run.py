"""run: all stages in order."""

from __future__ import annotations

import time
from pathlib import Path

from overread.pipeline.protocol import parse_budget
from overread.pipeline.stages.check import check_stage
from overread.pipeline.stages.explain import explain_stage
from overread.pipeline.stages.init import init_stage
from overread.pipeline.stages.lock import lock_stage
from overread.pipeline.stages.package import package_stage
from overread.pipeline.stages.plan import check_budget, plan_stage
from overread.pipeline.stages.predicted import keep_predicted
from overread.pipeline.stages.test import refresh_seconds, test_stage
from overread.pipeline.stages.train import train_stage
from overread.pipeline.workspace import Workspace, console


def run_stages(
    folder: Path,
    budget: str | None = None,
    *,
    epochs: int | None = None,
    exact: bool = False,
    seeds: int = 1,
    folds: int | None = None,
    ensemble: bool = True,
) -> None:
    """init, check, plan, train, package, lock, test, explain; see the stages for the arguments.

    Explanations get what the others leave of the budget, and one picture at least.
    """
    total = check_budget(budget, epochs)
    began = time.perf_counter()
    init_stage(folder)
    check_stage(folder)
    plan_stage(folder, budget, epochs=epochs, exact=exact)
    train_stage(folder, anew=True, seeds=seeds, folds=folds)
    package_stage(folder, ensemble=ensemble)
    lock_stage(folder)
    test_stage(folder)
    left = None if epochs else (total or parse_budget(Workspace.open(folder).protocol.budget))
    explain_stage(folder, seconds=None if left is None else left - (time.perf_counter() - began))
    space = Workspace.open(folder)
    told = keep_predicted(space)
    refresh_seconds(space)
    if told:
        console.print(f"  {told}", highlight=False)
    console.print(f"Done in {time.perf_counter() - began:.0f} s: {folder / 'report.html'}", highlight=False)
