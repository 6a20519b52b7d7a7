"""Several seeds: packaged together and alone, told apart in the report, opened once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.narrow import narrow
from tests.shapes import write_shapes

from overread.cohort.cohort import Cohort
from overread.cohort.load import load_case
from overread.errors import InputError
from overread.pipeline.openings import EVENT
from overread.pipeline.stages import run_stages
from overread.pipeline.stages.package import package_stage
from overread.pipeline.stages.seeds import seed_packages, shared_out, train_seeds
from overread.pipeline.workspace import Workspace
from overread.runtime.answer import Classes
from overread.runtime.package import Package
from overread.runtime.predict import predict


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A protocol of two seeds that went through every stage, in one epoch each."""
    where = write_shapes(tmp_path_factory.mktemp("seeds") / "shapes", dimensions=2, truth="label")
    with pytest.MonkeyPatch.context() as quick:
        narrow(quick)
        quick.setattr("overread.learn.timing.LEAST_STEPS", 1)
        quick.setattr("overread.learn.timing.LEAST_SECONDS", 0.0)
        quick.setattr("overread.pipeline.last_layer.FEWEST", 2)
        run_stages(where, epochs=1, seeds=2)
    return where


def report(folder: Path) -> dict:
    found: dict = json.loads((folder / "report.json").read_text())
    return found


def test_the_package_answers_with_both_and_the_report_tells_the_spread(folder: Path) -> None:
    told = report(folder)
    package = Package.load(folder / told["package"]["path"])
    assert list(package.networks) == ["model.onnx", "model-1.onnx"]
    assert package.networks["model.onnx"] != package.networks["model-1.onnx"]
    answer = predict(package, load_case(Cohort.read(folder).split("train")[0])).answer
    assert isinstance(answer, Classes) and answer.mutual_information is not None
    assert told["seeds"]["count"] == 2
    for part in ("tuning", "test"):
        (row,) = [r for r in told["seeds"][part] if r["metric"] == "balanced_accuracy"]
        assert len(row["seeds"]) == row["n"] == 2 and row["low"] <= row["estimate"] <= row["high"]
    assert "Over 2 seeds" in (folder / "report.html").read_text()
    assert len(Workspace.open(folder).ledger.events(EVENT)) == told["openings"] == 1


def test_each_seed_is_a_package_of_its_own(folder: Path) -> None:
    space = Workspace.open(folder)
    first, second = seed_packages(space)
    whole = Package.load(space.package_file)
    assert (first.model, second.model) == tuple(whole.networks.values())
    assert (first.manifest.name, second.manifest.name) == ("shapes-seed-0", "shapes-seed-1")
    assert not second.manifest.uncertainty.features


def test_features_of_the_training_stand_in_the_package(folder: Path) -> None:
    package = Package.load(Workspace.open(folder).package_file)
    told = package.manifest.uncertainty
    assert told.features == "features" and told.distance is not None and told.distance.method == "nearest"
    image = load_case(Cohort.read(folder).split("train")[0])
    assert predict(package, image).quality["feature_distance"] > 0
    assert "Refused as unlike the training" in (folder / "report.html").read_text()


def test_one_network_with_draws_is_packaged_from_the_same_training(folder: Path) -> None:
    package_stage(folder, draws="laplace", ensemble=False)
    package = Package.load(Workspace.open(folder).package_file)
    assert package.manifest.version.endswith("+1") and list(package.networks) == ["model.onnx"]
    draws = package.manifest.uncertainty.draws
    assert draws is not None and draws.method == "laplace" and "laplace_features" in package.arrays
    answer = predict(package, load_case(Cohort.read(folder).split("train")[0])).answer
    assert isinstance(answer, Classes) and answer.mutual_information is not None
    with pytest.raises(InputError, match=r"draws.*found|uncertainty|package: draws"):
        package_stage(folder, draws="guess")


def test_seeds_that_ended_are_not_trained_again(folder: Path) -> None:
    from overread.pipeline.stages.plan import read_plan

    space = Workspace.open(folder)
    plan = read_plan(space.model / "plan.json")

    def never(own: object) -> object:
        raise AssertionError("trained again")

    record = space.record_of("train")["result"]
    again = train_seeds(space, plan, 2, never, of=record["asked_sha256"], resume=True)  # type: ignore[arg-type]
    assert again == record["seeds"]
    with pytest.raises(AssertionError, match="trained again"):
        train_seeds(space, plan, 2, never, of="other", resume=True)  # type: ignore[arg-type]
    assert shared_out(plan, 4).train_seconds == plan.train_seconds / 4
    with pytest.raises(InputError, match="--seeds: found 0"):
        shared_out(plan, 0)
