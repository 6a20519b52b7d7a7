"""Whether rare classes and findings are drawn more often."""

from __future__ import annotations

from collections.abc import Mapping

from overread.learn.plan import Named

FINDING = 0.05
"""Share of the cases below which a finding is rare; a class is below half of what it would have among equals."""
FAR = 0.5
"""A label this much rarer than that is worth drawing more often."""


def choose_sampling(counts: Mapping[str, int], cases: int, *, exclusive: bool) -> tuple[Named, str]:
    """The sampling by how many of the ``cases`` show each label, and the reason; ``exclusive``: classes, one a case."""
    shares = {name: n / cases for name, n in counts.items() if n}
    if not shares:
        return Named(name="uniform"), "Every case is drawn alike: no labels are counted."
    threshold = 0.5 / len(counts) if exclusive else FINDING
    rarest = min(shares, key=lambda name: shares[name])
    if shares[rarest] >= FAR * threshold:
        return (
            Named(name="uniform"),
            f"Every case is drawn alike: the rarest label, {rarest}, has {shares[rarest]:.0%} of them.",
        )
    return (
        Named(name="repeat_factor", arguments={"threshold": round(threshold, 4)}),
        f"Cases of labels rarer than {threshold:.1%} are drawn more often, by the root of how much rarer they are: "
        f"{rarest} has {shares[rarest]:.1%} of the cases. Probabilities are calibrated on tuning cases drawn alike.",
    )
