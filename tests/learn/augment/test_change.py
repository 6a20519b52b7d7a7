"""Changes: identity changes nothing, labels stay labels, equal counters give equal images."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError
from overread.learn.augment.change import Change, apply, draw
from overread.learn.augment.grey_values import GREY_VALUES
from overread.learn.augment.place import place_patch
from overread.learn.augment.spatial import Spatial
from overread.learn.plan import Augment

GEOMETRY = Augment(rotate_deg=30, scale=0.3, shift=0.1, elastic=0.1, flip=[0])
STRONG = GEOMETRY.model_copy(
    update={"grey_values": {"blur": 1.0, "gamma": 0.3, "contrast": 0.3, "brightness": 0.3, "noise": 0.2}}
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 14), min_size=2, max_size=3), st.integers(0, 1000))
def test_identity_returns_every_bit(size: list[int], seed: int) -> None:
    change = draw(Augment(), len(size), seed=seed, epoch=0, index=0)
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(2, *size)).astype(np.float32))
    label = torch.from_numpy(np.random.default_rng(seed).integers(0, 5, size=size, dtype=np.uint8))
    image, mask = apply(change, x, label)
    assert torch.equal(image, x) and mask is not None and torch.equal(mask, label)
    flip = [seed % len(size)]
    mirror = Spatial(
        np.diag([-1.0 if a in flip else 1.0 for a in range(len(size))]).tolist(), [0.0] * len(size)
    )
    image, mask = apply(Change(mirror), x, label)
    assert (
        torch.equal(image, x.flip(flip[0] + 1)) and mask is not None and torch.equal(mask, label.flip(flip))
    )


def test_an_image_is_never_changed_itself() -> None:
    x = torch.randn(1, 8, 9)
    before = x.clone()
    for spatial in (Augment(), GEOMETRY):
        for i in range(6):
            change = draw(
                spatial.model_copy(update={"grey_values": STRONG.grey_values}), 2, seed=0, epoch=0, index=i
            )
            assert not torch.equal(apply(change, x)[0], before)
            assert torch.equal(x, before)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 3), st.integers(0, 10_000))
def test_labels_stay_labels_and_constant_stays_constant(d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = tuple(rng.integers(6, 16, d).tolist())
    spec = GEOMETRY.model_copy(update={"grey_values": {"blur": 1.0, "gamma": 0.3, "contrast": 0.3}})
    change = draw(spec, d, seed=seed, epoch=1, index=2)
    label = torch.from_numpy(rng.choice([0, 3, 200], size=size).astype(np.uint8))
    image, mask = apply(change, torch.full((1, *size), 1.7), label)
    assert mask is not None and set(mask.unique().tolist()) <= {0, 3, 200}
    torch.testing.assert_close(image, torch.full_like(image, 1.7), atol=1e-3, rtol=1e-3)


def test_image_and_label_move_together() -> None:
    ball = np.linalg.norm(np.stack(np.meshgrid(*[np.arange(40) - 22.0] * 3, indexing="ij")), axis=0) < 9
    spec = Augment(rotate_deg=30, scale=0.2, shift=0.1, elastic=0.05, flip=[0, 1, 2])
    for seed in range(5):
        image, mask = apply(
            draw(spec, 3, seed=seed, epoch=0, index=0),
            torch.from_numpy(ball[None].astype(np.float32)),
            torch.from_numpy(ball.astype(np.uint8)),
        )
        assert mask is not None
        both = ((image[0] > 0.5) & (mask > 0)).sum() * 2 / ((image[0] > 0.5).sum() + (mask > 0).sum())
        assert both > 0.95


def test_rotation_is_rigid_in_voxels() -> None:
    """A quarter turn of a long bar in a non-square image keeps its length in voxels."""
    bar = torch.zeros(1, 24, 48)
    bar[0, 11:13, 18:30] = 1
    image, _ = apply(Change(Spatial([[0.0, -1.0], [1.0, 0.0]], [0, 0])), bar)
    rows = (image[0] > 0.5).any(1).sum().item()
    columns = (image[0] > 0.5).any(0).sum().item()
    assert (rows, columns) == (12, 2)


def test_drawn_parameters_are_data_and_replay() -> None:
    x = torch.randn(2, 10, 12, 9)
    change = draw(STRONG, 3, seed=7, epoch=3, index=11)
    again = Change.from_dict(json.loads(json.dumps(change.as_dict())))
    assert again == change == draw(STRONG, 3, seed=7, epoch=3, index=11)
    assert torch.equal(apply(change, x)[0], apply(again, x)[0])
    assert draw(STRONG, 3, seed=7, epoch=3, index=12) != change
    assert draw(STRONG, 3, seed=7, epoch=4, index=11) != change


class Inversion:
    """A grey-value transform of somebody else's."""

    def draw(self, most: float, rng: np.random.Generator) -> dict[str, float]:
        return {"inverted": rng.uniform(0, most)}

    def apply(self, x: torch.Tensor, drawn: dict[str, float]) -> torch.Tensor:
        return -x


