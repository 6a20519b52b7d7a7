"""protocol.yaml: every wrong key and value is named; what init writes can be read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from overread.errors import InputError
from overread.pipeline.protocol import parse_budget, read_protocol
from overread.pipeline.protocol_file import write_protocol

GOOD = {
    "name": "chest",
    "task": "classification",
    "dimensions": 2,
    "labels": ["normal", "pneumonia"],
    "positive": "pneumonia",
    "channels": [{"name": "image", "modality": ["CR"], "match": {"SeriesDescription": "(?i)chest: pa"}}],
}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_protocol(tmp_path, GOOD)
    protocol = read_protocol(tmp_path)
    assert protocol.labels == ["normal", "pneumonia"] and protocol.channels[0].match == {
        "SeriesDescription": "(?i)chest: pa"
    }
    assert "# " in (tmp_path / "protocol.yaml").read_text()


def test_the_hash_ignores_layout_and_comments(tmp_path: Path) -> None:
    write_protocol(tmp_path, GOOD)
    first = read_protocol(tmp_path).digest()
    (tmp_path / "protocol.yaml").write_text(
        "# another layout\n" + yaml.safe_dump(GOOD, default_flow_style=True)
    )
    assert read_protocol(tmp_path).digest() == first
    (tmp_path / "protocol.yaml").write_text(yaml.safe_dump(GOOD | {"seed": 1}))
    assert read_protocol(tmp_path).digest() != first


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"task": "clasification"}, "task"),
        ({"budgett": "5m"}, "budgett"),
        ({"budget": "5 minutes"}, "budget"),
        ({"labels": ["one"]}, "labels"),
        ({"positive": "flu"}, "'flu' is not among the labels"),
        ({"positive": None}, "say which"),
        ({"labels": ["a", "a"], "positive": "a"}, "twice"),
        ({"split": {"train": 0.9, "val": 0.2, "test": 0.1}}, "sum to 1"),
        ({"counted_labels": ["cyst"]}, "'cyst'"),
        ({"name": "../x"}, "name"),
        ({"operating_point": "sensitivty>0.9"}, "operating_point"),
        ({"limits": {"age_years": [90, 20]}}, "limits.age_years"),
        ({"channels": [{"name": "image", "match": {"NoKeyword": "x"}}]}, "NoKeyword"),
        ({"channels": [{"name": "image", "match": {"Modality": "(["}}]}, "Modality"),
        ({"channels": []}, "channels"),
        ({"endpoints": [{"metric": "dice", "goal": 0.8}]}, "no metric 'dice'"),
        ({"endpoints": [{"metric": "auroc", "goal": "high"}]}, "endpoints.0.goal"),
        ({"endpoints": [{"metric": "auroc", "label": "flu", "goal": 0.9}]}, "expected label"),
        ({"labels": ["a", "b", "c"], "positive": "a"}, "only one of two classes can be positive"),
        ({"task": "segmentation"}, "only one of two classes can be positive"),
        ({"task": "segmentation", "positive": None, "operating_point": "youden"}, "operating_point"),
        ({"uncertain": "as_1"}, "only findings"),
        (
            {"labels": ["a", "b", "c"], "positive": None, "endpoints": [{"metric": "auroc_b", "goal": 0.9}]},
            "write metric: auroc and label: b",
        ),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, change: dict, named: str) -> None:
    (tmp_path / "protocol.yaml").write_text(yaml.safe_dump(GOOD | change))
    with pytest.raises(InputError) as caught:
        read_protocol(tmp_path)
    assert (
        named in str(caught.value) and "protocol.yaml" in str(caught.value) and "\n" not in str(caught.value)
    )


@pytest.mark.parametrize("text", ["[1, 2]", "a: b: c", "", "\x00"])
def test_something_else_than_a_protocol(tmp_path: Path, text: str) -> None:
    (tmp_path / "protocol.yaml").write_text(text)
    with pytest.raises(InputError, match=r"protocol\.yaml"):
        read_protocol(tmp_path)


def test_a_missing_protocol_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="overread init"):
        read_protocol(tmp_path)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1.5h", 5400)])
def test_budget(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["0s", "m", "-5m", "5", "5d"])
def test_budget_refused(text: str) -> None:
    with pytest.raises(ValueError, match="90s, 5m or 2h"):
        parse_budget(text)


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        ("multilabel", ["effusion"]),
        ("detection", ["nodule"]),
        ("segmentation", ["background", "liver"]),
        ("classification", ["a", "b", "c"]),
    ],
)
def test_every_task_has_a_protocol_with_a_goal_for_its_first_metric(
    tmp_path: Path, task: str, labels: list[str]
) -> None:
    values = {k: v for k, v in GOOD.items() if k != "positive"} | {"task": task, "labels": labels}
    write_protocol(tmp_path, values)
    metric, label = read_protocol(tmp_path).goals_offered()[0]
    goal = {"metric": metric.key, "label": label, "goal": 0.5}
    write_protocol(tmp_path, values | {"endpoints": [goal]})
    (endpoint,) = read_protocol(tmp_path).endpoints
    assert (endpoint.metric, endpoint.label) == (metric.key, label)
