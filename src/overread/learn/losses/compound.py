"""Several losses of label maps added up by weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from overread.errors import InputError
from overread.learn.losses.dense import Dense, DenseLoss
from overread.learn.losses.label_maps import LABEL_MAPS
from overread.learn.losses.protocol import Loss, made_of


def compound(*, parts: Sequence[Mapping[str, Any]]) -> DenseLoss:
    """The sum of ``parts``, each a ``name``, a ``weight`` (1) and ``arguments`` of its own.

    Probabilities are made once for all. Raises ValueError for parts that are none.
    """
    found: list[tuple[float, DenseLoss]] = []
    for i, part in enumerate(parts):
        if not isinstance(part, Mapping) or set(part) - {"name", "weight", "arguments"}:
            raise ValueError(f"parts[{i}]: found {part!r}, expected name, weight and arguments")
        name, weight = part.get("name"), part.get("weight", 1.0)
        if name not in LABEL_MAPS:
            raise ValueError(f"parts[{i}].name: found {name!r}, expected one of {', '.join(LABEL_MAPS)}")
        if not isinstance(weight, int | float) or not 0 < weight < float("inf"):
            raise ValueError(f"parts[{i}].weight: found {weight!r}, expected a number above 0")
        try:
            made = made_of(name, LABEL_MAPS[name], part.get("arguments", {}))
        except InputError as error:
            raise ValueError(f"parts[{i}]: {error}") from error
        assert isinstance(made, DenseLoss)
        found.append((float(weight), made))
    if not found:
        raise ValueError("parts: found none, expected at least one")

    def of(dense: Dense) -> Tensor:
        return torch.stack([weight * part.of(dense) for weight, part in found]).sum()

    return DenseLoss(of)


COMPOUND = Loss(compound, frozenset({"label_map"}), "Ma 2021, doi 10.1016/j.media.2021.102035 (loss odyssey)")
