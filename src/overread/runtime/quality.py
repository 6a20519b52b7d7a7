"""How good one label map is likely to be: the Dice that tuning cases had whose networks, views or probabilities agreed
as far as this one's do.

Agreement of a label, from 1 (all say the same) to 0, comes from sums over voxels of its probability:

- of several networks or views, 1 less the mean distance of their probabilities from the mean, as a share of what all
  of them give the label;
- of one, the Dice of the decision with its own probabilities, which is the Dice to expect where these are calibrated.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from overread.runtime.answer import PredictedDice
from overread.runtime.manifest import Manifest
from overread.runtime.manifest_quality import Quality
from overread.runtime.outputs import Outputs
from overread.runtime.regions import structures

SOURCES = ("networks", "views", "probabilities")
SPREAD_AT_BEST = 0.05
"""Added to what is missing to a Dice of 1, so that the spread of the error never vanishes."""


def agreement(raw: Outputs, manifest: Manifest) -> dict[str, dict[str, float]]:
    """By label that was found, and by source (`SOURCES`) as far as there is one, how far it agrees, 0 to 1."""
    names = list(structures(manifest.labels, manifest.regions))
    # Of regions there is a channel each, of labels one for the background, too.
    first = 0 if manifest.regions else 1
    sums = raw if "agreed" in raw else sums_of(raw["probability"], apart=bool(manifest.regions))
    voxels, expected, agreed = (np.asarray(sums[k], np.float64) for k in ("voxels", "expected", "agreed"))
    found: dict[str, dict[str, float]] = {}
    for k, label in enumerate(names, first):
        if not voxels[k]:
            continue
        own = {"probabilities": 2 * agreed[k] / (voxels[k] + expected[k])}
        for source in ("networks", "views"):
            if f"{source}_apart" in raw:
                total = float(raw.get(f"{source}_total", expected)[k])
                own[source] = 1 - float(raw[f"{source}_apart"][k]) / (2 * total) if total else 0.0
        found[label] = {name: float(np.clip(value, 0, 1)) for name, value in own.items()}
    return found


def sums_of(probability: NDArray[np.float32], *, apart: bool = False) -> dict[str, NDArray[np.float64]]:
    """Of ``probability (labels, *grid)`` per label: ``voxels`` in which it is the likeliest (or, where labels stand
    ``apart``, likelier than not), the sum of its probability over all (``expected``) and over those (``agreed``)."""
    best = np.full(probability.shape[1:], 0.5, np.float32) if apart else probability.max(axis=0)
    voxels, agreed = np.zeros((2, len(probability)))
    left = np.ones(probability.shape[1:], np.bool_)
    for k, p in enumerate(probability):
        own = p > best if apart else (p == best) & left
        left &= ~own
        voxels[k], agreed[k] = own.sum(), p[own].sum(dtype=np.float64)
    expected = probability.reshape(len(probability), -1).sum(axis=1, dtype=np.float64)
    return {"voxels": voxels, "expected": expected, "agreed": agreed}


def predicted(raw: Outputs, manifest: Manifest) -> dict[str, PredictedDice]:
    """The Dice to expect of each label that was found and whose quality the tuning cases could tell."""
    told = manifest.uncertainty.quality
    if not told:
        return {}
    return {
        label: estimate(told[label], by_source)
        for label, by_source in agreement(raw, manifest).items()
        if label in told and told[label].source in by_source
    }


def estimate(quality: Quality, by_source: Mapping[str, float]) -> PredictedDice:
    """The Dice with its interval where the sources agree so far."""
    value = float(expected_dice(quality.intercept, quality.slope, by_source[quality.source]))
    reach = float(spread_at(value))
    low, high = (float(np.clip(value + limit * reach, 0, 1)) for limit in (quality.low, quality.high))
    return PredictedDice(value, low, high, quality.coverage, quality.source)


def expected_dice(intercept: float, slope: float, agreed: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The line of Dice on agreement, within 0 and 1."""
    return np.clip(intercept + slope * np.asarray(agreed, np.float64), 0, 1)


def spread_at(dice: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """How far errors reach there, relative to those elsewhere: a good segmentation leaves less room for them."""
    return SPREAD_AT_BEST + 1 - np.asarray(dice, np.float64)
