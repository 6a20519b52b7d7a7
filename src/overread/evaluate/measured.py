"""The further measures of a structure (diameters, surface, circumference, place) against those of the true mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.evaluate.mask_pair import MaskPair
from overread.evaluate.metric import Measure, Metric
from overread.evaluate.metrics import METRICS
from overread.evaluate.rates import CASES
from overread.evaluate.rows import Row, numbers, part_of
from overread.evaluate.spreads import difference_spreads, ratio_spreads
from overread.evaluate.volumes import coverage, inside
from overread.imaging.image import Image
from overread.runtime.answer import Measurement
from overread.runtime.manifest import Spread
from overread.runtime.measures import MEASURES
from overread.stats.interval import Interval
from overread.stats.intervals import mean_ci

KINDS = ("error", "abs_error", "coverage")
KEYS = frozenset(f"{key}_{kind}" for key in MEASURES for kind in KINDS)


def offered_measures(measures: Mapping[str, Sequence[str]]) -> list[tuple[Metric, str | None]]:
    """Metrics of the declared measures, with the label each is about."""
    return [
        (METRICS[f"{key}_{kind}"], label)
        for label, keys in measures.items()
        for key in keys
        for kind in KINDS
    ]


def measure_spreads(
    taken: Sequence[tuple[Mapping[str, float | None], Mapping[str, float | None]]],
    size: NDArray[np.float64],
    keys: Sequence[str],
    cluster: NDArray[Any] | None,
) -> dict[str, list[Spread]]:
    """Errors of tuning cases by measure; ``taken``: found and true measures, ``size (cases,)``: the volume found."""
    out = {}
    for key in keys:
        pairs = np.array([[found[key], true[key]] for found, true in taken], np.float64)
        spreads = ratio_spreads if MEASURES[key].error == "ratio" else difference_spreads
        parts, _ = spreads(pairs, size=size, cluster=cluster)
        if parts:
            out[key] = parts
    return out


def taken_of(
    mask: NDArray[np.bool_], image: Image | MaskPair, keys: Sequence[str]
) -> dict[str, float | None]:
    """The measures of a mask by key."""
    on = image.image if isinstance(image, MaskPair) else image
    return {key: MEASURES[key].of(mask, on) for key in keys}


def columns(
    found: Sequence[Measurement], true: NDArray[np.bool_], image: Image, label: str, keys: Sequence[str]
) -> Row:
    """``<measure>_found_``, ``_true_`` and ``_inside_<label>`` of one case; without an answer only what is true."""
    out: Row = {}
    real = taken_of(true, image, keys)
    for key in keys:
        name, value = MEASURES[key].name, real[key]
        out[f"{key}_true_{label}"] = value
        given = [m.value for m in found if m.label == label and m.name == name]
        if given:
            out[f"{key}_found_{label}"] = given[0]
            if value is not None:
                out[f"{key}_inside_{label}"] = inside(found, label, [name], value)
    return out


def measures(
    rows: Sequence[Row], label: str, keys: Sequence[str], length: str, clusters: NDArray[Any] | None
) -> list[Measure]:
    """Errors over the cases that show the structure, and how often the stated intervals hold; ``length``: mm or pixels.

    A structure that was missed is as long as nothing; of its place there is no error.
    """
    shown = numbers(rows, [f"shown_{label}"])[:, 0] == 1
    out = []
    for key in keys:
        found, true, held = numbers(rows, [f"{key}_{k}_{label}" for k in ("found", "true", "inside")]).T
        unit = MEASURES[key].unit if length == "mm" else length
        error = np.where(shown, found - true, np.nan)
        of = [
            (f"{unit}, found minus true", partial(_mean, error, clusters)),
            (unit, partial(_mean, np.abs(error), clusters)),
            (f"{CASES} with a stated interval", partial(coverage, np.where(shown, held, np.nan), clusters)),
        ]
        for kind, (said, compute) in zip(KINDS, of, strict=True):
            out.append(Measure(METRICS[f"{key}_{kind}"], label, said, compute))
    return out


def _mean(values: NDArray[np.float64], clusters: NDArray[Any] | None) -> Interval:
    known = np.isfinite(values)
    if not known.any():
        raise ValueError("no case shows it")
    return mean_ci(values[known], cluster=part_of(clusters, known))
