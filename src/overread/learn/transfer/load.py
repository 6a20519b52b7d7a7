"""Pretrained weights into a network, with a table of what was loaded and what was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from overread.errors import InputError
from overread.learn.transfer.adapt import adapted
from overread.learn.transfer.names import renamed

LEAST = 0.5
"""Of the body's numbers that must come from the weights: below it they are another network's."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a part of the network, its tensors, and what came of them."""

    part: str
    tensors: int
    state: str


@dataclass(frozen=True)
class Loaded:
    """What came of each tensor: its ``state`` is ``loaded``, ``adapted: ...``, ``new: ...`` or ``unused: ...``.

    ``share`` is that of the body's numbers that come from the weights.
    """

    states: Mapping[str, str]
    share: float

    def rows(self) -> list[Row]:
        """By part of the network (two names deep) and state, in the network's order."""
        counts: dict[tuple[str, str], int] = {}
        for name, state in self.states.items():
            key = (".".join(name.split(".")[:2]), state)
            counts[key] = counts.get(key, 0) + 1
        return [Row(part, n, state) for (part, state), n in counts.items()]

    def lines(self) -> list[str]:
        """The table for a person."""
        rows = self.rows()
        widest = max((len(r.part) for r in rows), default=0)
        return [f"{r.part:<{widest}}  {r.tensors:>4}  {r.state}" for r in rows]

    def __str__(self) -> str:
        counts = {k: sum(s.startswith(k) for s in self.states.values()) for k in ("loaded", "adapted", "new")}
        return ", ".join(f"{n} tensors {k}" for k, n in counts.items() if n)


@torch.no_grad()
def load_weights(
    network: nn.Module, weights: Mapping[str, Tensor], *, where: str, head: Sequence[str] = ("head",)
) -> Loaded:
    """Put into ``network`` what fits of ``weights``; the ``head`` stays as it is, for it answers another question.

    Raises InputError, beginning with ``where`` and showing the table, where less than half of the body comes from them.
    """
    own = network.state_dict()
    named = renamed(weights, own)
    states, taken, total = {}, 0, 0
    for name, target in own.items():
        answers = name.split(".")[0] in head
        size = 0 if answers or not target.is_floating_point() else target.numel()
        total += size
        if answers:
            states[name] = "new: the head"
        elif name not in named:
            states[name] = "new: the weights do not have it"
        elif (found := adapted(named[name], target.shape)) is None:
            shapes = [" x ".join(map(str, t.shape)) for t in (named[name], target)]
            states[name] = f"new: the weights have {shapes[0]}, not {shapes[1]}"
        else:
            target.copy_(found[0])
            states[name] = f"adapted: {found[1]}" if found[1] else "loaded"
            taken += size
    states |= {k: "unused: the network has no such part" for k in named if k not in own}
    loaded = Loaded(states, taken / max(total, 1))
    if loaded.share < LEAST:
        lines = "\n  ".join(loaded.lines()[:20])
        raise InputError(
            f"{where}: only {loaded.share:.0%} of the network come from these weights, expected at least {LEAST:.0%}; "
            f"they belong to another network\n  {lines}"
        )
    return loaded
