"""Rules of operating points."""

from __future__ import annotations

import pytest

from overread.evaluate.rules import case_rule, no_rule, object_rule, parsed, shortfall
from overread.evaluate.tasks import TASKS


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "youden"),
        (" youden ", "youden"),
        ("sensitivity >= 0.95", "sensitivity>=0.95"),
        ("specificity>=.9", "specificity>=.9"),
        ("sensitivity>=1", "sensitivity>=1"),
        ("sensitivity >= 0.95 with 90 %", "sensitivity>=0.95 with 90%"),
    ],
)
def test_rules_for_cases(text: str, rule: str) -> None:
    assert case_rule(text) == rule


@pytest.mark.parametrize(
    "text",
    [
        "f1",
        "sensitivity>=95",
        "sensitivity>=1.2",
        "sensitivity<=0.9",
        "ppv>=0.9",
        "sensitivity>=0.9 with 10%",
    ],
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
    if task == "segmentation":
        with pytest.raises(ValueError, match="expected none"):
            rule("youden", labels, positive)


@pytest.mark.parametrize(
    ("rule", "fewest"),
    [
        ("sensitivity>=0.95 with 90%", 45),  # 0.95 ** 45 < 0.1 < 0.95 ** 44
        ("sensitivity>=0.95 with 95%", 59),  # Wilks: the 59 of a 95%/95% tolerance limit
        ("specificity>=0.9", 9),
        ("sensitivity>=0.95", 19),
        ("youden", 1),
    ],
)
def test_how_many_patients_a_rule_needs(rule: str, fewest: int) -> None:
    assert parsed(rule).fewest() == fewest
    side = "negative" if "specificity" in rule else "positive"
    other = "positive" if side == "negative" else "negative"
    assert shortfall(rule, **{side: fewest, other: 0}) == ""
    if fewest > 1:
        assert f"expected {fewest} or more" in shortfall(rule, **{side: fewest - 1, other: 900})
    assert shortfall("false_positives<=1", positive=0, negative=0) == ""
