"""bfloat16 where the machine computes in it, and where the loss then follows that of float32."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from overread.errors import InputError
from overread.learn.example import Example
from overread.learn.hardware import lacks_bfloat16
from overread.learn.patch_batches import PatchBatches
from overread.learn.plan import Plan
from overread.learn.processes import agreed, rank, world
from overread.learn.schedule import schedule
from overread.learn.step import Step

CHECKED_STEPS = 12
FOLLOWS = 0.05
"""Mean difference of the losses over their mean, up to which bfloat16 counts as following float32."""


@dataclass(frozen=True)
class Precision:
    """What was chosen and why; the losses and seconds of the first steps in both, where these were compared."""

    name: str
    why: str
    float32: tuple[float, ...] = ()
    bfloat16: tuple[float, ...] = ()
    seconds: tuple[float, float] | None = None

    def record(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def choose_precision(plan: Plan, train: Sequence[Example]) -> Precision:
    """The plan's precision, or for ``auto`` what a check on its own first batches finds.

    bfloat16 is taken where its losses follow and, unless the plan promises to repeat, where its steps are faster.

    Raises InputError for bfloat16 on a machine without it.
    """
    lacking = lacks_bfloat16()
    if plan.precision == "bfloat16" and lacking:
        raise InputError(f"plan.json: precision: found bfloat16, but {lacking}; expected float32 or auto")
    if plan.precision != "auto":
        return Precision(plan.precision, "as the plan says")
    if lacking:
        return Precision("float32", lacking)
    exact, before = _tried(plan, train, "float32")
    short, after = _tried(plan, train, "bfloat16")
    name, why = agreed(_judged(exact, short, (before, after), by_speed=plan.follow_clock))
    return Precision(name, why, exact, short, (round(before, 3), round(after, 3)))


def _judged(
    exact: Sequence[float], short: Sequence[float], seconds: tuple[float, float], *, by_speed: bool
) -> tuple[str, str]:
    apart = sum(abs(a - b) for a, b in zip(exact, short, strict=True)) / max(sum(map(abs, exact)), 1e-9)
    said = f"over {len(exact)} steps its losses differ by {apart:.1%} on average from those of float32"
    if not apart <= FOLLOWS:  # NaN does not follow
        return "float32", f"bfloat16 was left: {said}, at most {FOLLOWS:.0%} is accepted"
    if by_speed and seconds[1] >= seconds[0]:
        return (
            "float32",
            f"bfloat16 was left: {said}, and they took {seconds[1] / seconds[0]:.2f} times as long",
        )
    return "bfloat16", f"{said}, at most {FOLLOWS:.0%} is accepted"


def _tried(plan: Plan, train: Sequence[Example], precision: str) -> tuple[tuple[float, ...], float]:
    """Losses of the first steps, and the seconds of the fastest of them."""
    step = Step(plan, precision=precision)
    short = plan.model_copy(update={"steps_per_epoch": CHECKED_STEPS})
    losses, seconds = [], []
    for i, (image, targets) in enumerate(PatchBatches(short, train, rank(), world()).epoch(0)):
        began = time.perf_counter()
        losses.append(float(step(image, targets, plan.learning_rate * schedule(i / CHECKED_STEPS))))
        step.wait()
        seconds.append(time.perf_counter() - began)
    return tuple(losses), min(seconds)
