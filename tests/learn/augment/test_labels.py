"""Label maps at the places of a grid: the largest share wins, however many labels there are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.learn.augment.change import Change, apply, draw
from overread.learn.augment.labels import LabelReader
from overread.learn.augment.linear import cells_of, normalised
from overread.learn.augment.spatial import Spatial
from overread.learn.plan import Augment

SPEC = Augment(rotate_deg=30, scale=0.3, shift=0.1, elastic=0.1, flip=[0])


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 1000),
    st.lists(st.integers(2, 9), min_size=2, max_size=3),
    st.sampled_from([1, 2, 3, 4, 9, 256]),
)
def test_the_largest_share_wins(seed: int, spatial: list[int], count: int) -> None:
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(
        rng.choice(256, count, replace=False)[rng.integers(0, count, spatial)].astype(np.uint8)
    )
    d = len(spatial)
    at = torch.from_numpy(np.stack([rng.uniform(-1.5, n + 0.5, 40) for n in spatial]).astype(np.float32))
    grid = normalised(at, spatial).view(*[1] * (d - 1), 40, d)
    names = labels.unique()
    shares = torch.stack([(labels == n).float() for n in names])
    options = {"mode": "bilinear", "padding_mode": "border", "align_corners": False}
    expected = F.grid_sample(shares[None], grid[None], **options)[0]
    found = LabelReader(labels)(cells_of(at, spatial)).view(*[1] * (d - 1), 40)
    assert found.dtype == torch.uint8
    own = expected.gather(0, torch.searchsorted(names, found)[None])[0]
    assert (own >= expected.amax(dim=0) - 1e-4).all()


@pytest.mark.parametrize("count", [2, 12])
def test_labels_of_any_type_come_back(count: int) -> None:
    labels = torch.arange(count).repeat_interleave(4).view(count, 4) * 1000
    _, mask = apply(Change(Spatial([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])), torch.zeros(1, count, 4), labels)
    assert mask is not None and torch.equal(mask, labels)


def test_half_a_voxel_to_either_side_is_the_same_shift() -> None:
    """Nearest neighbour sends every half to the even voxel: outlines become stairs."""
    ball = np.linalg.norm(np.indices((40, 40)) - 19.5, axis=0) < 10
    x, mask = torch.from_numpy(ball[None].astype(np.float32)), torch.from_numpy(ball.astype(np.uint8))
    for i in range(5):
        image, label = apply(draw(SPEC, 2, seed=0, epoch=0, index=i), x, mask)
        assert label is not None
        # The label map is where the image, read linearly, is above a half.
        assert torch.equal(label > 0, image[0] >= 0.5 - 1e-5)
