"""When a study is complete, by every rule, without waiting for anything."""

from __future__ import annotations

import pytest

from overread.clinic.completeness import Arrival, Arrivals, Content, Verdict, decide
from overread.clinic.config_parts import Complete

QUIET = 30.0


def verdict(
    rule: Complete,
    *,
    silent: float,
    released: float | None = None,
    arriving: bool = False,
    content: Content | None = None,
) -> Verdict:
    now = 1000.0
    gone = None if released is None else now - released
    arrival = Arrival("1.2.3", 0.0, now - silent, "CT", gone)

    def asked() -> Content:
        assert content is not None, "headers are read only where a rule needs them"
        return content

    return decide(rule, arrival, now=now, quiet=QUIET, arriving=arriving, content=asked)


def test_quiet() -> None:
    rule = Complete(when="quiet")
    assert not verdict(rule, silent=29.9).complete
    assert verdict(rule, silent=30).complete


def test_an_object_still_arriving_holds_its_study_open() -> None:
    for when in ("quiet", "association", "count"):
        assert not verdict(Complete(when=when), silent=10_000, released=10_000, arriving=True).complete


def test_association() -> None:
    rule = Complete(when="association", grace_seconds=2)
    assert not verdict(rule, silent=5).complete
    assert verdict(rule, silent=5, released=3).complete
    assert not verdict(rule, silent=1, released=3).complete, "another association goes on"
    assert not verdict(rule, silent=5, released=1).complete
    assert verdict(rule, silent=31).complete, "a sender that was cut off is waited for no longer than any"


def test_count() -> None:
    rule = Complete(when="count", instances=10, longest_seconds=600)
    assert not verdict(rule, silent=100, content=Content(9)).complete
    assert verdict(rule, silent=3, content=Content(10)) == Verdict(True)
    late = verdict(rule, silent=600, content=Content(9))
    assert late == Verdict(True, "answered although not complete: 9 of 10 instances are here")
    told = Complete(when="count")
    assert not verdict(told, silent=100, content=Content(9, expected=10)).complete
    assert verdict(told, silent=3, content=Content(10, expected=10)).complete
    assert verdict(told, silent=30, content=Content(9)).complete, "nothing says how many: a quiet time it is"


def test_series() -> None:
    rule = Complete(when="series", series=["^T1", "(?i)flair"])
    assert not verdict(rule, silent=100, content=Content(9, None, ("T1 axial",))).complete
    assert verdict(rule, silent=3, content=Content(9, None, ("T1", "Flair"))).complete
    assert "'(?i)flair'" in verdict(rule, silent=4000, content=Content(9, None, ("T1",))).note


@pytest.mark.parametrize("sender", ["CT", "MR"])
def test_a_newer_instance_is_never_lost(sender: str) -> None:
    clock = [0.0]
    arrivals = Arrivals(clock=lambda: clock[0])
    arrivals.stored("1.2.3", sender)
    (first,) = arrivals.all()
    clock[0] = 5.0
    arrivals.stored("1.2.3", sender)
    arrivals.told(first)
    assert not arrivals.all()[0].told
    arrivals.done(first)
    assert "1.2.3" in arrivals
    arrivals.released(sender, ["1.2.3", "9.9"])
    (second,) = arrivals.all()
    assert (second.first, second.last, second.released) == (0.0, 5.0, 5.0)
    arrivals.told(second)
    arrivals.done(arrivals.all()[0])
    assert "1.2.3" not in arrivals
