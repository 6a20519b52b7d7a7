"""What the database keeps of a prediction for pages and programs: JSON data, with its words for a person."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from overread.clinic import earlier
from overread.clinic.kept import prediction_to_plain
from overread.runtime.answer_text import headline, lines
from overread.runtime.prediction import Prediction

OUT_OF_LIMITS = "Not analysed: input outside the package's limits"
LARGE = ("candidates",)
"""Parts of an answer that nobody is to be shown; the run's folder has them."""
log = logging.getLogger(__name__)


def shown(prediction: Prediction) -> dict[str, Any]:
    """The prediction as JSON data without its arrays, with ``headline`` and ``lines`` (``name, value, interval``)."""
    plain, _ = prediction_to_plain(prediction)
    answer = prediction.answer
    if answer is None:
        return {**plain, "headline": OUT_OF_LIMITS, "lines": []}
    kept = {k: v for k, v in plain["answer"].items() if k not in LARGE}
    return {
        **plain,
        "answer": kept,
        "headline": headline(answer),
        "lines": [asdict(x) for x in lines(answer)],
    }


def from_row(content: Mapping[str, Any]) -> dict[str, Any]:
    """What `shown` made, also of a row that an earlier version wrote; empty where that cannot be read."""
    if not content or "headline" in content:
        return dict(content)
    try:
        # Rows never had a mask, and no word is taken from it.
        return shown(earlier.prediction_of(content, np.zeros((0, 0), np.uint8)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        log.warning("a prediction in the database cannot be read (%s: %s)", type(error).__name__, error)
        return {}
