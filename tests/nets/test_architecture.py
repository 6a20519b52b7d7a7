"""What every architecture promises, in 2D and 3D."""

from __future__ import annotations

import functools
import inspect

import numpy as np
import pytest
import torch
from tests.learn.toys import plan_for_network

from overread.learn.export import export_onnx
from overread.nets.architecture import Need, by_name
from overread.nets.label_maps import LABEL_MAPS
from overread.nets.networks import NETWORKS, build
from overread.task import TASKS

CHANNELS, LABELS = 2, 3
# Of each paper the smallest network: the others have its layers, more of them.
SMALLEST = list({made.source: name for name, made in reversed(NETWORKS.items())}.values())
cases = pytest.mark.parametrize(
    ("name", "dimensions"),
    [(name, d) for name in NETWORKS for d in (2, 3) if (name, d) != ("slices", 2)],
    ids=lambda v: str(v),
)


@functools.cache
def made(name: str, dimensions: int):
    """The network with its default arguments for a small image, narrow, and a size that suits it."""
    architecture = NETWORKS[name]
    arguments = architecture.arguments(Need(dimensions, (30,) * dimensions, (1.0,) * dimensions, False))
    known = inspect.signature(architecture.build).parameters
    if "width" in known:
        arguments["width"] = 0.1
    elif "first_width" in known:
        arguments["first_width"] = 2
    elif name == "slices":
        arguments["arguments"]["width"] = 0.1
    elif "widths" in arguments:
        arguments["widths"] = [8 * (i + 1) for i in range(len(arguments["widths"]))]
    if name == "swin_unetr":
        arguments["blocks"] = [2, 1, 1, 1]
    # Transformers are as deep as this in no paper.
    arguments |= {
        key: few for key, few in (("depth", 4), ("hidden", 16)) if key in known and name in LABEL_MAPS
    }
    multiple = architecture.multiple(arguments, dimensions)
    size = tuple(max(1, 20 // m) * m for m in multiple)
    if 8 < size[0] == multiple[0] < 20:
        # One cell in the last map is no group to normalise over.
        size = (2 * size[0], *size[1:])
    torch.manual_seed(0)
    return architecture, arguments, size, build(name, dimensions, CHANNELS, LABELS, arguments)


def expected(answer: str, output: str, dimensions: int, cells: tuple[int, ...]) -> tuple[int, ...]:
    """Channels and cells of an output of a network that gives ``answer``."""
    match answer, output:
        case (("classes" | "findings" | "value"), "logits"):
            return (LABELS,)
        case "label_map", "logits":
            return (LABELS, *cells)
        case "objects", "heat":
            return (LABELS, *cells)
        case "objects", ("size" | "offset"):
            return (dimensions, *cells)
    raise AssertionError(f"no shape known for {output} of {answer}")


@cases
def test_outputs_have_their_names_and_shapes_at_every_multiple(name: str, dimensions: int) -> None:
    architecture, arguments, size, network = made(name, dimensions)
    longer = (size[0] + architecture.multiple(arguments, dimensions)[0], *size[1:])
    stride = architecture.stride(arguments, dimensions)
    for spatial in (size, longer):
        with torch.no_grad():
            outputs = by_name(network(torch.randn(2, CHANNELS, *spatial)))
        assert tuple(outputs) == architecture.outputs
        cells = tuple(n // s for n, s in zip(spatial, stride, strict=True))
        for output, value in outputs.items():
            for answer in architecture.answers:
                assert tuple(value.shape) == (2, *expected(answer, output, dimensions, cells))


@cases
def test_every_parameter_gets_a_gradient(name: str, dimensions: int) -> None:
    _, _, size, network = made(name, dimensions)
    sum(v.square().mean() for v in by_name(network(torch.randn(2, CHANNELS, *size))).values()).backward()
    without = [k for k, p in network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not without


@pytest.mark.parametrize(
    ("name", "dimensions"), [(name, d) for name in SMALLEST for d in (2, 3) if (name, d) != ("slices", 2)]
)
def test_onnx_equals_torch_with_any_batch(name: str, dimensions: int) -> None:
    architecture, arguments, size, network = made(name, dimensions)
    task = next(k for k, v in TASKS.items() if v.answer in architecture.answers)
    plan = plan_for_network(task, name, arguments, size, channels=CHANNELS, labels=LABELS)
    rng = np.random.default_rng(0)
    samples = [rng.normal(size=(CHANNELS, *size)).astype(np.float32) for _ in range(3)]
    exported = export_onnx(network, plan, samples)
    assert tuple(exported.outputs) == architecture.outputs
    assert exported.largest_difference < 1e-4


@cases
def test_layers_to_look_at_exist_and_are_passed_in_their_order(name: str, dimensions: int) -> None:
    architecture, _, size, network = made(name, dimensions)
    layers, passed = list(architecture.layers(network)), []
    modules = dict(network.named_modules())
    for layer in layers:
        modules[layer].register_forward_hook(lambda _m, _i, _o, layer=layer: passed.append(layer))
    with torch.no_grad():
        network.eval()(torch.randn(1, CHANNELS, *size))
    assert passed == layers


@cases
def test_arguments_are_json_and_follow_large_images_too(name: str, dimensions: int) -> None:
    need = Need(dimensions, (512, 512, 40)[:dimensions], (0.6, 0.6, 4.0)[:dimensions], True)
    arguments = NETWORKS[name].arguments(need)
    with torch.device("meta"):
        assert build(name, dimensions, 1, 2, arguments)
    assert min(NETWORKS[name].multiple(arguments, dimensions)) >= 1 and NETWORKS[name].source


def test_every_answer_has_a_network() -> None:
    for task, facts in TASKS.items():
        assert any(facts.answer in a.answers for a in NETWORKS.values()), task


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_unet_that_begins_at_half_resolution_answers_every_voxel(dimensions: int) -> None:
    need = Need(
        dimensions, (40,) * dimensions, (1.0,) * dimensions, False, first_stride=2, first_width=4, widest=8
    )
    arguments = NETWORKS["unet"].arguments(need)
    assert arguments["strides"][0] == [2] * dimensions and arguments["widths"][:3] == [4, 8, 8]
    size = tuple(2 * m for m in NETWORKS["unet"].multiple(arguments, dimensions))
    network = build("unet", dimensions, 1, LABELS, arguments)
    out = by_name(network(torch.randn(1, 1, *size)))["logits"]
    assert tuple(out.shape) == (1, LABELS, *size)
    plan = plan_for_network("segmentation", "unet", arguments, size, channels=1, labels=LABELS)
    sample = np.random.default_rng(0).normal(size=(1, *size)).astype(np.float32)
    assert export_onnx(network, plan, [sample]).largest_difference < 1e-4
