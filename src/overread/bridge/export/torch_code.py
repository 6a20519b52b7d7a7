"""An ONNX network as a file of plain PyTorch and its weights: what anyone can read, load and train further."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor

from overread.bridge.export.operators import WRITERS, Node
from overread.errors import InputError

LARGEST_LITERAL = 16
"""Numbers of a constant that are written out in the code; larger ones lie with the weights."""

HEAD = '''"""{title}

Written out of an ONNX network, line for line, by overread. It needs PyTorch alone:

    import torch
    from network import Network

    network = Network()
    network.load_state_dict(torch.load("weights.pt", weights_only=True))
    network.eval()
"""

import torch
import torch.nn.functional as F
from torch import nn


def _reshape(x, shape):
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape)])


def _over_all(x, of):
    return of(x, dim=tuple(range(2, x.dim())), keepdim=True)


def _divided(a, b):
    whole = not (a.is_floating_point() or b.is_floating_point())
    return torch.div(a, b, rounding_mode="trunc" if whole else None)


def _gather(x, index, axis):
    out = torch.index_select(x, axis, index.reshape(-1).long() % x.shape[axis])
    return out.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])


def _slice(x, starts, ends, axes, steps):
    starts, ends = starts.tolist(), ends.tolist()
    axes = list(range(len(starts))) if axes is None else axes.tolist()
    steps = [1] * len(starts) if steps is None else steps.tolist()
    for start, end, axis, step in zip(starts, ends, axes, steps):
        n = x.shape[axis]
        at = torch.arange(n)[start : min(end, n) : step] if step > 0 else torch.arange(n).flip(0)[:: -step]
        x = torch.index_select(x, axis, at)
    return x


def _resize(x, size, scale, mode, aligned):
    if mode == "nearest":
        return F.interpolate(x, size=size, scale_factor=scale, mode="nearest")
    kind = {{3: "linear", 4: "bilinear", 5: "trilinear"}}[x.dim()]
    return F.interpolate(x, size=size, scale_factor=scale, mode=kind, align_corners=aligned)


class Network(nn.Module):
    """``(batch, channels, *spatial)`` to {outputs}."""

    def __init__(self):
        super().__init__()
'''


@dataclass(frozen=True)
class TorchCode:
    """``source`` of a module with a class ``Network``, and its ``weights`` as ``load_state_dict`` takes them."""

    source: str
    weights: dict[str, Tensor]


def torch_code(model: bytes, title: str, outputs: list[str] | None = None) -> TorchCode:
    """The PyTorch source of an ONNX ``model`` that gives ``outputs`` (all of the model's without it).

    Raises InputError for an operator that is not known here.
    """
    graph = onnx.load_model_from_string(model).graph
    constants: dict[str, NDArray[Any]] = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    names: dict[str, str] = {}
    weights: dict[str, Tensor] = {}
    lines: list[str] = []
    taken: set[str] = set()

    def named(value: str) -> str:
        if value not in names:
            plain = re.sub(r"\W+", "_", value.split("/")[-1]).strip("_") or "x"
            plain = f"x_{plain}" if plain[0].isdigit() else plain
            new, n = plain, 1
            while new in taken or new in ("self", "torch", "F", "nn"):
                n += 1
                new = f"{plain}_{n}"
            taken.add(new)
            names[value] = new
        return names[value]

    def expression(value: str) -> str:
        if value == "":
            return ""
        if value not in constants:
            return named(value)
        array = constants[value]
        if (array.size <= LARGEST_LITERAL and array.dtype.kind in "iub") or array.size == 1:
            return f"torch.tensor({array.tolist()!r}{_kind(array)})"
        key = re.sub(r"\W+", "_", value).strip("_")
        weights[key] = torch.from_numpy(array.copy())
        return f"self.{key}"

    given = [i.name for i in graph.input if i.name not in constants]
    if len(given) != 1:
        raise InputError(f"the network takes {len(given)} inputs, expected one")
    first = named(given[0])
    for node in graph.node:
        attributes = {a.name: _attribute(a) for a in node.attribute}
        if node.op_type == "Constant":
            constants[node.output[0]] = np.asarray(next(iter(attributes.values())))
            continue
        if node.op_type == "Split":
            lines.append(_split(node, attributes, constants, expression, named))
            continue
        write = WRITERS.get(node.op_type)
        if write is None:
            raise InputError(
                f"operator {node.op_type} is not known to the export; the ONNX file itself is portable"
            )
        made = Node(
            node.op_type,
            attributes,
            [expression(i) for i in node.input],
            [constants.get(i) for i in node.input],
        )
        lines.append(f"{named(node.output[0])} = {write(made)}")
    wanted = outputs or [o.name for o in graph.output]
    back = ", ".join(expression(o) for o in wanted)
    source = HEAD.format(title=title, outputs=", ".join(wanted))
    source += "".join(_declared(key, value) for key, value in weights.items())
    source += f"\n    def forward(self, {first}):\n"
    source += "".join(f"        {line}\n" for line in lines)
    return TorchCode(source + f"        return {back}\n", weights)


def _declared(key: str, value: Tensor) -> str:
    shape = list(value.shape)
    if value.is_floating_point() and not re.search(r"running_(mean|var)", key):
        return f"        self.{key} = nn.Parameter(torch.empty({shape}))\n"
    return f"        self.register_buffer({key!r}, torch.empty({shape}, dtype={value.dtype}))\n"


def _kind(array: NDArray[Any]) -> str:
    return f", dtype=torch.{array.dtype.name}" if array.dtype.kind in "iufb" else ""


def _attribute(a: Any) -> Any:
    value = onnx.helper.get_attribute_value(a)
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def _split(
    node: Any, attributes: dict[str, Any], constants: dict[str, Any], expression: Any, named: Any
) -> str:
    axis = attributes.get("axis", 0)
    outs = ", ".join(named(o) for o in node.output)
    sizes = attributes.get("split")
    if sizes is None and len(node.input) > 1 and node.input[1] in constants:
        sizes = constants[node.input[1]].tolist()
    if sizes is None:
        return f"{outs} = torch.chunk({expression(node.input[0])}, {len(node.output)}, {axis})"
    return f"{outs} = torch.split({expression(node.input[0])}, {list(sizes)}, {axis})"
