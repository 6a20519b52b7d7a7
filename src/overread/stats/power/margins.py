"""Sizes for non-inferiority, equivalence and superiority by a margin, two independent arms.

The margin is a positive number throughout. ``treatment - control`` is compared with minus the margin
(non-inferiority), with both (equivalence) or with plus the margin (superiority), where higher is better;
``higher_is_better=False`` turns the difference round. ``alpha`` is one-sided. ``n`` is the total over both
arms, ``ratio`` the treatment arm's size over the control arm's; each arm is rounded up. Normal tests with
the variance of the alternative: Chow, Shao and Wang, Sample Size Calculations in Clinical Research, 2008,
chapters 3 and 4; equivalence with the power split over both sides, Machin et al., Sample Size Tables for
Clinical Studies, 2009, chapter 9.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from overread.stats.power.result import (
    SampleSize,
    check_open,
    check_positive,
    two_groups,
    whole,
    z_alpha,
    z_power,
)

Kind = Literal["non-inferiority", "equivalence", "superiority"]


def noninferiority_proportions(
    *,
    treatment: float,
    control: float,
    margin: float,
    power: float = 0.8,
    n: float | None = None,
    alpha: float = 0.05,
    ratio: float = 1.0,
    higher_is_better: bool = True,
    round_up: bool = True,
) -> SampleSize:
    """Cases to show that a proportion is not worse than the control's by ``margin``, or the power of ``n``."""
    return _proportions(
        "non-inferiority", treatment, control, margin, power, n, alpha, ratio, higher_is_better, round_up
    )


def equivalence_proportions(
    *,
    treatment: float,
    control: float,
    margin: float,
    power: float = 0.8,
    n: float | None = None,
    alpha: float = 0.05,
    ratio: float = 1.0,
    round_up: bool = True,
) -> SampleSize:
    """Cases to show that two proportions differ by less than ``margin`` either way, or the power of ``n``."""
    return _proportions("equivalence", treatment, control, margin, power, n, alpha, ratio, True, round_up)


def superiority_proportions(
    *,
    treatment: float,
    control: float,
    margin: float = 0.0,
    power: float = 0.8,
    n: float | None = None,
    alpha: float = 0.05,
    ratio: float = 1.0,
    higher_is_better: bool = True,
    round_up: bool = True,
) -> SampleSize:
    """Cases to show that a proportion is better than the control's by more than ``margin``."""
    return _proportions(
        "superiority", treatment, control, margin, power, n, alpha, ratio, higher_is_better, round_up
    )


def noninferiority_means(
    *,
    treatment: float,
    control: float,
    sd: float,
    margin: float,
    power: float = 0.8,
    n: float | None = None,
    alpha: float = 0.05,
    ratio: float = 1.0,
    higher_is_better: bool = True,
    round_up: bool = True,
) -> SampleSize:
    """Cases to show that a mean is not worse than the control's by ``margin``, or the power of ``n``."""
    return _means(
        "non-inferiority", treatment, control, sd, margin, power, n, alpha, ratio, higher_is_better, round_up
    )


def equivalence_means(
    *,
    treatment: float,
    control: float,
    sd: float,
    margin: float,
    power: float = 0.8,
    n: float | None = None,
    alpha: float = 0.05,
    ratio: float = 1.0,
    round_up: bool = True,
) -> SampleSize:
    """Cases to show that two means differ by less than ``margin`` either way, or the power of ``n``."""
    return _means("equivalence", treatment, control, sd, margin, power, n, alpha, ratio, True, round_up)


def superiority_means(
    *,
    treatment: float,
    control: float,
    sd: float,
    margin: float = 0.0,
    power: float = 0.8,
    n: float | None = None,
    alpha: float = 0.05,
    ratio: float = 1.0,
    higher_is_better: bool = True,
    round_up: bool = True,
) -> SampleSize:
    """Cases to show that a mean is better than the control's by more than ``margin``."""
    return _means(
        "superiority", treatment, control, sd, margin, power, n, alpha, ratio, higher_is_better, round_up
    )


