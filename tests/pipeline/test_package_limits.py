"""Limits of a package: training and tuning cases with a stated slack, and what the protocol declares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from overread.cohort.case import Case
from overread.cohort.fingerprint import Fingerprint
from overread.imaging.formats.raster import write_png
from overread.pipeline.package_limits import FEWEST_CASES, SLACK, looked_at, package_limits
from overread.pipeline.protocol import Protocol
from overread.runtime.manifest import Intensity, Preprocess

LOOK = Fingerprint(
    cases=12,
    dimensions=2,
    channels=("image",),
    color="gray",
    modalities=(),
    median_shape=(40.0, 50.0),
    min_shape=(40, 50),
    max_shape=(40, 50),
    median_spacing=(1.0, 1.0),
    min_spacing=(1.0, 1.0),
    max_spacing=(1.0, 1.0),
    intensity=({"p0_5": 0.0, "p50": 90.0, "p99_5": 255.0, "mean": 90.0, "std": 40.0},),
    class_counts={},
)
SPEC = Preprocess(
    dimensions=2, color="gray", intensity=[Intensity(method="fixed", low=0, high=255, mean=90, std=40)]
)
PROTOCOL = Protocol(
    name="tiny",
    task="classification",
    dimensions=2,
    labels=["no", "yes"],
    positive="yes",
    channels=[{"name": "image", "modality": ["DX"]}],
    limits={"age_years": (18, 90), "unstated": "refuse"},
)


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    rng = np.random.default_rng(0)
    made = []
    for k in range(28):
        size = (40, 50) if k < 24 else (40, 56)
        path = tmp_path / f"{k}.png"
        write_png(path, rng.normal(90, 30, size).clip(0, 255).astype(np.uint8))
        made.append(Case(f"c{k}", f"p{k}", {"image": path}))
    return made


def test_limits_of_cases(cases: list[Case]) -> None:
    counted: list[int] = []
    limits = package_limits(PROTOCOL, LOOK, SPEC, cases[:24], cases[24:], lambda: counted.append(1))
    assert limits.slack == SLACK and len(counted) == 28
    # A tuning case was wider than any that was trained with.
    assert limits.size == [(32, 50), (40, 70)] and limits.spacing_mm is None
    assert (limits.modality, limits.age_years, limits.unstated) == (["DX"], (18, 90), "refuse")
    assert limits.color == (0.0, pytest.approx(0.1))
    assert limits.likeness is not None and limits.likeness.cases == 28 and limits.likeness.most > 0
    assert limits.grey_values[0].percentiles == [5, 25, 50, 75, 95]
    seen = package_limits(PROTOCOL, replace(LOOK, modalities=("CR",)), SPEC, cases[:4], [])
    assert seen.modality == ["CR", "DX"] and seen.likeness is None


def test_as_many_cases_are_looked_at_as_there_is_time_for(cases: list[Case]) -> None:
    many = cases * 100
    assert len(looked_at(many, LOOK)) == 400
    assert looked_at(cases, LOOK) == cases
    volumes = replace(LOOK, dimensions=3, median_shape=(512.0, 512.0, 300.0))
    assert len(looked_at(many, volumes)) == FEWEST_CASES
