"""What an image looks like in some fifty numbers: layout, grey values, texture.

No network is asked, so that an image of another kind is known before it is answered, and the numbers mean the same for
every package. Each channel is scaled by its own percentiles: how bright a file is says nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from overread.imaging.grid.geometry import reorient
from overread.imaging.grid.zoom import resize_array
from overread.imaging.image import Image
from overread.imaging.intensity.color import to_gray
from overread.runtime.manifest import Likeness

DESCRIPTOR: Literal["looks-1"] = "looks-1"
SMALL = {2: 32, 3: 16}
"""Voxels an axis of the picture that is looked at."""
LAYOUT = {2: 6, 3: 4}
QUANTILES = (5, 10, 25, 50, 75, 90, 95)
NEAREST = 3
"""References whose mean distance counts: one alone may be a stray."""
LEAST = 1e-3
FEWEST = 20
"""Training patients below which nobody can say what they have in common."""
FOLDS = 40
"""In which training patients are left out at most; fewer patients one by one."""
REFUSED, LEAST_REFUSED = 0.01, 0.001
"""Of further patients, that the limit is to refuse: as few as the number of patients can show, within these."""
SPARE = 0.25
"""Beyond the distances of training and tuning cases, as a share of what parts the outermost of them from the middle."""
LEAST_DEVIATION = 0.02
"""Of a number that is the same in all training cases: it may differ a little."""
FLOOR = 1.0
"""Of the mean variance, added to each: directions in which few training cases hardly vary decide nothing alone."""


def looks(image: Image) -> NDArray[np.float64]:
    """``(n,)``: the descriptor of an image of one kind of number of channels and axes, in groups of equal weight.

    A colour picture counts as its luminance; other channels are described one after the other.
    """
    if len(image.spatial) == 2 and len(image.array) == 3:
        image = to_gray(image)
    if len(image.spatial) == 3:
        image = reorient(image, "RAS")
    return np.concatenate([_channel(c) for c in image.array])


def distance(found: NDArray[np.float64], likeness: Likeness) -> float:
    """How far a descriptor lies from those of the training cases: see `Likeness`. Infinite for another length."""
    if len(found) != len(likeness.centre):
        return float("inf")
    place = (found - np.array(likeness.centre)) @ np.array(likeness.axes)
    return float(_nearest(place[None], np.array(likeness.references))[0])


def likeness_of(
    train: Sequence[NDArray[np.float64]],
    tune: Sequence[NDArray[np.float64]],
    *,
    patients: Sequence[str],
    tuned_patients: Sequence[str] = (),
    most_refused: float | None = None,
) -> Likeness | None:
    """References of the ``train`` descriptors, and the distance that all but ``most_refused`` (`shown_by`) of new
    patients keep.

    Numbers that vary together are taken apart (Mahalanobis, with a floor under the smallest variances). The distance of
    a training case is the one it has when its patient (``patients``, one for each descriptor) takes part neither in the
    references nor in the variances; those of ``tune`` cases are to all. The limit is their quantile, by `beyond` where
    there are too few patients for it, and `SPARE` beyond. None for fewer than `FEWEST` training patients.
    """
    who = np.array(list(patients))
    names = np.unique(who)
    if len(names) < FEWEST:
        return None
    raw = np.stack(list(train))
    every: list[float] = []
    for fold in np.array_split(np.random.default_rng(0).permutation(names), min(FOLDS, len(names))):
        held = np.isin(who, fold)
        centre, axes = _frame(raw[~held])
        every += _nearest((raw[held] - centre) @ axes, (raw[~held] - centre) @ axes).tolist()
    centre, axes = _frame(raw)
    places = np.round((raw - centre) @ axes, 3)
    if tune:
        every += _nearest((np.stack(list(tune)) - centre) @ axes, places).tolist()
    count = len(set(names.tolist()) | set(tuned_patients))
    if most_refused is None:
        most_refused = shown_by(count)
    median = float(np.median(every))
    most = float(np.quantile(every, 1 - most_refused))
    if count * most_refused < 1:
        most = median + beyond(count, most_refused) * (max(every) - median)
    return Likeness(
        descriptor=DESCRIPTOR,
        centre=centre.tolist(),
        axes=axes.tolist(),
        references=places.tolist(),
        most=most + SPARE * (most - median),
        cases=len(every),
    )


def shown_by(patients: int) -> float:
    """The least share refused that so many patients can show, one of them, between `LEAST_REFUSED` and `REFUSED`.

    An ordinary image that is refused costs its reader an answer, and the limit is to keep out other kinds: a whole
    hundredth is refused only where fewer patients cannot tell less.
    """
    return min(REFUSED, max(LEAST_REFUSED, 1 / (patients + 1)))


def beyond(patients: int, most_refused: float = REFUSED) -> float:
    """How many times as far from the median as the outermost of ``patients`` lies what all but ``most_refused`` keep.

    The next patient lies beyond the outermost of n with a chance of 1 in n + 1. With an exponential tail beyond the
    median the outermost of n lies about ``ln(n / 2)`` scales from it, the wanted quantile ``ln(0.5 / most_refused)``.
    """
    return float(max(1.0, np.log(0.5 / most_refused) / np.log(max(patients, 4) / 2)))


def _frame(raw: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre, and the axes ``(n, n)`` along which descriptors vary by one each."""
    centre = raw.mean(axis=0)
    scale = np.maximum(raw.std(axis=0), LEAST_DEVIATION * (1 + np.abs(centre)))
    variances, turn = np.linalg.eigh(np.cov(((raw - centre) / scale).T))
    floor = FLOOR * max(float(variances.mean()), LEAST)
    return centre, turn / np.sqrt(np.maximum(variances, 0) + floor) / scale[:, None]


