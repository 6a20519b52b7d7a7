"""How answers of several networks are averaged, by the kind of their logits, and how far they disagree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from overread.runtime.manifest_uncertainty import Member
from overread.runtime.outputs import Outputs
from overread.runtime.probability import sigmoid, softmax

Floats = NDArray[np.float64]
TINY = 1e-300


@dataclass(frozen=True)
class Pool:
    """Of a task: ``probability`` makes ``(..., groups, outcomes)`` of logits ``(..., outputs)``, and ``logits``
    ``(outputs,)`` of probabilities ``(groups, outcomes)``, its inverse but for what the probabilities do not tell."""

    probability: Callable[[Floats], Floats]
    logits: Callable[[Floats], Floats]


def _of_classes(z: Floats) -> Floats:
    p: Floats = np.asarray(softmax(z, axis=-1), np.float64)[..., None, :]
    return p


def _of_findings(z: Floats) -> Floats:
    return np.stack([sigmoid(-z), sigmoid(z)], axis=-1)


def _log(p: Floats) -> Floats:
    return np.log(np.maximum(p, TINY))


CLASSES = Pool(_of_classes, lambda p: _log(p[0]))
FINDINGS = Pool(_of_findings, lambda p: _log(p[:, 1]) - _log(p[:, 0]))
How = Literal["average", "weighted", "stacked"]


def calibrated(raw: Outputs, member: Member) -> Outputs:
    """A member's logits by its own temperature and scales, as of a package that it was."""
    if "logits" not in raw or (member.temperature == 1 and not member.scales):
        return raw
    out = dict(raw)
    for name in ("logits", "views"):
        if name in raw:
            z = raw[name].astype(np.float64) / member.temperature
            if member.scales:
                z = z * np.array([s.slope for s in member.scales]) + np.array(
                    [s.intercept for s in member.scales]
                )
            out[name] = z.astype(np.float32)
    return out


def pooled(
    raws: Sequence[Outputs], weights: Sequence[float], pool: Pool | None, *, how: How = "average"
) -> Outputs:
    """One output of several: mean probabilities of the logits, or the mean of each output where a task has no pool.

    ``logits`` and ``views`` stay logits, ``draws (members, outputs)`` are those of each; features are those of the
    first.
    """
    out = dict(raws[0])
    if "logits" in out and pool is not None:
        z = np.stack([raw["logits"] for raw in raws]).astype(np.float64)
        out["logits"] = together(z, weights, pool, how=how).astype(np.float32)
        out["draws"] = z.astype(np.float32)
        if "views" in out:
            each = np.stack([raw["views"] for raw in raws], axis=1).astype(np.float64)
            out["views"] = together(each, weights, pool, how=how).astype(np.float32)
        return out
    share = np.array(weights) / np.sum(weights)
    for name in out:
        if name not in ("features", "stride"):
            out[name] = sum(
                (float(w) * raw[name] for w, raw in zip(share, raws, strict=True)), np.zeros_like(out[name])
            )
    return out


def together(z: Floats, weights: Sequence[float], pool: Pool, *, how: How = "average") -> Floats:
    """Logits ``(outputs,)`` of the pool of ``z (members, outputs)``; with more axes before the last two, of each."""
    w = np.array(weights, np.float64)
    p = pool.probability(z)
    if how == "stacked":
        logs = np.moveaxis(_log(p), -3, 0)
        mixed = np.tensordot(w, logs, 1)
        mixed = np.exp(mixed - mixed.max(axis=-1, keepdims=True))
        mixed /= mixed.sum(axis=-1, keepdims=True)
    else:
        mixed = np.tensordot(w / w.sum(), np.moveaxis(p, -3, 0), 1)
    flat = mixed.reshape(-1, *mixed.shape[-2:])
    found = np.stack([pool.logits(one) for one in flat])
    return found.reshape(*mixed.shape[:-2], -1)


def mutual_information(draws: Floats, weights: Sequence[float], pool: Pool) -> Floats:
    """``(groups,)``: how much of the entropy comes from disagreement of ``draws (draws, outputs)``, as a share of the
    largest possible entropy: 0 where all say the same (Depeweg 2018, arXiv 1710.07283).

    Of the draws' own probabilities, before calibration.
    """
    w = np.array(weights, np.float64) / np.sum(weights)
    p = pool.probability(draws)
    total = _entropy(np.tensordot(w, p, 1))
    expected = np.tensordot(w, _entropy(p), 1)
    return np.maximum(total - expected, 0.0)


def _entropy(p: Floats) -> Floats:
    h: Floats = -(p * _log(p)).sum(axis=-1) / np.log(p.shape[-1])
    return h
