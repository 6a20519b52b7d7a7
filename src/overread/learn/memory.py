"""Out of memory: recognised, and what a step can do with less."""

from __future__ import annotations

import math
from typing import Any

import torch

from overread.errors import OverreadError
from overread.learn.plan import Plan
from overread.nets.architecture import Architecture
from overread.nets.networks import architecture
from overread.task import TASKS

# What torch's allocators of processors and oneDNN say, which raise a plain RuntimeError.
WORDS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "could not create a memory object",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory was too small."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in WORDS)


def with_less(plan: Plan, *, at_once: int) -> tuple[Plan, str] | None:
    """``plan`` so that a step needs about half the memory, and in words what was changed; None where nothing is left.

    ``at_once`` is how many images a process now takes at once. First these are halved and the parts of a step doubled,
    which changes what is learnt hardly at all; then the patch along its longest axis, where the task sees patches.
    """
    if at_once > 1:
        parts = plan.accumulate * 2
        return plan.model_copy(
            update={"accumulate": parts}
        ), f"a step in {parts} parts instead of {plan.accumulate}"
    if not TASKS[plan.task].local:
        return None
    patch = _halved(plan, architecture(plan.network.name))
    if patch is None:
        return None
    return plan.model_copy(update={"patch": patch}), f"patch {patch} instead of {plan.patch}"


def take_less(plan: Plan, *, step: int, said: str, processes: int) -> tuple[Plan, dict[str, Any]]:
    """`with_less` and its record, for ``step`` that failed as ``said``.

    Raises OverreadError where nothing is left to be halved. Several processes cannot go on by themselves: one that
    failed has left the others in the middle of a step.
    """
    less = with_less(plan, at_once=-(-plan.batch // plan.accumulate)) if processes == 1 else None
    if less is not None:
        return less[0], {"step": step, "change": less[1], "why": said}
    advice = (
        "nothing is left to be halved; choose a smaller patch, size or network in plan.json"
        if processes == 1
        else f"set accumulate in plan.json to {2 * plan.accumulate}, so that each of the {processes} processes takes "
        "its share in smaller parts"
    )
    raise OverreadError(f"out of memory in step {step} ({said}): {advice}")


def changed(asked: Plan, now: Plan) -> dict[str, Any]:
    """What `take_less` has changed so far, as keys of the plan."""
    return {k: getattr(now, k) for k in ("accumulate", "patch") if getattr(now, k) != getattr(asked, k)}


def _halved(plan: Plan, made: Architecture) -> list[int] | None:
    """Half of the longest axis that has two or more cells of the coarsest stage left after it."""
    multiple = made.multiple(plan.network.arguments, plan.dimensions)
    able = []
    for axis, (n, m) in enumerate(zip(plan.patch, multiple, strict=True)):
        half = n // 2 // m * m
        patch = [half if i == axis else p for i, p in enumerate(plan.patch)]
        # A normalisation needs two values, so the coarsest stage must keep two cells.
        if half and math.prod(p // k for p, k in zip(patch, multiple, strict=True)) >= 2:
            able.append((n, patch))
    return max(able, key=lambda a: a[0])[1] if able else None
