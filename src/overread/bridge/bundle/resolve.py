"""A MONAI bundle's configuration with its references put in, and none of its expressions run.

References are `@a::b` (or `@a#b`, the older sign) and `%a::b` within the configuration; what begins with `$` is Python
in MONAI. Here only literals and sums of them are computed; anything else stays as `Expression`, which is refused where
it is needed (docs.monai.io, bundle configuration syntax).
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from overread.errors import InputError

OPERATORS: dict[type[ast.AST], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.USub: operator.neg,
}
REFERENCE = re.compile(r"@([\w:#]+)")
DEEPEST = 64
LONGEST = 10_000
"""Items of a list that an expression may make: ``[0] * 10**9`` is no setting."""


@dataclass(frozen=True)
class Expression:
    """Python that a bundle would run."""

    text: str


def resolved(config: Mapping[str, Any], key: str, where: str) -> Any:
    """What ``config`` holds under ``key`` (`a::b::0`), with all references put in; None where it has no such key.

    Raises InputError for references that go round in a circle.
    """
    try:
        return _value(_at(config, key), config, where, 0)
    except KeyError:
        return None


def _at(config: Any, key: str) -> Any:
    for part in re.split(r"::|#", key):
        if isinstance(config, list) and part.isdigit() and int(part) < len(config):
            config = config[int(part)]
        elif isinstance(config, Mapping) and part in config:
            config = config[part]
        else:
            raise KeyError(key)
    return config


def _value(value: Any, config: Mapping[str, Any], where: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise InputError(f"{where}: its references go round in a circle, or deeper than {DEEPEST}")
    if isinstance(value, Mapping):
        return {k: _value(v, config, where, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_value(v, config, where, depth + 1) for v in value]
    if not isinstance(value, str):
        return value
    if value.startswith(("@", "%")) and re.fullmatch(r"[\w:#]+", value[1:]):
        try:
            return _value(_at(config, value[1:]), config, where, depth + 1)
        except KeyError:
            return Expression(value)
    if value.startswith("$"):
        return _expression(value[1:], config, where, depth)
    return value


def _expression(text: str, config: Mapping[str, Any], where: str, depth: int) -> Any:
    names: dict[str, Any] = {}

    def named(match: re.Match[str]) -> str:
        name = f"_reference_{len(names)}"
        try:
            names[name] = _value(_at(config, match.group(1)), config, where, depth + 1)
        except KeyError:
            names[name] = Expression(match.group(0))
        return name

    try:
        return _computed(ast.parse(REFERENCE.sub(named, text).strip(), mode="eval").body, names)
    except (SyntaxError, ValueError, TypeError, KeyError, ZeroDivisionError, RecursionError, MemoryError):
        return Expression("$" + text)


def _computed(node: ast.AST, names: Mapping[str, Any]) -> Any:
    """Literals, tuples, lists and sums of these. Raises ValueError for anything else."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            found = names[name]
            if isinstance(found, Expression):
                raise ValueError(name)
            return found
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_computed(p, names) for p in parts]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_computed(operand, names))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            a, b = _computed(left, names), _computed(right, names)
            if isinstance(op, ast.Mult) and any(isinstance(v, list | str) for v in (a, b)):
                count = next((v for v in (a, b) if isinstance(v, int)), LONGEST)
                if count * max((len(v) for v in (a, b) if isinstance(v, list | str)), default=1) > LONGEST:
                    raise ValueError("too long")
            return OPERATORS[type(op)](a, b)
    raise ValueError(ast.dump(node)[:80])


def expressions(value: Any) -> list[str]:
    """The texts of all expressions in a value."""
    if isinstance(value, Expression):
        return [value.text]
    if isinstance(value, Mapping):
        return [t for v in value.values() for t in expressions(v)]
    return [t for v in value for t in expressions(v)] if isinstance(value, list) else []
