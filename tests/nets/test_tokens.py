"""Patches, attention and places of transformers, for any size of image."""

from __future__ import annotations

import pytest
import torch

from overread import nets
from overread.nets.architecture import Need
from overread.nets.tokens import (
    Attention,
    Patches,
    Positions,
    RelativeBias,
    choose_patch,
    pad_to_multiple,
    resize_positions,
    to_map,
    to_tokens,
)


def ramp(cells: tuple[int, ...]) -> torch.Tensor:
    """``(1, 1, *cells)``: sum over the axes of the cell's place from 0 to 1; linear inside the outermost cells."""
    return sum(torch.meshgrid(*((torch.arange(n) + 0.5) / n for n in cells), indexing="ij"))[None, None]


@pytest.mark.parametrize("cells", [(8, 8), (3, 5), (6, 4, 5)])
def test_places_that_lie_on_a_line_stay_on_it(cells: tuple[int, ...]) -> None:
    grid = (12, 10, 16)[: len(cells)]
    assert torch.allclose(resize_positions(ramp(grid), cells), ramp(cells), atol=1e-5)
    assert resize_positions(ramp(grid), grid).shape == ramp(grid).shape


def test_places_are_their_own_on_their_own_grid() -> None:
    positions = Positions(4, (3, 5))
    x = torch.randn(2, 4, 3, 5)
    assert torch.equal(positions(x), x + positions.embedding)
    assert positions(torch.zeros(1, 4, 6, 7)).shape == (1, 4, 6, 7)


@pytest.mark.parametrize("name", ["vit_tiny", "coatnet_nano"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_transformer_answers_other_sizes(name: str, dimensions: int) -> None:
    size = (16,) * dimensions
    network = nets.build(name, dims=dimensions, channels=1, outputs=3, size=size, width=0.25).eval()
    for other in (size, (20, 12, 9)[:dimensions]):
        assert network(torch.randn(1, 1, *other)).shape == (1, 3)


@pytest.mark.parametrize("cells", [(3, 4), (2, 3, 2)])
def test_a_relative_bias_knows_only_how_far_and_whereto(cells: tuple[int, ...]) -> None:
    made = RelativeBias(2, cells)
    bias, places = made(cells), torch.cartesian_prod(*(torch.arange(n) for n in cells)).tolist()
    for i, here in enumerate(places):
        for j, there in enumerate(places):
            at = [a - b + n - 1 for a, b, n in zip(here, there, cells, strict=True)]
            assert torch.equal(bias[0, :, i, j], made.table[(0, slice(None), *at)])


def test_attention_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(8, 2), torch.nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.load_state_dict(
        {
            "in_proj_weight": ours.qkv.weight,
            "in_proj_bias": ours.qkv.bias,
            "out_proj.weight": ours.proj.weight,
            "out_proj.bias": ours.proj.bias,
        }
    )
    x, bias = torch.randn(3, 5, 8), torch.randn(1, 2, 5, 5)
    expected, _ = theirs(x, x, x, attn_mask=bias.expand(3, 2, 5, 5).reshape(6, 5, 5))
    assert torch.allclose(ours(x, bias), expected, atol=1e-5)


def test_patches_see_every_voxel() -> None:
    patches = Patches(3, 1, 1, (2, 3, 4))
    torch.nn.init.ones_(patches.weight)
    torch.nn.init.zeros_(patches.bias)
    x = torch.rand(1, 1, 5, 7, 9)
    assert patches(x).shape == (1, 1, 3, 3, 3) and torch.allclose(patches(x).sum(), x.sum(), atol=1e-3)
    assert pad_to_multiple(x, (5, 7, 9)) is x


def test_tokens_and_maps_are_each_others_inverse() -> None:
    x = torch.randn(2, 3, 4, 5, 6)
    assert torch.equal(to_map(to_tokens(x), x.shape[2:]), x)


@pytest.mark.parametrize(
    ("size", "patch"),
    [((224, 224), [16, 16]), ((28, 28), [2, 2]), ((64, 64, 20), [8, 8, 4]), ((5, 5), [2, 2])],
)
def test_a_patch_leaves_as_many_tokens_as_attention_can_pay_for(size: tuple, patch: list) -> None:
    assert choose_patch(Need(len(size), size, (1.0,) * len(size), False)) == patch
