"""What a training did, epoch by epoch, and where its time went."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from torch import nn

Ended = Literal["schedule", "clock", "no better weights", "solved"]
"""Whether all planned epochs were done, the time given allowed just so many, or the selection lost patience; or whether
nothing was trained, since the head was solved for on frozen features."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch did. ``validation_loss`` and ``metric`` (of the selection) are None where not measured."""

    epoch: int
    loss: float
    validation_loss: float | None
    learning_rate: float
    seconds: float
    metric: float | None = None


@dataclass
class Times:
    """Seconds since the training began: ``waiting`` for batches, ``tuning`` cases, ``saving``; the rest is stepping.

    ``reading`` and ``augmenting`` are of the threads that draw batches meanwhile.
    """

    elapsed: float = 0.0
    waiting: float = 0.0
    tuning: float = 0.0
    saving: float = 0.0
    reading: float = 0.0
    augmenting: float = 0.0

    @property
    def stepping(self) -> float:
        """In which the network computed."""
        return max(0.0, self.elapsed - self.waiting - self.tuning - self.saving)

    def record(self) -> dict[str, float]:
        """Plain data for JSON."""
        return {k: round(v, 2) for k, v in ({"stepping": self.stepping} | asdict(self)).items()}

    def __str__(self) -> str:
        whole = max(self.elapsed, 1e-9)
        shares = {name: getattr(self, name) / whole for name in ("stepping", "waiting", "tuning", "saving")}
        drawn = self.reading + self.augmenting
        return ", ".join(f"{name} {share:.0%}" for name, share in shares.items() if share >= 0.005) + (
            f"; drawing batches meanwhile {drawn / whole:.0%} (reading {self.reading / whole:.0%})"
        )


@dataclass(frozen=True)
class Live:
    """Where a training stands: steps done, of how many now planned, and the finished ``epoch`` if one just ended."""

    step: int
    steps: int
    loss: float | None
    metric: float | None
    samples_per_second: float
    times: Times
    epoch: Epoch | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fitted:
    """Averaged weights, the history, and how far the training kept to its time.

    ``selected`` says which epoch's averaged weights were kept and why, ``changes`` what was made smaller when memory
    gave out, ``resumed`` the steps at which it went on after an end. ``start`` tells of pretrained weights and the head
    that was solved for on them, ``roads`` of every network that the tuning cases chose from.
    """

    network: nn.Module
    history: list[Epoch]
    seconds: float
    epochs_planned: int
    device: str
    ended_by: Ended = "schedule"
    repeatable: bool = False
    processes: int = 1
    samples_per_second: float = 0.0
    times: Times = field(default_factory=Times)
    precision: dict[str, Any] = field(default_factory=dict)
    selected: dict[str, Any] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    resumed: list[int] = field(default_factory=list)
    changed: dict[str, Any] = field(default_factory=dict)
    start: dict[str, Any] = field(default_factory=dict)
    roads: list[dict[str, Any]] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "device": self.device,
            "processes": self.processes,
            "seconds": round(self.seconds, 1),
            "epochs": len(self.history),
            "epochs_planned": self.epochs_planned,
            "ended_by": self.ended_by,
            "repeatable": self.repeatable,
            "samples_per_second": round(self.samples_per_second, 2),
            "times": self.times.record(),
            "precision": self.precision,
            "selected": self.selected,
            "changes": self.changes,
            "resumed": self.resumed,
            **({"start": self.start} if self.start else {}),
            **({"roads": self.roads} if self.roads else {}),
            "history": [asdict(e) for e in self.history],
        }
