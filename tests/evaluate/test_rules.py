"""Rules of operating points."""

from __future__ import annotations

import pytest

from overread.evaluate.rules import case_rule, no_rule, object_rule
from overread.evaluate.tasks import TASKS


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "youden"),
        (" youden ", "youden"),
        ("sensitivity >= 0.95", "sensitivity>=0.95"),
        ("specificity>=.9", "specificity>=.9"),
        ("sensitivity>=1", "sensitivity>=1"),
    ],
)
def test_rules_for_cases(text: str, rule: str) -> None:
    assert case_rule(text) == rule


@pytest.mark.parametrize(
    "text", ["f1", "sensitivity>=95", "sensitivity>=1.2", "sensitivity<=0.9", "ppv>=0.9"]
)
def test_other_rules_for_cases_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected youden, or a rule such as"):
        case_rule(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "f1"),
        ("sensitivity>=0.8", "sensitivity>=0.8"),
        ("false_positives <= 0.5", "false_positives<=0.5"),
    ],
)
def test_rules_for_objects(text: str, rule: str) -> None:
    assert object_rule(text) == rule


@pytest.mark.parametrize("text", ["youden", "specificity>=0.9", "false_positives<=-1", "false_positives>=1"])
def test_other_rules_for_objects_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected f1, or a rule such as"):
        object_rule(text)


def test_no_rule() -> None:
    assert no_rule(" ", "because") == ""
    with pytest.raises(ValueError, match="found 'youden', expected none: because"):
        no_rule("youden", "because")


@pytest.mark.parametrize(
    ("task", "labels", "positive", "default"),
    [
        ("classification", ["a", "b"], "b", "youden"),
        ("classification", ["a", "b", "c"], None, ""),
        ("multilabel", ["a"], None, "youden"),
        ("segmentation", ["background", "a"], None, ""),
        ("detection", ["a"], None, "f1"),
    ],
)
def test_the_rule_of_each_task(task: str, labels: list[str], positive: str | None, default: str) -> None:
    rule = TASKS[task].rule
    assert rule("", labels, positive) == default
    with pytest.raises(ValueError):
        rule("likeliest", labels, positive)
    if not default:
        with pytest.raises(ValueError, match="expected none"):
            rule("youden", labels, positive)
