"""Small changes of an ONNX graph: one output of several, and the background beside a single channel."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper, numpy_helper

from overread.errors import InputError

BOTH = "background_and_label"
"""Name of the output of `two_channels`."""


def only_output(model: bytes, name: str) -> bytes:
    """``model`` with its output ``name`` alone."""
    proto = onnx.load_model_from_string(model)
    kept = [o for o in proto.graph.output if o.name == name]
    del proto.graph.output[:]
    proto.graph.output.extend(kept)
    return bytes(proto.SerializeToString())


def two_channels(model: bytes, where: str) -> bytes:
    """``model``, whose output ``(batch, 1, *spatial)`` says how sure what is sought is, with 0 for the background
    before it: of both the larger is the decision at a sigmoid of a half. Raises InputError for several outputs."""
    import numpy as np

    proto = onnx.load_model_from_string(model)
    graph = proto.graph
    if len(graph.output) != 1:
        raise InputError(f"{where}: gives {len(graph.output)} outputs, expected one of one channel")
    own = graph.output[0].name
    graph.initializer.append(numpy_helper.from_array(np.zeros((), np.float32), "overread_zero"))
    graph.node.extend(
        [
            helper.make_node("Mul", [own, "overread_zero"], ["overread_background"]),
            helper.make_node("Concat", ["overread_background", own], [BOTH], axis=1),
        ]
    )
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(BOTH, TensorProto.FLOAT, None))
    return bytes(proto.SerializeToString())
