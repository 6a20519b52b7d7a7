"""What a loss is known by: one `Loss` a file, listed in `overread.learn.losses.LOSSES`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

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
    """

    build: Callable[..., LossFunction]
    answers: frozenset[AnswerKind]
    source: str
