"""A task is a row of facts and one module a floor: every one goes the whole road, and a made-up one needs no more."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from overread.cohort.truth import TRUTHS
from overread.evaluate.tasks import TASKS as EVALUATE
from overread.learn.tasks import TASKS as LEARN
from overread.pipeline.stages import run_stages
from overread.runtime.answer import Classes, Findings, LabelMap, Objects, Value
from overread.runtime.tasks import TASKS as RUNTIME
from overread.task import TASKS, Task
from tests.narrow import narrow
from tests.seventh import evaluate, learn, runtime, truth
from tests.shapes import GRADES, SPLITS, write_shapes

SOURCE = Path(__file__).parent.parent / "src" / "overread"
KINDS = {"classes": Classes, "findings": Findings, "value": Value, "label_map": LabelMap, "objects": Objects}


@pytest.fixture(autouse=True)
def quick_timing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planner measures a step or two, not three seconds of them, of a narrow network: the epochs are given."""
    narrow(monkeypatch)
    monkeypatch.setattr("overread.learn.timing.LEAST_STEPS", 1)
    monkeypatch.setattr("overread.learn.timing.LEAST_SECONDS", 0.0)


@pytest.mark.parametrize("table", [RUNTIME, EVALUATE, LEARN], ids=["runtime", "evaluate", "learn"])
def test_every_floor_has_exactly_the_tasks(table: dict[str, object]) -> None:
    assert set(table) == set(TASKS)


def test_every_truth_is_some_tasks() -> None:
    assert {task.truth for task in TASKS.values()} == set(TRUTHS)


def test_no_branch_on_a_tasks_name_outside_its_modules() -> None:
    names = "|".join(TASKS)
    branch = re.compile(rf"\btask *(==|!=)|\btask in \(|[=!]= *[\"']({names})[\"']")
    found = [
        f"{path.relative_to(SOURCE)}:{n}"
        for path in sorted(SOURCE.rglob("*.py"))
        # An import asks which part of a published data set it is to take over, not what a model does; in statistics a
        # word such as ordinal is of the data.
        if path.relative_to(SOURCE).parts[0] != "stats"
        and path.parent.name not in ("tasks", "adapters")
        and path.name != "task.py"
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if branch.search(line)
    ]
    assert not found


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("task", list(TASKS))
def test_every_task_goes_the_whole_road(task: str, dimensions: int, tmp_path: Path) -> None:
    facts = TASKS[task]
    folder = write_shapes(tmp_path / task, dimensions=dimensions, truth=facts.truth, ordered=facts.ordered)
    if facts.ordered:
        (folder / "task.json").write_text(
            json.dumps({"task": task, "labels": list(GRADES), "positive": "large"})
        )
    if facts.answer == "value":
        (folder / "task.json").write_text(
            json.dumps({"task": task, "labels": ["value"], "quantity": {"unit": "mm", "low": 0, "high": 90}})
        )
    report = _road(folder, task)
    if TASKS[task].answer == "findings":
        # What is uncertain or not stated takes part in no number.
        (row,) = [r for r in report["test"] if (r["metric"], r["label"]) == ("brier", "rare")]
        with (folder / "cohort.csv").open() as f:
            stated = [r for r in csv.DictReader(f) if r["split"] == "test" and r["label_rare"] in ("0", "1")]
        assert row["n"] == len(stated) < SPLITS.count("test")


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_made_up_task_needs_four_modules_and_five_lines(
    dimensions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TASKS, "dominant", Task("extent", "classes"))
    monkeypatch.setitem(TRUTHS, "extent", truth)
    monkeypatch.setitem(RUNTIME, "dominant", runtime)
    monkeypatch.setitem(EVALUATE, "dominant", evaluate)
    monkeypatch.setitem(LEARN, "dominant", learn)
    folder = write_shapes(tmp_path / "dominant", dimensions=dimensions, truth="mask")
    (folder / "task.json").write_text(
        json.dumps({"task": "dominant", "labels": ["nodule", "mass"], "positive": "mass"})
    )
    report = _road(folder, "dominant")
    with (folder / "predictions.csv").open() as f:
        labels = {r["case"]: r["label"] for r in csv.DictReader(f)}
    test = [i for i, split in enumerate(SPLITS) if split == "test"]
    assert labels == {f"s{i:02d}": ("nodule", "mass")[i % 2] for i in test}
    assert report["labels"] == ["nodule", "mass"]


def _road(folder: Path, task: str) -> dict:
    """The whole road in one epoch, its report, and that the package answers with the task's kind of answer."""
    from overread.cohort.cohort import Cohort
    from overread.cohort.load import load_case
    from overread.runtime.package import Package
    from overread.runtime.predict import predict

    run_stages(folder, epochs=1)
    report: dict = json.loads((folder / "report.json").read_text())
    assert report["task"] == task
    offered = EVALUATE[task].offered(
        report["labels"], report["positive"], report["protocol"]["counted_labels"]
    )
    told = {(r["metric"], r["label"]) for r in report["test"]}
    untold = {(r["metric"], r["label"]) for r in report["not_computed"]}
    assert {(metric.key, label) for metric, label in offered} <= told | untold
    assert all(np.isfinite([r["estimate"], r["low"], r["high"]]).all() for r in report["test"])
    assert len(report["endpoints"]) == len(report["protocol"]["endpoints"]) == 1
    assert "report.html" in {p.name for p in folder.iterdir()} and list((folder / "explain").glob("*.png"))
    package = Package.load(folder / report["package"]["path"])
    prediction = predict(package, load_case(Cohort.read(folder).split("test")[0]))
    assert isinstance(prediction.answer, KINDS[TASKS[task].answer])
    return report
