"""run: all stages in order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from overread.pipeline.protocol import parse_budget
from overread.pipeline.stages.check import check_stage
from overread.pipeline.stages.explain import explain_stage
from overread.pipeline.stages.init import init_stage
from overread.pipeline.stages.lock import lock_stage
from overread.pipeline.stages.package import package_stage
from overread.pipeline.stages.plan import check_budget, plan_stage
from overread.pipeline.stages.predicted import keep_predicted
from overread.pipeline.stages.seal import sealed_if_asked
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
    seal: Sequence[str] = (),
    sign: str | None = None,
    passphrase_file: Path | None = None,
) -> None:
    """init, check, plan, train, package, lock, test, explain; see the stages for the arguments.

    ``seal``: people for whom the test is sealed after init, where it is not yet; the first of them opens it. ``sign``
    signs the lock. The passphrase is asked for at the moment it is needed, without a file.

    Explanations get what the others leave of the budget, and one picture at least.
    """
    total = check_budget(budget, epochs)
    began = time.perf_counter()
    init_stage(folder)
    sealed_if_asked(folder, seal)
    check_stage(folder)
    plan_stage(folder, budget, epochs=epochs, exact=exact)
    train_stage(folder, anew=True, seeds=seeds, folds=folds)
    package_stage(folder, ensemble=ensemble)
    lock_stage(folder, sign=sign, passphrase_file=passphrase_file)
    test_stage(folder, who=seal[0] if seal else None, passphrase_file=passphrase_file)
    left = None if epochs else (total or parse_budget(Workspace.open(folder).protocol.budget))
    explain_stage(folder, seconds=None if left is None else left - (time.perf_counter() - began))
    space = Workspace.open(folder)
    told = keep_predicted(space)
    refresh_seconds(space)
    if told:
        console.print(f"  {told}", highlight=False)
    console.print(f"Done in {time.perf_counter() - began:.0f} s: {folder / 'report.html'}", highlight=False)