def paired_noninferiority(
    *,
    p10: float,
    p01: float,
    margin: float,
    power: float = 0.8,
    n: float | None = None,
    alpha: float = 0.05,
    round_up: bool = True,
) -> SampleSize:
    """Pairs to show that the new test is not worse by ``margin`` on the same cases, or the power of ``n``.

    ``p10`` is the share of pairs where only the new test is right, ``p01`` where only the old one is. Wald
    test of p10 - p01 against -margin (Liu et al., Stat Med 2002;21:231).
    """
    check_positive("margin", margin)
    if min(p10, p01) < 0 or not 0 < p10 + p01 <= 1:
        raise ValueError(f"p10 = {p10} and p01 = {p01}, expected shares of pairs that add up to 1 at most")
    distance, variance = p10 - p01 + margin, p10 + p01 - (p10 - p01) ** 2
    _check_distance(distance, "non-inferiority")
    z = z_alpha(alpha, "greater")
    pairs = (
        n if n is not None else whole((z + z_power(power)) ** 2 * variance / distance**2, round_up=round_up)
    )
    check_positive("n", pairs)
    return SampleSize(
        n=pairs,
        power=float(ndtr(distance / np.sqrt(variance / pairs) - z)),
        method="non-inferiority of paired proportions, Wald test, one-sided",
        assumptions={"p10": p10, "p01": p01, "margin": margin, "alpha": alpha, "power": power},
    )


def _proportions(
    kind: Kind,
    treatment: float,
    control: float,
    margin: float,
    power: float,
    n: float | None,
    alpha: float,
    ratio: float,
    higher_is_better: bool,
    round_up: bool,
) -> SampleSize:
    check_open("treatment", treatment)
    check_open("control", control)
    variances = treatment * (1 - treatment), control * (1 - control)
    assumptions = {"treatment": treatment, "control": control}
    return _margin(
        f"{kind} of proportions",
        kind,
        treatment - control,
        variances,
        margin,
        power,
        n,
        alpha,
        ratio,
        higher_is_better,
        round_up,
        assumptions,
    )


def _means(
    kind: Kind,
    treatment: float,
    control: float,
    sd: float,
    margin: float,
    power: float,
    n: float | None,
    alpha: float,
    ratio: float,
    higher_is_better: bool,
    round_up: bool,
) -> SampleSize:
    check_positive("sd", sd)
    assumptions = {"treatment": treatment, "control": control, "sd": sd}
    return _margin(
        f"{kind} of means",
        kind,
        treatment - control,
        (sd**2, sd**2),
        margin,
        power,
        n,
        alpha,
        ratio,
        higher_is_better,
        round_up,
        assumptions,
    )


def _margin(
    name: str,
    kind: Kind,
    difference: float,
    variances: tuple[float, float],
    margin: float,
    power: float,
    n: float | None,
    alpha: float,
    ratio: float,
    higher_is_better: bool,
    round_up: bool,
    assumptions: dict[str, float],
) -> SampleSize:
    if not margin >= 0 or (margin == 0 and kind != "superiority"):
        raise ValueError(f"margin is {margin}, expected a positive number (its direction is understood)")
    check_positive("ratio", ratio)
    gain = difference if higher_is_better else -difference
    distance = {
        "non-inferiority": gain + margin,
        "superiority": gain - margin,
        "equivalence": margin - abs(gain),
    }[kind]
    _check_distance(distance, kind)
    z, equivalence = z_alpha(alpha, "greater"), kind == "equivalence"
    per_control = variances[0] / ratio + variances[1]
    if n is None:
        z_power(power)
        zb = float(ndtri((1 + power) / 2)) if equivalence else z_power(power)
        second = whole((z + zb) ** 2 * per_control / distance**2, round_up=round_up)
        arms = whole(second * ratio, round_up=round_up), second
    else:
        arms = two_groups(n, ratio)
    reached = ndtr(distance / np.sqrt(per_control / arms[1]) - z)
    return SampleSize(
        n=sum(arms),
        power=float(max(0.0, 2 * reached - 1) if equivalence else reached),
        groups={"treatment": arms[0], "control": arms[1]},
        method=f"{name}, normal test, one-sided alpha",
        assumptions={
            **assumptions,
            "margin": margin,
            "alpha": alpha,
            "power": power if n is None else None,
            "ratio": ratio,
        },
    )


def _check_distance(distance: float, kind: str) -> None:
    if distance <= 0:
        raise ValueError(
            f"the expected difference already violates the margin ({distance:+.3g} from it); "
            f"no size shows {kind}"
        )
