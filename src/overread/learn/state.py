"""Where a training stands, beside what its step holds: all of it goes into a checkpoint and comes back to the bit."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from overread.learn.history import Epoch, Times
from overread.learn.plan import Plan, Selection

if TYPE_CHECKING:  # it brings the readers of every format along
    from overread.learn.selection import TuningMetric


@dataclass
class Best:
    """The best averaged weights so far by the selection's metric, and how often it has been worse since."""

    value: float
    epoch: int
    weights: dict[str, Tensor]
    worse: int = 0


@dataclass
class State:
    """``epochs`` now planned, how far the schedule is (``progress``, 0 to 1), the losses of the epoch under way.

    ``epoch_began`` is in seconds since the training began, stops not counted. ``changes`` and ``changed`` are what was
    made smaller when memory gave out: in words, and as keys of the plan.
    """

    epochs: int
    progress: float = 0.0
    losses: list[Tensor] = field(default_factory=list)
    history: list[Epoch] = field(default_factory=list)
    times: Times = field(default_factory=Times)
    epoch_began: float = 0.0
    best: Best | None = None
    precision: dict[str, Any] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    changed: dict[str, Any] = field(default_factory=dict)
    resumed: list[int] = field(default_factory=list)

    @classmethod
    def fresh(cls, plan: Plan) -> State:
        """Before the first step."""
        return cls(plan.epochs)

    @classmethod
    def of(cls, saved: dict[str, Any], device: torch.device) -> State:
        """What `saved` gave, its losses on ``device``."""
        rest = {k: v for k, v in saved.items() if k not in ("losses", "history", "times", "best")}
        return cls(
            losses=list(saved["losses"].to(device)),
            history=[Epoch(**e) for e in saved["history"]],
            times=Times(**saved["times"]),
            best=Best(**saved["best"]) if saved["best"] else None,
            **rest,
        )

    def saved(self) -> dict[str, Any]:
        """Tensors, numbers and text only."""
        best = None
        if self.best:
            best = {"value": self.best.value, "epoch": self.best.epoch, "worse": self.best.worse}
            best["weights"] = self.best.weights  # type: ignore[assignment]
        return {
            **{k: v for k, v in vars(self).items() if k not in ("losses", "history", "times", "best")},
            "losses": torch.stack(self.losses).cpu() if self.losses else torch.zeros(0),
            "history": [asdict(e) for e in self.history],
            "times": asdict(self.times),
            "best": best,
        }

    def selected(self, selection: Selection | None, metric: TuningMetric | None) -> dict[str, Any]:
        """Which epoch's averaged weights are kept and by what, as plain data."""
        if selection and self.best:
            return {
                "epoch": self.best.epoch,
                "by": selection.metric,
                "label": selection.label,
                "value": self.best.value,
                "cases": len(metric.cases) if metric else 0,
            }
        last: dict[str, Any] = {"epoch": len(self.history), "by": None}
        if metric:
            last["why"] = f"{metric.metric.key} was never measured: {metric.reason}"
        return last

    def measured(self, value: float, epoch: int, *, lower: bool, network: nn.Module) -> None:
        """Note the metric after ``epoch``; of equals the later, which has learnt longer."""
        best = self.best
        if best is None or (value <= best.value if lower else value >= best.value):
            weights = {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}
            self.best = Best(value, epoch, weights)
        else:
            best.worse += 1
