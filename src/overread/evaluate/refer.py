"""When a person must decide: below which confidence, so that what is decided is wrong at most so often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, assert_never

import numpy as np
from numpy.typing import NDArray

from overread.cohort.truth.protocol import TruthValue
from overread.evaluate import patients
from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects, Value
from overread.runtime.manifest import Manifest
from overread.runtime.manifest_uncertainty import Refer
from overread.stats.intervals import rate_ci
from overread.stats.selective import risk_p_value

Decided = dict[str, tuple[float, bool]]
"""By label, ``""`` for a choice between classes: how sure the package is of its decision, and whether it is wrong."""
STEPS = 100
"""Thresholds that are looked at, at quantiles of the confidence."""
STARTS = 3
"""Sequences of thresholds, each beginning with twice as many patients."""


class ReferRule(NamedTuple):
    """The share of decisions that may be wrong, the confidence of that, and of label maps the Dice from which on a mask
    is right."""

    risk: float
    confidence: float
    dice: float | None = None


def masks_decided(masks: Sequence[Mapping[str, tuple[float, float]]], least: float) -> list[Decided]:
    """Of label maps, the Dice that was expected of each mask, and whether the real one lies below ``least``."""
    return [{label: (expected, real < least) for label, (expected, real) in one.items()} for one in masks]


def decided(answer: Answer, truth: TruthValue, manifest: Manifest) -> Decided:
    """Confidence and error of each decision of an answer; nothing for answers that decide nothing yes or no."""
    match answer:
        case Classes():
            right = manifest.labels[int(truth)]  # type: ignore[arg-type]
            return {"": (answer.scores[answer.decided], answer.decided != right)}
        case Findings():
            stated = np.asarray(truth, np.float64)
            out: Decided = {}
            for label, value in zip(manifest.labels, stated, strict=True):
                if np.isfinite(value) and label in answer.thresholds:
                    present, score = label in answer.present, answer.scores[label]
                    out[label] = (score if present else 1 - score, present != (value == 1))
            return out
        case Value() | LabelMap() | Objects():
            return {}
        case _:
            assert_never(answer)


def referral(
    sure: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    *,
    risk: float,
    confidence: float,
    cluster: NDArray[Any] | None = None,
) -> tuple[Refer | None, str]:
    """The smallest threshold on ``sure (n,)`` above which decisions are ``wrong (n,)`` at most a share ``risk`` of the
    time, with probability ``confidence``; or none, and why.

    Thresholds are tested from a strict one down, and the first that fails ends it; up to `STARTS` strict ones share the
    error allowed, so that one early mistake does not end everything. The statement then holds for the threshold taken
    (learn then test, multi-start fixed sequences: Angelopoulos et al., Ann Appl Stat 2025, arXiv 2110.01052; Geifman
    and El-Yaniv, NeurIPS 2017). A patient with several images counts once, with the share of them decided wrongly.
    """
    units = patients.count(cluster, len(sure))
    fewest = _fewest(risk, 1 - confidence)
    if units < fewest:
        return None, (
            f"{units} tuning patients cannot show that at most {risk:.1%} of the decisions are wrong (with "
            f"{confidence:.0%} confidence {fewest} without an error would): nobody is referred"
        )
    who = np.unique(np.arange(len(sure)) if cluster is None else cluster, return_inverse=True)[1]
    best = _lowest(sure, wrong, who, risk=risk, alpha=1 - confidence, units=units)
    if best is None:
        return None, (
            f"no confidence keeps wrong decisions of tuning patients at {risk:.1%} or below (with {confidence:.0%} "
            "confidence): nobody is referred, every answer is to be checked"
        )
    kept = sure >= best
    part = None if cluster is None else cluster[kept]
    figures = {
        "apparent_decided": rate_ci(kept, cluster=cluster).as_dict(),
        "apparent_wrong": rate_ci(wrong[kept], cluster=part).as_dict(),
    }
    # Nobody needs to be referred where all may be decided.
    threshold = 0.0 if kept.all() else best
    return Refer(threshold=threshold, risk=risk, confidence=confidence, patients=units, figures=figures), ""


def _fewest(risk: float, alpha: float) -> int:
    """Patients that show a ``risk`` where none of them is decided wrongly."""
    return int(np.ceil(np.log(alpha) / np.log(1 - risk)))


def _lowest(
    sure: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    who: NDArray[Any],
    *,
    risk: float,
    alpha: float,
    units: int,
) -> float | None:
    """The lowest threshold that keeps the risk, or None."""
    starts = next(
        k for k in range(STARTS, 0, -1) if k == 1 or _fewest(risk, alpha / k) * 2 ** (k - 1) <= units
    )
    limits = np.unique(np.quantile(sure, np.linspace(0, 1, STEPS + 1), method="higher"))[::-1]
    best: float | None = None
    for start in range(starts):
        fewest = _fewest(risk, alpha / starts) * 2**start
        for limit in limits:
            kept = sure >= limit
            images = np.bincount(who[kept])
            losses = np.bincount(who[kept], wrong[kept])[images > 0] / images[images > 0]
            if len(losses) < min(fewest, units):
                continue
            if risk_p_value(losses, risk=risk) > alpha / starts:
                break
            best = float(limit) if best is None else min(best, float(limit))
    return best


def referrals(
    cases: Sequence[Decided], *, risk: float, confidence: float, cluster: NDArray[Any] | None
) -> tuple[dict[str, Refer], list[str]]:
    """`referral` of each label over the cases that were decided about it, and the reasons where there is none."""
    found, notes = {}, []
    for label in dict.fromkeys(label for case in cases for label in case):
        rows = np.array([k for k, case in enumerate(cases) if label in case])
        sure = np.array([cases[k][label][0] for k in rows])
        wrong = np.array([cases[k][label][1] for k in rows], np.bool_)
        part = None if cluster is None else cluster[rows]
        one, why = referral(sure, wrong, risk=risk, confidence=confidence, cluster=part)
        if one is not None:
            found[label] = one
        else:
            notes.append(f"{label}: {why}" if label else why)
    return found, notes
