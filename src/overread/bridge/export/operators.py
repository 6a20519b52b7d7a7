"""ONNX operators as lines of PyTorch: what `overread.bridge.export.torch_code` writes for each node.

One function an operator: the node's attributes, its inputs as expressions, and the values of those that are constants,
to one expression. Semantics: https://onnx.ai/onnx/operators, opset 11 to 21.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from overread.errors import InputError


@dataclass(frozen=True)
class Node:
    """``attributes`` by name; ``inputs``: expressions; ``known``: the value of each input that is a constant."""

    kind: str
    attributes: Mapping[str, Any]
    inputs: Sequence[str]
    known: Sequence[np.ndarray[Any, Any] | None]
    rank: int = 0

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)

    def ints(self, at: int) -> list[int]:
        """The constant input at ``at`` as whole numbers. Raises InputError where it is computed."""
        value = self.known[at] if at < len(self.known) else None
        if value is None:
            raise InputError(f"{self.kind}: its input {at} is computed in the network, expected a constant")
        return [int(v) for v in np.asarray(value).reshape(-1)]

    def has(self, at: int) -> bool:
        return at < len(self.inputs) and self.inputs[at] != ""


Writer = Callable[[Node], str]


def _simple(template: str) -> Writer:
    return lambda n: template.format(*n.inputs)


def _pads(n: Node, dimensions: int) -> tuple[str, list[int]]:
    """The first input, padded where ONNX pads one side otherwise than the other, and the padding that is left."""
    if n.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID", "NOTSET"):
        raise InputError(f"{n.kind}: auto_pad {n.get('auto_pad')!r}, expected stated pads")
    pads = list(n.get("pads", [0] * 2 * dimensions))
    before, after = pads[:dimensions], pads[dimensions:]
    if before == after:
        return n.inputs[0], before
    both = [p for axis in reversed(range(dimensions)) for p in (before[axis], after[axis])]
    return f"F.pad({n.inputs[0]}, {both})", [0] * dimensions


def _weight_rank(n: Node) -> int:
    weight = n.known[1]
    if weight is None:
        raise InputError(f"{n.kind}: its weights are computed in the network, expected constants")
    return weight.ndim - 2


def _conv(n: Node) -> str:
    d = _weight_rank(n)
    x, pads = _pads(n, d)
    bias = n.inputs[2] if n.has(2) else "None"
    return (
        f"F.conv{d}d({x}, {n.inputs[1]}, {bias}, stride={list(n.get('strides', [1] * d))}, padding={pads}, "
        f"dilation={list(n.get('dilations', [1] * d))}, groups={n.get('group', 1)})"
    )


def _conv_transpose(n: Node) -> str:
    d = _weight_rank(n)
    x, pads = _pads(n, d)
    bias = n.inputs[2] if n.has(2) else "None"
    if n.get("output_shape"):
        raise InputError("ConvTranspose: output_shape, expected stated pads")
    return (
        f"F.conv_transpose{d}d({x}, {n.inputs[1]}, {bias}, stride={list(n.get('strides', [1] * d))}, padding={pads}, "
        f"output_padding={list(n.get('output_padding', [0] * d))}, groups={n.get('group', 1)}, "
        f"dilation={list(n.get('dilations', [1] * d))})"
    )


def _pool(of: str) -> Writer:
    def write(n: Node) -> str:
        kernel = list(n.get("kernel_shape"))
        d = len(kernel)
        x, pads = _pads(n, d)
        if x != n.inputs[0]:
            raise InputError(f"{n.kind}: pads {n.get('pads')}, expected as much on both sides")
        more = f"ceil_mode={bool(n.get('ceil_mode', 0))}"
        more += (
            f", dilation={list(n.get('dilations', [1] * d))}"
            if of == "max"
            else f", count_include_pad={bool(n.get('count_include_pad', 0))}"
        )
        return f"F.{of}_pool{d}d({x}, {kernel}, {list(n.get('strides', [1] * d))}, {pads}, {more})"

    return write


def _batch_norm(n: Node) -> str:
    x, weight, bias, mean, var = n.inputs[:5]
    return f"F.batch_norm({x}, {mean}, {var}, {weight}, {bias}, False, 0.0, {n.get('epsilon', 1e-5)})"


def _gemm(n: Node) -> str:
    a = f"{n.inputs[0]}.t()" if n.get("transA", 0) else n.inputs[0]
    b = f"{n.inputs[1]}.t()" if n.get("transB", 0) else n.inputs[1]
    out = f"{n.get('alpha', 1.0)} * ({a} @ {b})" if n.get("alpha", 1.0) != 1 else f"{a} @ {b}"
    return f"{out} + {n.get('beta', 1.0)} * {n.inputs[2]}" if n.has(2) else out


def _axes(n: Node, at: int = 1) -> list[int] | None:
    if n.get("axes") is not None:
        return list(n.get("axes"))
    return n.ints(at) if n.has(at) else None


def _reduce(of: str) -> Writer:
    def write(n: Node) -> str:
        axes, keep = _axes(n), bool(n.get("keepdims", 1))
        if axes is None:
            return f"{n.inputs[0]}.{of}()"
        return f"{n.inputs[0]}.{of}({axes}, keepdim={keep})"

    return write


def _squeeze(n: Node) -> str:
    axes = _axes(n)
    return f"{n.inputs[0]}.squeeze()" if axes is None else f"{n.inputs[0]}.squeeze({tuple(axes)})"


def _unsqueeze(n: Node) -> str:
    out = n.inputs[0]
    for axis in sorted(_axes(n) or []):
        out = f"{out}.unsqueeze({axis})"
    return out


def _reshape(n: Node) -> str:
    if n.known[1] is not None:
        return f"_reshape({n.inputs[0]}, {n.ints(1)})"
    return f"_reshape({n.inputs[0]}, {n.inputs[1]}.tolist())"


def _slice(n: Node) -> str:
    rest = [f"{n.inputs[i]}" if n.has(i) else "None" for i in range(1, 5)]
    return f"_slice({n.inputs[0]}, {', '.join(rest)})"


def _pad(n: Node) -> str:
    mode = n.get("mode", b"constant")
    mode = mode.decode() if isinstance(mode, bytes) else mode
    modes = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}
    pads = n.ints(1) if n.has(1) else list(n.get("pads"))
    rank = len(pads) // 2
    both = [p for axis in reversed(range(rank)) for p in (pads[axis], pads[axis + rank])]
    if mode != "constant":
        both = both[: 2 * (rank - 2)]
        return f"F.pad({n.inputs[0]}, {both}, mode={modes[mode]!r})"
    value = float(np.asarray(n.known[2]).reshape(-1)[0]) if n.has(2) and n.known[2] is not None else 0.0
    return f"F.pad({n.inputs[0]}, {both}, value={value})"


def _resize(n: Node) -> str:
    mode, place = (
        v.decode() if isinstance(v, bytes) else v
        for v in (n.get("mode", "nearest"), n.get("coordinate_transformation_mode", "half_pixel"))
    )
    if mode not in ("nearest", "linear") or place not in (
        *("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"),
    ):
        raise InputError(f"Resize: mode {mode}, {place}, expected nearest or linear")
    aligned = place == "align_corners"
    sizes = f"{n.inputs[3]}.tolist()[2:]" if n.has(3) else "None"
    if n.has(3) and n.known[3] is not None:
        sizes = str(n.ints(3)[2:])
    scales = "None"
    if sizes == "None":
        value = n.known[2] if n.kind == "Resize" else n.known[1]
        if value is None:
            raise InputError("Resize: its scales are computed in the network, expected constants")
        scales = str([float(v) for v in np.asarray(value).reshape(-1)[2:]])
    return f"_resize({n.inputs[0]}, {sizes}, {scales}, {mode!r}, {aligned})"


def _cast(n: Node) -> str:
    kinds = {1: "float32", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64", 2: "uint8"}
    if n.get("to") not in kinds:
        raise InputError(f"Cast: to type {n.get('to')}, expected one of {', '.join(kinds.values())}")
    return f"{n.inputs[0]}.to(torch.{kinds[n.get('to')]})"


def _softmax(n: Node) -> str:
    return f"{n.inputs[0]}.softmax({n.get('axis', -1)})"


def _clip(n: Node) -> str:
    low = n.inputs[1] if n.has(1) else repr(n.get("min"))
    high = n.inputs[2] if n.has(2) else repr(n.get("max"))
    return f"torch.clamp({n.inputs[0]}, {low}, {high})"


def _layer_norm(n: Node) -> str:
    weight = n.known[1]
    shape = list(weight.shape) if weight is not None else []
    bias = n.inputs[2] if n.has(2) else "None"
    return f"F.layer_norm({n.inputs[0]}, {shape}, {n.inputs[1]}, {bias}, {n.get('epsilon', 1e-5)})"


def _constant_of_shape(n: Node) -> str:
    value = n.get("value")
    number = np.asarray(value).reshape(-1)[0].item() if value is not None else 0.0
    return f"torch.full({n.inputs[0]}.tolist(), {number!r})"


def _gather(n: Node) -> str:
    return f"_gather({n.inputs[0]}, {n.inputs[1]}, {n.get('axis', 0)})"


def _flatten(n: Node) -> str:
    return f"{n.inputs[0]}.flatten({n.get('axis', 1)})"


WRITERS: dict[str, Writer] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("avg"),
    "GlobalAveragePool": _simple("_over_all({0}, torch.mean)"),
    "GlobalMaxPool": _simple("_over_all({0}, torch.amax)"),
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": lambda n: (
        f"F.instance_norm({n.inputs[0]}, None, None, {n.inputs[1]}, {n.inputs[2]}, True, 0.0, {n.get('epsilon', 1e-5)})"
    ),
    "LayerNormalization": _layer_norm,
    "Relu": _simple("F.relu({0})"),
    "LeakyRelu": lambda n: f"F.leaky_relu({n.inputs[0]}, {n.get('alpha', 0.01)})",
    "PRelu": _simple("torch.where({0} >= 0, {0}, {1} * {0})"),
    "Elu": lambda n: f"F.elu({n.inputs[0]}, {n.get('alpha', 1.0)})",
    "Sigmoid": _simple("torch.sigmoid({0})"),
    "HardSigmoid": lambda n: (
        f"torch.clamp({n.get('alpha', 0.2)} * {n.inputs[0]} + {n.get('beta', 0.5)}, 0.0, 1.0)"
    ),
    "HardSwish": _simple("F.hardswish({0})"),
    "Tanh": _simple("torch.tanh({0})"),
    "Erf": _simple("torch.erf({0})"),
    "Exp": _simple("torch.exp({0})"),
    "Log": _simple("torch.log({0})"),
    "Sqrt": _simple("torch.sqrt({0})"),
    "Neg": _simple("-{0}"),
    "Abs": _simple("torch.abs({0})"),
    "Floor": _simple("torch.floor({0})"),
    "Ceil": _simple("torch.ceil({0})"),
    "Reciprocal": _simple("torch.reciprocal({0})"),
    "Softplus": _simple("F.softplus({0})"),
    "Softmax": _softmax,
    "Add": _simple("{0} + {1}"),
    "Sub": _simple("{0} - {1}"),
    "Mul": _simple("{0} * {1}"),
    "Div": _simple("_divided({0}, {1})"),
    "Pow": _simple("torch.pow({0}, {1})"),
    "Equal": _simple("{0} == {1}"),
    "Where": _simple("torch.where({0}, {1}, {2})"),
    "Min": lambda n: f"torch.minimum({n.inputs[0]}, {n.inputs[1]})",
    "Max": lambda n: f"torch.maximum({n.inputs[0]}, {n.inputs[1]})",
    "MatMul": _simple("{0} @ {1}"),
    "Gemm": _gemm,
    "Concat": lambda n: f"torch.cat([{', '.join(n.inputs)}], {n.get('axis')})",
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": lambda n: f"{n.inputs[0]}.permute({list(n.get('perm'))})",
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
    "Gather": _gather,
    "Shape": _simple("torch.tensor({0}.shape)"),
    "Expand": _simple("{0} * torch.ones({1}.tolist(), dtype={0}.dtype)"),
    "ConstantOfShape": _constant_of_shape,
    "Cast": _cast,
    "ReduceMean": _reduce("mean"),
    "ReduceSum": _reduce("sum"),
    "ReduceMax": _reduce("amax"),
    "Identity": _simple("{0}"),
    "Dropout": _simple("{0}"),
    "Clip": _clip,
    "Pad": _pad,
    "Resize": _resize,
    "Upsample": _resize,
}
