"""Packages joined into one: their networks answer together, within what all of them answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from tests.runtime.models import manifest, mean_classifier
from tests.shapes import write_shapes

from overread.errors import InputError
from overread.imaging.image import Image
from overread.pipeline.stages.init import init_stage
from overread.pipeline.stages.join import join_stage
from overread.pipeline.workspace import Workspace
from overread.runtime.answer import Classes
from overread.runtime.package import Package, write_package
from overread.runtime.predict import predict

OWN = {"dimensions": 2, "color": "gray", "size": [4, 4], "intensity": [{"method": "fixed", "mean": 1.0}]}
IMAGE = Image(np.full((1, 8, 8), 2.0, np.float32), np.eye(4), modality="CR")


def package(path: Path, *, gain: float = 1.0, **changes: Any) -> Path:
    write_package(path, manifest(**changes), mean_classifier(2, gain=gain))
    return path


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Of other preprocessing, temperature and limits."""
    return [
        package(tmp_path / "a.overread", limits={"modality": ["CR", "DX"], "size": [(4, 20), (4, 20)]}),
        package(
            tmp_path / "b.overread",
            name="other",
            gain=3.0,
            preprocess=OWN,
            calibration={"temperature": 2.0, "cases": 50},
            operating_points={"abnormal": {"rule": "youden", "threshold": 0.3}},
            limits={"modality": ["CR"], "size": [(8, 40), (6, 16)], "unstated": "refuse"},
        ),
    ]


def test_each_answers_by_its_own_preprocessing_and_temperature(two: list[Path], tmp_path: Path) -> None:
    join_stage(two, tmp_path / "c.overread")
    joined = Package.load(tmp_path / "c.overread")
    assert joined.manifest.name == "c" and list(joined.networks) == ["model.onnx", "model-1.onnx"]
    answer = predict(joined, IMAGE).answer
    assert isinstance(answer, Classes) and answer.mutual_information is not None
    # The first sees 2 and says 1 * 2; the second sees 2 - 1 and says 3 * 1 at its temperature of 2.
    assert np.isclose(answer.scores["abnormal"], (expit(2.0) + expit(1.5)) / 2, atol=1e-5)


def test_without_tuning_patients_it_claims_no_calibration(
    two: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    join_stage(two, tmp_path / "c.overread")
    told = Package.load(tmp_path / "c.overread").manifest
    assert told.calibration.cases == 0 and not told.operating_points and "tuning" not in told.reference
    assert "not calibrated together" in capsys.readouterr().out
    assert set(told.evidence.values()) == {Package.load(path).sha256 for path in two}


def test_it_answers_only_what_all_answer(two: list[Path], tmp_path: Path) -> None:
    join_stage(two, tmp_path / "c.overread")
    limits = Package.load(tmp_path / "c.overread").manifest.limits
    assert limits.modality == ["CR"] and limits.size == [(8, 20), (6, 16)] and limits.unstated == "refuse"
    apart = package(tmp_path / "d.overread", limits={"modality": ["MR"]})
    with pytest.raises(InputError, match="limits: modality: nothing that"):
        join_stage([two[0], apart], tmp_path / "e.overread")
    assert not (tmp_path / "e.overread").exists()


def test_what_does_not_answer_the_same_is_refused(two: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "c.overread"
    with pytest.raises(InputError, match="found 1 package, expected two or more"):
        join_stage(two[:1], out)
    other = package(tmp_path / "other.overread", labels=["normal", "ill"], positive="ill")
    with pytest.raises(
        InputError, match=r"other\.overread: labels: found .*ill.* expected as in .*a\.overread"
    ):
        join_stage([two[0], other], out)
    join_stage(two, out)
    with pytest.raises(InputError, match="expected a package of one network"):
        join_stage([two[0], out], tmp_path / "d.overread")


def test_a_member_keeps_its_hash(two: list[Path], tmp_path: Path) -> None:
    join_stage(two, tmp_path / "c.overread")
    ensemble = Package.load(tmp_path / "c.overread").manifest.uncertainty.ensemble
    assert ensemble is not None
    second = Package.load(two[1])
    assert ensemble.members[1].origin == f"other 1.0, sha256 {second.sha256}"
    assert (
        replace(second, path=Path("x")).model
        == Package.load(tmp_path / "c.overread").networks["model-1.onnx"]
    )


def test_tuning_patients_of_a_folder_calibrate_it_and_the_folder_must_fit(
    two: list[Path], tmp_path: Path
) -> None:
    folder = write_shapes(tmp_path / "shapes", dimensions=2, truth="label")
    init_stage(folder)
    space = Workspace.open(folder)
    facts = {"labels": space.protocol.labels, "positive": space.protocol.positive, "preprocess": OWN}
    facts["channels"] = [c.model_dump() for c in space.protocol.channels]
    paths = [package(tmp_path / f"{g}.overread", gain=g / 100, **facts) for g in (1, 2)]
    join_stage(paths, tmp_path / "c.overread", folder=folder)
    told = Package.load(tmp_path / "c.overread").manifest
    assert told.calibration.cases == len(space.cohort().split("val")) == 6
    assert told.operating_points and told.reference["tuning"]["patients"] == 6
    with pytest.raises(InputError, match="shapes: found classification of"):
        join_stage(two, tmp_path / "d.overread", folder=folder)
    assert not (tmp_path / "d.overread").exists()
