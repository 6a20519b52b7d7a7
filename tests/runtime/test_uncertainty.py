"""Packages with several networks, draws, a distance and a rule for referring answer as their parts say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax
from tests.runtime.models import (
    manifest,
    mean_classifier,
    mean_logits,
    package_of,
    threshold_segmenter,
    with_features,
)

from overread.errors import InputError
from overread.imaging.image import Image
from overread.runtime.answer import Classes, Findings, LabelMap
from overread.runtime.answer_files import from_files, to_files
from overread.runtime.answer_text import one_line
from overread.runtime.package import ARRAYS, Package, write_package
from overread.runtime.predict import predict
from overread.runtime.prediction import Outcome
from overread.runtime.uncertainty.arrays import from_bytes, to_bytes

TWO = {"members": [{"file": "model.onnx"}, {"file": "model-1.onnx", "weight": 3}]}
HEAD = {"head_weight": np.array([[0.0], [4.0]], np.float32), "head_bias": np.zeros(2, np.float32)}
REFER = {"threshold": 0.9, "risk": 0.05, "confidence": 0.9}


def gray(value: float) -> Image:
    return Image(np.full((1, 8, 8), value, np.float32), np.eye(4))


def two(**changes: Any) -> Package:
    package = package_of(mean_classifier(2), **({"uncertainty": {"ensemble": TWO}} | changes))
    return replace(package, further={"model-1.onnx": mean_classifier(2, gain=-2.0)})


def test_two_networks_answer_with_their_weighted_mean(tmp_path: Path) -> None:
    package = two()
    written = write_package(tmp_path / "p.overread", package.manifest, package.model, package.further)
    loaded = Package.load(written.path)
    assert loaded.sha256 == written.sha256 and list(loaded.networks) == ["model.onnx", "model-1.onnx"]
    for one in (written, loaded):
        answer = predict(one, gray(1.0)).answer
        assert isinstance(answer, Classes)
        expected = 0.25 * expit(4.0) + 0.75 * expit(-2.0)
        assert np.isclose(answer.scores["abnormal"], expected, atol=1e-5)
        assert 0 < answer.mutual_information < 1  # type: ignore[operator]
        assert "Disagreement of the networks" in one_line(answer)
        assert from_files(*to_files(answer)) == answer


def test_a_member_may_have_its_own_preprocessing() -> None:
    spec = {"dimensions": 2, "color": "gray", "size": [4, 4], "intensity": [{"method": "fixed", "mean": 1.0}]}
    members = [{"file": "model.onnx"}, {"file": "model-1.onnx", "preprocess": spec}]
    answer = predict(two(uncertainty={"ensemble": {"members": members}}), gray(1.0)).answer
    assert isinstance(answer, Classes)
    # The second sees an image of zeros.
    assert np.isclose(answer.scores["abnormal"], (expit(4.0) + 0.5) / 2, atol=1e-5)


def test_label_maps_are_averaged() -> None:
    spec = {"dimensions": 2, "color": "gray", "intensity": [{"method": "fixed"}]}
    package = package_of(
        threshold_segmenter(1, 2, 0.2),
        task="segmentation",
        labels=["background", "spot"],
        positive=None,
        preprocess=spec,
        uncertainty={"ensemble": TWO},
    )
    answer = predict(
        replace(package, further={"model-1.onnx": threshold_segmenter(1, 2, 0.8)}), gray(0.5)
    ).answer
    assert isinstance(answer, LabelMap) and not answer.mask.any()


def featured(**uncertainty: Any) -> Package:
    package = package_of(with_features(2), uncertainty={"features": "features"} | uncertainty)
    arrays = HEAD | {
        "distance_centre": np.array([0.5], np.float32),
        "distance_axes": np.array([[10.0]], np.float32),
    }
    return replace(package, further={ARRAYS: to_bytes(arrays)})


def test_dropout_at_clinic_time_needs_no_torch() -> None:
    answer = predict(featured(draws={"method": "dropout", "draws": 400, "rate": 0.5}), gray(1.0)).answer
    assert isinstance(answer, Classes)
    # The only feature is kept, twice as large, or not.
    assert np.isclose(answer.scores["abnormal"], (expit(8.0) + 0.5) / 2, atol=0.03)
    assert answer.mutual_information > 0.1  # type: ignore[operator]


def test_strange_features_are_refused_and_said() -> None:
    limit = {"method": "mahalanobis", "most": 3.0, "refused": 0.01, "aimed": 0.01, "patients": 100}
    package = featured(distance=limit)
    near, far = predict(package, gray(0.6)), predict(package, gray(1.0))
    assert near.outcome is Outcome.OK and np.isclose(near.quality["feature_distance"], 1.0, atol=1e-4)
    assert far.outcome is Outcome.OUT_OF_LIMITS and far.answer is None
    assert [b.code for b in far.breaches] == ["FEATURES"] and "at most 3" in far.summary()


def test_who_must_decide_is_said() -> None:
    package = package_of(mean_classifier(2), uncertainty={"refer": {"": REFER}})
    sure, unsure = (predict(package, gray(v)).answer for v in (1.0, 0.2))
    assert isinstance(sure, Classes) and isinstance(unsure, Classes)
    assert sure.refer == "" and unsure.refer == "abnormal: probability 0.69 of being right, below 0.90"
    assert "To be decided by a person" in one_line(unsure)


def test_findings_are_referred_one_by_one() -> None:
    package = package_of(
        mean_logits(2, [8.0, 1.0], [-4.0, 0.0]),
        task="multilabel",
        labels=["mass", "nodule"],
        positive=None,
        operating_points={k: {"rule": "youden", "threshold": 0.5} for k in ("mass", "nodule")},
        uncertainty={"refer": {"mass": REFER, "nodule": REFER}},
    )
    answer = predict(package, gray(1.0)).answer
    assert isinstance(answer, Findings) and answer.refer.startswith("nodule: probability 0.73")
    assert answer.referred == ("nodule",) and from_files(*to_files(answer)) == answer


@pytest.mark.parametrize(
    ("uncertainty", "further", "said"),
    [
        ({"ensemble": TWO}, {}, r"reads model\.onnx, model-1\.onnx, the package has model\.onnx"),
        ({}, {"model-1.onnx": mean_classifier(2)}, r"the package has model\.onnx, model-1\.onnx"),
        ({"features": "features"}, {}, "'features', model.onnx gives logits"),
        (
            {"ensemble": TWO},
            {"model-1.onnx": mean_logits(2, [1, 2], [0, 0], output="y")},
            "gives y, the package reads",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    uncertainty: dict, further: dict[str, bytes], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        write_package(tmp_path / "p.overread", manifest(uncertainty=uncertainty), mean_classifier(2), further)


def test_missing_arrays_are_named(tmp_path: Path) -> None:
    told = {"features": "features", "draws": {"method": "laplace"}}
    with pytest.raises(InputError, match=r"uncertainty\.npz: lacks head_weight, head_bias, laplace_features"):
        write_package(tmp_path / "p.overread", manifest(uncertainty=told), with_features(2))


def test_further_files_are_hashed_and_named(tmp_path: Path) -> None:
    import zipfile

    package = two()
    path = write_package(tmp_path / "p.overread", package.manifest, package.model, package.further).path
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "folder")
    (tmp_path / "folder" / "model-1.onnx").write_bytes(mean_classifier(2))
    with pytest.raises(InputError, match=r"model-1\.onnx was changed after packaging"):
        Package.load(tmp_path / "folder")


def test_arrays_that_are_none() -> None:
    assert to_bytes(HEAD) == to_bytes(dict(reversed(HEAD.items())))
    np.testing.assert_array_equal(from_bytes(to_bytes(HEAD), "x")["head_weight"], HEAD["head_weight"])
    with pytest.raises(InputError, match="found other"):
        from_bytes(to_bytes({"other": np.zeros(2)}), "x")
    with pytest.raises(InputError, match="found head_bias"):
        from_bytes(to_bytes({"head_bias": np.array([np.nan])}), "x")
    with pytest.raises(InputError, match="is damaged"):
        from_bytes(b"nothing", "x")


def test_softmax_of_an_ensemble_of_packages_by_their_own_temperatures() -> None:
    members = [{"file": "model.onnx", "temperature": 2}, {"file": "model-1.onnx", "weight": 0}]
    answer = predict(two(uncertainty={"ensemble": {"members": members}}), gray(1.0)).answer
    assert isinstance(answer, Classes)
    assert np.isclose(answer.scores["abnormal"], softmax([0, 2.0])[1], atol=1e-5)