def test_a_further_transform_moves_no_others_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [draw(STRONG, 3, seed=1, epoch=2, index=i) for i in range(8)]
    table = {"inversion": Inversion(), **GREY_VALUES}
    monkeypatch.setattr("overread.learn.augment.change.GREY_VALUES", table)
    spec = STRONG.model_copy(update={"grey_values": {"inversion": 1.0} | STRONG.grey_values})
    for old, new in zip(before, (draw(spec, 3, seed=1, epoch=2, index=i) for i in range(8)), strict=True):
        assert new.spatial == old.spatial
        assert {k: v for k, v in new.grey_values.items() if k != "inversion"} == old.grey_values
        assert "inversion" in new.grey_values


@pytest.mark.parametrize("name", ["rotate_deg", "scale", "shift", "elastic", *GREY_VALUES])
def test_switching_one_off_moves_no_others_numbers(name: str) -> None:
    if name in GREY_VALUES:
        less = STRONG.model_copy(update={"grey_values": STRONG.grey_values | {name: 0.0}})
    else:
        less = STRONG.model_copy(update={name: 0.0})
    for i in range(6):
        one, other = (draw(s, 3, seed=1, epoch=0, index=i) for s in (STRONG, less))
        assert name not in other.grey_values
        assert {k: v for k, v in one.grey_values.items() if k != name} == other.grey_values
        if name != "shift":
            assert one.spatial.shift == other.spatial.shift
        if name != "elastic":
            assert one.spatial.control == other.spatial.control
        if name not in ("rotate_deg", "scale"):
            assert one.spatial.matrix == other.spatial.matrix


def test_contrasts_draw_for_themselves_and_colours_together() -> None:
    apart = STRONG.model_copy(update={"channels": 2})
    x = torch.randn(1, 12, 12).expand(2, 12, 12)
    for i in range(8):
        one, two = (draw(s, 2, seed=0, epoch=0, index=i) for s in (STRONG, apart))
        assert one.spatial == two.spatial
        assert {k: v[0] for k, v in two.grey_values.items() if v[0]} == {
            k: v[0] for k, v in one.grey_values.items()
        }
        assert Change.from_dict(json.loads(json.dumps(two.as_dict()))) == two
        quiet = {k: v for k, v in one.grey_values.items() if k != "noise"}
        alike, _ = apply(Change(one.spatial, quiet), x)
        assert torch.equal(alike[0], alike[1])
        image, _ = apply(two, x)
        assert not torch.allclose(image[0], image[1], atol=1e-3)
        # The first channel is changed as it would be alone.
        torch.testing.assert_close(
            apply(Change(two.spatial, {k: v[:1] for k, v in two.grey_values.items() if v[0]}), x[:1])[0][0],
            image[0],
        )


def test_an_unknown_transform_is_named() -> None:
    with pytest.raises(InputError, match="grey_values: found 'sepia', expected some of stain, motion"):
        draw(Augment(grey_values={"sepia": 1.0}), 2, seed=0, epoch=0, index=0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(2, 9), st.integers(2, 9)), min_size=2, max_size=3), st.integers(0, 99))
def test_an_unchanged_patch_is_a_piece_of_the_image(axes: list[tuple[int, int]], seed: int) -> None:
    """Edges are repeated where the image is smaller than the patch."""
    spatial, size = tuple(n for n, _ in axes), tuple(s for _, s in axes)
    rng = np.random.default_rng(seed)
    mask = rng.integers(1, 9, spatial).astype(np.uint8)
    start = place_patch(spatial, size, [rng.integers(n) for n in spatial])
    image, label = apply(
        Change(Spatial(np.eye(len(size)).tolist(), [0.0] * len(size))),
        torch.from_numpy(mask[None].astype(np.float32)),
        torch.from_numpy(mask),
        size=size,
        start=start,
    )
    index = np.ix_(
        *[np.clip(np.arange(a, a + s), 0, n - 1) for a, s, n in zip(start, size, spatial, strict=True)]
    )
    np.testing.assert_allclose(image[0].numpy(), mask[index], atol=1e-3)
    np.testing.assert_array_equal(label, mask[index])


def test_what_lies_beside_a_patch_turns_into_it_and_not_its_repeated_edge() -> None:
    x = torch.zeros(1, 40, 40)
    x[0, 19:21, 27:37] = 1
    quarter = Change(Spatial([[0.0, -1.0], [1.0, 0.0]], [0.0, 0.0]))
    image, _ = apply(quarter, x, size=(20, 20), start=(10, 10))
    assert image.sum() == pytest.approx(2 * 3, abs=0.1)
    doubled = Change(Spatial([[2.0, 0.0], [0.0, 2.0]], [0.0, 0.0]))
    image, _ = apply(doubled, x, size=(20, 20), start=(10, 10))
    assert image.sum() == pytest.approx(2 * 10 / 4, abs=0.2)


@pytest.mark.parametrize("d", [2, 3])
def test_strong_changes_give_finite_numbers(d: int) -> None:
    for i in range(20):
        image, _ = apply(draw(STRONG, d, seed=0, epoch=0, index=i), torch.randn(2, *[12] * d) * 3)
        assert torch.isfinite(image).all()
