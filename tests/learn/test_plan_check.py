"""A plan edited into nonsense is refused in one line that names the key, what was found and what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.learn.toys import TOYS, plan

from overread.errors import InputError
from overread.learn.plan import Plan
from overread.learn.plan_check import faults
from overread.pipeline.stages.plan import read_plan


@pytest.mark.parametrize("task", TOYS)
def test_plans_that_train_have_no_fault(task: str) -> None:
    assert not list(faults(TOYS[task][0]))


@pytest.mark.parametrize(
    ("task", "key", "value", "message"),
    [
        ("segmentation", "patch", [16, 16, 16], r"patch: found \[16, 16, 16\], expected 2 numbers above 0"),
        (
            "segmentation",
            "patch",
            [18, 16],
            r"patch: found \[18, 16\], .* multiples of \[4, 4\].* \[16, 16\]",
        ),
        ("segmentation", "patch", [0, 16], r"patch: found \[0, 16\], expected 2 numbers above 0"),
        ("classification", "patch", [16, 16], r"patch: found \[16, 16\], expected \[12, 12\]"),
        ("classification", "preprocess.size", [12], r"preprocess.size: found \[12\], expected 2 numbers"),
        ("segmentation", "preprocess.spacing", [1.0], r"preprocess.spacing: found \[1.0\], expected 2"),
        ("segmentation", "preprocess.zoom", 1.5, r"preprocess.zoom: .*less than or equal to 1, found 1.5"),
        ("segmentation", "preprocess.intensity", [], "preprocess.intensity: found 0 entries, expected 1"),
        ("classification", "network.name", "zfnet", "network: found 'zfnet', expected one of lenet"),
        ("classification", "network.name", "unet", "'unet' gives label_map, expected one that gives classes"),
        ("classification", "network.arguments", {}, "network resnet: argument 'widths' is missing"),
        ("classification", "learning_rate", 0, "learning_rate: .*greater than 0, found 0"),
        ("classification", "learning_rate", float("nan"), "learning_rate: .*finite"),
        ("classification", "weight_decay", -1, "weight_decay: .*greater than or equal to 0, found -1"),
        ("segmentation", "foreground_share", 2, "foreground_share: .*less than or equal to 1, found 2"),
        ("segmentation", "batch", 0, "batch: .*greater than 0, found 0"),
        ("segmentation", "accumulate", 5, "accumulate: found 5, expected at most the batch, 4"),
        ("segmentation", "overlap", 1, "overlap: .*less than 1, found 1"),
        ("segmentation", "epochs", 10_000, "epochs: found 10000, expected at most most_epochs, 9999"),
        ("segmentation", "augment.flip", [2], "augment.flip: found axis 2, expected some of 0, 1"),
        ("segmentation", "augment.coarse_axis", 2, "augment.coarse_axis: found 2, expected one of 0, 1"),
        ("segmentation", "augment.grey_values", {"sepia": 1}, "augment.grey_values: found 'sepia', expected"),
        ("segmentation", "augment.rotate_deg", -5, "augment.rotate_deg: .*found -5"),
        (
            "segmentation",
            "loss.name",
            "cross_entropy",
            "loss: found 'cross_entropy', expected one for label_map",
        ),
        ("segmentation", "loss.arguments", {"weights": [1, 2, 3]}, "argument 'weights' is unknown"),
        ("segmentation", "labels", ["background"], r"labels: found \['background'\], expected at least 2"),
        ("segmentation", "memory_limit", 3, "memory_limit: unknown key"),
    ],
)
def test_nonsense_is_one_line(task: str, key: str, value: Any, message: str, tmp_path: Path) -> None:
    content = TOYS[task][0].model_dump(mode="json")
    *outer, last = key.split(".")
    part = content
    for name in outer:
        part = part[name]
    part[last] = value
    (tmp_path / "plan.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=message) as caught:
        read_plan(tmp_path / "plan.json")
    assert str(caught.value).startswith(str(tmp_path / "plan.json")) and "\n" not in str(caught.value)


def test_a_clock_needs_time() -> None:
    [fault] = faults(plan(follow_clock=True, train_seconds=0.0))
    assert fault.startswith("train_seconds: found 0") and "follow_clock: false" in fault
    assert not list(faults(plan(follow_clock=False, train_seconds=0.0)))


def test_volumes_have_a_spacing_and_pictures_one_grid() -> None:
    volume = plan().model_dump(mode="json") | {"dimensions": 3, "patch": [8, 8, 8]}
    volume["preprocess"] |= {"dimensions": 3, "zoom": 0.5, "size": None}
    assert any("zoom: found 0.5 for volumes" in f for f in faults(Plan.model_validate(volume)))
    both = plan().model_dump(mode="json")
    both["preprocess"] |= {"zoom": 0.5}
    assert any("found size and zoom, expected one" in f for f in faults(Plan.model_validate(both)))
