"""Where a network starts, on which grid, and with which grey values."""

from __future__ import annotations

import pytest
from tests.learn.looks import look

from overread.learn.planner import transfer
from overread.learn.planner.transfer import (
    choose_road,
    for_weights,
    grid_of,
    grid_side,
    smaller_side,
    views_for,
)
from overread.learn.weights.origin import Origin
from overread.runtime.manifest import Intensity
from overread.task import TASKS

ORIGIN = Origin("some", "efficientnet_lite0", "ImageNet-1k", "package", "Apache-2.0", "0" * 64, 0.5, 0.25)


@pytest.mark.parametrize(
    ("task", "shape", "cases", "seconds", "asked", "kind"),
    [
        ("classification", (425, 640), 200, 600, "auto", "weights"),
        ("ordinal", (64, 64), 700, 600, "auto", "weights"),
        ("classification", (28, 28), 4700, 600, "auto", "chance beside features"),
        ("classification", (28, 28), 4700, 600, "none", "chance"),
        ("classification", (425, 640), 200, 40, "auto", "chance"),
        ("segmentation", (425, 640), 200, 600, "auto", "chance"),
        ("classification", (28, 28, 28), 900, 600, "auto", "chance"),
        ("classification", (28, 28, 28), 900, 60, "some", "weights"),
    ],
)
def test_the_road_follows_from_images_cases_and_time(
    task, shape, cases, seconds, asked, kind, monkeypatch
) -> None:
    monkeypatch.setattr(transfer, "is_there", lambda name: True)
    road = choose_road(
        look(shape, (1.0,) * len(shape)),
        TASKS[task],
        dimensions=len(shape),
        cases=cases,
        seconds=seconds,
        asked=asked,
    )
    assert road.kind == kind and bool(road.weights) == (kind != "chance")
    assert (str(cases) in road.why or asked in road.why) or kind == "chance"


def test_without_the_package_everything_starts_from_chance(monkeypatch) -> None:
    monkeypatch.setattr(transfer, "is_there", lambda name: False)
    seen = look((425, 640), (1.0, 1.0))
    road = choose_road(seen, TASKS["classification"], dimensions=2, cases=200, seconds=600)
    assert road.kind == "chance"


def test_the_grid_keeps_proportions_and_follows_the_time() -> None:
    seen = look((425, 640), (1.0, 1.0))
    assert grid_side(seen) == 224 and grid_of(seen, 224) == [192, 288]
    assert grid_side(look((64, 64), (1.0, 1.0))) == 128 and grid_side(look((28, 28), (1.0, 1.0))) == 96
    assert smaller_side(224, 3) == 96 and smaller_side(224, 13) == 160
    assert views_for(cases=100, forward=0.05, seconds=600) == 8
    assert views_for(cases=1000, forward=0.05, seconds=600) == 1


def test_grey_values_come_onto_the_scale_of_the_weights() -> None:
    fixed = Intensity(method="fixed", low=-100, high=300, mean=10, std=50)
    [gray] = for_weights([fixed], ORIGIN, color=False)
    assert (gray.low, gray.high, gray.mean, gray.std) == (-100, 300, 100, 100)
    [photo] = for_weights([fixed], ORIGIN, color=True)
    assert (photo.low, photo.high, photo.mean, photo.std) == (0, 255, 127.5, 63.75)
    [film] = for_weights(
        [Intensity(method="range", percentiles=(0.5, 99.5), mean=0.5, std=0.2)], ORIGIN, color=False
    )
    assert (film.percentiles, film.mean, film.std) == ((0.5, 99.5), 0.5, 0.25)
    [mr] = for_weights([Intensity(method="tissue")], ORIGIN, color=False)
    assert (mr.method, mr.mean, mr.std) == ("range", 0.5, 0.25)
