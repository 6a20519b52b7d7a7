"""The limit of the distance refuses of further patients what it states."""

from __future__ import annotations

import numpy as np
import pytest

from overread.evaluate import strange
from overread.evaluate.strange import distance_limit


@pytest.mark.parametrize("n", [30, 150, 2000])
def test_further_patients_are_refused_no_oftener_than_stated(n: int) -> None:
    generator, refused, stated = np.random.default_rng(n), [], []
    for _ in range(300):
        found = distance_limit(generator.lognormal(0, 0.3, n), "mahalanobis")
        refused.append((generator.lognormal(0, 0.3, 500) > found.most).mean())
        stated.append(found.refused)
    assert np.mean(refused) <= np.mean(stated)
    # As few as so many patients can show, and no more than a hundredth.
    assert stated[0] == {30: 1 / 31, 150: 1 / 151, 2000: 0.001}[n]


def test_without_room_the_share_is_that_of_the_conformal_quantile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strange, "SPARE", 1.0)
    generator = np.random.default_rng(0)
    shares = [
        (
            generator.normal(5, 1, 200)
            > distance_limit(generator.normal(5, 1, 199), "nearest", aimed=0.05).most
        ).mean()
        for _ in range(400)
    ]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.005)


def test_images_of_one_patient_are_one() -> None:
    assert distance_limit(np.arange(1.0, 101), "nearest", cluster=np.arange(100) // 10).patients == 10
    with pytest.raises(ValueError, match="no tuning case"):
        distance_limit(np.zeros(0), "nearest")
