"""Networks for label maps: coarser answers while they learn, places for other sizes, and the sizes of their papers."""

from __future__ import annotations

import pytest
import torch
from tests.nets.test_architecture import CHANNELS, LABELS, made

from overread import nets
from overread.errors import InputError
from overread.nets.architecture import by_name
from overread.nets.label_maps import LABEL_MAPS
from overread.nets.networks import build, parameters_of
from overread.nets.tokens import resize_positions

SIZES_OF_ONE = [name for name in LABEL_MAPS if not name.startswith("mednext") or name == "mednext_small"]


@pytest.mark.parametrize("name", SIZES_OF_ONE)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_coarser_answers_are_there_while_it_learns_and_only_then(name: str, dimensions: int) -> None:
    _, arguments, size, _ = made(name, dimensions)
    with torch.device("meta"):
        network = build(name, dimensions, CHANNELS, LABELS, arguments | {"supervised": 1})
        found = by_name(network.train()(torch.zeros(2, CHANNELS, *size)))
        assert list(found) == ["logits", "logits_1"]
        assert tuple(found["logits"].shape[2:]) == size
        coarser = found["logits_1"].shape
        assert coarser[:2] == (2, LABELS) and all(
            n / m in (1, 2, 4) for n, m in zip(size, coarser[2:], strict=True)
        )
        assert max(n / m for n, m in zip(size, coarser[2:], strict=True)) > 1
        plain = build(name, dimensions, CHANNELS, LABELS, arguments)
        assert list(by_name(network.eval()(torch.zeros(1, CHANNELS, *size)))) == ["logits"]
    head = {k for k in network.state_dict() if k not in plain.state_dict()}
    assert head and set(plain.state_dict()) <= set(network.state_dict())
    with pytest.raises(InputError, match="supervised: found 9"):
        build(name, dimensions, CHANNELS, LABELS, arguments | {"supervised": 9})


@pytest.mark.parametrize("name", ["unetr", "transunet"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_places_are_interpolated_for_other_sizes(name: str, dimensions: int) -> None:
    _, arguments, _, _ = made(name, dimensions)
    step = LABEL_MAPS[name].multiple(arguments, dimensions)
    small, large = [2 * m for m in step], [3 * m for m in step]
    torch.manual_seed(0)
    one = build(name, dimensions, 1, 2, arguments | {"size": small}).eval()
    other = build(name, dimensions, 1, 2, arguments | {"size": large}).eval()
    state = one.state_dict()
    [key] = [k for k in state if k.endswith("positions.embedding")]
    state[key] = resize_positions(state[key], [3] * dimensions)
    other.load_state_dict(state)
    x = torch.randn(1, 1, *large)
    with torch.no_grad():
        torch.testing.assert_close(one(x), other(x))


@pytest.mark.parametrize(
    ("name", "variant"), [("small", "S"), ("base", "B"), ("medium", "M"), ("large", "L")]
)
def test_mednext_has_the_parameters_of_monais(name: str, variant: str) -> None:
    from monai.networks.nets.mednext import create_mednext

    with torch.device("meta"):
        theirs = create_mednext(variant, spatial_dims=3, in_channels=1, out_channels=3)
        ours = nets.build(f"mednext_{name}", dims=3, channels=1, outputs=3, width=1.0)
    assert parameters_of(ours) == parameters_of(theirs)


def test_swin_unetr_has_nearly_the_parameters_of_monais() -> None:
    from monai.networks.nets.swin_unetr import SwinUNETR

    theirs = SwinUNETR(1, 3, feature_size=24, spatial_dims=2, window_size=7)
    with torch.device("meta"):
        ours = nets.build("swin_unetr", dims=2, channels=1, outputs=3, width=0.5)
    assert parameters_of(ours) == pytest.approx(parameters_of(theirs), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("unetr", {"patch": [3, 3]}, r"patch: found \[3, 3\], expected 2 of 1, 2, 4, 8 and 16"),
        ("unetr", {"depth": 2}, "depth: found 2, expected at least 4"),
        ("transunet", {"hidden": 100}, "hidden, depth: found 100"),
        ("mednext_small", {"kernel": 4}, "kernel: found 4"),
        ("vnet", {"channels": 17}, "found 17 channels, expected at most 16"),
        ("segresnet", {"spacing": [1.0]}, r"spacing: found \[1.0\]|expected 2 numbers"),
        ("swin_unetr", {"blocks": [2, 2]}, r"blocks: found \[2, 2\], expected 4"),
        ("resenc_unet", {"blocks": [1]}, r"blocks: found \[1\]"),
        (
            "dynunet",
            {"strides": [[2, 2]] * 3, "kernels": [[3, 3]] * 3, "widths": [8] * 3},
            r"strides\[0\]: found \[2, 2\]",
        ),
    ],
)
def test_wrong_arguments_are_named(name: str, changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        nets.build(name, **({"dims": 2, "channels": 1, "outputs": 2, "size": (64, 64)} | changes))


def test_a_colour_picture_goes_into_a_vnet() -> None:
    network = nets.build("vnet", dims=2, channels=3, outputs=2, size=(32, 32), first_width=4).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 2, 32, 32)
