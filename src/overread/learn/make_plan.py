"""From what the training cases look like and how long training may take to a Plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from overread.cohort.fingerprint import Fingerprint
from overread.learn.constraints import Constraints
from overread.learn.plan import Plan, Transfer
from overread.learn.planner.answering import Answering
from overread.learn.planner.augmentation import choose_augmentation
from overread.learn.planner.choice import Choice
from overread.learn.planner.epochs import (
    FEWEST_STEPS,
    OTHER_SECONDS,
    epochs_in,
    guessed_case,
    train_seconds,
)
from overread.learn.planner.grey_values import choose_grey_values, own_changes, sees_window
from overread.learn.planner.learning_rate import choose_rate
from overread.learn.planner.memory import available_bytes, fit_memory, step_bytes
from overread.learn.planner.mirror import choose_mirror
from overread.learn.planner.patch import SMALLEST_PATCH, most_voxels, windows_of
from overread.learn.planner.room import Room
from overread.learn.planner.rungs import enough_passes, passes, rungs
from overread.learn.planner.spacing import cell_spacing, grid_size
from overread.learn.planner.transfer import for_weights
from overread.learn.planner.views import choose_views
from overread.learn.planner.window import choose_window
from overread.learn.tasks import TASKS
from overread.learn.timing import Timing, time_step
from overread.learn.weights.origin import Origin
from overread.nets.networks import architecture
from overread.runtime.manifest import Channel, Preprocess, Quantity
from overread.runtime.regions import Region
from overread.runtime.sliding_window import OVERLAP
from overread.task import TASKS as FACTS

SCARCE_OVERLAP = 0.25
"""Of windows where answering with the usual overlap would take more than a twentieth of the time."""
SCARCE = 20
DEARER = 2.0
"""A dearer way of looking takes at least so many times as long: it is tried where the cheaper one leaves that."""


def window_for(choice: Choice, size: Sequence[int]) -> list[int]:
    """The window in which images of ``size`` voxels are answered by what a task has chosen."""
    multiple = architecture(choice.network.name).multiple(choice.network.arguments, len(size))
    return choose_window(size, choice.patch, multiple, overlap=SCARCE_OVERLAP)


@dataclass(frozen=True)
class Draft:
    """A plan without its times, and what it was made from."""

    plan: Plan
    choice: Choice
    room: Room
    size: list[int]
    reasons: list[str]


def make_plan(
    look: Fingerprint,
    *,
    task: str,
    dimensions: int,
    channels: Sequence[str],
    labels: Sequence[str],
    modality: Sequence[str],
    body_part: Sequence[str] = (),
    inputs: Sequence[Channel] = (),
    train_cases: int,
    answered_cases: int,
    seconds_left: float,
    answering: Callable[[Plan], Answering] | None = None,
    epochs: int | None = None,
    seed: int = 0,
    constraints: Constraints | None = None,
    quantity: Quantity | None = None,
    start: Origin | None = None,
    side: int = 0,
    regions: Mapping[str, Region] | None = None,
    partly_labelled: bool = False,
) -> Plan:
    """Choose grid, patch, network, loss, batch, augmentation and epochs.

    What depends on the task is chosen by its module in `overread.learn.tasks`, what is a rule by its module in
    `overread.learn.planner`. ``seconds_left`` is the wall-clock time for training and for answering ``answered_cases``
    (tuning and test) afterwards. How many steps it holds follows from some that are run here, on this machine, and
    from ``answering``, which answers a training case by the plan's untrained network; without it answers are guessed
    from the steps. Of the ways of looking at pictures (`rungs`) it is the dearest that time allows. Where a machine is
    too slow for `FEWEST_STEPS`, a task that sees patches is given smaller ones.

    ``start`` are the weights that the network begins with, on a grid of as many pixels as a square of ``side`` has.

    With ``epochs`` nothing is timed, and the speed of this machine decides nothing: the cheapest way of looking, and so
    many epochs.
    """
    gpu = torch.cuda.is_available()
    facts, learn = FACTS[task], TASKS[task]
    gray = look.color != "rgb"
    names = list(channels) if gray else [f"{channels[0]}_{c}" for c in ("red", "green", "blue")]
    most = most_voxels(dimensions, gpu=gpu)
    intensity, why_grey = choose_grey_values(
        look.intensity,
        of_foreground=facts.background,
        modality=modality,
        body_part=body_part,
        channels=len(names),
        dimensions=dimensions,
        inputs=inputs,
        seen=look.modalities,
    )
    if start:
        intensity = for_weights(intensity, start, color=not gray)
        why_grey += f" They are brought to the scale that {start.name} was trained with."
    flip, why_flip = choose_mirror(
        dimensions=dimensions,
        modality=modality,
        body_part=body_part,
        labels=labels,
        outlined=facts.answer == "label_map",
    )

    available = available_bytes()
    augmented = {"flip": flip, "channels": own_changes(len(names), color=not gray)}

    def drafted(room: Room, limit: int) -> Draft:
        grid, why_grid = learn.grid(look, room)
        spec = Preprocess(
            dimensions=2 if dimensions == 2 else 3,
            color=("gray" if gray else "rgb") if dimensions == 2 and len(channels) == 1 else "as_is",
            orientation="RAS" if dimensions == 3 else None,
            intensity=intensity,
            order="values_first",
            window=sees_window(modality),
            **grid,
        )
        choice = learn.choose(look, room, spec, limit)
        augment, why_augment = choose_augmentation(
            choice.augment.model_copy(update=augmented),
            dimensions=dimensions,
            modality=modality,
            body_part=body_part,
            color=not gray,
            patch=choice.patch,
            extent_mm=[p * mm for p, mm in zip(choice.patch, cell_spacing(look, spec), strict=True)],
            intensity=intensity,
            limits=constraints,
        )
        plan = Plan(
            task=task,
            dimensions=2 if dimensions == 2 else 3,
            inputs=list(channels),
            channels=names,
            labels=list(labels),
            preprocess=spec,
            patch=choice.patch,
            window=window_for(choice, grid_size(look, spec)) if facts.local else None,
            batch=choice.batch,
            network=choice.network,
            transfer=Transfer(weights=start.name, origin=start.record()) if start else None,
            loss=choice.loss,
            quantity=quantity,
            decoding=choice.decoding,
            sampling=choice.sampling,
            augment=augment,
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
            regions=dict(regions or {}),
            partly_labelled=partly_labelled,
            reasons=[],
        )
        plan, why_memory = fit_memory(plan, available)
        reasons = [why_grid, why_grey, *choice.reasons, *why_memory, why_flip, *why_augment]
        return Draft(plan, choice, room, grid_size(look, spec), reasons)

    outputs = len(regions or {}) or facts.outputs(len(labels))
    room = Room(dimensions, len(names), outputs, train_cases, most, gpu)
    if start:
        room = replace(room, weights=start.network or start.name.partition(":")[2], side=side)
    rooms = rungs(look, room, facts.answer)
    draft = drafted(rooms[0], most)
    if epochs is not None:
        steps = epochs * draft.plan.steps_per_epoch
        return _rated(draft, steps).model_copy(update={"epochs": epochs, "reasons": draft.reasons})

    def timed(draft: Draft) -> tuple[Timing, float]:
        timing = time_step(draft.plan, draft.size)
        case = _guessed(draft, timing, OVERLAP)
        return timing, train_seconds(seconds_left, answered=answered_cases, case=case)

    timing, seconds = timed(draft)
    enough = enough_passes(facts.answer)
    for room in rooms[1:]:
        if _passes(draft, timing, seconds) < enough * DEARER:
            break
        dearer = drafted(room, most)
        if dearer.plan.network == draft.plan.network and dearer.plan.preprocess == draft.plan.preprocess:
            # A form that has no choice of its own, as slices have none.
            continue
        found = timed(dearer)
        if _passes(dearer, *found) < enough:
            break
        draft, (timing, seconds) = dearer, found
    while (
        seconds / (timing.step + timing.batch) < FEWEST_STEPS
        and math.prod(draft.plan.patch) // 2 >= SMALLEST_PATCH[dimensions]
    ):
        smaller = drafted(draft.room, math.prod(draft.plan.patch) // 2)
        if smaller.plan.patch == draft.plan.patch:
            break
        draft = smaller
        timing, seconds = timed(draft)
    return _scheduled(draft, timing, seconds, seconds_left, answered_cases, answering)


def _guessed(draft: Draft, timing: Timing, overlap: float) -> float:
    """Seconds to answer an image, from the voxels of its windows and those of a step."""
    plan = draft.plan
    window = plan.answered_at_once
    patches = math.prod(window) / math.prod(plan.patch) * windows_of(draft.size, window, overlap=overlap)
    return guessed_case(windows=patches, step=timing.step, batch=plan.batch)


def _passes(draft: Draft, timing: Timing, seconds: float) -> float:
    return passes(
        steps=seconds / (timing.step + timing.batch),
        batch=draft.plan.batch,
        patch=math.prod(draft.plan.patch),
        cases=draft.room.cases,
        image=math.prod(draft.size),
    )


def _rated(draft: Draft, steps: float) -> Plan:
    """The plan with the learning rate for its number of steps, where the task leaves that to them."""
    rate = choose_rate(steps) if draft.choice.rate_by_steps else draft.plan.learning_rate
    return draft.plan.model_copy(update={"learning_rate": rate})


def _scheduled(
    draft: Draft,
    timing: Timing,
    seconds: float,
    left: float,
    answered: int,
    answering: Callable[[Plan], Answering] | None,
) -> Plan:
    """The plan with its epochs: what answering takes is measured, and training gets what is left."""
    plan, reasons = draft.plan, list(draft.reasons)
    window = plan.answered_at_once
    windows = {share: windows_of(draft.size, window, overlap=share) for share in (OVERLAP, SCARCE_OVERLAP)}
    case = _guessed(draft, timing, OVERLAP)
    other, overlap = OTHER_SECONDS, OVERLAP
    if answering is not None:
        measured = answering(plan)
        case, other = measured.case, OTHER_SECONDS + measured.export
    if answered * case > left / SCARCE and windows[SCARCE_OVERLAP] < windows[OVERLAP]:
        overlap = SCARCE_OVERLAP
        case *= windows[overlap] / windows[OVERLAP]
        reasons.append(
            f"Windows overlap by {overlap:.0%} and not by {OVERLAP:.0%}: {windows[overlap]} instead of "
            f"{windows[OVERLAP]} an image, and the time goes to training."
        )
    views, why_views = choose_views(
        plan.augment.flip, answer=FACTS[plan.task].answer, answered=answered, case=case, left=left
    )
    case *= 1 + len(views)
    reasons += [why_views] if why_views else []
    seconds = train_seconds(left, answered=answered, case=case, other=other)
    if left <= 0:
        reasons.append(
            f"The budget was used up {-left:.0f} s before training: it is as short as can be, and the run takes longer "
            "than was asked for. State a longer budget."
        )
    step = timing.step + timing.batch
    reasons.append(
        f"Memory: a step takes {step_bytes(plan) / 2**30:.2f} GiB, counted from its tensors; "
        f"{timing.memory_gib:.2f} GiB was the peak here, with libraries and images."
    )
    epochs = epochs_in(seconds, steps_per_epoch=plan.steps_per_epoch, step=step, most=plan.most_epochs)
    how = "measured by answering one" if answering is not None else "guessed from the steps"
    return _rated(draft, epochs * plan.steps_per_epoch).model_copy(
        update={
            "overlap": overlap,
            "views": views,
            "epochs": epochs,
            "seconds_per_step": round(step, 4),
            "train_seconds": round(seconds, 1),
            "answer_seconds": round(case, 3),
            "memory_gib": round(timing.memory_gib, 2),
            "reasons": [
                *reasons,
                f"Answering {answered} tuning and test cases takes {answered * case:.0f} s, {case:.2f} s each ({how}).",
                f"About {epochs} epochs of {plan.steps_per_epoch} steps: one step took {step:.3f} s here, "
                f"and training may take {seconds:.0f} s.",
            ],
        }
    )
