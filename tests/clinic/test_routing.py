"""Which routes take a study, and why."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from overread.clinic.config import Route
from overread.clinic.routing import choose_routes, explain, share_of

NOON = time(12, 0)


def route(name: str, **values: Any) -> Route:
    return Route(name=name, package=Path("a"), **values)


def seen(patient: str = "P1", **fits: bool) -> dict[str, Any]:
    return {
        "fits": fits,
        "columns": {"patient_id": patient},
        "series": [{"label": "MR T1 (3 instances, series 1)", "pixels": True}],
        "aside": [],
        "patient": "",
    }


def taken(routes: list[Route], found: dict[str, Any], sender: str = "CT", moment: time = NOON) -> list[str]:
    return [s.route.name for s in choose_routes(routes, found, sender=sender, moment=moment) if s.taken]


def test_first_fitting_route_wins_and_next_goes_on() -> None:
    routes = [route("a"), route("b", next=True), route("c"), route("d")]
    assert taken(routes, seen(a=False, b=True, c=True, d=True)) == ["b", "c"]
    assert taken(routes, seen(a=True, b=True, c=True, d=True)) == ["a"]
    assert taken(routes, seen(a=False, b=False, c=False, d=False)) == []


def test_a_shadow_never_takes_a_study_from_another() -> None:
    routes = [route("new", shadow=True), route("old")]
    assert taken(routes, seen(new=True, old=True)) == ["new", "old"]


def test_sources_and_hours() -> None:
    routes = [route("night", hours="20:00-06:00"), route("ct", sources=["CT"])]
    both = seen(night=True, ct=True)
    assert taken(routes, both) == ["ct"]
    assert taken(routes, both, moment=time(23, 0)) == ["night"]
    assert taken(routes, both, moment=time(5, 59)) == ["night"]
    assert taken(routes, both, moment=time(6, 0)) == ["ct"]
    assert taken(routes, both, sender="MR") == []


def test_arms_are_disjoint_steady_and_of_the_share_that_was_asked_for() -> None:
    routes = [route("a", share=0.3), route("b")]
    arms = {p: taken(routes, seen(p, a=True, b=True)) for p in (f"P{n}" for n in range(2000))}
    assert all(len(arm) == 1 for arm in arms.values())
    count = sum(arm == ["a"] for arm in arms.values())
    # Binomial: 600 of 2000, standard deviation 20.5.
    assert abs(count - 600) < 6 * 20.5
    assert share_of("a", seen("P7")) == share_of("a", seen("P7"))


def test_explanations_name_every_route() -> None:
    routes = [route("a", match={"Modality": "^CT$"}), route("b", sources=["MR"])]
    found = seen(a=False, b=True)
    lines = explain(choose_routes(routes, found, sender="CT", moment=NOON), found)
    text = "\n".join(lines)
    assert "route   a: passes: no series with images has Modality like '^CT$'" in text
    assert "route   b: passes: the sender is CT, expected MR" in text
    assert "no route takes this study" in text


@pytest.mark.parametrize("wrong", [{"hours": "25:00-06:00"}, {"hours": "06:00-06:00"}, {"share": 0}])
def test_what_no_route_can_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        route("a", **wrong)