def _nearest(places: NDArray[np.float64], references: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(places):
        return np.zeros(0)
    square = ((places[:, None] - references[None]) ** 2).mean(axis=2)
    nearest: NDArray[np.float64] = np.sqrt(np.sort(square, axis=1)[:, :NEAREST]).mean(axis=1)
    return nearest


def _channel(values: NDArray[Any]) -> NDArray[np.float64]:
    x = np.asarray(values, np.float32)
    d = x.ndim
    step = tuple(slice(None, None, max(1, n // 256)) for n in x.shape)
    low, high = np.percentile(x[step], [1, 99])
    span = max(float(high - low), 1e-6)
    small = resize_array(x[None], [SMALL[d]] * d, order=1)[0]
    small = np.clip((small - low) / span, 0, 1)
    layout = resize_array(small[None], [LAYOUT[d]] * d, order=1)[0]
    quantiles = np.percentile(small, QUANTILES)
    bands: list[float] = []
    fine: NDArray[Any] = small
    while fine.shape[0] > 4:
        coarse = _halved(fine)
        bands.append(np.log(LEAST + float((fine - _doubled(coarse)).std())))
        fine = coarse
    near = [np.abs(np.diff(x[step], axis=a)).mean() / span for a in range(d)]
    rough = [float(np.log(LEAST + v)) for v in (min(near), max(near))]
    edge = np.concatenate([np.take(small, k, axis=a).ravel() for a in range(d) for k in (0, -1)])
    flat = [
        float((x[step] <= low).mean()),
        float((x[step] >= high).mean()),
        float(edge.mean()),
        float(edge.std()),
    ]
    return np.concatenate([layout.ravel(), quantiles, bands, rough, flat])


def _halved(x: NDArray[Any]) -> NDArray[Any]:
    for axis in range(x.ndim):
        x = (np.take(x, range(0, x.shape[axis], 2), axis) + np.take(x, range(1, x.shape[axis], 2), axis)) / 2
    return x


def _doubled(x: NDArray[Any]) -> NDArray[Any]:
    for axis in range(x.ndim):
        x = np.repeat(x, 2, axis)
    return x
