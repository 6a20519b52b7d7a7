"""Tiny real ONNX networks whose answers are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from overread.runtime.manifest import Manifest
from overread.runtime.package import Package


def threshold_segmenter(channels: int, dimensions: int, threshold: float) -> bytes:
    """Logits (0, 10 * (first channel - threshold)): label 1 wherever the first channel exceeds the threshold."""
    kernel = [1] * dimensions
    weight = np.zeros((2, channels, *kernel), np.float32)
    weight[1, 0] = 10.0
    bias = np.array([0.0, -10.0 * threshold], np.float32)
    return _conv_model(weight, bias, dimensions, channels, [])


def planes(labels: int) -> bytes:
    """Logits of a volume that cut its grey values into ``labels`` steps: k times the value, less a square of k."""
    k = np.arange(labels, dtype=np.float32)
    return _conv_model(k.reshape(-1, 1, 1, 1, 1), -(k**2) / labels, 3, 1, [])


def mean_classifier(dimensions: int, gain: float = 4.0) -> bytes:
    """Logits (0, gain * mean grey value)."""
    return mean_logits(dimensions, [0.0, gain], [0.0, 0.0])


def mean_logits(
    dimensions: int, gain: Sequence[float], bias: Sequence[float], output: str = "logits"
) -> bytes:
    """A logit for each label: gain * mean grey value + bias."""
    weight = np.array(gain, np.float32).reshape(-1, 1, *[1] * dimensions)
    pool = [
        helper.make_node("GlobalAveragePool", ["conv"], ["pool"]),
        helper.make_node("Flatten", ["pool"], [output]),
    ]
    return _conv_model(weight, np.array(bias, np.float32), dimensions, 1, pool, output)


def with_features(dimensions: int, gain: float = 4.0) -> bytes:
    """As `mean_classifier`, with the mean grey value ``(batch, 1)`` as its features."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["features"]),
        helper.make_node("MatMul", ["features", "w"], ["logits"]),
    ]
    shapes: dict[str, list[str | int]] = {"logits": ["batch", 2], "features": ["batch", 1]}
    return _model(
        nodes,
        ["batch", 1, *["x", "y", "z"][:dimensions]],
        shapes,
        {"w": np.array([[0.0, gain]], np.float32)},
    )


def spot_detector(dimensions: int, stride: int, extent: float) -> bytes:
    """Heat 10 * (largest grey value of a cell - 0.5); every box of ``extent`` voxels around the middle of its cell."""
    spatial = ["x", "y", "z"][:dimensions]
    ones, d = [1] * dimensions, dimensions
    strides = [stride] * dimensions
    nodes = [
        helper.make_node("MaxPool", ["image"], ["pool"], kernel_shape=strides, strides=strides),
        helper.make_node("Conv", ["pool", "hw", "hb"], ["heat"]),
        helper.make_node("Conv", ["pool", "zw", "sb"], ["size"]),
        helper.make_node("Conv", ["pool", "zw", "ob"], ["offset"]),
    ]
    tensors = {
        "hw": np.full((1, 1, *ones), 10.0),
        "hb": np.array([-5.0]),
        "zw": np.zeros((d, 1, *ones)),
        "sb": np.full(d, np.log(extent)),
        "ob": np.full(d, 0.5),
    }
    cells = [f"{axis}_cells" for axis in spatial]
    return _model(
        nodes,
        ["batch", 1, *spatial],
        {"heat": ["batch", 1, *cells], "size": ["batch", d, *cells], "offset": ["batch", d, *cells]},
        {name: array.astype(np.float32) for name, array in tensors.items()},
    )


def _conv_model(
    weight: np.ndarray,
    bias: np.ndarray,
    dimensions: int,
    channels: int,
    tail: list[NodeProto],
    output: str = "logits",
) -> bytes:
    spatial = ["x", "y", "z"][:dimensions]
    nodes = [helper.make_node("Conv", ["image", "w", "b"], ["conv" if tail else output]), *tail]
    shape = ["batch", len(bias)] + ([] if tail else spatial)
    return _model(nodes, ["batch", channels, *spatial], {output: shape}, {"w": weight, "b": bias})


def _model(
    nodes: list[NodeProto],
    image: Sequence[str | int],
    outputs: Mapping[str, Sequence[str | int]],
    tensors: Mapping[str, np.ndarray],
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, image)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def manifest(**changes: object) -> Manifest:
    """A valid manifest of a 2D binary classifier, with ``changes``."""
    base: dict = {
        "name": "tiny",
        "version": "1.0",
        "created": "2026-01-01T00:00:00+00:00",
        "task": "classification",
        "channels": [{"name": "image"}],
        "preprocess": {"dimensions": 2, "color": "gray", "size": [8, 8], "intensity": [{"method": "fixed"}]},
        "labels": ["normal", "abnormal"],
        "positive": "abnormal",
        "files": {},
    }
    return Manifest.model_validate(base | changes)


def package_of(model: bytes, **changes: object) -> Package:
    """A package in memory of `manifest` with ``changes``."""
    return Package(Path("tiny.overread"), manifest(**changes).sealed(), model)
