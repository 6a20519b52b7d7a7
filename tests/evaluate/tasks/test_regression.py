"""A number held against NumPy, and intervals that hold what they promise, whatever the network believes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score
from tests.evaluate.samples import manifest_of
from tests.evaluate.samples import regression as sample_of

from overread.evaluate.figures import AgreementFigure
from overread.evaluate.run import evaluation_of
from overread.evaluate.tasks import regression
from overread.runtime.answer import Value
from overread.runtime.manifest import Manifest, Quantity
from overread.runtime.tasks.regression import decoded

KEYS = ["mae", "rmse", "r2", "bias", "mae_gain"]


def _manifest() -> Manifest:
    return manifest_of(
        "regression",
        ["age"],
        quantity=Quantity(unit="a"),
        decoding={"centre": 50.0, "scale": 20.0},
    )


def _drawn(n: int, seed: int, wrong: float = 1.0) -> list[tuple[np.ndarray, float]]:
    """Numbers whose errors are ``wrong`` times what the network expects."""
    generator = np.random.default_rng(seed)
    spread = generator.uniform(0.1, 1.0, n)
    z = generator.normal(size=n)
    true = 50 + 20 * (z + wrong * spread * generator.standard_t(4, size=n))
    return [(np.array([a, np.log(s)]), float(y)) for a, s, y in zip(z, spread, true, strict=True)]


def test_errors_are_those_of_other_libraries() -> None:
    sample = sample_of(n=90)
    evaluation = evaluation_of(sample.rows, sample.manifest)
    true = np.array([y for _, y in sample.cases])
    found = np.array([a.value for a, _ in sample.cases if isinstance(a, Value)])
    expected = {
        "mae": mean_absolute_error(true, found),
        "rmse": np.sqrt(((true - found) ** 2).mean()),
        "r2": r2_score(true, found),
        "mae_gain": np.abs(true - 50).mean() - mean_absolute_error(true, found),
    }
    for key, value in expected.items():
        m = evaluation.of(key, None)
        assert m is not None and m.interval.estimate == pytest.approx(value), key
        assert m.interval.low < value < m.interval.high
    gain = evaluation.of("mae_gain", None)
    assert gain is not None and gain.interval.low > 0 and "years" in gain.unit
    [figure] = evaluation.figures
    assert isinstance(figure, AgreementFigure) and figure.unit == "years" and all(figure.agreement)


@pytest.mark.parametrize("wrong", [0.3, 1.0, 4.0])
def test_intervals_hold_on_later_cases_however_wrong_the_network_is_about_itself(wrong: float) -> None:
    found = regression.calibrate(_drawn(400, 0, wrong), _manifest(), "", None)
    residuals = found.calibration.value_residuals["age"]
    assert residuals.coverage == pytest.approx(0.9, abs=0.01)
    later = _drawn(4000, 1, wrong)
    value, spread = decoded(np.stack([z for z, _ in later]), _manifest())
    true = np.array([y for _, y in later])
    inside = (value + residuals.low * spread <= true) & (true <= value + residuals.high * spread)
    assert 0.86 < inside.mean() < 0.94


def test_patients_count_and_not_their_images() -> None:
    drawn = _drawn(12, 0)
    three = np.repeat(["a", "b", "c"], 4)
    reasons = regression.calibrate(drawn, _manifest(), "", three).calibration.reasons
    assert reasons == {"age": "3 tuning patients are too few for an interval, expected 9"}
    assert regression.calibrate(drawn, _manifest(), "", None).calibration.value_residuals


def test_a_refused_case_is_as_far_off_as_there_can_be() -> None:
    bounded = sample_of(low=0.0, high=100.0).manifest
    assert regression.unanswered({"true": 30.0}, bounded)["found"] == 100
    assert regression.unanswered({"true": 70.0}, bounded)["found"] == 0
    assert regression.unanswered({"true": 30.0}, _manifest())["found"] == 110
    with pytest.raises(ValueError, match="no threshold"):
        regression.rule("youden", ["age"], None)
