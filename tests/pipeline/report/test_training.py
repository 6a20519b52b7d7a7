"""The report states what was done, not what was planned, and a seed only where it can repeat the run."""

from __future__ import annotations

from typing import Any

from overread.pipeline.report.page import ReportFigures, context
from overread.pipeline.report.training import epochs_of, selected_metric, training_of, training_rows

PLAN = {"seed": 0, "epochs": 143}


def history(**changes: Any) -> dict[str, Any]:
    return {
        "device": "cpu",
        "processes": 1,
        "epochs": 78,
        "epochs_planned": 143,
        "ended_by": "clock",
        "repeatable": False,
        "times": {"stepping": 80.0, "waiting": 10.0, "tuning": 10.0, "saving": 0.0, "elapsed": 100.0},
        "precision": {"name": "float32", "why": ""},
        "selected": {"epoch": 78, "by": None},
        "changes": [],
        "resumed": [],
        "history": [
            {"epoch": 1, "loss": 0.7, "validation_loss": None, "metric": None},
            {"epoch": 2, "loss": 0.5, "validation_loss": 0.6, "metric": 0.8},
        ],
    } | changes


def test_a_run_by_the_clock_says_so_and_names_no_seed() -> None:
    rows = dict(training_rows(training_of(history()), PLAN))
    assert rows["Epochs done"] == "78: the time given decided how many; 143 were expected"
    assert rows["Repeats"] == "no: the number of epochs follows the clock"
    assert rows["Where the time went"] == "stepping 80%, waiting 10%, tuning 10%"
    assert "Memory" not in rows and "seed" not in str(rows)


def test_a_run_that_repeats_names_its_seed_and_what_memory_changed() -> None:
    found = history(
        ended_by="schedule",
        repeatable=True,
        epochs=143,
        changes=[{"step": 4, "change": "a step in 2 parts instead of 1", "why": "out of memory"}],
        resumed=[100],
    )
    rows = dict(training_rows(training_of(found), PLAN))
    assert rows["Epochs done"] == "143: all that were planned"
    assert rows["Repeats"] == "yes, on the same machine, with seed 0"
    assert rows["Memory"] == "a step in 2 parts instead of 1 from step 4 on"
    assert rows["Resumed at step"] == "100"


def test_that_tuning_cases_chose_the_weights_is_said() -> None:
    by = {"epoch": 60, "by": "dice", "label": None, "value": 0.8123, "cases": 20}
    training = training_of(history(selected=by))
    assert selected_metric(training) == "Mean Dice coefficient"
    rows = dict(training_rows(training, PLAN))
    assert rows["Weights kept"] == (
        "averaged, after epoch 60: the best by Mean Dice coefficient (0.812) on 20 tuning cases"
    )
    report = {"training": training, "plan": PLAN, "history": epochs_of(history())}
    shown = context(report, ReportFigures())
    assert shown["weights_by"] == "Mean Dice coefficient" and "Mean Dice" in shown["history"]
    plain = context(report | {"training": training_of(history())}, ReportFigures())
    assert plain["weights_by"] is None and "Mean Dice" not in plain["history"]


def test_without_a_training_there_is_nothing_to_say() -> None:
    assert training_rows({}, PLAN) == []
