"""A new package held against a change plan: inside or outside, with the tests' numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from overread.evaluate.metrics import METRICS
from overread.regulatory.change.plan import ALWAYS_FIXED, Acceptance, ChangePlan, moved
from overread.regulatory.comparison.paired import Comparison, Difference

MEANS = {"dice", "nsd", "hd95"}


@dataclass(frozen=True)
class Check:
    """One question of the plan: whether it holds, and the sentence that says why."""

    name: str
    holds: bool
    said: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON content."""
        return {"name": self.name, "holds": self.holds, "said": self.said}


def judge_change(plan: ChangePlan, c: Comparison) -> list[Check]:
    """Every question in order; the change is inside the plan where all hold.

    ``c.first`` is the package that the plan begins from, ``c.second`` the new one.
    """
    old, new = c.first.manifest, c.second.manifest
    same = old.sha256 == plan.package
    checks = [
        Check(
            "begins from",
            same,
            f"the plan is for package {plan.package[:12]}, compared with {old.sha256[:12]}",
        ),
        Check(
            "version",
            new.version != old.version,
            f"version {old.version}, new {new.version}; each must have its own",
        ),
    ]
    differ = moved(old, new)
    allowed = plan.may_move
    for part in differ:
        fixed = part in ALWAYS_FIXED
        ok = part in allowed and not fixed
        why = (
            "no change plan can move it"
            if fixed
            else "a modification foresees it"
            if ok
            else "no modification foresees it"
        )
        checks.append(Check(f"scope: {part}", ok, f"{part} differs; {why}"))
    if not differ:
        checks.append(Check("scope", True, "nothing but weights, thresholds and calibration differs"))
    checks.append(
        Check(
            "cases",
            c.cases >= plan.least_cases,
            f"{c.cases} cases, the plan asks for {plan.least_cases} or more",
        )
    )
    return checks + [_accept(a, c) for a in plan.acceptance]


def _accept(a: Acceptance, c: Comparison) -> Check:
    name = f"{a.metric}{f' of {a.label}' if a.label else ''}{', old thresholds' if a.thresholds == 'kept' else ''}"
    found = _found(a, c.transfer if a.thresholds == "kept" else c.differences)
    if found is None:
        return Check(name, False, "these cases cannot give it; a test that cannot be done is not passed")
    metric = METRICS.get(a.metric)
    lower = metric is not None and metric.better == "lower"
    d = found.difference
    worst = d.high if lower else d.low
    kept = worst < a.margin if lower else worst > -a.margin
    side = "upper" if lower else "lower"
    said = (
        f"{found.first:.3f} and {found.second:.3f}; difference {d.estimate:+.3f} ({d.low:+.3f} "
        f"to {d.high:+.3f}), {side} limit "
        f"against a margin of {a.margin:g}: {'kept' if kept else 'not kept'}"
    )
    if a.reach is None:
        return Check(name, kept, said)
    own = found.reached
    reached = own is not None and (own.high <= a.reach if lower else own.low >= a.reach)
    limits = "no interval" if own is None else f"{own.low:.3f} to {own.high:.3f}"
    return Check(
        name,
        kept and reached,
        f"{said}; must reach {a.reach:g}: {limits}, {'reached' if reached else 'not reached'}",
    )


def _found(a: Acceptance, rows: list[Difference]) -> Difference | None:
    names = {a.metric}
    if a.metric in MEANS and a.label is not None:
        names |= {f"{a.metric} {a.label}"}
    for d in rows:
        if d.measure in names and (
            d.label == a.label or (d.label is None and a.label is not None and " " in d.measure)
        ):
            return d
    # Of two classes the measure of all is that of the positive one.
    alone = [d for d in rows if d.measure == a.metric]
    return (
        alone[0]
        if len(alone) == 1 and (a.label is None or alone[0].label is None) and a.metric not in MEANS
        else None
    )
