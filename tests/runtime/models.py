"""Tiny real ONNX networks whose answers are known."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from overread.runtime.manifest import Manifest


def threshold_segmenter(channels: int, dimensions: int, threshold: float) -> bytes:
    """Logits (0, 10 * (first channel - threshold)): label 1 wherever the first channel exceeds the threshold."""
    kernel = [1] * dimensions
    weight = np.zeros((2, channels, *kernel), np.float32)
    weight[1, 0] = 10.0
    bias = np.array([0.0, -10.0 * threshold], np.float32)
    return _conv_model(weight, bias, dimensions, channels, [])


def mean_classifier(dimensions: int, gain: float = 4.0) -> bytes:
    """Logits (0, gain * mean grey value)."""
    weight = np.zeros((2, 1, *[1] * dimensions), np.float32)
    weight[1, 0] = gain
    pool = [
        helper.make_node("GlobalAveragePool", ["conv"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["logits"]),
    ]
    return _conv_model(weight, np.zeros(2, np.float32), dimensions, 1, pool)


def _conv_model(weight: np.ndarray, bias: np.ndarray, dimensions: int, channels: int, tail: list) -> bytes:
    spatial = ["x", "y", "z"][:dimensions]
    nodes = [helper.make_node("Conv", ["image", "w", "b"], ["conv" if tail else "logits"]), *tail]
    out_shape = ["batch", 2] + ([] if tail else spatial)
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", channels, *spatial])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, out_shape)],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model.SerializeToString()


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
