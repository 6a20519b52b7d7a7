"""How often each training case is drawn: alike, or rare classes and findings more often, by name in the plan."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.learn.plan import Named
from overread.task import AnswerKind

Floats = NDArray[np.float64]
Sampler = Callable[[Floats], Floats]
"""``(cases, labels)``, how much of each label a case shows, to how often each case is drawn, ``(cases,)``."""
ANSWERS: frozenset[AnswerKind] = frozenset({"classes", "findings"})
"""Kinds of answer whose cases can be drawn by what they show; patches are drawn by their foreground instead."""


def uniform() -> Sampler:
    """Every case alike."""
    return lambda shown: np.ones(len(shown))


def balanced(*, power: float = 1.0, most: float = 10.0) -> Sampler:
    """Cases of a label by its frequency to the power of ``-power``: 1 draws all classes alike, 0.5 goes half the way.

    No case is drawn more than ``most`` times as often as the rarest drawn: a handful of cases seen a hundred times over
    are learnt by heart. Of several findings the rarest that a case shows counts.
    """
    if power < 0 or most < 1:
        raise ValueError(
            f"power, most: found {power!r} and {most!r}, expected a power from 0 and most from 1"
        )

    def weights(shown: Floats) -> Floats:
        each = _frequency(shown) ** -power
        found = _rarest(shown, each, otherwise=float(each.min()))
        return np.minimum(found, most * found.min())

    return weights


def repeat_factor(*, threshold: float = 0.05) -> Sampler:
    """Cases of labels rarer than ``threshold`` more often, by the root of how much rarer they are; all others alike.

    Repeat factor sampling (Gupta, Dollar and Girshick, CVPR 2019, arXiv 1908.03195).
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold: found {threshold!r}, expected a share above 0 up to 1")

    def weights(shown: Floats) -> Floats:
        each = np.maximum(1.0, np.sqrt(threshold / _frequency(shown)))
        return _rarest(shown, each, otherwise=1.0)

    return weights


SAMPLING: Mapping[str, Callable[..., Sampler]] = {
    "uniform": uniform,
    "balanced": balanced,
    "repeat_factor": repeat_factor,
}


def build_sampling(named: Named, *, answer: AnswerKind) -> Sampler:
    """The sampling of a plan. Raises InputError for an unknown name or argument, or answers that it is not for."""
    if named.name not in SAMPLING:
        raise InputError(f"sampling: found {named.name!r}, expected one of {', '.join(SAMPLING)}")
    if named.name != "uniform" and answer not in ANSWERS:
        raise InputError(
            f"sampling: found {named.name!r}, expected uniform: answers of kind {answer} are not drawn by label"
        )
    made = SAMPLING[named.name]
    known = list(inspect.signature(made).parameters)
    unknown = [k for k in named.arguments if k not in known]
    if unknown:
        raise InputError(
            f"sampling {named.name}: argument {unknown[0]!r} is unknown; expected {', '.join(known) or 'none'}"
        )
    try:
        return made(**named.arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"sampling {named.name}: {error}") from error


def shown_by(target: Mapping[str, Any], labels: int) -> Floats:
    """``(labels,)``: how much of each class or finding the target of one example shows; what is not stated counts 0."""
    name = "labels" if "labels" in target else "label"
    found = np.asarray(target[name][...], np.float64)
    return np.eye(labels)[int(found)] if found.ndim == 0 else np.nan_to_num(found)


def _frequency(shown: Floats) -> Floats:
    """Share of the cases that show each label; one that none shows counts as one case."""
    found: Floats = np.maximum(shown.sum(axis=0), 1.0) / len(shown)
    return found


def _rarest(shown: Floats, each: Floats, *, otherwise: float) -> Floats:
    """Of each case the largest number of the labels that it shows."""
    found: Floats = np.where(shown > 0, each, otherwise).max(axis=1)
    return found
