"""Which routes take a study: from what its headers say, who sent it and when; and why, in words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

from overread.clinic.config import Route


@dataclass(frozen=True)
class Step:
    """What was decided about one route, and why."""

    route: Route
    taken: bool
    why: str


def choose_routes(
    routes: Sequence[Route], seen: Mapping[str, Any], *, sender: str, moment: time
) -> list[Step]:
    """Every route in its order with what became of it.

    Parameters
    ----------
    seen
        What `overread.clinic.look.look` found.
    moment
        Time of day when the study was complete, in the node's zone.
    """
    steps: list[Step] = []
    open_still = True
    for route in routes:
        taken, why = (False, "a route before it has taken the study")
        if open_still:
            taken, why = _fits(route, seen, sender, moment)
        steps.append(Step(route, taken, why))
        if taken and not route.next and not route.shadow:
            open_still = False
    return steps


def _fits(route: Route, seen: Mapping[str, Any], sender: str, moment: time) -> tuple[bool, str]:
    if route.sources is not None and sender not in route.sources:
        return False, f"the sender is {sender or 'unknown'}, expected {' or '.join(route.sources)}"
    if not seen["fits"].get(route.name, False):
        wanted = ", ".join(f"{k} like {p!r}" for k, p in route.match.items()) or "anything"
        return False, f"no series with images has {wanted}"
    if not route.open_at(moment):
        return False, f"it is {moment:%H:%M}, the route is open {route.hours}"
    if route.share < 1:
        place = share_of(route.name, seen)
        if place >= route.share:
            return False, f"the patient is at {place:.3f} of 1, the route takes those below {route.share:g}"
        return True, f"fits, and the patient is at {place:.3f} of 1, below {route.share:g}"
    return True, "fits" + (", as a shadow: nothing is delivered" if route.shadow else "")


def share_of(name: str, seen: Mapping[str, Any]) -> float:
    """Where a patient lies in [0, 1) for a route: always the same, so that all of a patient's studies take one arm."""
    patient = seen["columns"].get("patient_id", "") or seen["columns"].get("patient_name", "")
    digest = hashlib.sha256(f"{name}\0{patient}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def explain(steps: Sequence[Step], seen: Mapping[str, Any]) -> list[str]:
    """Lines for a person: what the study holds, what each route does, what is set aside."""
    lines = [f"series  {s['label']}{'' if s['pixels'] else ', no images'}" for s in seen["series"]]
    lines += [f"aside   {a['sop']}: {a['code']}: {a['text']}" for a in seen["aside"]]
    if seen["patient"]:
        lines.append(f"refused PATIENT_DIFFERS: {seen['patient']}")
    for step in steps:
        what = "takes it" if step.taken else "passes"
        lines.append(f"route   {step.route.name}: {what}: {step.why}")
    if not any(s.taken for s in steps):
        lines.append("result  no route takes this study: nothing is sent")
    return lines
