"""What is said of an answer beside it: how far several answers disagree, how strange the image is, who must decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from overread.runtime.answer import Answer, Classes, Findings, LabelMap, Objects, Value
from overread.runtime.manifest import Manifest
from overread.runtime.manifest_uncertainty import Refer
from overread.runtime.outputs import Outputs
from overread.runtime.package import Package
from overread.runtime.prediction import Breach
from overread.runtime.tasks import TASKS
from overread.runtime.uncertainty.distance import distances
from overread.runtime.uncertainty.pool import mutual_information


def feature_distance(raw: Outputs, package: Package) -> float | None:
    """How far the image's features lie from the training's; None for a package that does not know."""
    told = package.manifest.uncertainty.distance
    if told is None:
        return None
    return float(distances(raw["features"][None], package.arrays, told.method)[0])


def too_far(apart: float | None, manifest: Manifest) -> Breach | None:
    """The breach of an image whose features lie too far from the training's."""
    told = manifest.uncertainty.distance
    if apart is None or told is None or apart <= told.most:
        return None
    return Breach(
        "FEATURES",
        f"features at distance {apart:.3g} from those of the training",
        f"at most {told.most:.3g}",
    )


def doubted(answer: Answer, raw: Outputs, manifest: Manifest) -> Answer:
    """The answer with what several draws disagree about, and whether a person must decide."""
    apart, views = disagreement(raw, manifest), views_disagreement(raw, manifest)
    refer = manifest.uncertainty.refer
    match answer:
        case Classes():
            return replace(
                answer,
                mutual_information=None if apart is None else float(apart[0]),
                views_information=None if views is None else float(views[0]),
                vacuity=float(raw["vacuity"][0]) if "vacuity" in raw else None,
                refer=_unsure({answer.decided: answer.scores[answer.decided]}, refer.get("")),
            )
        case Findings():
            sure = {k: s if k in answer.present else 1 - s for k, s in answer.scores.items()}
            said = {k: _unsure({k: v}, refer.get(k)) for k, v in sure.items() if k in answer.thresholds}
            reasons = {k: why for k, why in said.items() if why}
            return replace(
                answer,
                mutual_information=_by_label(apart, manifest),
                views_information=_by_label(views, manifest),
                refer="; ".join(reasons.values()),
                referred=tuple(reasons),
            )
        case LabelMap():
            reasons = {
                label: f"{label}: expected Dice {q.value:.2f}, below {refer[label].threshold:.2f}"
                for label, q in answer.quality.items()
                if label in refer and q.value < refer[label].threshold
            }
            return replace(answer, refer="; ".join(reasons.values()), referred=tuple(reasons))
        case Value() | Objects():
            return answer
        case _:
            assert_never(answer)


def disagreement(raw: Outputs, manifest: Manifest) -> NDArray[Any] | None:
    """Mutual information of the draws, ``(groups,)``; None where there is one answer only."""
    pool = TASKS[manifest.task].POOL
    if "draws" not in raw or pool is None:
        return None
    ensemble = manifest.uncertainty.ensemble
    # The weights of a stack are no shares: there every member counts alike.
    weights = (
        [m.weight for m in ensemble.members]
        if ensemble and ensemble.how != "stacked"
        else [1.0] * len(raw["draws"])
    )
    return mutual_information(raw["draws"].astype(np.float64), weights, pool)


def views_disagreement(raw: Outputs, manifest: Manifest) -> NDArray[Any] | None:
    """Mutual information of the answers in several views of the image, ``(groups,)``; None where it has one view.

    Doubt that comes of how the image happens to lie (Wang 2019, doi 10.1016/j.neucom.2019.01.103).
    """
    pool = TASKS[manifest.task].POOL
    if "views" not in raw or pool is None:
        return None
    return mutual_information(raw["views"].astype(np.float64), [1.0] * len(raw["views"]), pool)


def _by_label(values: NDArray[Any] | None, manifest: Manifest) -> dict[str, float]:
    return {} if values is None else {k: float(v) for k, v in zip(manifest.labels, values, strict=True)}


def _unsure(sure: dict[str, float], limit: Refer | None) -> str:
    """Why a person must decide, or nothing."""
    if limit is None:
        return ""
    return "; ".join(
        f"{label}: probability {p:.2f} of being right, below {limit.threshold:.2f}"
        for label, p in sure.items()
        if p < limit.threshold
    )
