"""Tuning and the learning curve on tiny cohorts: what they leave behind, on tuning patients alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.narrow import narrow
from tests.shapes import write_shapes

from overread.errors import InputError
from overread.learn.plan import Transfer
from overread.pipeline.openings import EVENT
from overread.pipeline.stages.init import init_stage
from overread.pipeline.stages.learning_curve import learning_curve_stage
from overread.pipeline.stages.plan import plan_stage, read_plan
from overread.pipeline.stages.tune import measured_plan, tune_stage
from overread.pipeline.workspace import Workspace


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = write_shapes(tmp_path_factory.mktemp("tune") / "shapes", dimensions=2, truth="label")
    with pytest.MonkeyPatch.context() as quick:
        narrow(quick)
        quick.setattr("overread.learn.timing.LEAST_STEPS", 1)
        quick.setattr("overread.learn.timing.LEAST_SECONDS", 0.0)
        init_stage(where)
        plan_stage(where, None, epochs=1)
    return where


def test_the_best_is_kept_and_applied_and_the_search_goes_on(folder: Path) -> None:
    (folder / "tune.yaml").write_text("weight_decay: null\ndropout: null\n")
    before = read_plan(folder / "plan.json")
    tune_stage(folder, trials=2)
    told = json.loads((folder / "tuned.json").read_text())
    assert [set(t["values"]) for t in told["trials"]] == [{"learning_rate", "augment"}] * 2
    assert told["trials"][0]["values"] == {"learning_rate": 1.0, "augment": 1.0}
    tune_stage(folder, trials=3, apply=True)
    again = json.loads((folder / "tuned.json").read_text())
    assert again["trials"][:2] == told["trials"] and len(again["trials"]) == 3
    after = read_plan(folder / "plan.json")
    factor = again["best"]["values"]["learning_rate"]
    assert after.learning_rate == pytest.approx(before.learning_rate * factor)
    assert after.reasons[-1].startswith("Tuned over 3 trials on tuning cases")
    # Nobody opened the test.
    assert not Workspace.open(folder).ledger.events(EVENT)


def test_a_learning_curve_and_its_picture(folder: Path) -> None:
    learning_curve_stage(folder, points=3, repeats=1)
    told = json.loads((folder / "learning_curve.json").read_text())
    assert [r["patients"] for r in told["trainings"]] == [4, 7, 12]
    assert told["patients"] == [4, 7, 12, 24, 48] and len(told["low"]) == 5
    assert "<svg" in (folder / "learning_curve.svg").read_text()


def test_what_is_measured_starts_from_the_weights_of_the_plan(folder: Path) -> None:
    own = read_plan(folder / "plan.json")
    planned = own.model_copy(update={"transfer": Transfer(weights="efficientnet_lite0"), "rivals": [own]})
    measured = measured_plan(Workspace.open(folder), planned)
    assert measured.transfer == planned.transfer and measured.rivals == []


def test_numbers_that_cannot_be(folder: Path) -> None:
    with pytest.raises(InputError, match="--trials: found 0"):
        tune_stage(folder, trials=0)
    with pytest.raises(InputError, match="--points, --repeats: found 2 and 1"):
        learning_curve_stage(folder, points=2, repeats=1)
    (folder / "tune.yaml").write_text("speed: {low: 1, high: 2}\n")
    with pytest.raises(InputError, match=r"tune\.yaml"):
        tune_stage(folder, trials=1)
