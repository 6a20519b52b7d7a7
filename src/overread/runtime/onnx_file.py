"""What an ONNX file says of itself, read without the onnx package: names of its outputs, weights kept elsewhere.

Only the few fields of onnx.proto that lead to them are known here; everything else is stepped over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from overread.errors import InputError

EXTERNAL = 1
"""TensorProto.DataLocation of weights that lie in another file."""

MESSAGES: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {},
}
"""For each message the fields through which a tensor can be reached."""

Field = tuple[int, int | memoryview]


@dataclass(frozen=True)
class OnnxFacts:
    """``outputs``: the graph's output names in order; ``external``: tensors whose values lie in another file."""

    outputs: tuple[str, ...]
    external: tuple[str, ...]


def onnx_facts(model: bytes, where: str) -> OnnxFacts:
    """Read ``model``. Raises InputError, beginning with ``where``, for bytes that are no ONNX file."""
    outputs: list[str] = []
    external: list[str] = []
    waiting: list[tuple[str, memoryview]] = [("ModelProto", memoryview(model))]
    try:
        while waiting:
            kind, data = waiting.pop()
            fields = list(_fields(data))
            if kind == "TensorProto" and _is_external(fields):
                external.append(_text(fields, 8) or "unnamed")
            for number, value in fields:
                if isinstance(value, int):
                    continue
                if kind == "ModelProto" and number == 7:
                    graph = _fields(value)
                    outputs += [
                        _text(list(_fields(v)), 1) for n, v in graph if n == 12 and not isinstance(v, int)
                    ]
                inner = MESSAGES[kind].get(number)
                if inner is not None:
                    waiting.append((inner, value))
    except (IndexError, ValueError) as error:
        raise InputError(f"{where} is not an ONNX file ({error}); the package is damaged") from error
    if not outputs:
        raise InputError(f"{where} is not an ONNX file (it has no outputs); the package is damaged")
    return OnnxFacts(tuple(outputs), tuple(sorted(external)))


def _is_external(fields: list[Field]) -> bool:
    """Field 13 says where values lie elsewhere, field 14 that they do."""
    return any(n == 13 or (n == 14 and value == EXTERNAL) for n, value in fields)


def _text(fields: list[Field], number: int) -> str:
    found = [bytes(v) for n, v in fields if n == number and not isinstance(v, int)]
    return found[-1].decode("utf-8") if found else ""


def _fields(data: memoryview) -> Iterator[Field]:
    """Number and value of every field of a message: a number, or the bytes of what has a length.

    Wire format: https://protobuf.dev/programming-guides/encoding. Raises ValueError or IndexError where it ends
    early or holds what cannot be.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if wire == 2:
            length, at = _varint(data, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"found wire type {wire}")
        if at + length > len(data):
            raise ValueError("it ends early")
        if wire == 2:
            yield key >> 3, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
    raise ValueError("a number does not end")
