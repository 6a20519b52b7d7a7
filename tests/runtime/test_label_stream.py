"""A label map by slabs is that of the whole volume: on every grid, along every axis, with air cut off or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.runtime.models import manifest

from overread.imaging.image import Image
from overread.runtime.label_stream import doubts
from overread.runtime.manifest import Manifest
from overread.runtime.maps import maps_of
from overread.runtime.outputs import Outputs
from overread.runtime.preprocess import Prepared, decide, prepare
from overread.runtime.quality import sums_of
from overread.runtime.tasks import segmentation
from overread.runtime.tasks.segmenting import can_stream, labelled, painted, whole

LABELS = ["background", "a", "b"]
REGIONS = {"whole": {"labels": ["a", "b"], "paints": "a"}, "core": {"labels": ["b"], "paints": "b"}}


def package(**changes: object) -> Manifest:
    base: dict = {
        "task": "segmentation",
        "positive": None,
        "labels": LABELS,
        "windows": {"size": [6, 5, 4], "overlap": 0.5},
        "preprocess": {"dimensions": 3, "orientation": "RAS", "intensity": [{"method": "fixed"}]},
    }
    return manifest(**base | changes)


def network(channels: int) -> object:
    """Logits that differ from place to place and from window to window."""

    def answer(batch: np.ndarray) -> Outputs:
        tilt = np.linspace(-0.3, 0.3, batch.shape[-1], dtype=np.float32)
        z = [np.zeros_like(batch[:, 0]), 3 * batch[:, 0] + tilt, -2 * batch[:, 0] + 0.1][:channels]
        return {"logits": np.stack(z, axis=1)}

    return answer


def image(spatial: Sequence[int], spacing: Sequence[float], seed: int) -> Image:
    rng = np.random.default_rng(seed)
    return Image(rng.normal(size=(1, *spatial)).astype(np.float32), np.diag([*spacing, 1.0]))


def same(m: Manifest, prepared: Prepared, channels: int = 3) -> Outputs:
    """The stream's outputs, once they are those of the whole."""
    p = whole(network(channels), prepared, m)
    found = labelled(network(channels), prepared, m, maps=True)
    expected = decide(p, prepared, paints=painted(m))
    by_hand = segmentation.answer({"probability": p}, prepared, m)
    streamed = segmentation.answer(found, prepared, m)
    # Only where two labels are as likely as each other but for the last bit may the decision differ.
    assert (streamed.mask != by_hand.mask).sum() <= 1e-3 * expected.size + 1
    # Padding around the image is no part of it.
    filled = p[(slice(None), *prepared.inside)] if prepared.inside else p
    for key, value in sums_of(filled, apart=bool(m.regions)).items():
        np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-3)
    doubt = doubts(filled, apart=bool(m.regions))
    assert streamed.entropy_in_mask == pytest.approx(doubt.mean() if doubt.size else 0, rel=1e-4)
    maps, reference = maps_of(found, prepared, m), maps_of({"probability": p}, prepared, m)
    assert set(maps) == set(reference)
    for name, values in maps.items():
        assert np.abs(values.astype(int) - reference[name].astype(int)).max() <= 1
    return found


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.integers(3, 10), min_size=3, max_size=3),
    st.lists(st.sampled_from([0.6, 1.0, 1.7]), min_size=3, max_size=3),
    st.sampled_from([0.0, 0.5, 0.7]),
    st.booleans(),
    st.integers(0, 2**31),
)
def test_slabs_decide_as_the_whole(
    spatial: list[int], spacing: list[float], overlap: float, regions: bool, seed: int
) -> None:
    m = package(
        windows={"size": [6, 5, 4], "overlap": overlap},
        preprocess={
            "dimensions": 3,
            "orientation": "RAS",
            "spacing": [1.0, 1.0, 1.0],
            "intensity": [{"method": "fixed"}],
        },
        regions=REGIONS if regions else {},
    )
    prepared = prepare(image(spatial, spacing, seed), m.preprocess)
    assert can_stream(prepared)
    same(m, prepared, 2 if regions else 3)


