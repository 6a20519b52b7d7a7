"""What a loss is known by: one `Loss` a file, listed in `overread.learn.losses.LOSSES`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor

from overread.errors import InputError
from overread.task import AnswerKind

Tensors: TypeAlias = dict[str, Tensor]
"""Targets or network outputs by name, each with a batch axis."""
LossFunction: TypeAlias = Callable[[Tensors, Tensors], Tensor]
"""``(outputs, targets)`` to a scalar."""


@dataclass(frozen=True)
class Loss:
    """One loss.

    Attributes
    ----------
    build
        Its arguments, all by keyword, to the function.
    answers
        The kinds of answer whose outputs and targets it reads.
    source
        Paper and, where it is not ours, the library.
    ordered
        Whether it is of ordered grades, whose networks give one output less than there are labels.
    """

    build: Callable[..., LossFunction]
    answers: frozenset[AnswerKind]
    source: str
    ordered: bool = False


def full(value: Tensor) -> Tensor:
    """``value`` in float32, or in float64 where it is: sums over images in less would lose what they are made of."""
    return value if value.dtype == torch.float64 else value.float()


def made_of(name: str, loss: Loss, arguments: Mapping[str, Any]) -> LossFunction:
    """The loss ``name`` with its ``arguments``. Raises InputError for those that it does not take."""
    known = list(inspect.signature(loss.build).parameters)
    unknown = [k for k in arguments if k not in known]
    if unknown:
        raise InputError(
            f"loss {name}: argument {unknown[0]!r} is unknown; expected {', '.join(known) or 'none'}"
        )
    try:
        return loss.build(**arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"loss {name}: {error}") from error
