"""The stages by name, and all of them in order."""

from __future__ import annotations

import time
from pathlib import Path

from overread.pipeline.stages.explain import explain_stage
from overread.pipeline.stages.init import init_stage
from overread.pipeline.stages.package import lock_stage, package_stage
from overread.pipeline.stages.test import check_stage, refresh_seconds, test_stage
from overread.pipeline.stages.train import plan_stage, train_stage
from overread.pipeline.workspace import Workspace, console

__all__ = [
    "check_stage",
    "explain_stage",
    "init_stage",
    "lock_stage",
    "package_stage",
    "plan_stage",
    "run_stages",
    "test_stage",
    "train_stage",
]


def run_stages(folder: Path, budget: str | None = None) -> None:
    """init, check, plan, train, package, lock, test, explain."""
    began = time.perf_counter()
    init_stage(folder)
    check_stage(folder)
    plan_stage(folder, budget)
    train_stage(folder)
    package_stage(folder)
    lock_stage(folder)
    test_stage(folder)
    explain_stage(folder)
    refresh_seconds(Workspace.open(folder))
    console.print(f"Done in {time.perf_counter() - began:.0f} s: {folder / 'report.html'}", highlight=False)
