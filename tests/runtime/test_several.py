"""Networks of a label map answer together, window by window, as their blended probabilities would."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.runtime.models import manifest, threshold_segmenter

from overread.errors import InputError
from overread.imaging.image import Image
from overread.runtime.answer import LabelMap
from overread.runtime.outputs import Outputs
from overread.runtime.package import Package
from overread.runtime.predict import local_of, predict
from overread.runtime.preprocess import prepare
from overread.runtime.probability import softmax
from overread.runtime.several import mixed

BASE: dict = {
    "task": "segmentation",
    "positive": None,
    "labels": ["background", "ball"],
    "windows": {"size": [8, 8, 8], "overlap": 0.5},
    "preprocess": {"dimensions": 3, "intensity": [{"method": "fixed"}]},
}


def ensemble(how: str = "average", **changes: object) -> Package:
    members = [{"file": "model.onnx"}, {"file": "model-1.onnx", "weight": 3.0}]
    m = manifest(**BASE | {"uncertainty": {"ensemble": {"how": how, "members": members}}} | changes)
    return Package(
        Path("two.overread"),
        m.sealed(),
        threshold_segmenter(1, 3, 0.2),
        {"model-1.onnx": threshold_segmenter(1, 3, 0.8)},
    )


def test_two_networks_are_the_mean_of_their_probabilities() -> None:
    x = np.linspace(0, 1, 12**3, dtype=np.float32).reshape(1, 12, 12, 12)
    found = predict(ensemble(), Image(x, np.eye(4)))
    assert isinstance(found.answer, LabelMap)
    mean = sum(w / (1 + np.exp(-10 * (x[0].astype(float) - t))) for t, w in ((0.2, 0.25), (0.8, 0.75)))
    sure = np.abs(mean - 0.5) > 1e-4
    np.testing.assert_array_equal(found.answer.mask[sure], (mean > 0.5)[sure])


def test_how_far_they_lie_apart_is_summed_up() -> None:
    quality = {
        "ball": {
            "source": "networks",
            "intercept": 0,
            "slope": 1,
            "low": -1,
            "high": 1,
            "coverage": 0.9,
            "patients": 9,
        }
    }
    members = [{"file": "model.onnx"}, {"file": "model-1.onnx", "weight": 3.0}]
    package = ensemble(uncertainty={"ensemble": {"members": members}, "quality": quality})
    x = np.full((1, 8, 8, 8), 0.5, np.float32)
    out = local_of(package, prepare(Image(x, np.eye(4)), package.manifest.preprocess))
    p = [1 / (1 + np.exp(-10 * (0.5 - t))) for t in (0.2, 0.8)]
    mean = 0.25 * p[0] + 0.75 * p[1]
    apart = 0.25 * abs(p[0] - mean) + 0.75 * abs(p[1] - mean)
    np.testing.assert_allclose(out["networks_apart"][1] / 8**3, apart, rtol=1e-4)
    np.testing.assert_allclose(out["networks_total"][1] / 8**3, mean, rtol=1e-4)


def test_stacked_networks_are_a_product_of_their_probabilities() -> None:
    m = manifest(**BASE)
    rng = np.random.default_rng(0)
    z: list[Outputs] = [{"logits": rng.normal(size=(1, 2, 3, 3, 3)).astype(np.float32)} for _ in range(3)]
    share = np.full(3, 1 / 3)
    out = mixed(z, share, m, "stacked", "networks", None)["logits"]
    np.testing.assert_allclose(out, np.mean([one["logits"] for one in z], axis=0), atol=1e-6)
    mean = np.mean([softmax(one["logits"], axis=1) for one in z], axis=0)
    found = softmax(mixed(z, share, m, "average", "networks", None)["logits"], axis=1)
    np.testing.assert_allclose(found, mean, atol=1e-6)


def test_networks_of_other_grids_do_not_answer_together() -> None:
    other = {"dimensions": 3, "spacing": [2.0, 2.0, 2.0], "intensity": [{"method": "fixed"}]}
    members = [{"file": "model.onnx"}, {"file": "model-1.onnx", "preprocess": other}]
    package = ensemble(uncertainty={"ensemble": {"members": members}})
    with pytest.raises(InputError, match="preprocessing of its own"):
        predict(package, Image(np.zeros((1, 9, 9, 9), np.float32), np.eye(4)))
