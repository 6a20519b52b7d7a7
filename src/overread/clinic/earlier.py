"""Predictions as version 0.1 kept them before there were kinds of answers: with the fields of all tasks side by side.

Nodes in use hold results in this format (1), in run folders and in the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.runtime.answer import Answer, Classes, LabelMap, Measurement
from overread.runtime.prediction import Breach, Outcome, Prediction

FORMAT = 1
MASK = "mask.npz"


def prediction_of(content: Mapping[str, Any], mask: NDArray[np.uint8] | None) -> Prediction:
    """A prediction of format 1, with its mask where it had one.

    Raises InputError where an answer has neither scores nor mask; KeyError and others for damaged content.
    """
    outcome = Outcome(content["outcome"])
    return Prediction(
        outcome=outcome,
        task=content["task"],
        package=content["package"],
        package_version=content["package_version"],
        package_sha256=content["package_sha256"],
        answer=_answer(content, mask) if outcome is Outcome.OK else None,
        breaches=tuple(Breach(**b) for b in content["breaches"]),
        quality=content["quality"],
        notes=tuple(content["notes"]),
        seconds=content["seconds"],
    )


def _answer(content: Mapping[str, Any], mask: NDArray[np.uint8] | None) -> Answer:
    scores, uncertainty = content["scores"], content["uncertainty"]
    if scores:
        return Classes(
            scores=scores,
            decided=content["label"] or max(scores, key=scores.__getitem__),
            intervals={k: (v[0], v[1]) for k, v in content["score_intervals"].items()},
            label_set=tuple(content["label_set"]),
            set_coverage=content["set_coverage"],
            entropy=uncertainty.get("entropy", 0.0),
        )
    if mask is None:
        raise InputError("this answer has neither scores nor a mask; expected one of them")
    return LabelMap(
        mask=mask,
        measurements=tuple(Measurement(**m) for m in content["measurements"]),
        entropy_in_mask=uncertainty.get("entropy_in_mask", 0.0),
    )
