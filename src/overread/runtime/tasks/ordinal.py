"""Ordered grades: conditional probabilities in, probabilities of the grades, a decision and a conformal set out.

CORN (Shi, Cao and Raschka, Pattern Anal Applic 2023;26:941, arXiv 2111.08851): output k of the network is the log odds
that a case which has grade k or a higher one has a grade above k. Their products are the probabilities of each grade or
a higher one, which therefore never rise with the grade, whatever the network says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from overread.runtime.answer import Classes
from overread.runtime.manifest import Manifest
from overread.runtime.outputs import Network, Outputs
from overread.runtime.preprocess import Prepared
from overread.runtime.tasks import classification
from overread.runtime.tasks.whole import label_logits
from overread.runtime.uncertainty.pool import Pool

OUTPUTS: tuple[str, ...] = ("logits",)
DECODING: Mapping[str, float] = {}


def raw(network: Network, prepared: Prepared, manifest: Manifest, /, *, maps: bool = False) -> Outputs:
    """``logits (labels - 1,)`` of the whole image. Raises InputError for a network of another number of grades."""
    return label_logits(network, prepared, manifest)


def answer(raw: Outputs, prepared: Prepared, manifest: Manifest, /) -> Classes:
    """What `classification` says of the grades' log probabilities, and the order besides.

    Decided is the median grade: the highest that is reached with a probability above 0.5 (as CORN's authors do; it is
    where the expected error in grades is least). The operating point is apart from it: a threshold on the probability
    of the positive grade or a higher one.
    """
    labels = manifest.labels
    z = log_probabilities(raw["logits"])
    # In float64: in float32 close probabilities become equal.
    grades = cast(Outputs, {**raw, "logits": z})
    plain = classification.answer(grades, prepared, manifest.model_copy(update={"operating_points": {}}))
    scaled, p = classification.calibrated(z, manifest.calibration)
    reached = at_least(p)
    point = manifest.operating_points.get(manifest.positive or "")
    return replace(
        plain,
        decided=labels[int(median_grade(reached))],
        at_least=dict(zip(labels, reached.tolist(), strict=True)),
        at_least_odds=dict(zip(labels[1:], at_least_odds(scaled).tolist(), strict=True)),
        positive=manifest.positive or "",
        threshold=None if point is None else point.threshold,
    )


def log_probabilities(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log probabilities ``(..., grades)`` from conditional log odds ``(..., grades - 1)``."""
    z = logits.astype(np.float64)
    passed, stayed = -np.logaddexp(0, -z), -np.logaddexp(0, z)
    zero = np.zeros((*z.shape[:-1], 1))
    before = np.concatenate([zero, np.cumsum(passed, axis=-1)], axis=-1)
    found: NDArray[np.float64] = before + np.concatenate([stayed, zero], axis=-1)
    return found


def conditional_log_odds(log_p: NDArray[np.floating]) -> NDArray[np.float64]:
    """The inverse of `log_probabilities`: ``(..., grades)`` to ``(..., grades - 1)``."""
    p = log_p.astype(np.float64)
    pairs = [logsumexp(p[..., k:], axis=-1) - p[..., k - 1] for k in range(1, p.shape[-1])]
    return np.stack(pairs, axis=-1)


def at_least(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of each grade or a higher one, ``(..., grades)``: 1 for the lowest, and never rising."""
    reached = np.minimum(np.cumsum(p[..., ::-1], axis=-1)[..., ::-1], 1.0)
    reached[..., 0] = 1.0
    return np.ascontiguousarray(reached)


def at_least_odds(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds of each grade but the lowest or a higher one, ``(..., grades - 1)``, from logits ``(..., grades)``."""
    grades = range(1, z.shape[-1])
    pairs = [logsumexp(z[..., k:], axis=-1) - logsumexp(z[..., :k], axis=-1) for k in grades]
    return np.stack(pairs, axis=-1)


def median_grade(reached: NDArray[np.float64]) -> NDArray[np.intp]:
    """Index of the highest grade that is reached with a probability above 0.5, ``(...)``."""
    counted: NDArray[np.intp] = (reached[..., 1:] > 0.5).sum(axis=-1)
    return counted


POOL: Pool | None = Pool(
    lambda z: np.exp(log_probabilities(z))[..., None, :],
    lambda p: conditional_log_odds(np.log(np.maximum(p[0], np.finfo(np.float64).tiny))),
)
"""Several networks are averaged by the probabilities of the grades."""
