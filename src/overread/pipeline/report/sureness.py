"""The report's words for how sure a package is: networks, draws, distance of features, who decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from overread.pipeline.report.words import interval

_DRAWS = {
    "dropout": "draws of the last layer with features left out at random (Gal 2016)",
    "laplace": "draws of the last layer from its Laplace posterior (Daxberger 2021)",
    "heads": "last layers fitted on resampled training patients",
}
_DISTANCE = {
    "mahalanobis": "Mahalanobis distance of its features, with a shrunk covariance",
    "nearest": "distance of its features from the nearest training cases",
}
_TOGETHER = {
    "average": "mean of the probabilities",
    "weighted": "weighted mean of the probabilities",
    "stacked": "weighted sum of the log probabilities",
}


def sureness_rows(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and text of each line; empty where a package only has its probabilities."""
    rows = []
    ensemble, draws, distance = told.get("ensemble"), told.get("draws"), told.get("distance")
    if ensemble:
        weights = ", ".join(f"{m['weight']:.2g}" for m in ensemble["members"])
        text = f"{len(ensemble['members'])} networks, {_TOGETHER[ensemble['how']]} (weights {weights})"
        rows.append(("Answered by", text))
    if draws:
        rows.append(("Answered by", f"{draws['draws']} {_DRAWS[draws['method']]}"))
    if told.get("evidential"):
        rows.append(("Answered by", "an evidential network (Sensoy 2018)"))
    if distance:
        text = (
            f"{_DISTANCE[distance['method']]} above {distance['most']:.3g}; chosen on {distance['patients']} tuning "
            f"patients, to refuse at most {distance['refused']:.1%} of further ones like them"
        )
        rows.append(("Refused as unlike the training", text))
    for label, refer in (told.get("refer") or {}).items():
        figures = refer.get("figures") or {}
        decided, wrong = figures.get("apparent_decided"), figures.get("apparent_wrong")
        text = (
            f"where the probability of being right is below {refer['threshold']:.2f}: at most {refer['risk']:.1%} of "
            f"what is decided is wrong, with {refer['confidence']:.0%} confidence"
        )
        if decided and wrong:
            text += (
                f". On the {refer['patients']} tuning patients that chose it (apparent), decided "
                f"{interval(decided)}, wrong among these {interval(wrong)}"
            )
        rows.append((f"Left to a person{': ' + label if label else ''}", text))
    return rows + [("Note", note) for note in told.get("notes") or []]
