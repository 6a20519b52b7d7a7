"""Cox's regression: what multiplies the hazard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, ndtr, ndtri

from overread.stats.arrays import Bools, Floats, as_floats, as_groups, check_confidence, same_length
from overread.stats.interval import Interval
from overread.stats.survival.observed import observed

STEPS = 50


@dataclass(frozen=True)
class CoxTerm:
    """One variable: the hazard ratio of one unit of it, the logarithm and its error, and the test that it is 1."""

    name: str
    hazard_ratio: Interval
    coefficient: float
    standard_error: float
    z: float
    p_value: float


@dataclass(frozen=True)
class CoxModel:
    """``terms``, and the likelihood-ratio test of all of them; ``log_likelihood`` is partial (Efron)."""

    terms: tuple[CoxTerm, ...]
    log_likelihood: float
    statistic: float
    df: int
    p_value: float
    events: int
    method: str

    def score(self, variables: ArrayLike) -> Floats:
        """Log hazard (n,) of ``variables`` (n, k), relative to all of them 0."""
        x = as_floats(variables, "variables", 2)
        value: Floats = x @ np.array([term.coefficient for term in self.terms])
        return value


def cox_regression(
    time: ArrayLike,
    event: ArrayLike,
    variables: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    cluster: ArrayLike | None = None,
    confidence: float = 0.95,
) -> CoxModel:
    """Proportional hazards of ``variables`` (n, k) (Cox, J R Stat Soc B 1972;34:187), ties by Efron (1977).

    ``time`` (n,) of follow-up, ``event`` (n,) seen (1) or not (0). Limits are Wald's; with ``cluster`` (n,) the errors
    are robust, summed over clusters (Lin and Wei, J Am Stat Assoc 1989;84:1074).

    Raises ValueError for NaN, wrong shapes, no event, variables that are constant or follow from each other, or that
    tell events and others apart perfectly, where no finite coefficient exists.
    """
    check_confidence(confidence)
    t, e = observed(time, event)
    x = as_floats(variables, "variables", 2)
    same_length(len(t), x, "variables")
    known = tuple(names) if names is not None else tuple(f"x{i}" for i in range(x.shape[1]))
    if len(known) != x.shape[1]:
        raise ValueError(f"names has {len(known)} entries, expected {x.shape[1]}")
    centre, scale = x.mean(axis=0), x.std(axis=0)
    if (scale == 0).any():
        raise ValueError(f"variable {known[int(np.argmin(scale))]} is constant; it has no coefficient")
    u = (x - centre) / scale
    if np.linalg.matrix_rank(u) < u.shape[1]:
        raise ValueError("variables follow from each other; leave one out")
    beta, value, information = _fitted(t, e, u)
    null = _likelihood(t, e, u, np.zeros_like(beta))[0]
    covariance = np.linalg.inv(information)
    name = "Cox, Efron, Wald"
    codes = as_groups(cluster, len(t))
    if codes is not None:
        residual = _score_residuals(t, e, u, beta)
        sums = np.array([np.bincount(codes, column) for column in residual.T]).T
        if len(sums) < 2:
            raise ValueError("one cluster has no variance; expected two or more")
        covariance = covariance @ sums.T @ sums @ covariance
        name = "Cox, Efron, robust by cluster"
    z = float(ndtri(0.5 + confidence / 2))
    terms = []
    for i, label in enumerate(known):
        b, error = float(beta[i] / scale[i]), float(np.sqrt(covariance[i, i]) / scale[i])
        ratio = Interval(
            float(np.exp(b)),
            float(np.exp(b - z * error)),
            float(np.exp(b + z * error)),
            confidence,
            name,
            len(t),
        )
        terms.append(CoxTerm(label, ratio, b, error, b / error, float(2 * ndtr(-abs(b / error)))))
    statistic = max(0.0, 2 * (value - null))
    k = len(beta)
    return CoxModel(tuple(terms), value, statistic, k, float(chdtrc(k, statistic)), int(e.sum()), name)


def _fitted(t: Floats, e: Bools, u: Floats) -> tuple[Floats, float, Floats]:
    """Newton's steps, halved where they would not rise."""
    beta = np.zeros(u.shape[1])
    value, gradient, information = _likelihood(t, e, u, beta)
    for _ in range(STEPS):
        step = np.linalg.solve(information, gradient)
        for _ in range(30):
            tried = _likelihood(t, e, u, beta + step)
            if tried[0] >= value - 1e-12:
                break
            step = step / 2
        beta = beta + step
        rise, (value, gradient, information) = tried[0] - value, tried
        if np.abs(beta).max() > 30 or np.linalg.cond(information) > 1e13:
            raise ValueError(
                "a variable tells events and others apart perfectly; no finite coefficient exists"
            )
        if abs(rise) < 1e-10 and np.abs(step).max() < 1e-7:
            return beta, value, information
    raise ValueError(
        "Cox's regression did not converge; a variable may tell events and others apart perfectly"
    )


def _likelihood(t: Floats, e: Bools, u: Floats, beta: Floats) -> tuple[float, Floats, Floats]:
    """Efron's partial log likelihood, its gradient (k,) and minus its second derivative (k, k)."""
    order = np.argsort(-t, kind="stable")
    t, e, u = t[order], e[order], u[order]
    eta = u @ beta
    risk = np.exp(eta - eta.max())
    k = u.shape[1]
    s0, s1 = np.cumsum(risk), np.cumsum(risk[:, None] * u, axis=0)
    s2 = np.cumsum(risk[:, None, None] * u[:, :, None] * u[:, None, :], axis=0)
    value, gradient, information = 0.0, np.zeros(k), np.zeros((k, k))
    for s in np.unique(t[e]):
        last = int(np.searchsorted(-t, -s, side="right")) - 1
        mine = np.flatnonzero(e & (t == s))
        r, x = risk[mine], u[mine]
        d0, d1 = r.sum(), (r[:, None] * x).sum(axis=0)
        d2 = (r[:, None, None] * x[:, :, None] * x[:, None, :]).sum(axis=0)
        value += float(eta[mine].sum())
        gradient += x.sum(axis=0)
        for share in np.arange(len(mine)) / len(mine):
            a0, a1, a2 = s0[last] - share * d0, s1[last] - share * d1, s2[last] - share * d2
            mean = a1 / a0
            value -= float(np.log(a0) + eta.max())
            gradient -= mean
            information += a2 / a0 - np.outer(mean, mean)
    return value, gradient, information


def _score_residuals(t: Floats, e: Bools, u: Floats, beta: Floats) -> Floats:
    """Each case's part (n, k) in the gradient (Breslow's form of ties), whose sums over clusters vary."""
    risk = np.exp(u @ beta - float((u @ beta).max()))
    residual = np.zeros_like(u)
    for s in np.unique(t[e]):
        at_risk = t >= s
        total = float(risk[at_risk].sum())
        mean = (risk[at_risk, None] * u[at_risk]).sum(axis=0) / total
        dead = e & (t == s)
        residual[dead] += u[dead] - mean
        residual[at_risk] -= dead.sum() / total * risk[at_risk, None] * (u[at_risk] - mean)
    return residual
