"""The stages, one file each: init > check > plan > train > package > lock > test > explain."""

from overread.pipeline.stages.check import check_stage
from overread.pipeline.stages.explain import explain_stage
from overread.pipeline.stages.init import init_stage
from overread.pipeline.stages.lock import lock_stage
from overread.pipeline.stages.package import package_stage
from overread.pipeline.stages.plan import plan_stage
from overread.pipeline.stages.run import run_stages
from overread.pipeline.stages.seal import seal_stage
from overread.pipeline.stages.test import test_stage
from overread.pipeline.stages.train import train_stage

__all__ = [
    "check_stage",
    "explain_stage",
    "init_stage",
    "lock_stage",
    "package_stage",
    "plan_stage",
    "run_stages",
    "seal_stage",
    "test_stage",
    "train_stage",
]
