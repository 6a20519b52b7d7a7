"""Why the test is as large as it is: of each goal the hypothesis, its test, the size it needs and what is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from overread.cohort.case import Case
from overread.cohort.cohort import Cohort
from overread.cohort.finding import Finding
from overread.cohort.truth.protocol import Shown
from overread.evaluate.metrics import METRICS, title
from overread.pipeline.protocol import Endpoint
from overread.pipeline.workspace import Workspace
from overread.stats.power.auc import auc_goal
from overread.stats.power.goal import performance_goal, performance_goal_power

ALPHA = 0.025
"""One-sided: the limit of a two-sided 95% interval decides."""
POWER = 0.8
OF = {"sensitivity": True, "specificity": False, "accuracy": None, "answered": None}
"""Rates of patients with the finding (True), without it (False), or of all (None)."""


def rationale(space: Workspace, cohort: Cohort) -> list[dict[str, Any]]:
    """A row for each goal of the protocol.

    ``hypothesis`` and ``test`` are sentences. Where the goal states what is ``expected``: ``needed`` patients (``of``
    whom), those who are ``here``, and the ``power`` that these have, by ``method``; else, or where no formula is known,
    ``reason`` says why not. Of a sealed test the share of patients with the finding is that of the others.
    """
    return [_row(e, space, cohort) for e in space.protocol.endpoints]


def size_findings(space: Workspace, cohort: Cohort) -> list[Finding]:
    """A fact for each goal that states what is expected, and a warning where the test is too small for it."""
    found = []
    for row in rationale(space, cohort):
        if row["power"] is None:
            continue
        name = title(METRICS[row["metric"]], row["label"])
        message = (
            f"{name}: to show {row['goal']:g} where {row['expected']:g} is expected, {row['needed']:,} {row['of']} are "
            f"needed for a power of {POWER:.0%}; the test has {row['here']:,}, a power of {row['power']:.0%}"
        )
        found.append(Finding("sample.size", "info" if row["power"] >= POWER else "warning", message))
    return found


def hypothesis(endpoint: Endpoint) -> tuple[str, str]:
    """The null hypothesis of a goal, and how it is tested, a sentence each."""
    metric = METRICS[endpoint.metric]
    worse, side = ("above", "upper") if metric.better == "lower" else ("below", "lower")
    name = title(metric, endpoint.label)
    null = f"H0: {name} is {worse} {endpoint.goal:g}."
    if endpoint.judged_on == "estimate":
        return null, "No test: the point estimate alone is held against the goal."
    reached = "at most" if worse == "above" else "at least"
    return null, (
        f"Rejected where the {side} limit of the two-sided 95% interval is {reached} {endpoint.goal:g}: one-sided, "
        f"alpha {ALPHA:g}. All goals must hold, so that several of them need no correction (intersection-union test)."
    )


def _row(endpoint: Endpoint, space: Workspace, cohort: Cohort) -> dict[str, Any]:
    null, test = hypothesis(endpoint)
    row: dict[str, Any] = {
        "metric": endpoint.metric,
        "label": endpoint.label,
        "goal": endpoint.goal,
        "expected": endpoint.expected,
        "hypothesis": null,
        "test": test,
        **dict.fromkeys(("needed", "here", "of", "power", "method")),
        "reason": "",
    }
    if endpoint.expected is None:
        return row | {"reason": "the goal does not state what is expected"}
    if endpoint.judged_on == "estimate":
        return row | {"reason": "judged on the point estimate, without a test"}
    if space.protocol.facts.local or (endpoint.metric not in OF and endpoint.metric != "auroc"):
        return row | {"reason": "no formula for the size of such a goal is known here"}
    positive, negative = _patients(endpoint, space, cohort)
    try:
        return row | (_area if endpoint.metric == "auroc" else _rate)(endpoint, positive, negative)
    except ValueError as error:
        return row | {"reason": str(error)}


def _rate(endpoint: Endpoint, positive: int, negative: int) -> dict[str, Any]:
    assert endpoint.expected is not None
    which = OF[endpoint.metric]
    here = positive + negative if which is None else positive if which else negative
    size = performance_goal(goal=endpoint.goal, expected=endpoint.expected, alpha=ALPHA, power=POWER)
    power = performance_goal_power(n=here, goal=endpoint.goal, expected=endpoint.expected, alpha=ALPHA).power
    of = "patients" if which is None else f"patients {'with' if which else 'without'} the finding"
    return {"needed": size.n, "here": here, "of": of, "power": power, "method": size.method}


def _area(endpoint: Endpoint, positive: int, negative: int) -> dict[str, Any]:
    assert endpoint.expected is not None
    ask: Callable[..., Any] = auc_goal
    facts = {"auc": endpoint.expected, "goal": endpoint.goal, "alpha": ALPHA, "alternative": "greater"}
    if not positive or not negative:
        raise ValueError("the test has no patient with the finding, or none without it")
    size = ask(**facts, power=POWER, ratio=negative / positive)
    power = ask(**facts, positives=positive, negatives=negative).power
    of = f"patients, {positive / (positive + negative):.0%} of them with the finding,"
    return {
        "needed": int(size.n),
        "here": positive + negative,
        "of": of,
        "power": power,
        "method": size.method,
    }


def _patients(endpoint: Endpoint, space: Workspace, cohort: Cohort) -> tuple[int, int]:
    """Test patients with the finding and without it; of a sealed test as many as their share outside it lets expect."""
    tested = cohort.split("test")
    if not all(c.sealed for c in tested):
        return _counted(endpoint, space, tested)
    known = _counted(endpoint, space, [c for c in cohort if not c.sealed])
    patients = len({c.patient for c in tested})
    positive = round(patients * known[0] / max(sum(known), 1))
    return positive, patients - positive


def _counted(endpoint: Endpoint, space: Workspace, cases: Any) -> tuple[int, int]:
    p = space.protocol
    label = endpoint.label or p.positive or p.labels[0]
    shown: dict[bool | None, set[str]] = {}
    for case in cases:
        shown.setdefault(_shows(case, label, space), set()).add(case.patient)
    positive = shown.get(True, set())
    return len(positive), len(shown.get(False, set()) - positive)


def _shows(case: Case, label: str, space: Workspace) -> bool | None:
    """Of ordered grades: that of the label or a higher one."""
    p = space.protocol
    if p.facts.ordered and label in p.labels and case.label in p.labels:
        return p.labels.index(case.label) >= p.labels.index(label)
    return space.truth.presence(case, Shown(), p.labels).get(label)
