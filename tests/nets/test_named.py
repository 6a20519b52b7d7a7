"""Networks by name are those of their papers."""

from __future__ import annotations

import pytest
import torch

from overread import nets
from overread.errors import InputError
from overread.nets.networks import parameters_of

# Of 1000 outputs on colour pictures: torchvision 0.28 and timm 1.0. A class token and its place (2 per channel) are
# left out of the transformers.
PUBLISHED = {
    "inception": 6_624_904,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "densenet121": 7_978_856,
    "densenet169": 14_149_480,
    "efficientnet_b0": 5_288_548,
    "efficientnet_b2": 9_109_994,
    "efficientnet_b4": 19_341_616,
    "efficientnet_lite0": 4_652_008,
    "convnext_tiny": 28_589_128,
    "convnext_small": 50_223_688,
    "vit_tiny": 5_717_416 - 2 * 192,
    "vit_small": 22_050_664 - 2 * 384,
    "vit_base": 86_567_656 - 2 * 768,
    "swin_tiny": 28_288_354,
    "swin_small": 49_606_258,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_network_has_the_parameters_of_its_paper(name: str) -> None:
    with torch.device("meta"):
        network = nets.build(name, dims=2, channels=3, outputs=1000)
    assert parameters_of(network) == PUBLISHED[name]


def test_arguments_take_the_place_of_defaults() -> None:
    narrow = nets.build("resnet18", dims=3, channels=2, outputs=5, size=(28, 28, 28), width=0.125, pool="max")
    assert narrow.body.conv1.weight.shape == (8, 2, 3, 3, 3)
    assert narrow(torch.zeros(2, 2, 9, 9, 9)).shape == (2, 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dims": 4}, "dims: found 4, expected 2 or 3"),
        ({"size": (8, 8, 8)}, r"size: found \[8, 8, 8\], expected 2 numbers"),
        ({"spacing": (1.0, 0.0)}, r"spacing: found \[1.0, 0.0\]"),
        ({"width": 0}, "width: found 0, expected above 0"),
        ({"downsample": "median"}, "downsample: found 'median', expected one of max, average, strided"),
        ({"wide": 1}, "argument 'wide' is unknown"),
    ],
)
def test_wrong_ones_are_named(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        nets.build("resnet18", **({"dims": 2, "channels": 1, "outputs": 2} | changes))
