"""What a plan that a person edited must fulfil beyond the types of its keys: one line, with key, found and expected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from overread.errors import InputError
from overread.learn.augment.grey_values import GREY_VALUES
from overread.learn.augment.mix import ANSWERS
from overread.learn.losses import build_loss
from overread.learn.plan import Plan
from overread.learn.sampling import build_sampling
from overread.nets.architecture import Architecture
from overread.nets.networks import architecture, build
from overread.runtime.regions import region_faults
from overread.runtime.views import parse_view, view_faults
from overread.task import TASKS


def check_plan(plan: Plan, where: str) -> None:
    """Raise InputError that begins with ``where`` for the first value that cannot be trained with."""
    for fault in faults(plan):
        raise InputError(f"{where}: {fault}")


def faults(plan: Plan) -> Iterator[str]:
    """Every fault of ``plan``, in the order of its keys."""
    yield from _names(plan)
    yield from region_faults(plan.regions, plan.labels)
    yield from _grid(plan)
    yield from _augment(plan)
    yield from _mix(plan)
    yield from _views(plan)
    yield from _schedule(plan)
    yield from _network(plan)
    yield from _roads(plan)


def _roads(plan: Plan) -> Iterator[str]:
    """Weights need a network of parts; rivals answer the same question and are whole plans."""
    if plan.transfer and TASKS[plan.task].local:
        yield f"transfer: found {plan.transfer.weights}, expected null: {plan.task} starts from chance"
    question = (plan.task, plan.dimensions, plan.inputs, plan.labels)
    for i, rival in enumerate(plan.rivals):
        if (rival.task, rival.dimensions, rival.inputs, rival.labels) != question:
            yield f"rivals[{i}]: task, dimensions, inputs or labels are others than the plan's own; expected the same"
        elif TASKS[plan.task].local:
            yield f"rivals[{i}]: found a rival, expected none: tuning cases choose between answers to whole images"
        elif rival.rivals:
            yield f"rivals[{i}].rivals: found {len(rival.rivals)}, expected none: rivals stand side by side"
        else:
            yield from (f"rivals[{i}].{fault}" for fault in faults(rival))


def _names(plan: Plan) -> Iterator[str]:
    fewest = TASKS[plan.task].fewest_labels
    if len(plan.labels) < fewest or len(set(plan.labels)) < len(plan.labels):
        yield f"labels: found {plan.labels}, expected at least {fewest} names, each once"
    if not plan.inputs:
        yield "inputs: found none, expected the protocol's channels"
    grey = plan.preprocess.intensity
    if len(plan.channels) != len(grey):
        yield (
            f"preprocess.intensity: found {len(grey)} entries, expected {len(plan.channels)}, one for each of the "
            f"channels {', '.join(plan.channels)}"
        )


def _grid(plan: Plan) -> Iterator[str]:
    d, spec = plan.dimensions, plan.preprocess
    if spec.dimensions != d:
        yield f"preprocess.dimensions: found {spec.dimensions}, expected {d} as in dimensions"
    for key, value in (
        ("preprocess.spacing", spec.spacing),
        ("preprocess.size", spec.size),
        ("patch", plan.patch),
        ("window", plan.window),
    ):
        if value is not None and (len(value) != d or min(value) <= 0):
            yield f"{key}: found {value}, expected {d} numbers above 0, one an axis"
    given = [
        k for k, v in (("spacing", spec.spacing), ("size", spec.size), ("zoom", spec.zoom)) if v is not None
    ]
    if spec.fit == "pad" and spec.size is None:
        yield "preprocess.fit: found pad without a size, expected the grid that images are padded to"
    if len(given) > 1 and not (spec.fit == "pad" and given == ["spacing", "size"]):
        yield f"preprocess: found {' and '.join(given)}, expected one of them"
    if spec.zoom is not None and d == 3:
        yield f"preprocess.zoom: found {spec.zoom:g} for volumes, expected spacing, which is in mm"
    if not TASKS[plan.task].local and spec.size != plan.patch:
        yield f"patch: found {plan.patch}, expected {spec.size} as in preprocess.size: {plan.task} sees whole images"


def _augment(plan: Plan) -> Iterator[str]:
    augment, axes = plan.augment, list(range(plan.dimensions))
    wrong = [a for a in augment.flip if a not in axes]
    if wrong:
        yield f"augment.flip: found axis {wrong[0]}, expected some of {_some(axes)}"
    if augment.coarse_axis is not None and augment.coarse_axis not in axes:
        yield f"augment.coarse_axis: found {augment.coarse_axis}, expected one of {_some(axes)}, or null"
    for name, value in augment.grey_values.items():
        if name not in GREY_VALUES:
            yield f"augment.grey_values: found {name!r}, expected some of {', '.join(GREY_VALUES)}"
        elif getattr(GREY_VALUES[name], "COLOR", False) and value and len(plan.channels) != 3:
            yield f"augment.grey_values.{name}: found {len(plan.channels)} channels, expected 3, a colour picture"
        elif not 0 <= value < float("inf"):
            yield f"augment.grey_values.{name}: found {value:g}, expected a range from 0"


def _views(plan: Plan) -> Iterator[str]:
    wrong = view_faults(plan.views, plan.answered_at_once, dimensions=plan.dimensions)
    yield from wrong
    for name in plan.views if not wrong else []:
        axes = [int(part.value) for part in parse_view(name) if part.kind == "flip"]
        if strange := [a for a in axes if a not in plan.augment.flip]:
            yield (
                f"views: {name}: found axis {strange[0]}, expected one of augment.flip {plan.augment.flip}: the "
                "network has never seen an image mirrored along it"
            )


def _mix(plan: Plan) -> Iterator[str]:
    kinds = [kind for kind in ("mixup", "cutmix", "paste") if getattr(plan.mix, kind) > 0]
    possible = ANSWERS.get(TASKS[plan.task].answer, ())
    for kind in kinds:
        if kind not in possible:
            others = f"; {', '.join(possible)} can be on" if possible else ""
            yield f"mix.{kind}: found it on, expected it off for {plan.task}{others}"
    open_ = "regions" if plan.regions else "partly_labelled" if plan.partly_labelled else ""
    if kinds and open_:
        yield f"mix.{kinds[0]}: found it on, expected it off where the plan has {open_}: one mask says one thing"
    for name, values in (("labels", plan.mix.labels), ("onto", plan.mix.onto)):
        if wrong := [v for v in values if not 0 <= v < len(plan.labels)]:
            yield f"mix.{name}: found {wrong[0]}, expected some of 0 to {len(plan.labels) - 1}"


def _schedule(plan: Plan) -> Iterator[str]:
    if plan.accumulate > plan.batch:
        yield f"accumulate: found {plan.accumulate}, expected at most the batch, {plan.batch}"
    if plan.epochs > plan.most_epochs:
        yield f"epochs: found {plan.epochs}, expected at most most_epochs, {plan.most_epochs}"
    if plan.follow_clock and not plan.train_seconds > 0:
        yield (
            f"train_seconds: found {plan.train_seconds:g}, expected seconds above 0, or follow_clock: false for "
            f"exactly {plan.epochs} epochs"
        )


def _network(plan: Plan) -> Iterator[str]:
    answer = TASKS[plan.task].answer
    try:
        made = architecture(plan.network.name, answer=answer)
        with torch.device("meta"):
            build(
                plan.network.name,
                plan.dimensions,
                len(plan.channels),
                plan.outputs,
                plan.network.arguments,
            )
        build_sampling(plan.sampling, answer=answer)
        build_loss(plan.loss, answer=answer, ordered=TASKS[plan.task].ordered)
    except InputError as error:
        yield str(error)
        return
    yield from _multiple(plan, made)


def _multiple(plan: Plan, made: Architecture) -> Iterator[str]:
    multiple = made.multiple(plan.network.arguments, plan.dimensions)
    for key, size in (("patch", plan.patch), ("window", plan.answered_at_once)):
        if len(size) == len(multiple) and any(n % m for n, m in zip(size, multiple, strict=True)):
            nearest = [max(1, round(n / m)) * m for n, m in zip(size, multiple, strict=True)]
            yield (
                f"{key}: found {size}, expected multiples of {list(multiple)}, by which network {plan.network.name} "
                f"shrinks it; such as {nearest}"
            )


def _some(axes: Sequence[int]) -> str:
    return ", ".join(map(str, axes))
