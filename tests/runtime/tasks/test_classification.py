"""Classification: calibrated scores, a decision, a conformal set, and a ranking that rounding cannot destroy."""

from __future__ import annotations

import numpy as np
import pytest
from tests.runtime.models import manifest, mean_classifier, package_of

from overread.errors import InputError
from overread.imaging.image import Image
from overread.runtime.answer import Classes
from overread.runtime.manifest import Manifest
from overread.runtime.predict import predict
from overread.runtime.preprocess import prepare
from overread.runtime.tasks import classification

IMAGE = Image(np.ones((1, 8, 8), np.float32), np.eye(4))


def answer(logits: list[float], m: Manifest) -> Classes:
    return classification.answer({"logits": np.array(logits, np.float32)}, prepare(IMAGE, m.preprocess), m)


def gray(value: float) -> Image:
    return Image(np.full((1, 8, 8), value, np.float32), np.eye(4))


def test_scores_and_threshold() -> None:
    point = {"rule": "youden", "threshold": 0.9}
    package = package_of(mean_classifier(2), operating_points={"abnormal": point})
    sure, unsure = predict(package, gray(1.0)).answer, predict(package, gray(0.4)).answer
    assert isinstance(sure, Classes) and isinstance(unsure, Classes)
    assert sure.scores["abnormal"] == pytest.approx(1 / (1 + np.exp(-4.0)), rel=1e-5)
    assert sum(sure.scores.values()) == pytest.approx(1)
    assert sure.decided == "abnormal"
    # 0.83 lies above one half and below the operating point.
    assert unsure.scores["abnormal"] > 0.5 and unsure.decided == "normal"


def test_temperature_conformal_set_and_score_interval() -> None:
    calibration = {
        "temperature": 2.0,
        "bins": {
            "abnormal": [
                {"low": 0.0, "high": 0.5, "observed_low": 0.01, "observed_high": 0.3, "cases": 25},
                {"low": 0.5, "high": 1.0, "observed_low": 0.6, "observed_high": 0.95, "cases": 25},
            ]
        },
        "conformal_coverage": 0.9,
        "conformal_quantile": 0.95,
        "cases": 50,
    }
    found = answer([0, 4], manifest(calibration=calibration))
    assert found.scores["abnormal"] == pytest.approx(1 / (1 + np.exp(-2.0)), rel=1e-12)
    assert found.intervals == {"abnormal": (0.6, 0.95)}
    assert found.label_set == ("normal", "abnormal") and found.set_coverage == 0.9
    assert answer([0, 90], manifest(calibration=calibration)).label_set == ("abnormal",)


def test_scores_that_float32_would_make_equal_keep_their_order() -> None:
    """24 separated tuning cases gave a temperature of 0.04: margins above 0.66 became exactly 1 in float32."""
    m = manifest(calibration={"temperature": 0.04})
    margins = np.linspace(-30, 30, 121)
    odds = [answer([0, z], m).log_odds["abnormal"] for z in margins]
    np.testing.assert_allclose(odds, margins / 0.04, rtol=1e-6)
    scores = [answer([0, z], m).scores["abnormal"] for z in np.linspace(0.7, 1.2, 20)]
    assert (np.diff(scores) > 0).all() and len({np.float32(s) for s in scores}) < len(scores)


@pytest.mark.parametrize(
    ("points", "p", "decided"),
    [
        ({}, [0.2, 0.5, 0.3], "b"),
        ({"c": 0.25}, [0.2, 0.5, 0.3], "c"),
        ({"b": 0.6}, [0.2, 0.5, 0.3], "c"),
        ({"b": 0.5}, [0.2, 0.5, 0.3], "b"),
    ],
)
def test_decisions_of_several_classes(points: dict[str, float], p: list[float], decided: str) -> None:
    chosen = {label: {"rule": "youden", "threshold": t} for label, t in points.items()}
    m = manifest(labels=["a", "b", "c"], positive=None, operating_points=chosen)
    assert classification.decide_label(np.array(p), m) == decided


def test_a_network_of_other_labels_is_refused() -> None:
    package = package_of(mean_classifier(2), labels=["a", "b", "c"], positive=None)
    with pytest.raises(InputError, match=r"gives 2 values where 3 labels are named \(a, b, c\)"):
        predict(package, IMAGE)
