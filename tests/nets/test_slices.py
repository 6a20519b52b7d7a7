"""2.5D: every slice with its neighbours, in whatever axis, pooled by attention."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from overread import nets
from overread.errors import InputError
from overread.nets.architecture import Need
from overread.nets.networks import NETWORKS
from overread.nets.slices import Slices

PLANE = {"plane": "lenet", "arguments": {}}


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slice_sees_itself_and_its_neighbours_alone(axis: int) -> None:
    body = Slices(nn.Identity(), stack=3, axis=axis)
    x = torch.arange(4.0).reshape([4 if a == axis else 1 for a in range(3)]).expand(4, 4, 4)[None, None]
    out = body(x)
    assert out.shape == (1, 3, 4, 4, 4)
    # A map of the volume's own axes, where explanations look.
    assert torch.equal(out[:, 1:2], x)
    # Channels are the slice before, the slice and the one behind; outermost slices stand for those outside.
    assert out[0].movedim(1 + axis, 3)[:, 0, 0].T.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]


def test_the_order_of_slices_of_one_each_does_not_matter() -> None:
    torch.manual_seed(0)
    network = nets.build("slices", dims=3, channels=1, outputs=2, size=(16, 16, 6), stack=1, **PLANE).eval()
    x = torch.randn(2, 1, 16, 16, 6)
    assert torch.allclose(network(x), network(x[..., torch.randperm(6)]), atol=1e-5)


def test_one_telling_slice_can_win_the_attention() -> None:
    torch.manual_seed(0)
    network = nets.build("slices", dims=3, channels=1, outputs=2, size=(16, 16, 8), **PLANE)
    x = 0.1 * torch.randn(16, 1, 16, 16, 8)
    y = torch.arange(16) % 2
    x[y == 1, :, 4:12, 4:12, 3] += 2
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        optimizer.step()
    network.eval()
    assert (network(x).argmax(1) == y).all()
    maps = network.body(x).mean((2, 3))
    weights = network.pool.over.weights(maps)[y == 1].mean(0)
    assert weights.argmax() in (2, 3, 4) and weights.max() > 1.5 / 8


def test_slices_lie_along_the_thickest_axis() -> None:
    for spacing, axis in (((1.0, 1.0, 5.0), 2), ((4.0, 1.0, 1.0), 0), ((1.0, 1.0, 1.0), 2)):
        assert NETWORKS["slices"].arguments(Need(3, (32, 32, 32), spacing, False))["axis"] == axis


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dims": 2}, "slices: found images of 2 axes, expected volumes"),
        ({"stack": 2}, "found stack 2 along axis 2, expected an odd number"),
        ({"plane": "unet"}, "plane: found 'unet', expected a network for whole images"),
    ],
)
def test_wrong_ones_are_named(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        nets.build("slices", **({"dims": 3, "channels": 1, "outputs": 2} | PLANE | changes))
