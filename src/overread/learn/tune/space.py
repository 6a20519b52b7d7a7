"""What may be tuned: a few numbers of a plan, each within a typed range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, FiniteFloat, model_validator

from overread.learn.plan import Plan
from overread.settings import Strict

if TYPE_CHECKING:
    from optuna import Trial


class Range(Strict):
    """From ``low`` to ``high``; ``log``: drawn by its order of magnitude."""

    low: FiniteFloat
    high: FiniteFloat
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"found {self.low:g} to {self.high:g}, expected the smaller first")
        if self.log and self.low <= 0:
            raise ValueError(f"found {self.low:g} on a logarithmic range, expected above 0")
        return self


class Space(Strict):
    """Ranges of factors upon what the plan says; None leaves that alone.

    ``learning_rate`` and ``weight_decay``: factors. ``augment``: of every range of augmentation (rotation, scale,
    shift, elastic, grey values); 0 is none. ``dropout``: before the last layer, itself and not a factor, of networks
    that take it.
    """

    learning_rate: Range | None = Range(low=0.1, high=10, log=True)
    weight_decay: Range | None = Range(low=0.01, high=10, log=True)
    augment: Range | None = Range(low=0.0, high=2.0)
    dropout: Range | None = Field(default_factory=lambda: Range(low=0.0, high=0.6))

    def drawn(self, trial: Trial, plan: Plan) -> dict[str, float]:
        """One value of each range that ``plan`` can follow."""
        asked = {
            k: r for k, r in self.ranges().items() if k != "dropout" or "dropout" in plan.network.arguments
        }
        return {name: trial.suggest_float(name, r.low, r.high, log=r.log) for name, r in asked.items()}

    def ranges(self) -> dict[str, Range]:
        """Those that are not left alone, by name."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: r for name, r in found.items() if r is not None}


def changed(plan: Plan, values: dict[str, float]) -> Plan:
    """The plan with ``values`` as `Space.drawn` gives them."""
    update: dict[str, object] = {}
    if "learning_rate" in values:
        update["learning_rate"] = min(10.0, plan.learning_rate * values["learning_rate"])
    if "weight_decay" in values:
        update["weight_decay"] = plan.weight_decay * values["weight_decay"]
    if "augment" in values:
        a, by = plan.augment, values["augment"]
        update["augment"] = a.model_copy(
            update={
                "rotate_deg": min(180.0, a.rotate_deg * by),
                "scale": min(2.0, a.scale * by),
                "shear": min(1.0, a.shear * by),
                "shift": min(1.0, a.shift * by),
                "elastic": min(0.25, a.elastic * by),
                "grey_values": {name: value * by for name, value in a.grey_values.items()},
            }
        )
    if "dropout" in values:
        arguments = {**plan.network.arguments, "dropout": values["dropout"]}
        update["network"] = plan.network.model_copy(update={"arguments": arguments})
    return plan.model_copy(update=update)
