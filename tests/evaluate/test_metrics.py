"""The table of metrics: what a person reads, and in which direction each improves."""

from __future__ import annotations

import pytest

from overread.evaluate.metrics import METRICS, title
from overread.runtime.measures import MEASURES

LOWER = {
    *("brier", "ece", "hd95", "false_lesions_per_case", "false_positives_per_image", "set_size"),
    *(
        "false_finding",
        "false_volume",
        "volume_abs_error",
        "merged_lesions_per_case",
        "split_lesions_per_case",
        *("missed", "expected_dice_error", *(f"{key}_abs_error" for key in MEASURES)),
        *("aurc", "referred", "decided_wrong", "grade_error", "mae", "rmse", "interval_width"),
    ),
}
NONE = {
    "volume_error",
    "volume_agreement_low",
    "volume_agreement_high",
    "bias",
    "agreement_low",
    "agreement_high",
    *(f"{key}_error" for key in MEASURES),
}


@pytest.mark.parametrize("key", METRICS)
def test_a_metric_says_what_it_is(key: str) -> None:
    metric = METRICS[key]
    assert metric.key == key and metric.name and metric.meaning.endswith(".")
    assert metric.better == ("none" if key in NONE else "lower" if key in LOWER else "higher")


def test_names_are_not_used_twice() -> None:
    assert len({m.name for m in METRICS.values()}) == len(METRICS)


def test_titles_name_the_label() -> None:
    assert title(METRICS["sensitivity"], "mass") == "Sensitivity, mass"
    assert title(METRICS["dice"], None) == "Mean Dice coefficient"
    assert title(METRICS["dice"], "liver") == "Dice coefficient, liver"
