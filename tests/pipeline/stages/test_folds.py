"""Cross-fitting through the stages: networks by fold, packaged together, calibrated on all that are not test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.narrow import narrow
from tests.shapes import write_shapes

from overread.cohort.load import load_case
from overread.errors import InputError
from overread.pipeline.openings import EVENT
from overread.pipeline.stages import run_stages
from overread.pipeline.stages.folds import check_folds, fold_of, folds_of
from overread.pipeline.stages.init import init_stage
from overread.pipeline.stages.package import package_stage
from overread.pipeline.stages.plan import plan_stage
from overread.pipeline.stages.train import train_stage
from overread.pipeline.workspace import Workspace
from overread.runtime.answer import Classes, LabelMap
from overread.runtime.package import Package
from overread.runtime.predict import predict

FOLDS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A protocol of three folds that went through every stage, in one epoch each."""
    where = write_shapes(tmp_path_factory.mktemp("folds") / "shapes", dimensions=2, truth="label")
    with pytest.MonkeyPatch.context() as quick:
        narrow(quick)
        quick.setattr("overread.learn.timing.LEAST_STEPS", 1)
        quick.setattr("overread.learn.timing.LEAST_SECONDS", 0.0)
        quick.setattr("overread.pipeline.last_layer.FEWEST", 2)
        run_stages(where, epochs=1, folds=FOLDS)
    return where


def test_all_patients_outside_the_test_calibrate_it_and_the_report_says_so(folder: Path) -> None:
    space = Workspace.open(folder)
    inside = [c for c in space.cohort() if c.split != "test"]
    package = Package.load(space.package_file)
    assert package.manifest.calibration.cases == len(inside) > len(space.cohort().split("val"))
    assert package.manifest.reference["tuning"]["folds"] == folds_of(space) == FOLDS
    report = json.loads((folder / "report.json").read_text())
    note = f"calibrated on {len(inside)} cases of {len({c.patient for c in inside})} patients"
    assert any(n.startswith(note) for n in report["uncertainty"]["notes"])
    assert note in (folder / "report.html").read_text()
    assert len(space.ledger.events(EVENT)) == report["openings"] == 1


def test_the_package_answers_with_the_mean_of_the_logits(folder: Path) -> None:
    space = Workspace.open(folder)
    package = Package.load(space.package_file)
    ensemble = package.manifest.uncertainty.ensemble
    assert len(set(package.networks.values())) == FOLDS and ensemble is not None
    assert (ensemble.how, [m.weight for m in ensemble.members]) == ("stacked", [1 / FOLDS] * FOLDS)
    answer = predict(package, load_case(space.cohort().split("train")[0])).answer
    assert isinstance(answer, Classes) and answer.mutual_information is not None


def test_folds_part_the_patients_outside_the_test_and_leave_it_sealed(folder: Path) -> None:
    space = Workspace.open(folder)
    cohort = space.cohort()
    left = [{c.patient for c in fold_of(space, cohort, FOLDS, n).split("val")} for n in range(FOLDS)]
    assert sorted(p for one in left for p in one) == sorted({c.patient for c in cohort if c.split != "test"})
    for n in range(FOLDS):
        round_ = fold_of(space, cohort, FOLDS, n)
        assert round_.split("test") == cohort.split("test")
        assert not left[n] & {c.patient for c in round_.split("train")}


def test_one_of_the_networks_alone_has_the_same_calibration(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overread.pipeline.last_layer.FEWEST", 2)
    space = Workspace.open(folder)
    together = Package.load(space.package_file).manifest
    package_stage(folder, draws="laplace", ensemble=False)
    package = Package.load(space.package_file)
    assert list(package.networks) == ["model.onnx"]
    assert package.manifest.uncertainty.draws is None
    assert package.manifest.calibration == together.calibration
    assert package.manifest.uncertainty.distance == together.uncertainty.distance is not None


def test_label_maps_are_cross_fitted_and_answered_with_the_mean(tmp_path: Path) -> None:
    where = write_shapes(tmp_path / "shapes", dimensions=2, truth="mask")
    with pytest.MonkeyPatch.context() as quick:
        narrow(quick)
        init_stage(where)
        plan_stage(where, epochs=1)
        train_stage(where, folds=2)
        package_stage(where)
    space = Workspace.open(where)
    package = Package.load(space.package_file)
    assert len(set(package.networks.values())) == 2
    assert package.manifest.calibration.cases == len([c for c in space.cohort() if c.split != "test"])
    answer = predict(package, load_case(space.cohort().split("test")[0])).answer
    assert isinstance(answer, LabelMap)


def test_what_cannot_be_cross_fitted_is_refused(folder: Path) -> None:
    space = Workspace.open(folder)
    assert check_folds(space, None) == check_folds(space, 0) == 0
    with pytest.raises(InputError, match="--folds: found 1, expected 2 to 64"):
        check_folds(space, 1)
    with pytest.raises(InputError, match="--folds: found --seeds 2, too"):
        check_folds(space, 3, seeds=2)
