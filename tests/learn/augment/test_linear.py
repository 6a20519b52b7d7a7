"""Linear reading of volumes against PyTorch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.learn.augment import places as module
from overread.learn.augment.linear import normalised, read
from overread.learn.augment.places import Places
from overread.learn.augment.spatial import Spatial


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=3), st.integers(0, 999))
def test_it_is_grid_sample(spatial: list[int], seed: int) -> None:
    rng, d = np.random.default_rng(seed), len(spatial)
    x = torch.from_numpy(rng.normal(size=(2, *spatial)).astype(np.float32))
    matrix = np.eye(d) + rng.normal(0, 0.5, (d, d))
    size = rng.integers(1, 9, d).tolist()
    control = rng.uniform(-0.2, 0.2, (d, *[7] * d)).tolist()
    places = Places(Spatial(matrix.tolist(), rng.normal(0, 0.3, d).tolist(), control), size)
    grid = normalised(places.whole(), spatial)[None]
    expected = F.grid_sample(x[None], grid, padding_mode="border", align_corners=False)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", 25)
        found, labels = read(x, places)
    assert labels is None
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
