"""Facts of an ONNX file, read without the onnx package, hold against that package."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tests.runtime.models import mean_classifier, spot_detector

from overread.errors import InputError
from overread.runtime.onnx_file import EXTERNAL, MESSAGES, onnx_facts


def test_outputs_in_order() -> None:
    assert onnx_facts(mean_classifier(2), "x").outputs == ("logits",)
    facts = onnx_facts(spot_detector(3, 4, 6.0), "x")
    assert facts.outputs == ("heat", "size", "offset") and facts.external == ()


def test_every_way_to_a_tensor_in_the_format_is_walked() -> None:
    ways: dict[str, dict[int, str]] = {}
    waiting = [onnx.ModelProto.DESCRIPTOR]
    while waiting:
        kind = waiting.pop()
        if kind.name in ways:
            continue
        ways[kind.name] = {f.number: f.message_type.name for f in kind.fields if f.message_type}
        waiting += [f.message_type for f in kind.fields if f.message_type]
    leads = {"TensorProto"}
    while True:
        more = {name for name, fields in ways.items() if leads & set(fields.values())} - leads
        if not more:
            break
        leads |= more
    expected = {name: {n: k for n, k in ways[name].items() if k in leads} for name in leads}
    assert expected == MESSAGES
    assert onnx.TensorProto.EXTERNAL == EXTERNAL


def outside(name: str) -> TensorProto:
    tensor = numpy_helper.from_array(np.zeros(2, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    return tensor


def in_initializer(model: Any) -> None:
    model.graph.initializer.append(outside("w"))


def in_constant(model: Any) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=outside("w")))


def in_branch(model: Any) -> None:
    branch = helper.make_graph([], "then", [], [], [outside("w")])
    model.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch))


def in_function(model: Any) -> None:
    node = helper.make_node("Constant", [], ["c"], value=outside("w"))
    model.functions.append(helper.make_function("d", "f", [], ["c"], [node], [helper.make_opsetid("", 17)]))


def in_sparse(model: Any) -> None:
    sparse = model.graph.sparse_initializer.add()
    sparse.values.CopyFrom(outside("w"))


def without_the_flag(model: Any) -> None:
    tensor = outside("w")
    tensor.ClearField("data_location")
    model.graph.initializer.append(tensor)


@pytest.mark.parametrize(
    "add", [in_initializer, in_constant, in_branch, in_function, in_sparse, without_the_flag]
)
def test_weights_in_other_files_are_seen(add: Any) -> None:
    model = onnx.load_model_from_string(mean_classifier(2))
    add(model)
    assert set(onnx_facts(model.SerializeToString(), "x").external) == {"w"}


@pytest.mark.parametrize("data", [b"", b"hello, world", b"\x0b", b"\x3a\xff\xff\xff\xff\x0f", b"\xff" * 20])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^here: model\.onnx is not an ONNX file"):
        onnx_facts(data, "here: model.onnx")


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 400))
def test_damage_raises_nothing_else(data: bytes, at: int, length: int) -> None:
    good = mean_classifier(2)
    with contextlib.suppress(InputError):
        onnx_facts(good[:at] + data + good[at + length :], "x")
