"""What is said of a network is what it is: operations, maps, receptive fields, in every form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from overread import nets
from overread.cli import app
from overread.errors import InputError
from overread.nets.field import effective_field
from overread.nets.figures import figures, training_bytes
from overread.nets.live import Live
from overread.nets.named import size_of
from overread.nets.show import inspect_lines

# Araujo 2019 (distill.pub/2019/computing-receptive-fields) and the authors' tables; ResNet with its stride in the
# 3-voxel convolution.
FIELDS = {
    "alexnet": 195,
    "vgg16": 212,
    "resnet18": 435,
    "resnet50": 427,
    "efficientnet_b0": 851,
    "densenet121": 2071,
}
# Multiplications and additions of a picture of 224 x 224, three channels, 1000 outputs, as torchvision states them.
GMACS = {"resnet18": 1.814, "resnet50": 4.089, "efficientnet_b0": 0.386}


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_field_and_operations_are_those_that_were_published(name: str) -> None:
    found = figures(name, dims=2, channels=3, outputs=1000, size=(224, 224))
    assert found.field == (FIELDS[name],) * 2
    if name in GMACS:
        assert found.flops / 2e9 == pytest.approx(GMACS[name], rel=0.01)


def test_attention_sees_the_whole_image() -> None:
    assert figures("vit_tiny", dims=2, size=(32, 32)).field == (math.inf, math.inf)


@pytest.mark.parametrize("name", ["lenet", "alexnet", "vgg11"])
def test_no_voxel_outside_the_receptive_field_matters(name: str) -> None:
    [field, _] = figures(name, dims=2, size=(224, 224), arguments={"width": 0.1}).field
    network = nets.build(name, dims=2, channels=1, outputs=2, size=(224, 224), width=0.1).eval()
    # Positive weights, so that nothing cancels and no ReLU stands in the way.
    for p in network.parameters():
        nn.init.constant_(p, 1e-2)
    x = torch.rand(1, 1, 480, 480, requires_grad=True)
    out = network.body(x)
    [gradient] = torch.autograd.grad(out[0, :, out.shape[2] // 2, out.shape[3] // 2].sum(), x)
    rows = gradient[0, 0].abs().sum(1).nonzero()
    # Largest values choose one voxel each: the field is a bound.
    assert int(rows.max() - rows.min()) + 1 <= field
    if name == "lenet":
        assert int(rows.max() - rows.min()) + 1 == field


def test_a_chain_of_convolutions_by_hand() -> None:
    found = figures("lenet", dims=3, channels=2, outputs=4, size=(20, 20, 20))
    first = found.layers[0]
    assert (first.kernel, first.stride, first.padding) == ((5, 5, 5), (1, 1, 1), (2, 2, 2))
    assert first.shape == (6, 20, 20, 20) and first.activation_bytes == 4 * 6 * 20**3
    assert first.parameters == 2 * 6 * 125 + 6 and first.flops == 2 * 2 * 6 * 125 * 20**3
    assert [layer.field[0] for layer in found.layers if layer.kernel] == [5, 6, 14, 16, 32, 32]
    assert sum(layer.parameters for layer in found.layers) == found.parameters
    assert sum(layer.flops for layer in found.layers) == found.flops


def test_effective_field_of_one_convolution_is_its_kernel() -> None:
    conv = nn.Conv2d(1, 4, 3, padding=1)
    nn.init.ones_(conv.weight)
    assert effective_field(conv, (16, 16), channels=1) == pytest.approx(3)


def test_living_tensors_are_counted_from_birth_to_death() -> None:
    with torch.device("meta"), Live() as live:
        a = torch.zeros(1000)
        b = a + 1
        del a
        c = b * 2
        c.add_(1)
        view = c.reshape(10, 100)
    assert live.now == 8000 and live.peak == 8000
    del b, c, view
    assert live.now == 0


def test_training_of_a_larger_batch_needs_as_much_more() -> None:
    with torch.device("meta"):
        network = nets.build("lenet", dims=2, channels=1, outputs=2, size=(64, 64))
        one, two, three = [training_bytes(network, torch.zeros(n, 1, 64, 64)) for n in (2, 4, 6)]
    assert three - two == pytest.approx(two - one, rel=0.05) and two > one


def test_forms_stand_side_by_side() -> None:
    forms = nets.inspect("lenet", size=(24, 24, 8), outputs=3)
    assert [f.form for f in forms] == ["2.5D", "3D"]
    thin, deep = [f.figures for f in forms]
    assert thin.field == (32, 32, 3) and deep.field == (32, 32, 32)
    assert thin.flops < deep.flops and thin.parameters < deep.parameters
    text = "\n".join(inspect_lines(forms))
    assert "2.5D 24x24x8" in text and "3D 24x24x8" in text and "receptive field" in text
    with pytest.raises(InputError, match=r"size: found \[24\], expected 2 or 3 numbers"):
        nets.inspect("lenet", size=(24,))


def test_the_command_line_shows_them() -> None:
    shown = CliRunner().invoke(app, ["inspect", "lenet", "--size", "24x24", "--quick"])
    assert shown.exit_code == 0 and "LeCun 1998" in shown.output and "body.0.0" in shown.output
    with pytest.raises(InputError, match="found '24,24', expected voxels per axis"):
        size_of("24,24")
