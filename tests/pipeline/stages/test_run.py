"""The whole road's own rules: a bad budget is found first, explanations take what is left, forecasts are kept."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from overread.cohort.case import Case
from overread.errors import InputError
from overread.pipeline.stages import explain, run
from overread.pipeline.stages.predicted import keep_predicted
from overread.pipeline.workspace import Workspace


@pytest.fixture
def road(small_road: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    folder = tmp_path / small_road.name
    shutil.copytree(small_road, folder)
    return folder


@pytest.mark.parametrize(
    ("budget", "epochs", "message"),
    [
        ("5 minutes", None, "--budget: found '5 minutes', expected a duration such as 90s, 5m or 2h"),
        ("0s", None, "--budget: found '0s'"),
        (None, 0, "--epochs: found 0, expected 1 or more"),
    ],
)
def test_a_bad_budget_is_found_before_anything_runs(budget, epochs, message, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(run, "init_stage", lambda folder: pytest.fail("ran"))
    with pytest.raises(InputError, match=message):
        run.run_stages(tmp_path, budget, epochs=epochs)


@pytest.mark.parametrize(("seconds", "explained"), [(None, 4), (-3.0, 1), (0.5, 1), (2.5, 3), (100.0, 4)])
def test_explanations_end_with_their_time_and_one_is_always_drawn(
    seconds: float | None, explained: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(explain, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    cases = [Case(f"c{k}", f"p{k}", {}) for k in range(4)]
    assert list(explain.in_time(cases, seconds)) == cases[:explained]


def test_what_was_foretold_stands_beside_what_it_took(road: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = Workspace.open(road)
    assert keep_predicted(space) == ""
    plan = json.loads((space.model / "plan.json").read_text())
    read = run.keep_predicted.__globals__["read_plan"]
    changed = read(space.model / "plan.json").model_copy(
        update={"train_seconds": 30.0, "answer_seconds": 0.5, "memory_gib": 1.0}
    )
    monkeypatch.setitem(run.keep_predicted.__globals__, "read_plan", lambda path: changed)
    sentence = keep_predicted(space, peak_gib=1.5)
    told = json.loads((road / "report.json").read_text())["predicted"]
    assert set(told) == {"training", "answering", "memory"} and plan["train_seconds"] == 0
    cases = sum(c.split in ("val", "test") for c in space.cohort())
    assert told["answering"]["predicted"] == pytest.approx(0.5 * cases)
    assert told["memory"] == {"predicted": 1.0, "taken": 1.5, "unit": "GiB"}
    assert sentence.startswith("Planned and taken: training 30.0 and ") and sentence.endswith(
        "1.0 and 1.5 GiB."
    )
