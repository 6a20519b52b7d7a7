"""Body, pool and head of networks for whole images, and the ways of pooling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from overread.errors import InputError
from overread.nets.classifier import Classifier, last_linear, linear_head
from overread.nets.networks import build
from overread.nets.pool import POOLS, Attention, build_pool

SMALL = {"widths": [4, 4, 8, 8], "blocks": [1] * 4, "small_stem": True}


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_logits_are_the_head_on_the_features(pool: str, dimensions: int) -> None:
    network = build("resnet", dimensions, 1, 3, SMALL | {"pool": pool, "dropout": 0.5}).eval()
    assert isinstance(network, Classifier)
    x = torch.randn(2, 1, *(16,) * dimensions)
    linear = last_linear(network.head)
    features = network.features(x)
    assert features.shape == (2, linear.in_features)
    assert torch.allclose(network(x), features @ linear.weight.T + linear.bias, atol=1e-6)


@pytest.mark.parametrize("cells", [(4, 6), (3, 5), (1, 1), (2, 3, 5)])
def test_pools_agree_with_torch(cells: tuple[int, ...]) -> None:
    x, d = torch.randn(2, 5, *cells), len(cells)
    average, largest = [getattr(F, f"adaptive_{how}_pool{d}d") for how in ("avg", "max")]
    for name, expected in (("average", average(x, 1)), ("max", largest(x, 1)), ("adaptive", average(x, 2))):
        pool, length = build_pool(name, 5, d)
        found = pool(x)
        assert found.shape == (2, length)
        assert torch.allclose(found, expected.flatten(1), atol=1e-6), name


def test_attention_begins_as_the_average_and_weighs_every_cell() -> None:
    torch.manual_seed(0)
    pool, x = Attention(6), torch.randn(2, 6, 3, 4)
    assert torch.allclose(pool(x), x.mean((2, 3)), atol=1e-6)
    torch.nn.init.normal_(pool.score.weight)
    weights = pool.weights(x)
    assert weights.shape == (2, 3, 4) and torch.allclose(weights.sum((1, 2)), torch.ones(2), atol=1e-6)
    assert np.ptp(weights.detach().numpy()) > 0.01
    assert torch.allclose(pool(x), (x * weights[:, None]).sum((2, 3)), atol=1e-6)


def test_wrong_names_and_shares_are_told() -> None:
    with pytest.raises(InputError, match="pool: found 'mean', expected one of average, max"):
        build_pool("mean", 4, 2)
    with pytest.raises(InputError, match="dropout: found 1, expected 0 to below 1"):
        linear_head(4, 2, dropout=1.0)
