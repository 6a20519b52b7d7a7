"""Detection: what is taught lies where the objects are, and is learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.learn.looks import look, room
from tests.learn.toys import DETECTION, plan, scenes

from overread.imaging.boxes import Boxes
from overread.imaging.image import Image
from overread.learn.example import Example
from overread.learn.fit import fit
from overread.learn.plan import Augment
from overread.learn.tasks import detection
from overread.runtime.manifest import Intensity, Preprocess


def test_target_is_on_the_networks_grid() -> None:
    spec = Preprocess(dimensions=2, size=[20, 10], intensity=[Intensity(method="fixed")])
    boxes = Boxes.of([[4, 8]], [[8, 16]], [1], axes=2)
    target = detection.target(boxes, Image(np.zeros((1, 40, 40)), np.eye(4)), spec)
    np.testing.assert_allclose(target["low"], [[2, 2]])
    np.testing.assert_allclose(target["high"], [[4, 4]])
    assert target["labels"].tolist() == [1]


def test_the_heat_lies_on_the_object_wherever_it_goes() -> None:
    p = plan(**DETECTION | {"augment": Augment(shift=0.1, scale=0.2, flip=[0, 1])})
    taught = 0
    for example in scenes(10):
        for i in range(5):
            image, targets = detection.draw(example, p, 0, i)
            for label, row, column in (targets["heat"] == 1).nonzero().tolist():
                centre = (np.array([row, column]) + targets["offset"][:, row, column].numpy()) * 2
                extent = targets["size"][:, row, column].exp().numpy()
                low, high = (np.round(centre + s * 0.3 * extent).astype(int) for s in (-1, 1))
                inside = image[0, low[0] : high[0] + 1, low[1] : high[1] + 1]
                assert inside.mean() > 0.7, (label, centre, extent)
                taught += 1
    assert taught > 50


@pytest.mark.parametrize("place", [(0, 0), (0, 60), (50, 30)])
def test_an_object_that_is_asked_for_is_in_its_patch(place: tuple[int, int]) -> None:
    low = np.array(place, float)
    target = {"low": low[None], "high": low[None] + 4, "labels": np.array([0])}
    example = Example("one", np.zeros((1, 64, 64), np.float32), target)
    p = plan(**DETECTION | {"augment": Augment(), "foreground_share": 1.0, "patch": [16, 16]})
    for i in range(5):
        assert (detection.draw(example, p, 0, i)[1]["heat"] == 1).sum() == 1


def test_objects_are_found() -> None:
    p = plan(**DETECTION | {"epochs": 20})
    network = fit(p, scenes(48), []).network
    hits, objects, sizes = 0, 0, []
    still = p.model_copy(update={"augment": Augment(), "patch": [40, 44 - 4]})
    for example in scenes(20, seed=9):
        image, targets = detection.draw(example, still, 0, 0)
        with torch.no_grad():
            out = {k: v[0] for k, v in network(image[None]).items()}
        p_heat = out["heat"].sigmoid()
        for label, row, column in (targets["heat"] == 1).nonzero().tolist():
            near = p_heat[label, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
            hits += bool(near.max() > 0.3)
            objects += 1
            sizes.append((out["size"][:, row, column] - targets["size"][:, row, column]).abs().mean().item())
    assert hits / objects > 0.8 and np.median(sizes) < math.log(1.4)


def test_a_picture_is_one_size_and_a_volume_keeps_its_spacing() -> None:
    grid, why = detection.grid(look((480, 640), (1, 1), size_mm={"a": 40.0}), room(2))
    assert grid == {"size": [224, 288]} and "in its proportions" in why
    assert detection.grid(look((100, 100, 40), (1, 1, 2)), room(3))[0] == {"spacing": [1, 1, 2]}


def test_score_sums_the_labels_peaks() -> None:
    heat = torch.full((1, 2, 8, 8), -6.0)
    heat[0, 1, 2, 2], heat[0, 1, 6, 6], heat[0, 0, 4, 4] = 3.0, 2.0, 5.0
    heat[0, 1, 2, 3] = 1.0
    assert detection.score({"heat": heat}, 1).item() == pytest.approx(5.0)
