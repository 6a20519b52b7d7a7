"""Conformal sets of classes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from overread.stats.arrays import Bools, Floats, Ints, as_classes, as_groups, as_probabilities, same_length
from overread.stats.conformal.quantile import check_coverage, conformal_quantile
from overread.stats.conformal.scores import lac_scores, raps_scores
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci, rate_ci

SetMethod = Literal["lac", "aps", "raps"]


@dataclass(frozen=True)
class ConformalSets:
    """Fitted conformal sets: a class is in the set of a case where its score is at most the quantile.

    ``quantiles`` holds one number for all classes, or one a class (``by_class``); infinity, where there were
    too few calibration cases, puts the class into every set. ``n`` counts those cases.
    """

    method: SetMethod
    coverage: float
    quantiles: tuple[float, ...]
    by_class: bool
    classes: int
    n: int
    randomised: bool = False
    penalty: float = 0.0
    k_reg: int = 1
    allow_empty: bool = True

    @classmethod
    def fit(
        cls,
        y: ArrayLike,
        prob: ArrayLike,
        *,
        coverage: float = 0.9,
        method: SetMethod = "lac",
        by_class: bool = False,
        randomised: bool = False,
        penalty: float = 0.01,
        k_reg: int = 1,
        allow_empty: bool = True,
        seed: int = 0,
    ) -> ConformalSets:
        """Calibrate on cases that the model was not fitted on: ``y`` (n,) classes, ``prob`` (n, k).

        The set of a new exchangeable case holds its class with probability ``coverage`` or more, over
        calibration and new case together; ``by_class`` makes that true within each class (Mondrian; Vovk,
        ACML 2012). Where scores have no ties it is at most 1 / (n + 1) more.

        ``lac``: least ambiguous sets, smallest on average. ``aps``: adaptive sets, larger where the case is
        hard. ``raps``: those with a ``penalty`` on classes beyond the ``k_reg`` likeliest. ``randomised`` draws
        one uniform number a case, without which ``aps`` and ``raps`` cover too much. ``allow_empty`` False
        adds the likeliest class to an empty set.

        Raises ValueError for NaN, wrong shapes, or an unknown method.
        """
        check_coverage(coverage)
        p = as_probabilities(prob, "prob", ndim=2)
        truth = as_classes(y, classes=p.shape[1])
        same_length(len(truth), p, "prob")
        settings = {"method": method, "randomised": randomised, "penalty": penalty, "k_reg": k_reg}
        scores = _scores(p, seed, **settings)[np.arange(len(p)), truth]  # type: ignore[arg-type]
        if by_class:
            parts = [scores[truth == k] for k in range(p.shape[1])]
            quantiles = [conformal_quantile(s, coverage=coverage) if len(s) else float("inf") for s in parts]
        else:
            quantiles = [conformal_quantile(scores, coverage=coverage)]
        return cls(
            method,
            coverage,
            tuple(quantiles),
            by_class,
            p.shape[1],
            len(truth),
            randomised and method != "lac",
            penalty if method == "raps" else 0.0,
            k_reg,
            allow_empty,
        )

    def sets(self, prob: ArrayLike, *, seed: int = 1) -> Bools:
        """Sets (n, k) of probabilities (n, k): true where the class belongs to the set of the case.

        ``seed`` of randomised sets must differ from that of the calibration.
        """
        p = as_probabilities(prob, "prob", ndim=2)
        if p.shape[1] != self.classes:
            raise ValueError(f"prob has {p.shape[1]} columns, expected {self.classes} classes")
        scores = _scores(p, seed, self.method, self.randomised, self.penalty, self.k_reg)
        # Sums of probabilities differ in the last digit: the tolerance keeps a tie inside.
        inside: Bools = scores <= np.array(self.quantiles) + 1e-12
        if not self.allow_empty:
            empty = ~inside.any(axis=1)
            inside[empty, p[empty].argmax(axis=1)] = True
        return inside

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON; an infinite quantile is None."""
        data = asdict(self)
        data["quantiles"] = [q if np.isfinite(q) else None for q in self.quantiles]
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ConformalSets:
        """What ``as_dict`` wrote."""
        quantiles = tuple(float("inf") if q is None else float(q) for q in data["quantiles"])
        return cls(**(data | {"quantiles": quantiles}))


def set_coverage(
    y: ArrayLike, sets: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95
) -> Interval:
    """Share of cases whose class ``y`` (n,) is in their set (n, k), with Wilson limits; clusters widen them."""
    truth, member = _checked(y, sets)
    return rate_ci(
        member[np.arange(len(truth)), truth], cluster=cluster, method="wilson", confidence=confidence
    )


def set_size(
    sets: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95, seed: int = 0
) -> Interval:
    """Mean number of classes in the sets (n, k), with a bootstrap interval."""
    member = _members(sets)
    bounds = (0.0, float(member.shape[1]))
    return mean_ci(
        member.sum(axis=1), cluster=cluster, method="bca", confidence=confidence, seed=seed, bounds=bounds
    )


def class_coverage(
    y: ArrayLike, sets: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95
) -> dict[int, Interval]:
    """Coverage within each class that occurs."""
    truth, member = _checked(y, sets)
    return _by_group(truth, member[np.arange(len(truth)), truth], cluster, confidence)


def size_stratified_coverage(
    y: ArrayLike, sets: ArrayLike, *, cluster: ArrayLike | None = None, confidence: float = 0.95
) -> dict[int, Interval]:
    """Coverage within each size of set that occurs (Angelopoulos et al., ICLR 2021).

    Sets that adapt to the case cover alike in all sizes; empty sets cover nothing.
    """
    truth, member = _checked(y, sets)
    return _by_group(member.sum(axis=1), member[np.arange(len(truth)), truth], cluster, confidence)


def _scores(p: Floats, seed: int, method: SetMethod, randomised: bool, penalty: float, k_reg: int) -> Floats:
    if method == "lac":
        return lac_scores(p)
    if method not in ("aps", "raps"):
        raise ValueError(f"method is {method!r}, expected 'lac', 'aps' or 'raps'")
    u = np.random.default_rng(seed).random(len(p)) if randomised else None
    return raps_scores(p, u, penalty=penalty if method == "raps" else 0.0, k_reg=k_reg)


def _members(sets: ArrayLike) -> Bools:
    member = np.asarray(sets)
    if member.ndim != 2 or member.size == 0 or not np.isin(member, (0, 1)).all():
        raise ValueError(
            f"sets has shape {member.shape}, expected (n, k) of 0 and 1: a column for each class"
        )
    return member.astype(np.bool_)


def _checked(y: ArrayLike, sets: ArrayLike) -> tuple[Ints, Bools]:
    member = _members(sets)
    truth = as_classes(y, classes=member.shape[1])
    same_length(len(truth), member, "sets")
    return truth, member


def _by_group(
    group: Ints, covered: Bools, cluster: ArrayLike | None, confidence: float
) -> dict[int, Interval]:
    codes = as_groups(cluster, len(group))
    out = {}
    for value in np.unique(group):
        inside = group == value
        part = None if codes is None else codes[inside]
        out[int(value)] = rate_ci(covered[inside], cluster=part, method="wilson", confidence=confidence)
    return out
