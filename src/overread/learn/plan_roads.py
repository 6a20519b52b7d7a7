"""One plan, or several that go different roads: from chance, from pretrained weights."""

from __future__ import annotations

import time
from typing import Any

from overread.cohort.fingerprint import Fingerprint
from overread.learn.make_plan import make_plan
from overread.learn.plan import Plan
from overread.learn.planner.transfer import (
    FEWEST_PASSES,
    FORWARD,
    NO_TRAINING,
    choose_road,
    grid_side,
    smaller_side,
    views_for,
)
from overread.learn.weights.find import find_weights
from overread.task import TASKS

LAYER_DECAY = 0.85
"""Of fine-tuning: what the first stages see hardly differs from what they have seen."""


def plan_roads(
    look: Fingerprint,
    *,
    weights: str = "auto",
    seconds_left: float,
    epochs: int | None = None,
    **asked: Any,
) -> Plan:
    """`make_plan` with the rest of what is ``asked``, from pretrained ``weights`` where that helps, and the reason.

    With ``epochs`` nothing is timed and nothing is tried: weights are then taken only where they are asked for by name.

    Raises InputError as `find_weights`.
    """
    if epochs is not None and weights == "auto":
        weights = "none"
    began = time.perf_counter()

    def left() -> float:
        return seconds_left - (time.perf_counter() - began)

    road = choose_road(
        look,
        TASKS[asked["task"]],
        dimensions=asked["dimensions"],
        cases=asked["train_cases"],
        seconds=seconds_left,
        asked=weights,
    )
    if road.kind == "chance":
        return _told(make_plan(look, seconds_left=left(), epochs=epochs, **asked), road.why)
    _, origin = find_weights(road.weights)
    side = grid_side(look)

    def started(side: int) -> Plan:
        return make_plan(look, seconds_left=left(), epochs=epochs, start=origin, side=side, **asked)

    if road.kind == "weights":
        plan = started(side)
        if (
            epochs is None
            and plan.epochs < FEWEST_PASSES
            and (less := smaller_side(side, plan.epochs)) < side
        ):
            plan = started(less)
        return _told(_how(plan, asked["train_cases"], epochs), road.why)
    rival = started(side)
    forward = _forward(rival)
    rival = _with(rival, how="features")
    cost = forward * asked["train_cases"] + rival.answer_seconds * asked["answered_cases"]
    plan = make_plan(look, seconds_left=max(left() - cost, left() / 2), epochs=epochs, **asked)
    return _told(plan.model_copy(update={"rivals": [rival]}), road.why)


def _how(plan: Plan, cases: int, epochs: int | None) -> Plan:
    """Fine-tuning with as many views for its start as time allows, or the head alone where there is little of it."""
    if epochs is not None:
        return _with(plan, layer_decay=LAYER_DECAY)
    views = views_for(cases=cases, forward=_forward(plan), seconds=plan.train_seconds)
    if plan.epochs < NO_TRAINING:
        return _told(
            _with(plan, how="features", views=views),
            f"The head alone is solved for: time holds {plan.epochs} epochs of fine-tuning.",
        )
    return _with(plan, how="full", views=views, layer_decay=LAYER_DECAY)


def _forward(plan: Plan) -> float:
    """Seconds for the features of an image."""
    return FORWARD * plan.seconds_per_step / plan.batch


def _with(plan: Plan, **changes: Any) -> Plan:
    assert plan.transfer is not None
    return plan.model_copy(update={"transfer": plan.transfer.model_copy(update=changes)})


def _told(plan: Plan, why: str) -> Plan:
    return plan.model_copy(update={"reasons": [*plan.reasons, why]}) if why else plan
