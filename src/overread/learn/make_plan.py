"""From what the training cases look like and how long training may take to a Plan."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from overread.cohort.fingerprint import Fingerprint
from overread.learn.plan import Plan
from overread.learn.planner.choice import Choice
from overread.learn.planner.epochs import FEWEST_STEPS, epochs_in, train_seconds
from overread.learn.planner.grey_values import choose_grey_values
from overread.learn.planner.patch import SMALLEST_PATCH, most_voxels, windows_of
from overread.learn.planner.room import Room
from overread.learn.planner.spacing import grid_size
from overread.learn.tasks import TASKS
from overread.learn.timing import Timing, time_step
from overread.runtime.manifest import Preprocess
from overread.runtime.sliding_window import OVERLAP
from overread.task import TASKS as FACTS

SCARCE_OVERLAP = 0.25
"""Of windows where answering with the usual overlap would take more time than training."""


def make_plan(
    look: Fingerprint,
    *,
    task: str,
    dimensions: int,
    channels: Sequence[str],
    labels: Sequence[str],
    modality: Sequence[str],
    body_part: Sequence[str] = (),
    train_cases: int,
    answered_cases: int,
    seconds_left: float,
    seed: int = 0,
) -> Plan:
    """Choose grid, patch, network, loss, batch, augmentation and epochs.

    What depends on the task is chosen by its module in `overread.learn.tasks`. ``seconds_left`` is the wall-clock time
    for training and for answering ``answered_cases`` (tuning, test and explained cases) afterwards; the epochs follow
    from the speed of some steps that are run here, on this machine. Where that is too slow for `FEWEST_STEPS`, a task
    that sees patches is given smaller ones.
    """
    gpu = torch.cuda.is_available()
    facts, learn = FACTS[task], TASKS[task]
    gray = look.color != "rgb"
    names = list(channels) if gray else [f"{channels[0]}_{c}" for c in ("red", "green", "blue")]
    limit = most_voxels(dimensions, gpu=gpu)
    room = Room(dimensions, len(names), len(labels), train_cases, limit, gpu)
    grid, why_grid = learn.grid(look, room)
    intensity, why_grey = choose_grey_values(
        look.intensity,
        of_foreground=facts.background,
        modality=modality,
        body_part=body_part,
        channels=len(names),
    )
    spec = Preprocess(
        dimensions=2 if dimensions == 2 else 3,
        color=("gray" if gray else "rgb") if dimensions == 2 and len(channels) == 1 else "as_is",
        orientation="RAS" if dimensions == 3 else None,
        intensity=intensity,
        **grid,
    )
    size = grid_size(look, spec)
    choice = learn.choose(look, room, spec, limit)

    def drafted(choice: Choice) -> Plan:
        return Plan(
            task=task,
            dimensions=2 if dimensions == 2 else 3,
            inputs=list(channels),
            channels=names,
            labels=list(labels),
            preprocess=spec,
            patch=choice.patch,
            batch=choice.batch,
            network=choice.network,
            loss=choice.loss,
            augment=choice.augment,
            learning_rate=choice.learning_rate,
            weight_decay=choice.weight_decay,
            foreground_share=choice.foreground_share,
            epochs=1,
            most_epochs=choice.most_epochs,
            steps_per_epoch=choice.steps_per_epoch,
            seconds_per_step=0.0,
            train_seconds=0.0,
            memory_gib=0.0,
            seed=seed,
            reasons=[],
        )

    def timed(plan: Plan) -> tuple[Timing, float]:
        timing = time_step(plan, size)
        windows = windows_of(size, plan.patch)
        return timing, train_seconds(
            seconds_left, answered=answered_cases, windows=windows, step=timing.step, batch=plan.batch
        )

    plan = drafted(choice)
    timing, seconds = timed(plan)
    while (
        seconds / (timing.step + timing.batch) < FEWEST_STEPS
        and math.prod(plan.patch) // 2 >= SMALLEST_PATCH[dimensions]
    ):
        choice = learn.choose(look, room, spec, math.prod(plan.patch) // 2)
        if choice.patch == plan.patch:
            break
        plan = drafted(choice)
        timing, seconds = timed(plan)
    overlap, why_overlap = OVERLAP, []
    windows = {share: windows_of(size, plan.patch, overlap=share) for share in (OVERLAP, SCARCE_OVERLAP)}
    if seconds < seconds_left / 2 and windows[SCARCE_OVERLAP] < windows[OVERLAP]:
        # Answering would take more than training: fewer windows buy steps.
        overlap = SCARCE_OVERLAP
        seconds = train_seconds(
            seconds_left,
            answered=answered_cases,
            windows=windows[overlap],
            step=timing.step,
            batch=plan.batch,
        )
        why_overlap = [
            f"Windows overlap by {overlap:.0%} and not by {OVERLAP:.0%}: {windows[overlap]} instead of "
            f"{windows[OVERLAP]} an image, and the time goes to training."
        ]
    step = timing.step + timing.batch
    epochs = epochs_in(seconds, steps_per_epoch=plan.steps_per_epoch, step=step, most=plan.most_epochs)
    return plan.model_copy(
        update={
            "overlap": overlap,
            "epochs": epochs,
            "seconds_per_step": round(step, 4),
            "train_seconds": round(seconds, 1),
            "memory_gib": round(timing.memory_gib, 2),
            "reasons": [
                why_grid,
                why_grey,
                *choice.reasons,
                *why_overlap,
                f"About {epochs} epochs of {plan.steps_per_epoch} steps: one step took {step:.3f} s here, "
                f"and training may take {seconds:.0f} s.",
            ],
        }
    )
