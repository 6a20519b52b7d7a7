"""Several findings: each has its own scale, threshold and interval, whatever the others are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from tests.runtime.models import manifest, mean_logits, package_of

from overread.errors import InputError
from overread.imaging.image import Image
from overread.runtime.answer import Findings
from overread.runtime.package import Package
from overread.runtime.predict import predict
from overread.runtime.preprocess import prepare
from overread.runtime.tasks import multilabel

LABELS = ["effusion", "nodule", "edema"]
IMAGE = Image(np.full((1, 8, 8), 0.5, np.float32), np.eye(4))


def package(**changes: Any) -> Package:
    """Logits 1, -2 and 0.5 for an image of 0.5."""
    model = mean_logits(2, [2.0, -4.0, 1.0], [0.0, 0.0, 0.0])
    return package_of(model, task="multilabel", positive=None, labels=LABELS, **changes)


def test_scores_thresholds_and_intervals() -> None:
    part = {"low": 0.0, "high": 0.2, "observed_low": 0.02, "observed_high": 0.1, "cases": 40}
    found = predict(
        package(
            calibration={
                "scales": {"nodule": {"slope": 1.5, "intercept": 0.5}},
                "bins": {"nodule": [part], "edema": [part]},
            },
            operating_points={
                "nodule": {"rule": "youden", "threshold": 0.05},
                "effusion": {"rule": "youden", "threshold": 0.9},
            },
        ),
        IMAGE,
    ).answer
    assert isinstance(found, Findings)
    assert list(found.scores) == LABELS
    np.testing.assert_allclose(list(found.scores.values()), expit([1, -2.5, 0.5]), rtol=1e-6)
    # Each against its own threshold; edema has none and is never decided.
    assert found.present == ("nodule",)
    assert found.thresholds == {"effusion": 0.9, "nodule": 0.05}
    assert found.intervals == {"nodule": (0.02, 0.1)}
    assert found.log_odds == pytest.approx({"effusion": 1, "nodule": -2.5, "edema": 0.5})


def test_a_score_at_its_threshold_counts_as_present() -> None:
    m = manifest(
        task="multilabel",
        positive=None,
        labels=["edema"],
        operating_points={"edema": {"rule": "youden", "threshold": 0.5}},
    )
    prepared = prepare(IMAGE, m.preprocess)
    for logit, present in ((0.0, ("edema",)), (-1e-6, ())):
        assert multilabel.answer({"logits": np.array([logit], np.float32)}, prepared, m).present == present


def test_scores_of_findings_do_not_depend_on_each_other() -> None:
    m = manifest(task="multilabel", positive=None, labels=LABELS)
    prepared = prepare(IMAGE, m.preprocess)
    first = multilabel.answer({"logits": np.array([1, 2, 3], np.float32)}, prepared, m)
    second = multilabel.answer({"logits": np.array([1, -9, 90], np.float32)}, prepared, m)
    assert first.scores["effusion"] == second.scores["effusion"]


def test_a_network_of_other_findings_is_refused() -> None:
    model = mean_logits(2, [2.0, -4.0], [0.0, 0.0])
    with pytest.raises(InputError, match="gives 2 values where 3 labels"):
        predict(package_of(model, task="multilabel", positive=None, labels=LABELS), IMAGE)
