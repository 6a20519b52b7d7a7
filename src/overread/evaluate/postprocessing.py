"""Whether holes, small or secondary parts of a label are cleaned away: decided by tuning cases, for each label.

Nothing is done unless it helps beyond chance: of the steps whose mean gain has its lower limit above 0, and which help
more patients than they harm by more than a fair coin would (exact sign test: a few large gains prove little), the one
that gains most. Both hold for all steps tried together (Bonferroni), so that trying many finds nothing by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from overread.evaluate import patients
from overread.evaluate.mask_pair import MaskPair
from overread.evaluate.rows import part_of
from overread.evaluate.spreads import FEWEST_PATIENTS
from overread.imaging.grid.components import components
from overread.runtime.manifest_postprocess import Cleaning
from overread.runtime.measure import unit_volume
from overread.runtime.postprocess import boxes_of, holes, kept_parts
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci

WORTH = 0.001
"""Mean Dice that a step must gain to be done."""
ALL_CONFIDENCE = 0.95
OF_MEDIAN = (0.01, 0.03, 0.1, 0.3)
"""Least sizes that are tried, as parts of the median true volume of a label."""
OF_SMALL_PART = (0.3, 1.0)
"""Of a counted label: as parts of the tenth percentile of its true parts."""
MOST_TRUE_LOST = 0.05
"""Of the parts of a counted label that a step removes, at most this share may touch a true one."""


@dataclass(frozen=True)
class Parts:
    """Parts of a label in one case: voxels of each, and how many of these are true; and of the truth its own parts."""

    size: NDArray[np.int64]
    common: NDArray[np.int64]
    true: NDArray[np.int64]
    per_voxel: float

    def score(self, step: Cleaning) -> float:
        """Dice after ``step`` where the label is there; where it is not, 1 if nothing is left, else 0."""
        kept = kept_parts(self.size, step, self.per_voxel)
        found, there = int(self.size[kept].sum()), int(self.true.sum())
        if not there:
            return float(found == 0)
        return 2 * int(self.common[kept].sum()) / (found + there)

    def lost(self, step: Cleaning) -> tuple[int, int]:
        """How many parts ``step`` removes, and how many of these touch a true one."""
        gone = ~kept_parts(self.size, step, self.per_voxel)
        return int(gone.sum()), int((self.common[gone] > 0).sum())


def choose_cleaning(
    pairs: Sequence[MaskPair],
    labels: Sequence[str],
    counted: Sequence[str],
    clusters: NDArray[Any] | None,
) -> tuple[dict[str, Cleaning], dict[str, str]]:
    """Steps by label, with the gain that each showed; and by label what was found, for a person.

    ``labels``: by value of the masks, the background first. Of a counted label the largest part is never kept alone.
    """
    chosen, said = {}, {}
    every = [_both_ways(pair, len(labels)) for pair in pairs]
    for k, label in enumerate(labels):
        rows = np.array([i for i, p in enumerate(pairs) if k and k not in p.unstated], np.int64)
        where = np.isin(np.arange(len(pairs)), rows)
        cluster = part_of(clusters, where)
        if not k or patients.count(cluster, len(rows)) < FEWEST_PATIENTS:
            continue
        tables = [every[i][k] for i in rows]
        step, gain = _best(tables, label in counted, cluster)
        if step is None:
            said[label] = "left as the network decided: no cleaning of its parts gained beyond chance"
            continue
        chosen[label] = step.model_copy(update={"figures": {"apparent_gain": gain.as_dict()}})
        said[label] = (
            f"{step}: Dice of tuning cases +{gain.estimate:.3f} ({gain.confidence:.1%} interval {gain.low:.3f} to "
            f"{gain.high:.3f}, apparent)"
        )
    return chosen, said


def parts_of(
    found: NDArray[np.uint8], true: NDArray[np.uint8], k: int, *, per_voxel: float, fill: bool
) -> Parts:
    """The parts of value ``k`` of the map ``found``, holes filled or as they are, against those of ``true``."""
    there = true == k
    own = np.bincount(components(there)[0].ravel())[1:] if there.any() else np.zeros(0, np.int64)
    box = dict(boxes_of(found)).get(k)
    if box is None:
        none = np.zeros(0, np.int64)
        return Parts(none, none, own, per_voxel)
    mask = found[box] == k
    if fill:
        mask = mask | holes(found[box], k)
    parts, count = components(mask)
    size = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    common = np.bincount(parts[there[box]], minlength=count + 1)[1:]
    return Parts(size, common, own, per_voxel)


def _both_ways(pair: MaskPair, labels: int) -> list[tuple[Parts, Parts]]:
    """By value, the parts as found and with holes filled."""
    found, true, per_voxel = pair.found, pair.true, unit_volume(pair.image)[2]

    def of(k: int, fill: bool) -> Parts:
        return parts_of(found, true, k, per_voxel=per_voxel, fill=fill)

    return [(of(k, False), of(k, True)) for k in range(labels)]


def _steps(tables: Sequence[tuple[Parts, Parts]], counted: bool) -> list[Cleaning]:
    """What is tried, the simpler first."""
    sizes: list[float] = []
    if counted:
        each = np.concatenate([raw.true * raw.per_voxel for raw, _ in tables])
        if len(each):
            sizes = [float(np.quantile(each, 0.1)) * part for part in OF_SMALL_PART]
    else:
        whole = np.array([float(raw.true.sum()) * raw.per_voxel for raw, _ in tables])
        if (whole > 0).any():
            sizes = [float(np.median(whole[whole > 0])) * part for part in OF_MEDIAN]
    kept = [Cleaning(), *([] if counted else [Cleaning(largest=True)])]
    kept += [Cleaning(smallest=float(f"{s:.3g}")) for s in sizes]
    filled = [step.model_copy(update={"fill_holes": True}) for step in kept]
    return [*kept[1:], *filled]


def _best(
    tables: Sequence[tuple[Parts, Parts]], counted: bool, cluster: NDArray[Any] | None
) -> tuple[Cleaning | None, Interval]:
    """The step that gains most beyond chance, and how much."""
    nothing = Cleaning()
    before = np.array([raw.score(nothing) for raw, _ in tables])
    steps = _steps(tables, counted)
    confidence = 1 - (1 - ALL_CONFIDENCE) / max(1, len(steps))
    best: Cleaning | None = None
    most = Interval(0.0, 0.0, 0.0, confidence, "nothing done", 0)
    for step in steps:
        used = [filled if step.fill_holes else raw for raw, filled in tables]
        gained = np.array([parts.score(step) for parts in used]) - before
        if gained.mean() < max(WORTH, most.estimate + 1e-12):
            continue
        if counted and step.smallest > 0:
            gone, true = np.sum([parts.lost(step) for parts in used], axis=0)
            if true > MOST_TRUE_LOST * gone:
                continue
        gain = mean_ci(gained, cluster=cluster, confidence=confidence)
        if gain.low > 0 and _more_helped(gained, cluster) < 1 - confidence:
            best, most = step, gain
    return best, most


def _more_helped(gained: NDArray[np.float64], cluster: NDArray[Any] | None) -> float:
    """The chance that a fair coin helps so many more patients than it harms (two-sided)."""
    codes = np.arange(len(gained)) if cluster is None else np.unique(cluster, return_inverse=True)[1]
    total = np.bincount(codes, gained)
    helped, harmed = int((total > 1e-12).sum()), int((total < -1e-12).sum())
    return float(binomtest(helped, helped + harmed).pvalue) if helped > harmed else 1.0