def test_in_two_dimensions_and_at_once_and_padded() -> None:
    flat = {"dimensions": 2, "color": "gray", "intensity": [{"method": "fixed"}]}
    picture = Image(np.random.default_rng(0).normal(size=(1, 21, 17)).astype(np.float32), np.eye(4))
    for windows, spec in (
        ({"size": [8, 8], "overlap": 0.5}, flat),
        (None, flat),
        (None, flat | {"size": [32, 32], "fit": "pad"}),
        ({"size": [8, 8], "overlap": 0.25, "rule": "monai"}, flat),
        ({"size": [8, 8], "overlap": 0.5, "rule": "nnunet", "blend": "logits"}, flat),
    ):
        m = package(windows=windows, preprocess=spec)
        same(m, prepare(picture, m.preprocess))


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.integers(6, 16), min_size=3, max_size=3),
    st.lists(st.sampled_from([0.6, 1.0, 1.6]), min_size=3, max_size=3),
    st.integers(0, 2**31),
)
def test_air_is_background_and_is_not_shown_to_the_network(
    spatial: list[int], spacing: list[float], seed: int
) -> None:
    spec = {
        "dimensions": 3,
        "orientation": "RAS",
        "spacing": [1.0, 1.0, 1.0],
        "intensity": [{"method": "fixed"}],
    }
    rng = np.random.default_rng(seed)
    low = [int(rng.integers(0, n)) for n in spatial]
    body = tuple(slice(a, int(rng.integers(a + 1, n + 1))) for a, n in zip(low, spatial, strict=True))
    array = np.full((1, *spatial), -5, np.float32)
    array[(0, *body)] = 1
    asked = {"with": 0, "without": 0}

    def bright(name: str) -> object:
        def answer(batch: np.ndarray) -> Outputs:
            asked[name] += len(batch)
            return {"logits": np.stack([np.full_like(batch[:, 0], -2), 40 * batch[:, 0]], axis=1)}

        return answer

    plain = package(preprocess=spec, labels=LABELS[:2])
    cut = package(
        preprocess=spec, labels=LABELS[:2], windows={"size": [6, 5, 4], "overlap": 0.5, "air": -4.9}
    )
    prepared = prepare(Image(array, np.diag([*spacing, 1.0])), plain.preprocess)
    expected = labelled(bright("without"), prepared, plain)  # type: ignore[arg-type]
    found = labelled(bright("with"), prepared, cut)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found["mask"], expected["mask"])
    np.testing.assert_allclose(found["expected"][1], expected["expected"][1], atol=1e-3)
    assert asked["with"] <= asked["without"]


def test_nothing_but_air_is_background() -> None:
    m = package(windows={"size": [6, 5, 4], "overlap": 0.5, "air": 0.5})
    prepared = prepare(image((9, 9, 9), (1, 1, 1), 0).with_(array=np.zeros((1, 9, 9, 9))), m.preprocess)
    found = labelled(network(3), prepared, m)  # type: ignore[arg-type]
    assert not found["mask"].any() and found["voxels"][1:].sum() == 0


def test_slices_are_seen_with_their_neighbours() -> None:
    """2.5D: the middle one of three slices is labelled; beyond the image its outermost slice is repeated."""
    m = package(windows={"size": [4, 4, 1], "overlap": 0.5, "stack": 3}, labels=LABELS[:2])
    prepared = prepare(image((7, 6, 5), (1, 1, 1), 3), m.preprocess)

    def summed(batch: np.ndarray) -> Outputs:
        assert batch.shape[1:] == (3, 4, 4, 1)
        return {"logits": np.stack([np.zeros_like(batch[:, 0]), batch.sum(axis=1)], axis=1)}

    found = labelled(summed, prepared, m)
    x = prepared.array[0]
    around = np.concatenate([x[..., :1], x, x[..., -1:]], axis=-1)
    expected = around[..., :-2] + around[..., 1:-1] + around[..., 2:] > 0
    np.testing.assert_array_equal(found["mask"], expected)


def test_a_half_is_not_a_region_and_a_damaged_network_shows() -> None:
    m = package(regions=REGIONS)
    prepared = prepare(image((6, 5, 4), (1, 1, 1), 0), m.preprocess)
    zero = labelled(lambda b: {"logits": np.zeros((len(b), 2, *b.shape[2:]), np.float32)}, prepared, m)
    assert not zero["mask"].any()
    broken = labelled(
        lambda b: {"logits": np.full((len(b), 2, *b.shape[2:]), np.nan, np.float32)}, prepared, m
    )
    assert not np.isfinite(broken["expected"]).any()
