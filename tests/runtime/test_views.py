"""Views of an image: what moves voxels comes back exactly, whatever it is that a network says of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.models import manifest, mean_classifier, package_of, spot_detector

from overread.imaging.image import Image
from overread.runtime.answer import Classes, Objects
from overread.runtime.manifest import Manifest
from overread.runtime.outputs import Outputs
from overread.runtime.predict import predict
from overread.runtime.views import each_view, in_views, mirrored_views, parse_view, view_faults

MOVING = ["flip0", "flip1", "turn1", "turn2", "turn3", "turn1+flip0", "flip1+turn3+flip0"]


def dense(batch: np.ndarray) -> Outputs:
    """An equivariant network: the image, a place and a length along each axis for every voxel, and the mean."""
    d = batch.ndim - 2
    axes = tuple(range(2, 2 + d))
    gradient = np.stack(
        [np.roll(batch[:, 0], -1, a - 1) - np.roll(batch[:, 0], 1, a - 1) for a in axes], axis=1
    )
    return {
        "map": batch.copy(),
        "place": 0.5 + gradient,
        "length": np.abs(gradient),
        "mean": batch.mean(axes),
    }


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 3), st.integers(0, 99), st.sampled_from(MOVING))
def test_the_way_back_is_exact(d: int, seed: int, view: str) -> None:
    batch = np.random.default_rng(seed).normal(size=(2, 1, *(6, 6, 4)[:d])).astype(np.float32)
    plain, back = each_view(dense, batch, [view], per_axis={"place": "place", "length": "length"})
    assert np.array_equal(plain["map"], back["map"])
    for name in ("place", "length", "mean"):
        np.testing.assert_allclose(back[name], plain[name], atol=1e-6)
    together = in_views(dense, MOVING, per_axis={"place": "place", "length": "length"})(batch)
    np.testing.assert_allclose(together["place"], plain["place"], atol=1e-6)


def test_the_mean_is_over_the_image_and_its_views() -> None:
    def sided(batch: np.ndarray) -> Outputs:
        return {"logits": batch[:, 0, :, 0].sum(axis=1, keepdims=True)}

    batch = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    assert in_views(sided, ["flip1"])(batch)["logits"] == pytest.approx((0 + 3 + 6 + 2 + 5 + 8) / 2)
    assert in_views(sided, ["add1", "times2"])(batch)["logits"] == pytest.approx((9 + 12 + 18) / 3)
    assert in_views(sided, []) is sided
    assert mirrored_views([1, 0]) == ["flip0", "flip1", "flip0+flip1"]
    assert [p.kind for p in parse_view("turn1+add-0.5")] == ["turn", "add"]


def test_what_cannot_be_is_named() -> None:
    assert view_faults(["flip0", "turn2"], None, dimensions=2) == []
    (unknown,) = view_faults(["flop"], (4, 4), dimensions=2)
    assert "views: flop: found 'flop', expected flip0" in unknown
    (axis,) = view_faults(["flip2"], (4, 4), dimensions=2)
    assert "found axis 2, expected 0 to 1" in axis
    (square,) = view_faults(["turn1"], (4, 6), dimensions=2)
    assert "found 4 x 6" in square
    with pytest.raises(ValueError, match="views: flip2: found axis 2"):
        detector(views=["flip2"])


def detector(**changes: object) -> Manifest:
    spec = {"dimensions": 2, "intensity": [{"method": "fixed"}]}
    return manifest(task="detection", positive=None, labels=["nodule", "mass"], preprocess=spec, **changes)


def test_a_package_that_says_so_answers_with_the_mean_of_its_views() -> None:
    image = Image(np.full((1, 8, 8), 0.3, np.float32), np.eye(4))
    model = mean_classifier(2)
    plain = predict(package_of(model), image).answer
    viewed = predict(package_of(model, views=["flip1", "times2"]), image).answer
    assert isinstance(plain, Classes) and isinstance(viewed, Classes)
    assert viewed.log_odds["abnormal"] == pytest.approx(plain.log_odds["abnormal"] * 4 / 3, abs=1e-5)
    assert predict(package_of(model, views=["flip1", "times2"]), image).answer == viewed


@pytest.mark.parametrize("windows", [None, {"size": [16, 16], "overlap": 0.5}])
def test_boxes_come_back_from_every_view(windows: dict | None) -> None:
    x = np.zeros((1, 32, 32), np.float32)
    x[0, 5, 6] = x[0, 26, 13] = 1
    spec = {"dimensions": 2, "intensity": [{"method": "fixed"}]}
    options = {
        "task": "detection",
        "positive": None,
        "labels": ["nodule"],
        "preprocess": spec,
        "windows": windows,
    }
    turns = ["turn1", "turn3+flip0"] if windows else []
    found = [
        predict(package_of(spot_detector(2, 4, 6.0), views=views, **options), Image(x, np.eye(4))).answer
        for views in ([], ["flip0", "flip1", "flip0+flip1", *turns])
    ]
    plain, viewed = found
    assert isinstance(plain, Objects) and isinstance(viewed, Objects) and len(plain.boxes) == 2
    order = [np.argsort(o.boxes.low[:, 0]) for o in (plain, viewed)]
    for name in ("low", "high"):
        one, other = (getattr(o.boxes, name)[k] for o, k in zip((plain, viewed), order, strict=True))
        np.testing.assert_allclose(one, other, atol=1e-4)
