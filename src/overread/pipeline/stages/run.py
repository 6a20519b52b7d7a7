"""run: all stages in order."""

from __future__ import annotations

import time
from pathlib import Path

from overread.pipeline.stages.check import check_stage
from overread.pipeline.stages.explain import explain_stage
from overread.pipeline.stages.init import init_stage
from overread.pipeline.stages.lock import lock_stage
from overread.pipeline.stages.package import package_stage
from overread.pipeline.stages.plan import plan_stage
from overread.pipeline.stages.test import refresh_seconds, test_stage
from overread.pipeline.stages.train import train_stage
from overread.pipeline.workspace import Workspace, console


def run_stages(folder: Path, budget: str | None = None, *, epochs: int | None = None) -> None:
    """init, check, plan, train, package, lock, test, explain; see `plan_stage` for ``budget`` and ``epochs``."""
    began = time.perf_counter()
    init_stage(folder)
    check_stage(folder)
    plan_stage(folder, budget, epochs=epochs)
    train_stage(folder)
    package_stage(folder)
    lock_stage(folder)
    test_stage(folder)
    explain_stage(folder)
    refresh_seconds(Workspace.open(folder))
    console.print(f"Done in {time.perf_counter() - began:.0f} s: {folder / 'report.html'}", highlight=False)
